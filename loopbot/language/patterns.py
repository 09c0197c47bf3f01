"""Patterns of rules run on RE2: linear in the text, whatever the pattern."""

import functools
from collections.abc import Callable
from typing import Any

import re2

from loopbot.language.mistakes import Mistake


@functools.cache
def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True  # only whether it fits is asked
    options.max_mem = 8 << 20
    return options


def compiled(pattern: str) -> Any:
    """The compiled pattern; raises Mistake where RE2 does not take it."""
    try:
        return re2.compile(pattern, _options())
    except re2.error as error:
        said = error.args[0] if error.args else b""
        why = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        hint = "patterns are RE2's: no look-around, no back-references" if "(?" in why or "escape" in why else ""
        raise Mistake(f'"{pattern}" is not a pattern: {why}', hint) from None


def looker(pattern: str, *, anywhere: bool) -> Callable[[str], bool]:
    """Whether the pattern fits a text, from its beginning or anywhere.

    Given bytes, RE2's binding spares itself the positions in characters, which cost more than the search.
    """
    regex = compiled(pattern)
    look = regex.search if anywhere else regex.match
    return lambda text: look(text.encode("utf-8", "replace")) is not None
