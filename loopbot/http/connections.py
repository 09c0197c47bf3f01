"""Connections that know of the one request they carry: whether it may begin, whether it has, and by when its answer must be whole.

Between the decision to write and the first byte lie the search for a free connection, a name server, a handshake: milliseconds in
which a process can be paused for an hour. A request whose last part was held back was never made; one of which a byte went out
may have been acted upon, whatever broke afterwards. And a server that sends a byte now and then is never late by a socket's own
timeout, which begins anew with each of them.
"""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from http.client import HTTPResponse
from typing import Any

from urllib3 import HTTPConnectionPool, PoolManager
from urllib3.connection import HTTPConnection

from loopbot.permits import refused


class NotSentError(Exception):
    """The permit had run out when the bytes were about to go; the server did not get a whole request."""


@dataclass(slots=True)
class Passage:
    """One request on its way: `begun` where a byte of it may have gone out; `until` its whole answer must be here (monotonic).

    What carries it says that nothing went out yet. Where nobody says so (another adapter's connections), it has begun.
    """

    until: float
    begun: bool = True

    def within(self, patience: float | None) -> float:
        """For how long a socket may wait now, which is this patient by itself; raises TimeoutError after the end."""
        left = self.until - time.monotonic()
        if left <= 0:
            message = "the time for the whole call is over"
            raise TimeoutError(message)
        return left if patience is None else min(left, patience)


_PASSAGE: ContextVar[Passage | None] = ContextVar("loopbot_passage", default=None)


@contextmanager
def passage(seconds: float) -> Iterator[Passage]:
    """The request that this thread sends in the block."""
    here = Passage(time.monotonic() + seconds)
    token = _PASSAGE.set(here)
    try:
        yield here
    finally:
        _PASSAGE.reset(token)


def nothing_sent() -> None:
    """Say of this thread's request that no byte of it has gone out: to be said by what would carry it."""
    if way := _PASSAGE.get():
        way.begun = False


class _Timely(io.RawIOBase):
    """What a socket brings, each wait for it cut to what is left of the passage's time."""

    def __init__(self, raw: io.RawIOBase, sock: Any, way: Passage) -> None:
        self._raw, self._sock, self._way = raw, sock, way
        self._patience: float | None = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._way.within(self._patience))
        return self._raw.readinto(buffer)

    def fileno(self) -> int:
        return self._raw.fileno()

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _Answer(HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        way = _PASSAGE.get()
        if way is not None:
            self.fp = io.BufferedReader(_Timely(self.fp.detach(), sock, way))


class _Asking(HTTPConnection):
    """To be put before a class of connections."""

    response_class = _Answer

    def connect(self) -> None:
        try:
            super().connect()
        finally:
            # What a proxy was told to get through it is no part of the request.
            nothing_sent()

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if why := refused():
            raise NotSentError(why)
        if way := _PASSAGE.get():
            way.begun = True
        super().send(data)


def ask_before_sending(manager: PoolManager) -> None:
    """Let every connection of this manager ask, also those that go through a proxy."""
    manager.pool_classes_by_scheme = {scheme: _asking(pool) for scheme, pool in manager.pool_classes_by_scheme.items()}


@cache
def _asking(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    theirs: Any = pool.ConnectionCls
    if issubclass(theirs, _Asking):
        return pool
    ours = type(theirs.__name__, (_Asking, theirs), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": ours})
