"""A rule: what it wakes for, what must hold, what it asks to be done. Judging is pure: event and view in, plan out."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from loopbot.domain.effects import Effect
from loopbot.domain.events import Timer
from loopbot.domain.mirroring import Conflict, Note
from loopbot.domain.questions import Ask, Question
from loopbot.domain.records import Link, Record, Ref
from loopbot.domain.scoring import Ranked
from loopbot.domain.telling import Told
from loopbot.domain.views import View
from loopbot.domain.words import Kind, Relation

Mode = Literal["live", "shadow", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What the names in a rule's expressions and texts stand for."""

    it: Record
    now: datetime
    before: Record | None = None
    other: Record | None = None
    others: tuple[Record, ...] = ()
    score: float | None = None
    because: str = ""
    count: int = 1
    answer: str | None = None
    question: str | None = None
    words: str = ""
    by_reporter: bool = False
    asked: str = ""
    weight: float | None = None
    weight_because: str = ""
    weight_step: float = 0.0
    known_answer: str | None = None
    told_at: datetime | None = None
    interval: timedelta | None = None
    quiet_for: timedelta | None = None
    opened: tuple[tuple[str, Ref], ...] = ()


class Predicate(Protocol):
    """A checked condition."""

    @property
    def text(self) -> str:
        """As written."""

    @property
    def clauses(self) -> "Sequence[Predicate]":
        """The parts joined by `and` at the top, for explaining; itself where there is one."""

    @property
    def demands(self) -> tuple[str, Hashable] | None:
        """A field of `it` and the only value of it with which this can hold; None where there is no such field."""

    def holds(self, scope: Scope) -> bool:
        """Whether it is so."""

    def seen(self, scope: Scope) -> str:
        """What the names in it stood for, in words: `it.priority is 2`."""


class Template(Protocol):
    """A checked text with {placeholders}."""

    @property
    def text(self) -> str:
        """As written."""

    def fill(self, scope: Scope) -> str:
        """The text; foreign values go in as plain text."""


@dataclass(frozen=True, slots=True)
class Once:
    """What makes a further effect another one: `per` filled in, and with `span` the number of the window."""

    per: Template | None = None
    span: timedelta | None = None

    def value(self, scope: Scope) -> str:
        """The part of the identity that the rule's author chose."""
        per = self.per.fill(scope) if self.per else ""
        if self.span is None:
            return per
        return f"{per}@{int(scope.now.timestamp() // self.span.total_seconds())}"


LATELY = timedelta(days=30)
EVER = timedelta(days=10 * 365)
"""Longer ago than any cause that is still looked for: the index finds the nearest ones, however many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The other record(s) a rule needs: found along links (`through`), or by time, filter and rank.

    Where `unless` holds for any record of the kind, none fits. Scores at or above `link_at` act; between `ask_at` and
    `link_at` the plan says that a person should decide. `also`: further kinds, which are ranked with the first as one.
    """

    kind: Kind
    also: tuple[Kind, ...] = ()
    where: Predicate | None = None
    unless: Predicate | None = None
    through: tuple[Relation, ...] = ()
    within: timedelta = LATELY
    rank: Literal["none", "suspect", "similar"] = "none"
    pick: Literal["best", "all", "each"] = "best"
    optional: bool = False
    link_at: float = 0.8
    ask_at: float = 0.5

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Of which kinds the other record may be, in the order of the rule."""
        return (self.kind, *self.also)

    @property
    def sought(self) -> str:
        """What is looked for, in words: `change or deployment`."""
        return " or ".join(self.kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """How often the like must have happened: `at_least` records `within` a span, alike by service and by words (0..1)."""

    at_least: int
    within: timedelta
    same_service: bool = True
    alike: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """One step of judging, for `explain`: what was asked, whether it held, what was seen."""

    asked: str
    held: bool
    saw: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an action asks for: effects on systems, links in loopbot's graph, and tickets that later actions may name.

    `withdraws`: what is planned for people and is not to be told after all, with the reason.
    """

    effects: tuple[Effect, ...] = ()
    links: tuple[Link, ...] = ()
    opened: tuple[tuple[str, Ref], ...] = ()
    mirrored: "Mirrored | None" = None
    questions: tuple[Question, ...] = ()
    withdraws: tuple[tuple[Told, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """What is to be noted of a mirrored pair: agreements, conflicts, refused writes to take back, when to look again, and why."""

    notes: tuple[Note, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    withdraws: tuple[str, ...] = ()
    timers: tuple[Timer, ...] = ()
    steps: tuple[Found, ...] = ()


@dataclass(frozen=True, slots=True)
class Bench:
    """What an action may use besides its scope."""

    rule: str
    subject: Ref
    once: str
    because: str
    view: View


class Action(Protocol):
    """One `[[then]]` of a rule."""

    def want(self, scope: Scope, bench: Bench) -> Wanted:
        """What it asks for; pure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one rule wants for one record, and why. A dry run, explain, tests and the live run all make the same one.

    `asks`: a person should decide among `ranked`, the best candidates of a ranking match, best first.
    """

    rule: str
    subject: Ref
    effects: tuple[Effect, ...] = ()
    links: tuple[Link, ...] = ()
    timers: tuple[Timer, ...] = ()
    cancels: tuple[Timer, ...] = ()
    because: str = ""
    mode: Mode = "live"
    limit: int = 100
    asks: bool = False
    questions: tuple[Question, ...] = ()
    ranked: tuple[Ranked, ...] = ()
    steps: tuple[Found, ...] = ()
    mirrored: tuple[Mirrored, ...] = ()
    withdraws: tuple[tuple[Told, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A rule that waits for its record to stay quiet: for the usual interval of its incidents, within these bounds."""

    least: timedelta
    most: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule file, checked. `limit` is how many effects it may plan in an hour before a person is asked.

    `weighs`, `helps`: it speaks of `weight`, of `known_answer`. `remembers`: it goes by when it last told somebody about the record.
    `keeps_current`: it shows a weight that has to be looked at when nothing of its record has changed.
    """

    name: str
    about: str
    on: frozenset[Kind]
    then: tuple[Action, ...]
    when: Predicate | None = None
    match: Match | None = None
    repeat: Repeat | None = None
    settle: timedelta | None = None
    ask: Ask | None = None
    watch: Watch | None = None
    remembers: bool = False
    once: Once = field(default_factory=Once)
    limit: int = 100
    mode: Mode = "live"
    systems: frozenset[str] = frozenset()

    asks_in_then: bool = False
    weighs: bool = False
    helps: bool = False
    keeps_current: bool = False

    @property
    def asks(self) -> bool:
        """Whether it may ask people something."""
        return self.ask is not None or self.asks_in_then

    @property
    def waits(self) -> bool:
        """Whether it may wait for a record to settle or to stay quiet."""
        return self.settle is not None or self.watch is not None

    @property
    def wakes_for(self) -> frozenset[str]:
        """The kinds of records whose change it has to look at: both sides of a match."""
        return self.on | (frozenset(self.match.kinds) if self.match else frozenset())


def all_hold(steps: Iterable[Found]) -> bool:
    """Whether every step held."""
    return all(step.held for step in steps)
