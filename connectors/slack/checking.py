"""What `check` looks at in Slack: tokens, scopes, channels."""

from collections.abc import Iterator
from typing import Final

from connectors.slack.calls import Calls
from connectors.slack.settings import SlackSettings
from loopbot.domain.errors import ConfigError, SystemTrouble
from loopbot.ports import Finding, Secrets

# scope -> what does not work without it
NEEDED: Final = {
    "chat:write": "nothing can be posted",
    "im:write": "people can not be written to",
    "users:read": "who pressed a button stays unknown",
    "users:read.email": "people can not be found by their e-mail",
    "channels:read": "channels can not be found by their name",
}
WANTED: Final = {
    "channels:history": "a post whose answer was lost can not be looked for",
    "im:history": "a direct message whose answer was lost can not be looked for",
    "groups:read": "private channels can not be found by their name",
    "groups:history": "a lost post in a private channel can not be looked for",
    "metadata.message:read": "a lost message is found by the ids of its blocks alone",
    "commands": "the slash command does not exist",
    "reactions:read": "reactions make no message feedback",
    "links:read": "addresses of tickets get no line",
    "links:write": "addresses of tickets get no line",
    "usergroups:read": "user groups under [roles] have nobody in them",
}


def findings(calls: Calls, settings: SlackSettings, secrets: Secrets) -> Iterator[Finding]:
    """All of it; reads only, except that a socket address is asked for and not used."""
    try:
        told, scopes = calls.whoami()
    except (SystemTrouble, ConfigError) as error:
        yield Finding("error", "token", error.why, error.hint)
        return
    yield Finding("ok", "token", f"it is {told.get('user')} in the workspace {told.get('team')}")
    yield from _scopes(scopes)
    yield from _clock(calls)
    yield from _socket(calls, settings, secrets)
    yield from _channels(calls, settings, scopes)


def _scopes(scopes: frozenset[str]) -> Iterator[Finding]:
    if not scopes:
        yield Finding("warning", "scopes", "Slack did not say which scopes the token has")
        return
    hint = "add it under OAuth & Permissions (or use connectors/slack/manifest.yaml) and install the app again"
    for scope, lost in NEEDED.items():
        if scope not in scopes:
            yield Finding("error", f"scope {scope}", f"it is missing: {lost}", hint)
    for scope, lost in WANTED.items():
        if scope not in scopes:
            yield Finding("warning", f"scope {scope}", f"it is missing: {lost}", hint)
    if scopes.issuperset(NEEDED) and scopes.issuperset(WANTED):
        yield Finding("ok", "scopes", "all that are needed are there")


def _clock(calls: Calls) -> Iterator[Finding]:
    if calls.skew is not None and abs(calls.skew) > 60:
        yield Finding(
            "warning", "clock", f"this machine's clock is {abs(calls.skew):.0f} s off Slack's", "let it be set by NTP"
        )


def _socket(calls: Calls, settings: SlackSettings, secrets: Secrets) -> Iterator[Finding]:
    if settings.app_token is None and settings.signing_secret is not None:
        yield _signing(settings, secrets)
        return
    if settings.app_token is None:
        yield Finding(
            "warning",
            "app token",
            "there is none: loopbot posts, but hears no command and no button",
            "set app_token, or signing_secret",
        )
        return
    try:
        calls.socket_address(secrets.resolve(settings.app_token))
    except (SystemTrouble, ConfigError) as error:
        hint = error.hint or "it must be an app-level token (xapp-) with the scope connections:write"
        yield Finding("error", "app token", error.why, hint)
    else:
        yield Finding("ok", "app token", "Socket Mode answers")


def _signing(settings: SlackSettings, secrets: Secrets) -> Finding:
    try:
        secrets.resolve(settings.signing_secret or "")
    except ConfigError as error:
        return Finding("error", "signing secret", error.why, error.hint)
    return Finding(
        "ok", "signing secret", "people are heard over HTTP, at /chats/ and the system's name; that needs [web]"
    )


def _channels(calls: Calls, settings: SlackSettings, scopes: frozenset[str]) -> Iterator[Finding]:
    if not settings.channels:
        return
    types = "public_channel,private_channel" if "groups:read" in scopes else "public_channel"
    inside: dict[str, bool] = {}
    try:
        for rows in calls.pages("conversations.list", "channels", types=types, exclude_archived=True):
            for row in rows:
                inside[str(row.get("id"))] = bool(row.get("is_member"))
                inside[str(row.get("name", "")).lower()] = bool(row.get("is_member"))
    except SystemTrouble as error:
        yield Finding("error", "channels", error.why, error.hint)
        return
    for alias, named in settings.channels.items():
        member = inside.get(named) if named in inside else inside.get(named.removeprefix("#").lower())
        about = f"channel {alias}" if alias == named.removeprefix("#") else f"channel {alias} ({named})"
        if member is None:
            yield Finding("error", about, "loopbot sees no such channel", "check the name, or /invite @loopbot in it")
        elif member:
            yield Finding("ok", about, "the bot is in it")
        else:
            yield Finding("error", about, "the bot is not in it", "type in the channel: /invite @loopbot")
