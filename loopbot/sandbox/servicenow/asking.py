"""A request and its answer, apart from HTTP: the items of a batch are requests of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from loopbot.sandbox.servicenow.behaviour import RefusedError


@dataclass(frozen=True, slots=True)
class Ask:
    """One request; header names in lower case, `params` in the order given, `origin` is scheme and host."""

    method: str
    path: str
    params: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes
    origin: str
    user: str = ""

    def param(self, name: str, default: str = "") -> str:
        """The first query parameter of that name."""
        return next((value for key, value in self.params if key == name), default)

    def json(self) -> Any:
        """The body, which must be a JSON object; 400 otherwise."""
        try:
            found = orjson.loads(self.body or b"{}")
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise RefusedError(400, "Exception while reading request", "The payload is not valid JSON.")
        return found


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON body (None: no body)."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """The body's bytes."""
        return b"" if self.body is None else orjson.dumps(self.body)


def refusal(refused: RefusedError) -> Answer:
    """The vendor's shape of an error."""
    body = {"error": {"message": refused.message, "detail": refused.detail}, "status": "failure"}
    return Answer(refused.status, body, refused.headers)
