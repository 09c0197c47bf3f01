"""Records: what loopbot mirrors of the systems it watches, in canonical words (see words.py).

Times are aware datetimes in UTC. Which fields may be null is part of the type: `None` means "the system says there is
none"; a field the account may not see is never mapped to a value (the mapping reports it as unreadable instead).
No record holds an internal note: what is not here can not be quoted to a customer. `reason` is what the team wrote for
whoever asked, of why something is not done; it comes from a field that is configured for that, never from notes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar, Self

from loopbot.domain.words import FINISHED, Kind, Relation, Role

FOR_THE_BACKLOG = frozenset({"bug", "feature"})
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Names one record over all systems; written `system:kind:key`, such as `servicenow:incident:INC0012345`."""

    system: str
    kind: str
    key: str

    def __str__(self) -> str:
        return f"{self.system}:{self.kind}:{self.key}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the written form; raises ValueError when it has not three parts."""
        parts = text.split(":", 2)
        if len(parts) != 3 or not all(parts):
            message = f"{text!r} is not a reference; write system:kind:key, such as servicenow:incident:INC0012345"
            raise ValueError(message)
        return cls(*parts)


@dataclass(frozen=True, slots=True)
class Person:
    """Someone as one system knows them; one person over all systems is found by e-mail or by the alias file."""

    system: str
    key: str
    name: str = ""
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Involved:
    """A person's part in a record."""

    role: Role
    person: Person


@dataclass(frozen=True, slots=True)
class Link:
    """`source relation target`, with how sure it is (0..1), why, and who says so.

    `by` is `system:<name>` (a field of the system itself), `rule:<name>` or `person:<name>`; a person's word is never
    overwritten by a rule.
    """

    source: Ref
    relation: Relation
    target: Ref
    confidence: float = 1.0
    because: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One ticket, change, deployment, release or piece of feedback.

    `ident` is the system's own id (a sys_id, an issue id), `version` its own update counter where it has one, and
    `links` are those the system itself states in this record.
    """

    kind: ClassVar[Kind]

    ref: Ref
    ident: str
    title: str
    state: str
    updated_at: datetime
    text: str = ""
    opened_at: datetime | None = None
    version: int | None = None
    url: str = ""
    labels: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    people: tuple[Involved, ...] = ()
    links: tuple[Link, ...] = ()
    extra: Mapping[str, str] = field(default_factory=lambda: NOTHING)

    @property
    def key(self) -> str:
        """What people call it, such as INC0012345."""
        return self.ref.key

    @property
    def system(self) -> str:
        """The configured system it lives in."""
        return self.ref.system

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.state in FINISHED[self.kind]

    @property
    def occurred_at(self) -> datetime:
        """When it happened in the world, as far as the system says: what windows and matches count by."""
        return self.opened_at or self.updated_at

    def person(self, role: Role) -> Person | None:
        """The first person in that role."""
        return next((one.person for one in self.people if one.role == role), None)

    @property
    def reporter(self) -> str | None:
        """The name of the person who reported it, or their e-mail or id where there is no name."""
        person = self.person("reporter")
        return (person.name or person.email or person.key) if person else None

    @property
    def assignee(self) -> str | None:
        """The name of the person it is assigned to."""
        person = self.person("assignee")
        return (person.name or person.email or person.key) if person else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident(Record):
    """Something is broken for someone. Priority 1 (highest) to 5."""

    kind: ClassVar[Kind] = "incident"

    priority: int | None = None
    category: str | None = None
    group: str | None = None
    environment: str | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    close_code: str | None = None
    reopened: int = 0
    correlation: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Record):
    """The cause behind one or more incidents."""

    kind: ClassVar[Kind] = "problem"

    priority: int | None = None
    group: str | None = None
    workaround: str | None = None
    resolved_at: datetime | None = None
    correlation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Record):
    """A change to a service, planned or made; `type` is standard, normal or emergency where the system says so."""

    kind: ClassVar[Kind] = "change"

    priority: int | None = None
    type: str | None = None
    risk: str | None = None
    outcome: str | None = None
    environment: str | None = None
    group: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    correlation: str | None = None

    @property
    def occurred_at(self) -> datetime:
        """When the work began, or was planned to."""
        return self.started_at or self.opened_at or self.updated_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue(Record):
    """An item in the issue tracker; `deployed_to` names the environments that hold it now (loopbot derives it)."""

    kind: ClassVar[Kind] = "issue"

    priority: int | None = None
    type: str | None = None
    project: str = ""
    resolved_at: datetime | None = None
    released_in: frozenset[str] = frozenset()
    deployed_to: frozenset[str] = frozenset()
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment(Record):
    """A build brought to an environment; what it delivers is in its links, over the whole range since the last one."""

    kind: ClassVar[Kind] = "deployment"

    environment: str | None = None
    commit: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def occurred_at(self) -> datetime:
        """When it took effect, or began."""
        return self.finished_at or self.started_at or self.opened_at or self.updated_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Record):
    """A named set of issues that reaches people together."""

    kind: ClassVar[Kind] = "release"

    released_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TopicGuess:
    """What kind of feedback something seems to be, how sure that is (0..1) and why.

    `shares` are the probabilities of all topics, the likeliest first; `by` is the version of the model that judged.
    """

    topic: str
    confidence: float
    because: str = ""
    by: str = ""
    shares: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback(Record):
    """What someone who uses a service said about it.

    `topic` is what people or its own system say it is; `guess` what its words suggest (loopbot judges it when it comes in).
    """

    kind: ClassVar[Kind] = "feedback"

    topic: str | None = None
    environment: str | None = None
    channel: str | None = None
    guess: TopicGuess | None = None
    reason: str | None = None

    @property
    def likely_topic(self) -> str | None:
        """The topic people gave it, else what its words suggest, else none."""
        return self.topic or (self.guess.topic if self.guess else None)

    @property
    def topic_confidence(self) -> float | None:
        """How sure the likely topic is (0..1): 1 where people or its system say so; none where nothing is known."""
        return 1.0 if self.topic else (self.guess.confidence if self.guess else None)

    @property
    def topic_because(self) -> str:
        """Why it is thought to be of that topic."""
        if self.topic:
            return "people say so"
        return self.guess.because if self.guess else ""

    @property
    def backlog_confidence(self) -> float:
        """How likely (0..1) it is something for the backlog, a bug or a wish, whichever of the two."""
        if self.topic or not self.guess:
            return float(self.topic in FOR_THE_BACKLOG)
        return min(round(sum(share for topic, share in self.guess.shares if topic in FOR_THE_BACKLOG), 3), 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Article(Record):
    """What a knowledge base says to everybody who may ask loopbot something; nothing else of it is a published article.

    One that is not for everybody, or not published, is `withdrawn` and holds no words but `number`, what people call it.
    `base` is the knowledge base or space it stands in. Times are UTC.
    """

    kind: ClassVar[Kind] = "article"

    number: str = ""
    base: str = ""
    category: str | None = None
    language: str | None = None
    valid_until: datetime | None = None

    def offered(self, now: datetime) -> bool:
        """Whether anybody who asks may be shown it at that moment."""
        return self.state == "published" and (self.valid_until is None or now < self.valid_until)


RECORD_TYPES: Mapping[str, type[Record]] = MappingProxyType(
    {each.kind: each for each in (Incident, Problem, Change, Issue, Deployment, Release, Feedback, Article)},
)
