"""A server of one's own, down to the bytes: it notes each request that reached it whole, and then does what it is told."""

import contextlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
T = TypeVar("T")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Gone(Exception):
    """The other side hung up."""


class Caller:
    """One connection; TLS is pumped by hand, so that its stream can be broken below the encryption."""

    def __init__(self, raw: socket.socket, context: ssl.SSLContext | None) -> None:
        self.raw = raw
        self._inward, self._outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._inward, self._outward, server_side=True) if context else None
        if self._tls is not None:
            self._pumped(self._tls.do_handshake)

    def read(self, most: int = 65_536) -> bytes:
        tls = self._tls
        got = self.raw.recv(most) if tls is None else self._pumped(lambda: tls.read(most))
        if not got:
            raise Gone
        return got

    def write(self, data: bytes) -> None:
        tls = self._tls
        if tls is None:
            self.raw.sendall(data)
        else:
            self._pumped(lambda: tls.write(data))

    def reset(self) -> None:
        """Close so that the other side is told of a reset."""
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def request(self) -> bytes:
        """The next request, head and body."""
        got = b""
        while (end := got.find(b"\r\n\r\n")) < 0:
            got += self.read()
        told = _LENGTH.search(got[:end])
        while len(got) < end + 4 + (int(told[1]) if told else 0):
            got += self.read()
        return got

    def _pumped(self, step: Callable[[], T]) -> T:
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                self._flush()
                got = self.raw.recv(65_536)
                if not got:
                    raise Gone from None
                self._inward.write(got)
            else:
                self._flush()
                return done

    def _flush(self) -> None:
        if self._outward.pending:
            self.raw.sendall(self._outward.read())


Turn = Callable[[Caller], None]


def good(caller: Caller) -> None:
    caller.write(GOOD)


@dataclass
class Fickle:
    """What reached it is in `acted`; `turns` says how each connection's request is answered, the last one again and again."""

    port: int
    scheme: str
    turns: list[Turn]
    acted: list[bytes] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def serve(self, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        while not self.over.is_set():
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            with raw, contextlib.suppress(OSError, Gone):
                caller = Caller(raw, context)
                self.acted.append(caller.request())
                turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
                turn(caller)


@contextlib.contextmanager
def fickle(certificate: Path | None, *turns: Turn) -> Iterator[Fickle]:
    """Such a server, behind TLS where it has a certificate; one connection after the other, each for one request."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))
    one = Fickle(listener.getsockname()[1], "https" if context else "http", list(turns) or [good])
    thread = threading.Thread(target=one.serve, args=(listener, context), daemon=True)
    thread.start()
    try:
        yield one
    finally:
        one.over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
