"""What every use case works with."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Protocol

from loopbot.domain.people import Roster
from loopbot.domain.ranking import PLAIN, Judgement
from loopbot.domain.redaction import scrubbed
from loopbot.domain.rulebook import Rulebook
from loopbot.domain.rules import Plan
from loopbot.domain.telling import Manners
from loopbot.judgement.topic import TopicJudge
from loopbot.ports import Clock, Encoder, Sink, Store, Tx
from loopbot.usecases.questions.places import Places


class Witness(Protocol):
    """Is told what happens as it happens: the log, the terminal's story, metrics. Must not raise."""

    def planned(self, plan: Plan, new: int) -> None:
        """A rule's plan was written down, with so many effects that were not known before."""

    def noted(self, what: str, **fields: object) -> None:
        """Something happened: a static message, data in fields."""


class SilentWitness:
    """Nobody watches."""

    def planned(self, plan: Plan, new: int) -> None:
        """Nobody watches."""

    def noted(self, what: str, **fields: object) -> None:
        """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long things wait, in seconds.

    `claim`: how long a delivery may take before another worker calls it uncertain; `look`: how long after a lost answer
    the first look is taken; `land`: how long after it a write may still arrive, so that not being there proves
    nothing before; `backoff`: the first pause after a failure, doubling to
    `longest`; `pause`: how long a system is left alone that refuses our credentials; `lease`: how long
    reading a page may take; `hint`: the least time between two readings of a stream that webhooks hint at.
    """

    claim: float = 180.0
    look: float = 30.0
    land: float = 60.0
    backoff: float = 5.0
    longest: float = 900.0
    pause: float = 300.0
    lease: float = 120.0
    hint: float = 5.0

    @property
    def begin(self) -> float:
        """How long after a claim a write may begin: once the claim has run out, the last one is no longer on its way."""
        return self.claim - min(self.look, self.claim / 2)

    def again(self, attempt: int) -> float:
        """The pause after so many attempts."""
        return min(self.backoff * 2.0 ** min(attempt - 1, 16), self.longest)


class Shelf(Protocol):
    """Where the versions of what was learnt here are found."""

    @property
    def encoder(self) -> Encoder | None:
        """The sentence model, where there is one."""

    def in_force(self, tx: Tx) -> TopicJudge:
        """What judges feedback now."""

    def missing(self, tx: Tx) -> str:
        """The sentence model that the version in force was learnt with and that is not here; "" where nothing is missing."""

    def version(self, tx: Tx, version: str) -> TopicJudge | None:
        """The judge of a version; None where there is none."""


@dataclass(frozen=True, slots=True)
class Loop:
    """One installation at work. `holder` names this process where several share a store.

    `redacted` blots secrets out of a text; what is written anywhere, or kept as a reason, has passed it. `roster` says which
    people of several systems are one, `manners` when and how often people are told, `shelf` which version of what was learnt here is in force. `turns`
    numbers the readings of this process. `looks_back`: how long before a stream is first read something may have been over, and is acted on still.
    """

    store: Store
    rules: Rulebook
    sinks: Mapping[str, Sink]
    clock: Clock
    holder: str
    witness: Witness = field(default_factory=SilentWitness)
    waits: Waits = field(default_factory=Waits)
    redacted: Callable[[str], str] = scrubbed
    judgement: Judgement = PLAIN
    roster: Roster = field(default_factory=Roster)
    manners: Manners = field(default_factory=Manners)
    places: Places = field(default_factory=Places)
    shelf: Shelf | None = None
    turns: Iterator[int] = field(default_factory=partial(itertools.count, 1))
    looks_back: timedelta = timedelta(days=1)


def poll_lease(stream: str) -> str:
    """The name of the lease under which a stream is read."""
    return f"poll:{stream}"
