"""Faults on request: an ASGI layer in front of a twin that throttles, breaks, delays or loses answers.

`lose_answer` lets the twin act and then cuts the connection: the client can not know whether the write happened.
"""

import asyncio
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from loopbot.sandbox.ledger import Ledger

FaultKind = Literal["status", "refuse", "lose_answer", "hang", "slow", "truncate", "html", "body"]


@dataclass(slots=True)
class Fault:
    """What goes wrong, on which requests (`METHOD /path` searched by `match`), after `skip` of them, for `times` of them.

    - status: answer `status` with `headers` and `body`, the twin does not act
    - refuse: cut the connection before the twin acts
    - lose_answer: the twin acts, then the connection is cut
    - hang: the twin acts, the answer never comes (until the client goes away or `seconds` pass)
    - slow: the answer waits `seconds`
    - truncate: the twin acts, half the body is sent and the connection is cut
    - html: 200 with a login page
    - body: the twin acts, but its status and body are replaced by `status` and `body`
    """

    kind: FaultKind
    match: str = ""
    times: int = 1
    skip: int = 0
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 30.0


@dataclass(slots=True)
class Faults:
    """The faults waiting to happen at one twin; safe to add from any thread."""

    _waiting: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, *faults: Fault) -> None:
        """Let these happen, the first that fits a request first."""
        with self._lock:
            self._waiting.extend(faults)

    def clear(self) -> None:
        """Heal."""
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> int:
        """How many have not happened (to the end) yet."""
        with self._lock:
            return len(self._waiting)

    def strike(self, request: str) -> Fault | None:
        """The fault that happens to this request, counted off."""
        with self._lock:
            for fault in self._waiting:
                if not re.search(fault.match, request):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None


class FaultLayer:
    """ASGI middleware: counts every request in the ledger and lets the waiting faults happen."""

    def __init__(self, app: Any, system: str, faults: Faults, ledger: Ledger) -> None:
        self._app, self._system, self._faults, self._ledger = app, system, faults, ledger

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on to the twin, with the fault that waits for it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        query = scope["query_string"].decode("latin-1")
        fault = self._faults.strike(f"{scope['method']} {path}" + (f"?{query}" if query else ""))
        status = 0
        held: list[dict[str, Any]] = []

        async def passing(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # Noted before the client can see the answer: whoever has it finds it counted.
                self._ledger.requested(self._system, scope["method"], path, status)
            await send(message)

        async def holding(message: dict[str, Any]) -> None:
            held.append(message)

        try:
            if fault is None:
                await self._app(scope, receive, passing)
            else:
                acts = fault.kind in {"lose_answer", "hang", "slow", "truncate", "body"}
                if acts:
                    await self._app(scope, receive, holding)
                await self._happen(fault, held, receive, passing, send)
        finally:
            if status == 0:
                self._ledger.requested(self._system, scope["method"], path, status)

    async def _happen(self, fault: Fault, held: list[dict[str, Any]], receive: Any, send: Any, cycle: Any) -> None:
        if fault.kind in {"refuse", "lose_answer"}:
            self._cut(cycle)
        elif fault.kind == "hang":
            await self._hang(fault.seconds, receive)
            self._cut(cycle)
        elif fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            for message in held:
                await send(message)
        elif fault.kind == "truncate":
            body = b"".join(message.get("body", b"") for message in held)
            await send(held[0])
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            self._cut(cycle)
        elif fault.kind == "html":
            page = b"<!doctype html><html><title>Log in</title><body><form>Please log in</form></body></html>"
            await self._answer(send, 200, {"content-type": "text/html"}, page)
        else:
            await self._answer(send, fault.status, fault.headers, fault.body)

    def _cut(self, cycle: Any) -> None:
        """Reset the connection. ASGI has no word for it: uvicorn's `send` is a method of the cycle that owns the transport."""
        cycle.__self__.transport.abort()

    async def _hang(self, seconds: float, receive: Any) -> None:
        async def gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        try:
            await asyncio.wait_for(gone(), seconds)
        except TimeoutError:
            return

    async def _answer(self, send: Any, status: int, headers: Mapping[str, str], body: bytes) -> None:
        given = {name.lower(): value for name, value in headers.items()}
        given.setdefault("content-type", "application/json")
        given["content-length"] = str(len(body))
        await send({"type": "http.response.start", "status": status, "headers": _raw(given.items())})
        await send({"type": "http.response.body", "body": body})


def _raw(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
