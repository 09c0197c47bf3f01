"""The Web API's front: routes a method, checks its token, and answers errors the way Slack does (200 and ok: false)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.slack import chat, conversations, payloads, people, views
from loopbot.sandbox.slack.calls import Call, Scopes, arguments_of, token_of
from loopbot.sandbox.slack.sockets import Sockets
from loopbot.sandbox.slack.workspace import BOT_USER, Json, Message, RefusedError, Workspace

METHODS: Final[Mapping[str, Callable[[Call], Json]]] = MappingProxyType(
    {
        "api.test": people.api_test,
        "auth.test": people.auth_test,
        "apps.connections.open": people.connections_open,
        "chat.delete": chat.delete,
        "chat.getPermalink": chat.get_permalink,
        "chat.postEphemeral": chat.post_ephemeral,
        "chat.postMessage": chat.post_message,
        "chat.unfurl": chat.unfurl,
        "chat.update": chat.update,
        "conversations.history": conversations.history,
        "conversations.info": conversations.info,
        "conversations.join": conversations.join,
        "conversations.list": conversations.listing,
        "conversations.members": conversations.members,
        "conversations.open": conversations.open_direct,
        "conversations.replies": conversations.replies,
        "reactions.add": people.react,
        "usergroups.list": people.groups,
        "usergroups.users.list": people.group_users,
        "users.info": people.info,
        "users.list": people.listing,
        "users.lookupByEmail": people.lookup_by_email,
        "views.open": views.open_view,
        "views.publish": views.publish,
        "views.update": views.update,
    }
)


@dataclass(slots=True)
class Tokens:
    """The tokens the workspace knows and what each may do; a revoked one stays known as revoked."""

    granted: dict[str, Scopes] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)

    def scopes(self, token: str, method: str) -> Scopes:
        """The scopes of a token, or the reason why it is none, or of the wrong kind."""
        if token in self.revoked:
            raise RefusedError("token_revoked")
        if token not in self.granted:
            raise RefusedError("invalid_auth")
        if token.startswith("xapp-") != (method == "apps.connections.open"):
            raise RefusedError("not_allowed_token_type")
        return self.granted[token]


def _method(name: str) -> Callable[[Call], Json]:
    method = METHODS.get(name)
    if method is None:
        raise RefusedError("unknown_method", req_method=name)
    return method


class WebApi:
    """Answers `/api/<method>`; `limit_posting` allows one message a second a channel."""

    def __init__(self, workspace: Workspace, ledger: Ledger, sockets: Sockets, tokens: Tokens) -> None:
        self.workspace, self.ledger, self.sockets, self.tokens = workspace, ledger, sockets, tokens
        self.limit_posting = self.echoes = False
        self.root = ""
        self._last_post: dict[str, datetime] = {}

    async def serve(self, request: Request) -> Response:
        """One call."""
        name = str(request.path_params["method"])
        self.root = self.root or str(request.base_url).rstrip("/")
        scopes: Scopes = frozenset()
        headers: dict[str, str] = {}
        status = 200
        try:
            arguments = await arguments_of(request)
            method = _method(name)
            if name != "api.test":
                scopes = self.tokens.scopes(token_of(request, arguments), name)
            with self.workspace.lock:
                self._pace(name, arguments)
                call = Call(
                    self.workspace, self.ledger, self.sockets, arguments, BOT_USER, scopes, self.root, self._announce
                )
                answer: Json = {"ok": True} | method(call)
        except RefusedError as refused:
            answer = {"ok": False, "error": refused.error} | refused.extra
            status, headers = refused.status, refused.headers
        headers |= {"x-oauth-scopes": ",".join(sorted(scopes)), "x-slack-req-id": self.workspace.fresh("")}
        return Response(orjson.dumps(answer), status, headers, media_type="application/json; charset=utf-8")

    def _pace(self, name: str, arguments: Json) -> None:
        if not self.limit_posting or name not in {"chat.postMessage", "chat.postEphemeral"}:
            return
        channel, now = str(arguments.get("channel")), self.workspace.now()
        last = self._last_post.get(channel)
        if last is not None and (now - last).total_seconds() < 1:
            raise RefusedError("ratelimited", 429, {"Retry-After": "1"})
        self._last_post[channel] = now

    def _announce(self, message: Message) -> None:
        if self.echoes and self.sockets.count():
            where = self.workspace.channels[message.channel]
            told = payloads.message_event(message, where)
            self.sockets.push("events_api", payloads.event(self.workspace, told))
