"""Serves the application over HTTP from a thread of this process."""

import resource
import socket
import threading
from typing import Any

import uvicorn

from loopbot.domain.errors import UserError

_FILES = 8_192


class WebServer:
    """One address; `port` 0: any free one. `url` says which."""

    def __init__(self, app: Any, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # The protocol is named so that asyncio switches Nagle's delay off.
        self._socket = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            why = f"can not be listened on: {error.strerror}"
            raise UserError(f"web.listen {host}:{port}", why, "is another loopbot there? choose another port") from None
        self.port = int(self._socket.getsockname()[1])
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.port}"
        config = uvicorn.Config(
            app,
            log_level="error",
            log_config=None,
            lifespan="off",
            access_log=False,
            ws="none",
            backlog=2_048,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=5,
            proxy_headers=False,
            server_header=False,
            h11_max_incomplete_event_size=32_768,
        )
        self._server = uvicorn.Server(config)
        run = {"sockets": [self._socket]}
        self._thread = threading.Thread(target=self._server.run, kwargs=run, name="web", daemon=True)

    def start(self, deadline: float = 10.0) -> None:
        """Return when it answers; raises UserError after `deadline` seconds."""
        allow_many_connections()
        self._thread.start()
        waiting = threading.Event()
        for _ in range(int(deadline / 0.01)):
            if self._server.started:
                return
            waiting.wait(0.01)
        raise UserError("web.listen", f"nothing answers on {self.url} after {deadline:g} seconds")

    def stop(self) -> None:
        """Take no more requests, answer those that came, for at most five seconds."""
        self._server.should_exit = True
        self._thread.join(7)
        self._socket.close()


def allow_many_connections() -> None:
    """A storm of senders opens more files than a process may by default; up to the hard limit it may ask for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
