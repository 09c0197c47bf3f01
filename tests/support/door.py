"""One server for many twins: starting and stopping a server takes longer than most tests that need one."""

import functools
from typing import Any

from loopbot.sandbox.serving import Served


class Door:
    """An ASGI app that hands every request to the app that stands behind it now."""

    def __init__(self) -> None:
        self.app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@functools.cache
def _standing() -> tuple[Door, Served]:
    """A server that stands as long as this process."""
    door = Door()
    server = Served(door)
    server.start()
    return door, server


def behind_the_door(app: Any) -> Served:
    """The server of this process, with this app behind it from now on: for what serves one twin after the other."""
    door, server = _standing()
    door.app = app
    return server
