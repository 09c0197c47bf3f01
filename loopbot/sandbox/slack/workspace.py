"""What a Slack workspace holds: people, channels, messages, views; ids and stamps are unique and grow."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

ChannelKind = Literal["public", "private", "im"]
Json = dict[str, Any]

TEAM, APP, BOT, BOT_USER = "T0TWIN0001", "A0TWIN0001", "B0TWIN0001", "U0TWINBOT1"


class RefusedError(Exception):
    """Slack says `{"ok": false, "error": ...}`; `extra` stands beside the error in the answer."""

    def __init__(self, error: str, status: int = 200, headers: Mapping[str, str] | None = None, **extra: Any) -> None:
        super().__init__(error)
        self.error, self.status, self.headers, self.extra = error, status, dict(headers or {}), extra


@dataclass(slots=True)
class User:
    """Somebody of the workspace; `tz` is an IANA name."""

    id: str
    name: str
    email: str
    tz: str
    is_bot: bool = False
    deleted: bool = False
    utc_offset: int = 0

    def shown(self, *, with_email: bool) -> Json:
        """The user as users.info shows it; the address needs the scope users:read.email."""
        profile: Json = {"real_name": self.name, "display_name": self.name, "team": TEAM}
        if with_email and not self.is_bot:
            profile["email"] = self.email
        return {
            "id": self.id,
            "team_id": TEAM,
            "name": self.name.lower().replace(" ", "."),
            "real_name": self.name,
            "deleted": self.deleted,
            "tz": self.tz,
            "tz_offset": self.utc_offset,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "profile": profile,
        }


@dataclass(slots=True)
class Message:
    """One message as it stands now; `flags` keeps what the poster asked for (unfurl_links, link_names, ...)."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    thread_ts: str | None = None
    broadcast: bool = False
    edited_ts: str | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    flags: dict[str, object] = field(default_factory=dict)
    by_bot: bool = False
    ephemeral_to: str | None = None

    def shown(self, *, with_metadata: bool = False) -> Json:
        """The message as the Web API shows it."""
        said: Json = {"type": "message", "user": self.user, "text": self.text, "ts": self.ts, "team": TEAM}
        if self.by_bot:
            said |= {"bot_id": BOT, "app_id": APP, "bot_profile": {"id": BOT, "app_id": APP, "name": "loopbot"}}
        if self.blocks:
            said["blocks"] = self.blocks
        if self.attachments:
            said["attachments"] = self.attachments
        if self.thread_ts:
            said["thread_ts"] = self.thread_ts
        if self.broadcast:
            said["subtype"] = "thread_broadcast"
        if self.edited_ts:
            said["edited"] = {"user": self.user, "ts": self.edited_ts}
        if self.reactions:
            said["reactions"] = [
                {"name": name, "users": users, "count": len(users)} for name, users in self.reactions.items()
            ]
        if with_metadata and self.metadata:
            said["metadata"] = self.metadata
        return said


@dataclass(slots=True)
class Channel:
    """A channel or a direct conversation (`kind` im: `members` are the person and the bot)."""

    id: str
    name: str
    kind: ChannelKind
    members: list[str]
    created: int
    archived: bool = False
    messages: dict[str, Message] = field(default_factory=dict)

    def shown(self) -> Json:
        """The channel as conversations.info shows it."""
        told: Json = {
            "id": self.id,
            "created": self.created,
            "is_archived": self.archived,
            "is_im": self.kind == "im",
            "is_mpim": False,
            "is_channel": self.kind == "public",
            "is_group": self.kind == "private",
            "is_private": self.kind != "public",
            "is_org_shared": False,
            "context_team_id": TEAM,
        }
        if self.kind == "im":
            person = next((one for one in self.members if one != BOT_USER), BOT_USER)
            return told | {"user": person, "is_open": True}
        return told | {
            "name": self.name,
            "name_normalized": self.name,
            "is_member": BOT_USER in self.members,
            "num_members": len(self.members),
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }

    def thread(self, ts: str) -> list[Message]:
        """The message and its replies, oldest first."""
        return [one for one in self.messages.values() if ts in (one.ts, one.thread_ts)]


class Workspace:
    """All of it, behind one lock; the methods of the Web API and the people's acts work on it."""

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        self.now = now or (lambda: datetime.now(UTC))
        self.lock = threading.RLock()
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.groups: dict[str, tuple[str, list[str]]] = {}
        self.ephemerals: list[Message] = []
        self.views: dict[str, Json] = {}
        self.triggers: dict[str, tuple[str, datetime]] = {}
        self._number = 0
        self._last_stamp = 0
        self.users[BOT_USER] = User(BOT_USER, "loopbot", "", "Etc/UTC", is_bot=True)

    def fresh(self, prefix: str) -> str:
        """A new id: U..., C..., D..., Ev..."""
        with self.lock:
            self._number += 1
            return f"{prefix}0TWIN{self._number:05d}"

    def stamp(self) -> str:
        """A new message stamp, greater than every one before: seconds and six digits."""
        with self.lock:
            micros = max(int(self.now().timestamp() * 1_000_000), self._last_stamp + 100)
            self._last_stamp = micros
            return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"

    def user(self, user: str) -> User:
        """The user, or user_not_found."""
        found = self.users.get(user)
        if found is None:
            raise RefusedError("user_not_found")
        return found

    def channel(self, channel: str) -> Channel:
        """The channel by id or #name as the bot sees it, or channel_not_found (a private one it is not in)."""
        found = self.channels.get(channel) or next(
            (one for one in self.channels.values() if one.name and one.name == channel.removeprefix("#")), None
        )
        if found is None or (found.kind != "public" and BOT_USER not in found.members):
            raise RefusedError("channel_not_found")
        return found

    def direct(self, user: str) -> Channel:
        """The direct conversation of this person with the bot, opened if there is none."""
        with self.lock:
            self.user(user)
            for one in self.channels.values():
                if one.kind == "im" and user in one.members:
                    return one
            return self.add_channel("", "im", [user, BOT_USER])

    def add_channel(self, name: str, kind: ChannelKind, members: Iterable[str]) -> Channel:
        """A new channel or direct conversation."""
        with self.lock:
            number = self.fresh("D" if kind == "im" else "C")
            made = Channel(number, name, kind, list(members), int(self.now().timestamp()))
            self.channels[made.id] = made
            return made

    def message(self, channel: Channel, ts: str) -> Message:
        """The message, or message_not_found."""
        found = channel.messages.get(ts)
        if found is None:
            raise RefusedError("message_not_found")
        return found

    def trigger(self, user: str) -> str:
        """A trigger id: opens one view within 3 s."""
        with self.lock:
            made = f"{self.fresh('')}.{TEAM}.trigger"
            self.triggers[made] = (user, self.now())
            return made

    def take_trigger(self, trigger: str) -> str:
        """Whose trigger this is; it is used up."""
        with self.lock:
            if trigger not in self.triggers:
                raise RefusedError("invalid_trigger_id" if trigger else "missing_argument")
            user, made = self.triggers[trigger]
            if user == "":
                raise RefusedError("exchanged_trigger_id")
            self.triggers[trigger] = ("", made)
            if (self.now() - made).total_seconds() > 3:
                raise RefusedError("expired_trigger_id")
            return user
