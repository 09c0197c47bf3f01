"""What the nodes of a fleet share of calls to a system: its budget an hour, in slices, and what the server closed to one of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Slice:
    """Calls of the hour's budget that one node may make: which slice, how many, for how many seconds from the asking on."""

    number: int
    calls: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Spent:
    """How many calls of a slice were made so far; `over`: no more will be, the rest goes back to the fleet."""

    number: int
    used: int
    over: bool


@dataclass(frozen=True, slots=True)
class Word:
    """What a node tells the fleet, and asks of it: `wants` another slice of `per_hour` (0: no budget), `closed` endpoints and for how many seconds."""

    per_hour: int = 0
    spent: Spent | None = None
    wants: bool = False
    closed: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Allotment:
    """What the fleet says: the slice, where one was wanted and is there; else after how many seconds to ask again.

    `left` are the calls of the budget that no node is known to have made (None without a budget); `closed` endpoints and for how
    many seconds more, as any node heard it.
    """

    slice: Slice | None = None
    wait: float = 0.0
    left: int | None = None
    closed: Mapping[str, float] = field(default_factory=dict)


class Allotments(Protocol):
    """Where the nodes of a fleet meet for this, and where one that is alone finds what it spent before it was started anew."""

    @property
    def shared(self) -> bool:
        """Whether there may be other nodes."""

    def exchange(self, system: str, word: Word) -> Allotment:
        """Tell and ask, at once. Raises StoreTrouble where the fleet's store can not be reached."""
