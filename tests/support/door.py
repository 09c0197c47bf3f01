"""One server for many twins: starting and stopping a server takes longer than most tests that need one."""

from typing import Any


class Door:
    """An ASGI app that hands every request to the app that stands behind it now."""

    def __init__(self) -> None:
        self.app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)
