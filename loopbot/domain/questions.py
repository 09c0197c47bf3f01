"""Questions to people: what loopbot does not know well enough to act on, and what was answered before."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

from loopbot.domain.records import Ref
from loopbot.domain.words import Relation

Asking = Literal[
    "cause", "item", "cluster", "topic", "limit", "uncertain", "parked", "root_cause", "workaround", "reverse"
]
"""What is asked: which of the suspects caused it; whether an item says the same; whether these incidents are one problem; what kind
of feedback it is; whether a rule may write as much as it wants to; what became of a write; what to do about refused ones; the root
cause of a problem; who may read a workaround; whether what an undone answer wrote is to be taken back, too."""
ASKING: tuple[Asking, ...] = get_args(Asking)
Audience = Literal["operators", "agents", "problem_managers", "release_managers", "product_owners"]
AUDIENCES: tuple[Audience, ...] = get_args(Audience)
QuestionState = Literal["open", "answered", "expired", "withdrawn"]
LessonKind = Literal["cause", "same", "topic", "item"]

MONTH = timedelta(days=30)
PROMOTE: Final = "promote"
"""The answer that some tickets are one problem, which is to be opened."""


@dataclass(frozen=True, slots=True)
class Option:
    """One possible answer: the word that stands for it, what its button says, and the record it names, if any."""

    answer: str
    label: str
    ref: Ref | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """The link that a yes makes: its relation, whether it starts at the subject, and the systems to write it into."""

    relation: Relation
    outward: bool = True
    systems: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """How a rule asks: what, whom, how long a question rests; `first`: before it acts, also where it is sure.

    `unless`: links that make the question idle, beside the one that a yes makes.
    """

    kind: Asking
    audience: Audience
    tie: Tie | None = None
    first: bool = False
    unless: tuple[Relation, ...] = ()
    again: timedelta = MONTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question. `about` tells apart questions of one kind about one subject; `refs` are further records it is about.

    `again`: how long it rests after an answer that holds only for a while, or after nobody answered. `places` is where what
    it is about can be looked at: what it is called, and its address. `moments` are the points in time that the text names.
    """

    kind: Asking
    subject: Ref
    text: str
    options: tuple[Option, ...]
    audience: Audience
    about: str = ""
    rule: str = ""
    refs: tuple[Ref, ...] = ()
    places: tuple[tuple[str, str], ...] = ()
    tie: Tie | None = None
    service: str = ""
    again: timedelta = MONTH
    moments: tuple[datetime, ...] = ()

    @property
    def key(self) -> str:
        """The identity: 32 hex digits, the same whatever the rule that asks it says today."""
        parts = ("question", self.kind, str(self.subject), self.about)
        return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def option(self, answer: str) -> Option | None:
        """The option of that answer; what stands after a dot in its word need not be typed."""
        exact = next((one for one in self.options if one.answer == answer), None)
        loose = [one for one in self.options if one.answer.partition(".")[0] == answer]
        return exact or (loose[0] if len(loose) == 1 else None)


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of the latest question of a kind about one of some records, as judging sees it.

    `former`: there was one about something else before (an earlier version of a workaround).
    """

    subject: Ref
    state: QuestionState
    answer: str = ""
    rests_until: datetime | None = None
    about: str = ""
    asked_at: datetime | None = None
    former: bool = False

    def rests(self, now: datetime) -> bool:
        """Whether it is not to be asked (again) now; answered without an end, it never is."""
        if self.state in {"open", "withdrawn"}:
            return False
        return self.rests_until is None or now < self.rests_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What a person taught: that `other` did (yes) or did not (no) cause, equal, suit `subject`; or its topic.

    `other` is a record's ref, a topic, or "" for none at all. `answer` is the number of the answer it followed from.
    """

    kind: LessonKind
    subject: Ref
    other: str
    verdict: Literal["yes", "no"]
    by: str
    at: datetime
    id: int = 0
    answer: int = 0
    before: str = ""
    undone_at: datetime | None = None
