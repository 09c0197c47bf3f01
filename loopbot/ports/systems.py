"""A system: what it gives to read, what can be written to it, what it says of itself."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from loopbot.domain.errors import Trouble
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.domain.records import Record
from loopbot.ports.allotments import Allotments


class Clock(Protocol):
    """Time, so that tests can hold it still."""

    def now(self) -> datetime:
        """The time in UTC."""

    def monotonic(self) -> float:
        """Seconds that never jump: what waits and budgets are counted in."""

    def sleep(self, seconds: float) -> None:
        """Wait that long."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a stream has been read. Only its source can read `position`; "" is the beginning."""

    position: str = ""


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A row that could not be mapped: which one, why, and its first characters (never a secret)."""

    ident: str
    why: str
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows read in one call. `cursor` is where to go on once they are committed; `counted` is how many rows came.

    `there`: how many rows fit what this reading asks for, all its pages together, where an answer said so that was needed anyway.
    `only`: the keys of all records that the stream has now, where its source knows them all; others are gone. `depends`: on which others each service depends, all that the system knows, where the source reads that.
    """

    records: tuple[Record, ...]
    cursor: Cursor
    counted: int
    unmapped: tuple[Unmapped, ...] = ()
    calls: int = 1
    depends: Mapping[str, tuple[str, ...]] | None = None
    only: frozenset[str] | None = None
    there: int | None = None


class Source(Protocol):
    """One stream of records of one system, such as `servicenow:incident`."""

    @property
    def stream(self) -> str:
        """Its name: `system:what`."""

    def read(self, cursor: Cursor) -> Iterator[Page]:
        """Pages from the cursor (less its overlap) to the present, each row at least once, oldest change first.

        Raises Transient, Unauthorized, BrokenAnswer; pages that came before stay good.
        """

    def count(self) -> int | None:
        """How many records the system holds for this stream now, where one call can tell; for the completeness proof."""


class Sink(Protocol):
    """Where effects become real."""

    @property
    def verbs(self) -> frozenset[str]:
        """The effects it can do, by verb."""

    @property
    def batch(self) -> int:
        """How many deliveries it wants at once."""

    def apply(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt | Trouble]:
        """Do each, in order, in as few calls as the API allows; one answer each, in the same order. Never raises Trouble."""

    def find(self, delivery: Delivery) -> Receipt | None:
        """Look whether an effect whose answer was lost is there: its receipt, or None when it certainly is not (now).

        Whether it may still arrive is not asked here. Raises Uncertain when that can not be known (a person decides), Transient when it can not be known *yet*.
        """


class Timed(Protocol):
    """A sink whose system says what time it is there, as every HTTP answer does."""

    @property
    def now_there(self) -> datetime | None:
        """What time it is by its own clock, counted on from its last answer; None before the first."""

    def ask_the_time(self) -> None:
        """One call that only reads, so that `now_there` is known. Raises SystemTrouble."""


class Guarded(Protocol):
    """A sink that knows whether its system has refused our credentials, and can ask again without writing anything."""

    @property
    def shut(self) -> bool:
        """Whether they were refused, by reading or writing, and have not been proven since."""

    def knock(self) -> None:
        """One call that only reads and that is answered to us alone. Raises SystemTrouble where we are not let in."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What `check` found before the first write: `level` ok, warning or error; `hint` says what to do."""

    level: Literal["ok", "warning", "error"]
    about: str
    what: str
    hint: str = ""


class Connector(Protocol):
    """One configured system."""

    @property
    def system(self) -> str:
        """Its name in the configuration."""

    def sources(self) -> Sequence[Source]:
        """The streams it is configured to read."""

    def sink(self) -> Sink | None:
        """Where to write to it; None when it is only read."""

    def check(self) -> Iterator[Finding]:
        """Look at credentials, permissions, fields and clocks; reads only."""

    def close(self) -> None:
        """Let go of connections."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How calls to one system stand: what is left of our budget an hour and of what the server allows, what is closed.

    `closed` holds endpoints and for how many seconds; `breaker` is open while the host does not answer.
    """

    system: str
    hour_left: int | None = None
    per_hour: int = 0
    server_left: int | None = None
    server_limit: int | None = None
    closed: tuple[tuple[str, float], ...] = ()
    breaker: Literal["closed", "open", "half-open"] = "closed"
    breaker_seconds: float = 0.0


class Paced(Protocol):
    """A connector that can say how its calls stand."""

    def budgets(self) -> Sequence[Budget]:
        """One for each of its wires. In a fleet it is told and asked first: not inside a transaction."""


class Secrets(Protocol):
    """Resolves `env:`, `file:` and `keyring:` references."""

    def resolve(self, reference: str) -> str:
        """The secret itself; raises ConfigError naming the reference, never the secret."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every connector is given besides its settings. `threads` makes a pool: how many at most, and their name.

    `allotments` is where the nodes of a fleet meet; None where there is one node.
    """

    clock: Clock
    chance: random.Random
    secrets: Secrets
    threads: Callable[[int, str], Executor] = ThreadPoolExecutor
    allotments: Allotments | None = None
