"""The Slack twin: a workspace over real HTTP and a real websocket, and the people in it as a Python API."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from loopbot.sandbox.faults import FaultLayer, Faults
from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.slack import payloads, reading, views
from loopbot.sandbox.slack.posting import Requests
from loopbot.sandbox.slack.responses import ResponseUrls
from loopbot.sandbox.slack.sockets import Envelope, EnvelopeType, NotAcknowledgedError, Reason, Sockets
from loopbot.sandbox.slack.webapi import Tokens, WebApi
from loopbot.sandbox.slack.workspace import BOT_USER, Channel, Json, Message, User, Workspace

BOT_TOKEN: Final = "xoxb-twin-bot"  # noqa: S105 made up: it opens nothing but this twin
APP_TOKEN: Final = "xapp-twin-app"  # noqa: S105 the same
SIGNING_SECRET: Final = "twin-signing-secret"  # noqa: S105 the same
SCOPES: Final = frozenset(
    [
        "app_mentions:read",
        "channels:history",
        "channels:join",
        "channels:read",
        "chat:write",
        "commands",
        "groups:history",
        "groups:read",
        "im:history",
        "metadata.message:read",
        "im:read",
        "im:write",
        "links:read",
        "links:write",
        "reactions:read",
        "reactions:write",
        "usergroups:read",
        "users:read",
        "users:read.email",
    ]
)


class Ways(Protocol):
    """How what people do reaches the app."""

    def push(self, kind: EnvelopeType, payload: Json, *, accepts_response_payload: bool = False) -> Envelope:
        """A new envelope, on its way."""

    def redeliver(self, envelope: Envelope) -> None:
        """The same once more."""

    def settle(self, envelope: Envelope, within: float) -> None:
        """Wait for its ack; raises NotAcknowledgedError."""


class SlackTwin:
    """`app` is the ASGI application; everything else may be called from any thread while it is served."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        faults: Faults | None = None,
        now: Callable[[], datetime] | None = None,
        scopes: Iterable[str] = SCOPES,
        limit_posting: bool = False,
        echoes: bool = True,
    ) -> None:
        self.ledger, self.faults = ledger, faults or Faults()
        self.workspace, self.sockets = Workspace(now), Sockets()
        self.tokens = Tokens({BOT_TOKEN: frozenset(scopes), APP_TOKEN: frozenset({"connections:write"})})
        self.api = WebApi(self.workspace, ledger, self.sockets, self.tokens)
        self.api.limit_posting, self.api.echoes = limit_posting, echoes
        self._responses = ResponseUrls(self.workspace, ledger)
        self._ways: Ways = self.sockets
        routes = [
            Route("/api/{method}", self.api.serve, methods=["GET", "POST"]),
            Route("/response/{token}", self._responses.serve, methods=["POST"]),
            WebSocketRoute("/socket", self.sockets.serve),
        ]
        self.app = FaultLayer(Starlette(routes=routes), "slack", self.faults, ledger)

    # What there is

    def add_user(self, name: str, email: str, tz: str = "Europe/Berlin") -> str:
        """A new person; the id."""
        with self.workspace.lock:
            offset = self.workspace.now().astimezone(ZoneInfo(tz)).utcoffset()
            made = User(self.workspace.fresh("U"), name, email, tz)
            made.utc_offset = int(offset.total_seconds()) if offset else 0
            self.workspace.users[made.id] = made
            return made.id

    def remove_user(self, user: str) -> None:
        """Somebody leaves: still there by id, no longer found by address."""
        with self.workspace.lock:
            self.workspace.users[user].deleted = True

    def add_channel(self, name: str, members: Iterable[str] = (), *, private: bool = False, bot: bool = True) -> str:
        """A new channel with these members, and the bot unless told otherwise; the id."""
        kind: Any = "private" if private else "public"
        return self.workspace.add_channel(name, kind, [*members, *([BOT_USER] if bot else [])]).id

    def add_group(self, handle: str, users: Iterable[str]) -> str:
        """A new user group; the id."""
        with self.workspace.lock:
            made = self.workspace.fresh("S")
            self.workspace.groups[made] = (handle, list(users))
            return made

    def archive(self, channel: str) -> None:
        """Nobody posts there any more."""
        self._channel(channel).archived = True

    def messages(self, where: str) -> list[Message]:
        """The messages of a channel (id or name), or of a person's direct conversation with the bot, oldest first."""
        with self.workspace.lock:
            return list(self._channel(where).messages.values())

    def ephemerals(self, user: str) -> list[Message]:
        """What only this person saw, oldest first."""
        with self.workspace.lock:
            return [one for one in self.workspace.ephemerals if one.ephemeral_to == user]

    def home(self, user: str) -> Json | None:
        """The home tab published for this person."""
        with self.workspace.lock:
            return views.home_of(self.workspace, user)

    def open_views(self, user: str) -> list[Json]:
        """The modals this person has open, the newest last."""
        with self.workspace.lock:
            found = [one for one in self.workspace.views.values() if one["_user"] == user]
            return [one for one in found if one["type"] == "modal"]

    def speak_http(self, url: str) -> Requests:
        """From now on what people do goes to this request URL, signed, and over no socket."""
        self._ways = ways = Requests(url, SIGNING_SECRET)
        return ways

    def speak_through(self, ways: Ways) -> None:
        """From now on what people do goes this way."""
        self._ways = ways

    def revoke(self, token: str) -> None:
        """From now on `token_revoked`."""
        self.tokens.revoked.add(token)

    # What people do

    def slash(
        self, user: str, command: str, text: str = "", channel: str | None = None, ack_within: float = 3.0
    ) -> Envelope:
        """A slash command, in the person's conversation with the bot unless a channel is named."""
        where = self._channel(channel or user)
        link = self._responses.grant(self.api.root, where, user)
        payload = payloads.slash(self.workspace, self._user(user), where, command, text, link)
        sent = self._interact("slash_commands", payload, ack_within)
        if sent.response:
            with self.workspace.lock:
                self._responses.say(where, user, sent.response)
        return sent

    def click(  # noqa: PLR0913 (a click has many parts)
        self,
        message: Message,
        action_id: str,
        user: str,
        *,
        times: int = 1,
        choose: str | None = None,
        block: str | None = None,
        ack_within: float = 3.0,
    ) -> Envelope:
        """Clicks in a message (in one block of it) as the person sees it now, all sent before the first ack is awaited; the last envelope."""
        where = self.workspace.channels[message.channel]
        made = []
        with self.workspace.lock:
            shown = [one for one in message.blocks if block in {None, one.get("block_id")}]
            # All are made before one is sent: the app's answer to the first may take the button away.
            for _ in range(times):
                action = payloads.action_in(shown, action_id, self.workspace.stamp(), choose)
                link = self._responses.grant(self.api.root, where, user, message)
                made.append(payloads.click(self.workspace, self._user(user), message, where, action, link))
        sent = [self._ways.push("interactive", payload) for payload in made]
        for envelope in sent:
            self._ways.settle(envelope, ack_within)
        return sent[-1]

    def click_in_view(
        self, view: Json, action_id: str, user: str, *, choose: str | None = None, ack_within: float = 3.0
    ) -> Envelope:
        """A click in a modal or on the home tab."""
        action = payloads.action_in(view["blocks"], action_id, self.workspace.stamp(), choose)
        payload = payloads.click_in_view(self.workspace, self._user(user), view, action)
        return self._interact("interactive", payload, ack_within)

    def shortcut(
        self, user: str, callback_id: str, message: Message | None = None, ack_within: float = 3.0
    ) -> Envelope:
        """A shortcut: on a message, or a global one."""
        kind = "message_action" if message else "shortcut"
        payload = payloads.interaction(self.workspace, kind, self._user(user))
        payload |= {"callback_id": callback_id, "action_ts": self.workspace.stamp()}
        if message is not None:
            where = self.workspace.channels[message.channel]
            payload |= {
                "message_ts": message.ts,
                "message": message.shown(with_metadata=True),
                "channel": {"id": where.id, "name": where.name or "directmessage"},
                "response_url": self._responses.grant(self.api.root, where, user, message),
            }
        return self._interact("interactive", payload, ack_within)

    def view_submission(
        self, user: str, view: Json, answers: Mapping[str, Any] | None = None, ack_within: float = 3.0
    ) -> Envelope:
        """Submit a modal; answers by action_id. An ack without `errors` or `update` closes it."""
        values = payloads.state_of(view, dict(answers or {}))
        payload = payloads.submission(self.workspace, self._user(user), view, values)
        sent = self._interact("interactive", payload, ack_within)
        response = sent.response or {}
        with self.workspace.lock:
            if response.get("response_action") in {"update", "push"}:
                known = view["id"] if response["response_action"] == "update" else ""
                views.stored(self.workspace, views.check(response["view"]), user, known)
            elif response.get("response_action") != "errors":
                self.workspace.views.pop(view["id"], None)
        return sent

    def say(
        self, user: str, channel: str, text: str, *, thread_ts: str | None = None, ack_within: float | None = 3.0
    ) -> Message:
        """A person's message, stored as Slack stores what is typed; `ack_within=None`: nobody waits for the app."""
        with self.workspace.lock:
            where = self._channel(channel)
            said = Message(self.workspace.stamp(), where.id, user, reading.typed(text), thread_ts=thread_ts)
            where.messages[said.ts] = said
        if BOT_USER in where.members:
            told = payloads.message_event(said, where)
            self._tell(told, ack_within)
            if f"<@{BOT_USER}>" in said.text and where.kind != "im":
                self._tell(told | {"type": "app_mention"}, ack_within)
        return said

    def react(self, user: str, message: Message, name: str, ack_within: float | None = 3.0) -> None:
        """A reaction to a message."""
        with self.workspace.lock:
            message.reactions.setdefault(name, []).append(user)
        item = {"type": "message", "channel": message.channel, "ts": message.ts}
        told = {"type": "reaction_added", "user": user, "reaction": name, "item": item, "item_user": message.user}
        self._tell(told | {"event_ts": self.workspace.stamp()}, ack_within)

    def share(
        self, user: str, channel: str, *urls: str, external: bool = False, ack_within: float | None = 3.0
    ) -> Message:
        """Somebody posts addresses of a domain that the app unfurls."""
        said = self.say(user, channel, "see " + " ".join(f"<{url}>" for url in urls), ack_within=None)
        links = [{"domain": url.split("/")[2], "url": url} for url in urls]
        told: Json = {"type": "link_shared", "user": user, "channel": said.channel, "message_ts": said.ts}
        told |= {"links": links, "source": "conversations_history", "unfurl_id": f"{said.channel}.{said.ts}"}
        payload = payloads.event(self.workspace, told | {"event_ts": self.workspace.stamp()})
        payload["is_ext_shared_channel"] = external
        sent = self._ways.push("events_api", payload)
        if ack_within is not None:
            self._ways.settle(sent, ack_within)
        return said

    def open_home(self, user: str, ack_within: float | None = 3.0) -> None:
        """Somebody looks at the app's home tab."""
        known = self.home(user)
        told: Json = {"type": "app_home_opened", "user": user, "channel": self.workspace.direct(user).id, "tab": "home"}
        told |= {"view": views.shown(known)} if known else {}
        self._tell(told | {"event_ts": self.workspace.stamp()}, ack_within)

    # What Slack does

    def redeliver(self, envelope: Envelope, ack_within: float = 3.0) -> None:
        """The same envelope again, as after an ack that was lost; waits for one more ack."""
        before = len(envelope.acks)
        self._ways.redeliver(envelope)
        if not envelope.wait(ack_within, before + 1):
            raise NotAcknowledgedError(f"envelope {envelope.id}: no further ack within {ack_within} s")

    def disconnect(self, reason: Reason = "refresh_requested", *, close: bool | None = None) -> None:
        """Recycle the sockets: `warning` only announces it, other reasons close them (unless `close` says)."""
        self.sockets.disconnect(reason, close=reason != "warning" if close is None else close)

    def _interact(self, kind: EnvelopeType, payload: Json, within: float) -> Envelope:
        sent = self._ways.push(kind, payload, accepts_response_payload=True)
        self._ways.settle(sent, within)
        return sent

    def _tell(self, told: Json, within: float | None) -> None:
        sent = self._ways.push("events_api", payloads.event(self.workspace, told))
        if within is not None:
            self._ways.settle(sent, within)

    def _user(self, user: str) -> User:
        return self.workspace.users[user]

    def _channel(self, where: str) -> Channel:
        with self.workspace.lock:
            if where in self.workspace.users:
                return self.workspace.direct(where)
            for one in self.workspace.channels.values():
                if where.removeprefix("#") in (one.id, one.name):
                    return one
        raise LookupError(f"the workspace has no channel {where!r}")
