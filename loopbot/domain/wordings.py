"""What records say, as terms: the common ground of search by meaning and of the judgements that compare texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from loopbot.domain.records import Record
from loopbot.domain.words import Kind

Vector: TypeAlias = Sequence[float]
"""Where a text lies among all that can be meant: numbers whose squares add up to one."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The telling terms of a title and of a text, in their order, each as often as it stands there (judgement/wording.py)."""

    title: tuple[str, ...] = ()
    body: tuple[str, ...] = ()

    @property
    def terms(self) -> frozenset[str]:
        """All of them, each once."""
        return frozenset((*self.title, *self.body))


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A record that shares telling terms with what was asked for, what it says, and who reported it."""

    record: Record
    wording: Wording
    reporter: str | None = field(init=False, compare=False)

    def __post_init__(self) -> None:
        # Looked up once: in a storm the same ones are near to each that comes.
        object.__setattr__(self, "reporter", self.record.reporter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Where to look: records of these kinds that occurred in [since, until]; with `services`, those that share one of them.

    At most `limit` are found, the nearest ones.
    """

    kinds: frozenset[Kind]
    services: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 150


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """What the mirror holds near a text, the nearest first by a coarse measure.

    `docs` says how many of the `total` records that are indexed hold each term of what was asked; a term that nobody else
    used is not in it.
    """

    asked: Wording
    found: tuple[Neighbour, ...]
    docs: Mapping[str, int]
    total: int
