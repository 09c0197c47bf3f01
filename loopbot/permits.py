"""Until when a thread may begin a write: what was claimed for a time may not be sent after it.

A process can be stopped at any moment, by a debugger, the memory manager or the host under a virtual machine, and wake up long
after its claim ran out. The store then refuses what it has to say; but what it would go on to *send*, somebody else has sent
meanwhile. So the one place through which every call goes asks here first.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_REFUSAL: ContextVar[Callable[[], str] | None] = ContextVar("loopbot_write_refusal", default=None)


@contextmanager
def permitted_unless(refusal: Callable[[], str]) -> Iterator[None]:
    """Writes of this thread may begin in the block as long as `refusal` says nothing; else it says why not."""
    token = _REFUSAL.set(refusal)
    try:
        yield
    finally:
        _REFUSAL.reset(token)


def refused() -> str:
    """Why no write may begin in this thread now; empty where one may."""
    refusal = _REFUSAL.get()
    return refusal() if refusal is not None else ""
