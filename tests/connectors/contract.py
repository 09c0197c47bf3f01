"""What every connector's stage must offer, so that one contract suite (test_contract.py) can shake all connectors.

A stage is one connector together with its twin. Each connector keeps its own in `tests/connectors/<name>/stage.py`, which
ends with `STAGES`, a mapping of a name to a class that implements `Stage`; the suite finds them by that file name and opens
each class as a context manager, once a test. Import the twin and the connector inside the class, not at the top: the
file is read when the tests are collected.

    from tests.connectors.contract import Stage, Traits

    class CloudStage:
        traits = Traits(system="jira", stream="issue")
        def __enter__(self): start the twin with `served(twin.app)`; return self
        def __exit__(self, *_): stop it

    STAGES = {"jira cloud": CloudStage, "jira datacenter": DataCenterStage}
"""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Protocol, Self

from loopbot.domain.errors import ConfigError
from loopbot.domain.receipts import Delivery
from loopbot.ports import Connector, Surroundings
from loopbot.sandbox.faults import Fault, Faults
from loopbot.sandbox.ledger import Ledger


@dataclass(frozen=True)
class Traits:
    """What the suite must know of a stage before it starts.

    `system` is the name the twin's entries and requests carry in the ledger; `stream` the one the suite reads: the part
    after the colon ("" when the connector does not read). `reading` is searched in `METHOD /path?query` of requests that
    read that stream. `resolution` is how finely the system stamps changes. `many` rows get one stamp (T4). `cannot` names
    tests that have no meaning here, each with the reason.
    """

    system: str
    stream: str = ""
    reading: str = "^GET "
    writes: bool = True
    resolution: timedelta = timedelta(seconds=1)
    many: int = 3000
    cannot: Mapping[str, str] = field(default_factory=dict)


class Stage(Protocol):
    """One connector and its twin."""

    traits: Traits
    ledger: Ledger
    faults: Faults

    def __enter__(self) -> Self:
        """Start the twin, empty of tickets."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""

    def connector(self, given: Surroundings, *, base_url: str = "", wrong_token: bool = False) -> Connector:
        """A new connector to the twin (to `base_url` where given), with an overlap of 300 s and the usual page size.

        `given.secrets` resolves `env:NAME` to `NAME-value` ; a stage that needs other values gives its connector `surroundings(given.clock, {...})`.
        """

    # ------------------------------------------------------------------ reading (never called where stream is "")

    def add(self, count: int, at: datetime) -> list[str]:
        """Put so many good rows on the twin, all stamped `at` (as created and updated); their record keys.

        Called again with an earlier `at`, it makes rows that become visible late.
        """

    def edit(self, key: str, title: str, at: datetime) -> None:
        """A person changes the row's title; its update stamp is `at`."""

    def spoil(self, at: datetime) -> str:
        """Put a row on the twin that can not be mapped; the ident that `Unmapped` must carry."""

    def stuck(self) -> Fault:
        """The fault by which a source gets the same full page again and again (the twin has many rows by then)."""

    # ------------------------------------------------------------------ writing (never called where writes is False)

    def delivery(self, verb: str, text: str) -> Delivery:
        """A delivery of that verb, on a target of its own that is on the twin; `text` is its title and text, or its comment.

        Each call makes another effect (another `Cause.once`). `sent_at` is left None; the suite sets it for `find`.
        """

    def refused(self) -> Delivery:
        """A delivery that the system refuses for good (a ticket that is not there, a field it will not take)."""

    def writing(self, verb: str) -> str:
        """Searched in `METHOD /path?query`: the request that does a write of that verb."""

    def done(self, delivery: Delivery) -> int:
        """How many entries of the ledger are this very effect (by its marker, its text or its target): 0, 1, or too many."""

    def seen(self, delivery: Delivery) -> str:
        """The text of this effect as a person there would read it (no markup), for verbs that carry a text."""


class QuickClock:
    """The real time, except that sleeping takes none: it moves the clock instead."""

    def __init__(self) -> None:
        self.slept = 0.0

    def now(self) -> datetime:
        """The time in UTC, with what was slept."""
        return datetime.now(UTC) + timedelta(seconds=self.slept)

    def monotonic(self) -> float:
        """Seconds, with what was slept."""
        return time.monotonic() + self.slept

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.slept += seconds


class PlainSecrets:
    """Resolves `env:NAME` from a mapping, or to `NAME-value`."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        self.known = known or {}

    def resolve(self, reference: str) -> str:
        """The secret."""
        scheme, _, name = reference.partition(":")
        if scheme != "env":
            raise ConfigError(reference, "is not a reference", "write env:NAME")
        return self.known.get(name, f"{name}-value")


def surroundings(clock: QuickClock | None = None, known: Mapping[str, str] | None = None) -> Surroundings:
    """What the suite gives each connector."""
    return Surroundings(clock or QuickClock(), random.Random(7), PlainSecrets(known))
