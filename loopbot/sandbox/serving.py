"""Serves ASGI apps over real HTTP and websockets on loopback, each on a port of its own, from threads of this process."""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn


def _not_a_cut(record: logging.LogRecord) -> bool:
    """A connection cut on request leaves uvicorn a call without an answer: that is the fault we asked for."""
    return not str(record.msg).startswith("ASGI callable returned without")


class Served:
    """One app on one loopback port; `url` has no trailing slash."""

    def __init__(self, app: Any, port: int = 0, host: str = "127.0.0.1") -> None:
        # The protocol is named so that asyncio switches Nagle's delay off: without it each answer takes 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, port))
        self.host, self.port = host, int(self._socket.getsockname()[1])
        self.url = f"http://{host}:{self.port}"
        config = uvicorn.Config(
            app,
            log_level="error",
            lifespan="off",
            access_log=False,
            ws="websockets-sansio",
            timeout_graceful_shutdown=1,
            timeout_keep_alive=30,
            proxy_headers=False,
        )
        logging.getLogger("uvicorn.error").addFilter(_not_a_cut)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run,
            kwargs={"sockets": [self._socket]},
            name=f"twin-{self.port}",
            daemon=True,
        )

    def start(self, deadline: float = 10.0) -> None:
        """Return when it answers; raises TimeoutError after `deadline` seconds."""
        self._thread.start()
        end = time.monotonic() + deadline
        while not self._server.started:
            if time.monotonic() > end or not self._thread.is_alive():
                message = f"nothing listens on {self.url} after {deadline} s"
                raise TimeoutError(message)
            threading.Event().wait(0.005)

    def stop(self) -> None:
        """Stop and wait for the thread."""
        self._server.should_exit = True
        self._thread.join(5)
        self._server.force_exit = True
        self._thread.join(2)
        self._socket.close()


@contextlib.contextmanager
def served(app: Any, port: int = 0) -> Iterator[Served]:
    """Serve for the length of a block."""
    one = Served(app, port)
    one.start()
    try:
        yield one
    finally:
        one.stop()
