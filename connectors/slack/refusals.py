"""What Slack's error words mean for us: what to do next, and what a person has to add."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from loopbot.domain.errors import Rejected, SystemTrouble, Transient, Unauthorized, Uncertain
from loopbot.domain.redaction import scrubbed
from loopbot.domain.texts import shorten

_CREDENTIALS: Final = frozenset(
    [
        "invalid_auth",
        "not_authed",
        "token_revoked",
        "token_expired",
        "account_inactive",
        "not_allowed_token_type",
        "access_denied",
        "team_access_not_granted",
        "two_factor_setup_required",
    ]
)
_LATER: Final = frozenset(
    [
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "org_login_required",
    ]
)
# Slack says of these that a part of the work may have been done.
_PERHAPS: Final = frozenset(["fatal_error", "internal_error"])
_REMEDIES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "channel_not_found": (
            "there is no such channel, or it is private",
            "check the name, or type in it: /invite @loopbot",
        ),
        "not_in_channel": ("the bot is not in the channel", "type in the channel: /invite @loopbot"),
        "is_archived": ("the channel is archived", "name another channel in the rule or in `channels`"),
        "users_not_found": ("nobody in Slack has this e-mail", "add the person to people.toml"),
        "user_not_found": ("there is no such person in this workspace", "add the person to people.toml"),
        "user_disabled": ("the person's account is deactivated", "drop the message: `loopbot outbox drop`"),
        "cannot_dm_bot": ("a bot can not be written to", "name a person"),
        "message_not_found": ("the message was deleted in Slack", "drop the update: `loopbot outbox drop`"),
        "cant_update_message": ("the message is not the bot's own", "was the app installed anew?"),
        "edit_window_closed": ("the workspace does not let messages be edited so late", "see the workspace's settings"),
        "restricted_action": ("the workspace does not let the bot post there", "ask an administrator of the workspace"),
        "restricted_action_read_only_channel": ("the channel is read-only", "ask an administrator of the workspace"),
        "msg_too_long": ("the text is too long", "shorten the rule's text"),
        "msg_blocks_too_long": ("the text is too long", "shorten the rule's text"),
        "unknown_method": ("the method does not exist there", "is base_url right?"),
    }
)


def trouble_of(system: str, method: str, said: Mapping[str, Any], *, writes: bool) -> SystemTrouble:
    """The error for an answer with `ok: false`."""
    word = shorten(scrubbed(str(said.get("error") or "no reason given")), 200)
    what = f"{method} was refused: {word}"
    if word in _CREDENTIALS:
        return Unauthorized(system, what, "check the token and whether the app is still installed: `loopbot check`")
    if word == "missing_scope":
        needed = str(said.get("needed") or "see the manifest")
        return Rejected(system, what, f"add the scope {needed} to the app and install it again")
    if word in _LATER:
        return Transient(system, what, after=30.0)
    if word in _PERHAPS:
        return Uncertain(system, what) if writes else Transient(system, what)
    why, hint = _REMEDIES.get(word, (_details(said), ""))
    return Rejected(system, f"{what}{': ' if why else ''}{why}", hint)


def _details(said: Mapping[str, Any]) -> str:
    told = said.get("response_metadata")
    lines = told.get("messages") if isinstance(told, dict) else None
    return scrubbed("; ".join(str(line) for line in lines[:5]))[:300] if isinstance(lines, list) else ""
