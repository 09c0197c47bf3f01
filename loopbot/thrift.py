"""How a process that runs for months holds little memory."""

import contextlib
import ctypes
import sys
from collections.abc import Iterator

# mallopt(3) of glibc.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_BIG = 256 * 1024


def give_back_memory() -> None:
    """Let the C library return what is freed, before threads start; does nothing where it is not glibc.

    By default each thread gets a heap of its own and a page's buffers stay with whichever thread read it: 10 to 15 MB for
    nothing, since Python's own lock lets one thread allocate at a time.
    """
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.gnu_get_libc_version  # noqa: B018 - raises AttributeError elsewhere, where the numbers mean other things
        libc.mallopt(_M_ARENA_MAX, 1)
        libc.mallopt(_M_MMAP_THRESHOLD, _BIG)
        libc.mallopt(_M_TRIM_THRESHOLD, _BIG)


@contextlib.contextmanager
def plain() -> Iterator[None]:
    """Inside, libraries that import rich only where it is there do without: a log needs none of its 8 MB."""
    if "rich" in sys.modules:
        yield
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # how Python notes that there is no such module
    try:
        yield
    finally:
        del sys.modules["rich"]
