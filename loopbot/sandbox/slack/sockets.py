"""Socket Mode: envelopes out, acks in, over as many websockets as the app opened; each envelope goes to one of them."""

import asyncio
import contextlib
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from loopbot.sandbox.slack.workspace import APP, Json

EnvelopeType = Literal["slash_commands", "interactive", "events_api"]
Reason = Literal["warning", "refresh_requested", "link_disabled"]

_CLOSE: Final = object()


class NotAcknowledgedError(TimeoutError):
    """The app did not ack in time: a person would read that the app did not respond."""


@dataclass(slots=True)
class Envelope:
    """One envelope and every ack it got; `sent` counts the deliveries."""

    id: str
    type: EnvelopeType
    payload: Json
    accepts_response_payload: bool
    sent: int = 0
    acks: list[Json] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def response(self) -> Json | None:
        """The payload that came with the last ack, if one came."""
        with self._changed:
            answered = [one["payload"] for one in self.acks if one.get("payload")]
        return answered[-1] if answered else None

    def acked(self, ack: Json) -> None:
        """Note an ack."""
        with self._changed:
            self.acks.append(ack)
            self._changed.notify_all()

    def wait(self, within: float, times: int = 1) -> bool:
        """Whether it was acked so many times within this many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.acks) >= times, within)

    def wire(self, retry_reason: str = "") -> str:
        """The envelope as it goes over the socket."""
        said: Json = {
            "envelope_id": self.id,
            "type": self.type,
            "payload": self.payload,
            "accepts_response_payload": self.accepts_response_payload,
        }
        if self.type == "events_api":
            said |= {"retry_attempt": max(self.sent - 1, 0), "retry_reason": retry_reason}
        return orjson.dumps(said).decode()


@dataclass(slots=True)
class _Connection:
    loop: asyncio.AbstractEventLoop
    queue: "asyncio.Queue[object]"

    def put(self, thing: object) -> None:
        # The loop may be closing under us: then the socket is gone, and its messages with it.
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.queue.put_nowait, thing)


class Sockets:
    """The open sockets of the app; every method may be called from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._connections: list[_Connection] = []
        self._tickets: set[str] = set()
        self._turn = 0
        self.envelopes: dict[str, Envelope] = {}
        self.unknown_acks: list[Json] = []
        self.opened = 0

    def ticket(self) -> str:
        """A ticket for one connection, as part of the address apps.connections.open answers."""
        with self._changed:
            made = str(uuid.uuid4())
            self._tickets.add(made)
            return made

    async def serve(self, websocket: WebSocket) -> None:
        """Talk to one socket until either side closes it."""
        with self._changed:
            known = websocket.query_params.get("ticket", "") in self._tickets
            self._tickets.discard(websocket.query_params.get("ticket", ""))
        if not known:
            await websocket.close(1008)
            return
        await websocket.accept()
        connection = _Connection(asyncio.get_running_loop(), asyncio.Queue())
        with self._changed:
            count = len(self._connections) + 1
        await websocket.send_text(_hello(count))
        with self._changed:
            self._connections.append(connection)
            self.opened += 1
            self._changed.notify_all()
        pump = asyncio.create_task(self._pump(websocket, connection))
        try:
            await self._listen(websocket)
        finally:
            self._forget(connection)
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
                await pump

    async def _listen(self, websocket: WebSocket) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            async for text in websocket.iter_text():
                ack = orjson.loads(text)
                envelope = self.envelopes.get(str(ack.get("envelope_id")))
                if envelope is None:
                    self.unknown_acks.append(ack)
                else:
                    envelope.acked(ack)

    async def _pump(self, websocket: WebSocket, connection: _Connection) -> None:
        while True:
            thing = await connection.queue.get()
            if thing is _CLOSE:
                await websocket.close(1000)
                return
            await websocket.send_text(str(thing))

    def _forget(self, connection: _Connection) -> None:
        with self._changed:
            if connection in self._connections:
                self._connections.remove(connection)
            self._changed.notify_all()

    def count(self) -> int:
        """How many sockets are open."""
        with self._changed:
            return len(self._connections)

    def wait_connected(self, count: int = 1, within: float = 10.0) -> bool:
        """Whether at least so many sockets are open within this many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._connections) >= count, within)

    def wait_disconnected(self, within: float = 10.0) -> bool:
        """Whether no socket is open any more within this many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._connections, within)

    def push(self, kind: EnvelopeType, payload: Json, *, accepts_response_payload: bool = False) -> Envelope:
        """Send a new envelope to one of the sockets, if there is one."""
        envelope = Envelope(str(uuid.uuid4()), kind, payload, accepts_response_payload)
        with self._changed:
            self.envelopes[envelope.id] = envelope
        self._send(envelope, "")
        return envelope

    def redeliver(self, envelope: Envelope, reason: str = "timeout") -> None:
        """Send the same envelope again, perhaps to another socket."""
        self._send(envelope, reason)

    def settle(self, envelope: Envelope, within: float) -> None:
        """Wait for the ack of an envelope; where no socket was open, wait for one and send it there first."""
        end = time.monotonic() + within
        if envelope.sent == 0 and self.wait_connected(1, within):
            self._send(envelope, "")
        if not envelope.wait(max(end - time.monotonic(), 0)):
            fate = "no socket was open" if envelope.sent == 0 else "no ack came"
            raise NotAcknowledgedError(f"{envelope.type} envelope {envelope.id}: {fate} within {within} s")

    def _send(self, envelope: Envelope, reason: str) -> None:
        with self._changed:
            if not self._connections:
                return
            self._turn += 1
            envelope.sent += 1
            self._connections[self._turn % len(self._connections)].put(envelope.wire(reason))

    def disconnect(self, reason: Reason, *, close: bool) -> None:
        """Tell every socket that it will go, and close it at once if asked to."""
        said = orjson.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "twin"}}).decode()
        self._each(lambda connection: connection.put(said))
        if close:
            self._each(lambda connection: connection.put(_CLOSE))

    def drop(self) -> None:
        """Close every socket without a word before."""
        self._each(lambda connection: connection.put(_CLOSE))

    def _each(self, act: Callable[[_Connection], None]) -> None:
        with self._changed:
            for connection in self._connections:
                act(connection)


def _hello(count: int) -> str:
    said = {
        "type": "hello",
        "num_connections": count,
        "debug_info": {"host": "twin", "build_number": 1, "approximate_connection_time": 18060},
        "connection_info": {"app_id": APP},
    }
    return orjson.dumps(said).decode()
