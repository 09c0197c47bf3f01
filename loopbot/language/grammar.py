"""rule-engine with its parser's tables at hand: it makes them at each import, half a second of every start."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from loopbot.language import tables

_SOUGHT = "rule_engine.parser.parsetab"


@contextmanager
def at_hand() -> Iterator[None]:
    """Inside, rule-engine's parser finds its tables where it looks for them; made for another grammar, they are not used."""
    before = sys.modules.get(_SOUGHT)
    sys.modules[_SOUGHT] = before or tables
    try:
        yield
    finally:
        if before is None:
            del sys.modules[_SOUGHT]
