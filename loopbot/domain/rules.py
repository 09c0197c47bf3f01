"""A rule: what it wakes for, what must hold, what it asks to be done. Judging is pure: event and view in, plan out."""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from loopbot.domain.effects import Effect
from loopbot.domain.events import Timer
from loopbot.domain.mirroring import Agreed, Conflict, Note
from loopbot.domain.questions import Ask, Asking, Question, Standing
from loopbot.domain.records import Link, Person, Record, Ref
from loopbot.domain.scoring import Ranked
from loopbot.domain.telling import Told
from loopbot.domain.wordings import Neighbourhood, Sought, Vector
from loopbot.domain.words import Kind, Relation

Mode = Literal["live", "shadow", "off"]


class View(Protocol):
    """What a rule may look at: the mirror and the graph, at one moment."""

    def now(self) -> datetime:
        """The moment of judging, UTC."""

    def record(self, ref: Ref) -> Record | None:
        """The mirrored record."""

    def between(
        self,
        kind: Kind,
        since: datetime,
        until: datetime,
        services: frozenset[str] = frozenset(),
        limit: int | None = None,
    ) -> Sequence[Record]:
        """Records that occurred in [since, until], newest first; with `services`, those that share one of them.

        At most `limit`, the newest ones.
        """

    def called(self, keys: Collection[str]) -> Sequence[Record]:
        """Records that people call any of these, in any case, over all systems."""

    def neighbours(self, of: Record | str, sought: Sought) -> Neighbourhood:
        """Records that share telling terms with a record (itself left out) or a text, the nearest first.

        The measure is coarse and cheap: whoever needs to know how alike they are compares the wordings.
        """

    def meant(
        self, texts: Sequence[str], encoder: str, make: Callable[[Sequence[str]], Sequence[Vector]]
    ) -> Sequence[Vector]:
        """What texts mean as that version of an encoder says; `make` is asked for those that it was not asked for before."""

    def learnt(self, judgement: str) -> str:
        """The model that a judgement has learnt here and that is in use, as text; "" where it is the one it came with."""

    def depends(self, services: Collection[str]) -> frozenset[str]:
        """The services on which one of these depends, as far as a system tells; not these themselves."""

    def linked(self, ref: Ref, relation: Relation | None = None) -> Sequence[Link]:
        """Live links at either end of it. Ends may be pending refs or records not mirrored."""

    def helped(self, ref: Ref) -> tuple[int, int]:
        """How many said that what this record offers as an answer helped them, and how many that it did not."""

    def agreed(self, source: Ref, target: Ref) -> Mapping[str, Agreed]:
        """What the mirror `source` and the `target` it mirrors last agreed on, by field; none for a pair not compared yet."""

    def told(self, ref: Ref) -> Sequence[Told]:
        """What people were told about a record or are to be, in the order planned; not what was dropped."""

    def followers(self, refs: Collection[Ref]) -> Sequence[Person]:
        """Who said that they follow one of these records."""

    def said_in(self, ref: Ref) -> Ref | None:
        """The message of a chat that became this record (`system:message:channel/stamp`)."""

    def asked(self, kind: Asking, subjects: Collection[Ref]) -> Standing | None:
        """What became of the latest question of that kind about one of these records; None where there was none."""

    def refused(self, ref: Ref, relation: Relation) -> frozenset[Ref]:
        """What may not be linked with it so, from either end: a person said that it is not so, or their system took it back."""

    def apart(self, ref: Ref) -> frozenset[Ref]:
        """The records of which people said that they are not the same as this one."""


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
    within: timedelta = timedelta(days=30)
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


class _Shelf:
    """The rules that wake for one kind, found by what they demand: most rules of a big desk are about one corner of it."""

    def __init__(self, kind: str, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._always: list[int] = []
        self._demanding: dict[str, dict[Hashable, list[int]]] = {}
        for place, rule in enumerate(rules):
            # Where the record may stand on the other side, or something may have to be taken back, it is not passed over.
            takes_back = rule.settle is not None or rule.asks
            other_side = rule.match is not None and kind in rule.match.kinds
            if rule.when and rule.when.demands and not takes_back and not other_side:
                name, value = rule.when.demands
                self._demanding.setdefault(name, {}).setdefault(value, []).append(place)
            else:
                self._always.append(place)

    def about(self, record: Record) -> Iterable[Rule]:
        """Those whose demand the record fulfils, and those that demand nothing, in their order."""
        places = [*self._always]
        for name, by_value in self._demanding.items():
            places += by_value.get(getattr(record, name), ())
        return [self._rules[place] for place in sorted(places)]


class Rulebook:
    """The rules in force, found by the kind of record they wake for."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rule for rule in rules if rule.mode != "off")
        self._waking: dict[str, tuple[Rule, ...]] = {
            kind: tuple(rule for rule in self.rules if kind in rule.wakes_for)
            for kind in {kind for rule in self.rules for kind in rule.wakes_for}
        }
        self._shelves = {kind: _Shelf(kind, rules) for kind, rules in self._waking.items()}
        self._named = {rule.name: rule for rule in self.rules}

    def waking_for(self, kind: str) -> tuple[Rule, ...]:
        """The rules that have to look at a change of this kind."""
        return self._waking.get(kind, ())

    def about(self, record: Record) -> Iterable[Rule]:
        """Of those that wake for its kind, the rules whose condition does not demand another value of one of its fields."""
        shelf = self._shelves.get(record.kind)
        return shelf.about(record) if shelf else ()

    def following(self, relation: Relation) -> tuple[Rule, ...]:
        """The rules whose match follows this relation: a new link concerns them."""
        return tuple(rule for rule in self.rules if rule.match and relation in rule.match.through)

    def named(self, name: str) -> Rule | None:
        """The rule of that name, if it is in force."""
        return self._named.get(name)


def all_hold(steps: Iterable[Found]) -> bool:
    """Whether every step held."""
    return all(step.held for step in steps)
