"""Connections that ask for the permit once more right before the bytes of a request go out.

Between the decision to write and the first byte lie the search for a free connection, a name server, a handshake: milliseconds in
which a process can be paused for an hour. A request whose last part was held back was never made.
"""

from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from loopbot.permits import refused


class NotSentError(Exception):
    """The permit had run out when the bytes were about to go; the server did not get a whole request."""


class _Plain(HTTPConnection):
    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if why := refused():
            raise NotSentError(why)
        super().send(data)


class _Encrypted(HTTPSConnection):
    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if why := refused():
            raise NotSentError(why)
        super().send(data)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _Encrypted


def ask_before_sending(manager: PoolManager) -> None:
    """Let every connection of this manager ask. One that brings its own connections (SOCKS) keeps them."""
    if set(manager.pool_classes_by_scheme.values()) == {HTTPConnectionPool, HTTPSConnectionPool}:
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _EncryptedPool}
