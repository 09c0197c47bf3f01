"""Lists in pieces: databases bound the number of parameters of a statement."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

PIECE = 1000


def chunks(values: Sequence[T], size: int = PIECE) -> Iterator[Sequence[T]]:
    """The values, at most `size` at a time."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
