"""One call of the Web API: its arguments read the way slack_sdk and curl send them, its token, its scopes."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request

from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.slack.sockets import Sockets
from loopbot.sandbox.slack.workspace import Channel, Json, Message, RefusedError, Workspace

Scopes = frozenset[str]
KIND_SCOPE: Final[Mapping[str, str]] = MappingProxyType({"public": "channels", "private": "groups", "im": "im"})


@dataclass(frozen=True, slots=True)
class Call:
    """What a method works with; `announce` tells the app's sockets about a message it posted itself."""

    workspace: Workspace
    ledger: Ledger
    sockets: Sockets
    arguments: Mapping[str, Any]
    actor: str
    scopes: Scopes
    root: str
    announce: Callable[[Message], None]

    def text(self, name: str, default: str = "") -> str:
        """An argument as text."""
        value = self.arguments.get(name)
        return default if value is None else str(value)

    def need(self, name: str, error: str = "invalid_arguments") -> str:
        """An argument that must be there."""
        value = self.text(name)
        if not value:
            detail = f"[ERROR] missing required field: {name}"
            raise RefusedError(error, response_metadata={"messages": [detail]})
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """An argument as a truth value: true, 1, "true"."""
        value = self.arguments.get(name)
        return default if value is None else value in (True, 1, "1", "true", "True")

    def count(self, name: str, default: int, most: int) -> int:
        """A page size; what is not between 1 and `most` is refused."""
        given = self.text(name, str(default)) or str(default)
        if not given.isdigit() or not 1 <= int(given) <= most:
            raise RefusedError("invalid_limit")
        return int(given)

    def structure(self, name: str, error: str) -> Any:
        """An argument that is JSON, or text that holds JSON; None where it is absent."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        try:
            return orjson.loads(value) if value else None
        except orjson.JSONDecodeError as broken:
            raise RefusedError(error) from broken

    def names(self, name: str, default: str = "") -> list[str]:
        """A comma-separated argument, or a JSON array."""
        value = self.arguments.get(name)
        if isinstance(value, list):
            return [str(one) for one in value]
        return [one.strip() for one in (self.text(name) or default).split(",") if one.strip()]

    def channel(self, name: str = "channel") -> Channel:
        """The channel an argument names."""
        return self.workspace.channel(self.need(name, "channel_not_found"))

    def scope(self, *any_of: str) -> None:
        """Refuse unless one of these scopes was granted."""
        if not self.scopes.intersection(any_of):
            raise RefusedError("missing_scope", needed=",".join(any_of), provided=",".join(sorted(self.scopes)))


def page_of(call: Call, rows: list[Any], default: int, most: int) -> tuple[list[Any], str]:
    """This call's page of the rows, and the cursor of the next one (empty at the end)."""
    size = call.count("limit", default, most)
    start = _position(call.text("cursor"))
    rest = start + size
    return rows[start:rest], base64.b64encode(f"next:{rest}".encode()).decode() if rest < len(rows) else ""


def _position(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = base64.b64decode(cursor, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as broken:
        raise RefusedError("invalid_cursor") from broken
    if word != "next" or not number.isdigit():
        raise RefusedError("invalid_cursor")
    return int(number)


async def arguments_of(request: Request) -> Json:
    """The arguments of a request: query, and a form or JSON body."""
    given: Json = dict(request.query_params)
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/json") and body:
        try:
            told = orjson.loads(body)
        except orjson.JSONDecodeError as broken:
            raise RefusedError("invalid_json") from broken
        if not isinstance(told, dict):
            raise RefusedError("json_not_object")
        return given | told
    if body:
        given |= dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True))
    return given


def token_of(request: Request, arguments: Mapping[str, Any]) -> str:
    """The token of the Authorization header, or the `token` argument; not_authed without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    found = token.strip() if scheme.lower() == "bearer" else str(arguments.get("token") or "")
    if not found:
        raise RefusedError("not_authed")
    return found
