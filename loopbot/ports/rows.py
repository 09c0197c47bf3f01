"""What the store keeps, a row at a time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from loopbot.domain.effects import Effect
from loopbot.domain.mirroring import Conflict
from loopbot.domain.questions import Question, QuestionState
from loopbot.domain.receipts import Receipt
from loopbot.domain.records import Record, Ref

EffectState = Literal["planned", "sending", "settled", "uncertain", "parked", "held", "shadow", "dropped"]
"""planned: to be sent; sending: on its way; settled: certainly there; uncertain: perhaps there; parked: refused by the system;
held: over a limit, waits for a person; shadow: a rule in shadow mode would have sent it; dropped: a person said no."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do something alone until it runs out; `token` grows with each holder and fences off late ones."""

    name: str
    holder: str
    token: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Upserted:
    """What putting a record changed: new, its content (`changed`), only stamps or counters (`touched`), or nothing."""

    record: Record
    before: Record | None
    what: Literal["new", "changed", "touched", "same"]


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An effect and what became of it."""

    number: int
    effect: Effect
    state: EffectState
    attempt: int
    planned_at: datetime
    due_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None
    receipt: Receipt | None
    why: str
    waits_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """Why something happened, or did not: one line a person can read."""

    at: datetime
    rule: str
    subject: Ref
    what: str
    because: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Something that could not be processed and is set aside, so that the rest goes on."""

    where: str
    ident: str
    why: str
    excerpt: str
    first_at: datetime
    last_at: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class Cycle:
    """What one reading of a stream counted and compared: the statement that nothing was lost. `complete`: it went to its end.

    `matched`: how many rows its system said fit what was asked for, when the first page was read (None: it does not say);
    `rows` came of them, `outside` of these are not of this stream, the others are mirrored or set aside (`unmapped`). `history`: how
    many of those that are new were over before loopbot came, and are not acted on.
    A sweep (`swept`) also says what became of the records that are mirrored and did not turn up (`missing`): gone there,
    moved to another key, there but outside of what is read (`elsewhere`), or unexplained, and `why`.
    """

    stream: str
    started_at: datetime
    ended_at: datetime
    complete: bool = False
    calls: int = 0
    matched: int | None = None
    rows: int = 0
    outside: int = 0
    new: int = 0
    changed: int = 0
    touched: int = 0
    same: int = 0
    history: int = 0
    unmapped: int = 0
    counted_there: int | None = None
    counted_here: int | None = None
    trouble: str = ""
    swept: bool = False
    missing: int = 0
    gone: int = 0
    moved: int = 0
    elsewhere: int = 0
    unexplained: int = 0
    why: str = ""

    @property
    def mirrored(self) -> int:
        """How many of the rows are mirrored as they came, or were so before."""
        return self.new + self.changed + self.touched + self.same

    @property
    def unseen(self) -> int:
        """How many rows its system counted and did not show: below nought where more came while it was read; nought where it does not count."""
        return 0 if self.matched is None else self.matched - self.rows


@dataclass(frozen=True, slots=True)
class Waiting:
    """The hints of one stream that were not answered yet."""

    stream: str
    hints: int
    first_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class ConflictEntry:
    """When a value was overruled because both sides of a mirrored pair had changed, and by which rule."""

    at: datetime
    rule: str
    conflict: Conflict


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """A question and what became of it. `message` is the key of the effect that asks it; `round` counts how often it was asked."""

    number: int
    question: Question
    state: QuestionState
    round: int
    asked_at: datetime
    expires_at: datetime
    message: str = ""
    reminded_at: datetime | None = None
    answered_at: datetime | None = None
    answered_by: str = ""
    answer: str = ""
    rests_until: datetime | None = None
    why: str = ""

    @property
    def key(self) -> str:
        """The question's identity."""
        return self.question.key


@dataclass(frozen=True, slots=True)
class Answer:
    """What one person answered to one question; `detail` is what they typed or chose with it (a ref, words)."""

    number: int
    question: str
    answer: str
    detail: str
    by: str
    at: datetime
    undone_at: datetime | None = None
    undone_by: str = ""


@dataclass(frozen=True, slots=True)
class Heap:
    """Effects of one rule that wait for the same decision: how many, the number of the last, why the first, and a few of them."""

    rule: str
    system: str
    count: int
    upto: int
    why: str
    sample: tuple[OutboxRow, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A text whose topic a person said; `source` is the file it came from, `project` where it belongs ("": nowhere)."""

    title: str
    text: str
    topic: str
    project: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A version of a model: when it was learnt, from how many labels, and how good it is, in words."""

    version: str
    at: datetime
    labels: int
    summary: str = ""


class LeaseLostError(Exception):
    """The lease was taken by someone else meanwhile; the transaction must not commit."""
