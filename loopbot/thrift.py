"""How a process that runs for months holds little memory."""

import contextlib
import ctypes
import gc
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType

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


def tidy() -> None:
    """Once everything is built: what was needed to build it goes, and what stays is not gone through again and again."""
    gc.collect()
    gc.freeze()
    trim()


def trim() -> None:
    """Give back what is free between what is in use: the C library does so by itself at the end of its heap alone. Takes under a millisecond."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


@contextlib.contextmanager
def without(*modules: str) -> Iterator[None]:
    """Inside, libraries that import these only where they are there do without; what is imported already stays."""
    hidden = [name for name in modules if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # how Python notes that there is no such module
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


@contextlib.contextmanager
def instead_of(names: Mapping[str, Sequence[str]]) -> Iterator[None]:
    """Inside, a library that imports these modules for a part of it that is never used finds names that can only be mentioned.

    `names` says what is looked for in each module. What is imported already stays.
    """
    missing = [name for name in names if name not in sys.modules]
    for name in missing:
        module = ModuleType(name)
        vars(module).update({one: type(one, (Exception,), {"__init__": _not_here}) for one in names[name]})
        sys.modules[name] = module
    try:
        yield
    finally:
        for name in missing:
            sys.modules.pop(name, None)


def _not_here(self: object, *_: object, **__: object) -> None:
    message = f"{type(self).__name__} was left out when its module was imported"
    raise NotImplementedError(message)


def import_requests_without_guessing() -> None:
    """Import requests without what guesses the encoding of a text whose server does not say it: 2 MB; such a text is UTF-8."""
    with without("charset_normalizer", "chardet"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Unable to find acceptable character detection dependency")
        import requests  # noqa: F401
