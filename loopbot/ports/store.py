"""The store: what one transaction can do."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Literal, Protocol

from loopbot.domain.effects import Delivery, Effect, Receipt
from loopbot.domain.events import Timer
from loopbot.domain.listening import Passed
from loopbot.domain.mirroring import Conflict, Note
from loopbot.domain.questions import Asking, Audience, Lesson, LessonKind, Question, QuestionState
from loopbot.domain.records import Link, Record, Ref
from loopbot.domain.rules import View
from loopbot.domain.wordings import Sought
from loopbot.domain.words import Kind
from loopbot.ports.hearing import Hint
from loopbot.ports.people import People
from loopbot.ports.rows import (
    Answer,
    ConflictEntry,
    Cycle,
    EffectState,
    Heap,
    JournalEntry,
    LabelRow,
    Lease,
    ModelRow,
    OutboxRow,
    Quarantined,
    QuestionRow,
    Upserted,
    Waiting,
)
from loopbot.ports.systems import Cursor, Unmapped


class Mirror(Protocol):
    """The records as last seen."""

    def put(self, records: Sequence[Record]) -> list[Upserted]:
        """Insert or update; the newest of several versions of one record in `records` wins (by updated_at, then version).

        A record older than the mirrored one (lower version, or earlier stamp) changes nothing.
        """

    def get(self, ref: Ref) -> Record | None:
        """The record with that ref."""

    def many(self, refs: Collection[Ref]) -> dict[Ref, Record]:
        """Those of the records that are mirrored."""

    def all(self, kind: Kind | None = None, system: str | None = None) -> Iterator[Record]:
        """Everything mirrored, in order of ref, without holding it all in memory."""

    def find(self, key: str) -> list[Record]:
        """Records that people call that (INC0012345, loop-42), over all systems."""

    def called(self, keys: Collection[str]) -> list[Record]:
        """Records that people call any of these, in any case, over all systems."""

    def identified(self, idents: Collection[str]) -> list[Record]:
        """Records that their own systems know by these ids, over all systems."""

    def reported(self, whos: Collection[str], kinds: Collection[Kind], limit: int) -> list[Record]:
        """What somebody reported under any of the names they are remembered by (domain/people.py), the latest first."""

    def alike(self, of: Record | str, sought: Sought) -> Sequence[Record]:
        """Records that share telling terms with a record (itself left out) or a text, the nearest first; none that is gone.

        A search, not a judgement: the words in common may be few.
        """

    def count(self, system: str, kind: str) -> int:
        """How many are mirrored and not gone."""

    def moved(self, records: Sequence[Record]) -> list[tuple[Ref, Ref]]:
        """Those of the records that are mirrored under another ref, by their system's own id: the old ref and the new."""

    def keys(self, system: str, kind: str) -> Iterator[str]:
        """The keys of those that are mirrored and not gone."""

    def gone(self, refs: Collection[Ref]) -> None:
        """Their systems hold these records no longer; seen again, they are back."""


class Links(Protocol):
    """The graph between records. Pending refs may stand in it until the ticket is open."""

    def put(self, links: Iterable[Link]) -> list[Link]:
        """Add or strengthen; returns those that are new. A person's word (also a rejection) is never overwritten."""

    def state(self, records: Sequence[Record]) -> list[Link]:
        """Replace what each record's own system states about it by the record's links; returns those that are new."""

    def of(self, ref: Ref) -> list[Link]:
        """Live links at either end."""

    def reject(self, source: Ref, relation: str, target: Ref, by: str) -> None:
        """A person says that this is not so; it stays said."""

    def take_back(self, source: Ref, relation: str, target: Ref) -> bool:
        """A person takes back what they said of it, for or against; what its own systems state stands again. False: nothing was said."""

    def forget(self, end: Ref) -> None:
        """A ticket will never be open: what rules linked with it is linked no more."""

    def moved(self, old: Ref, new: Ref) -> None:
        """A record has another ref now (an issue moved to another project): links follow it."""

    def deployed(self, issues: Collection[Ref]) -> dict[Ref, frozenset[str]]:
        """The environments that hold each issue now: the last succeeded deployment that delivers or withdraws it decides."""


class Outbox(Protocol):
    """The effects and what became of them."""

    def plan(self, effects: Sequence[Effect], state: EffectState = "planned") -> list[tuple[Effect, bool]]:
        """Enter each under its key; the flag says whether it is new.

        A known key is left alone, except a `keep_current` post whose text changed: it is due again, with its receipt.
        """

    def claim(
        self, system: str, holder: str, seconds: float, limit: int, there: datetime | None = None
    ) -> list[Delivery]:
        """Mark the first due effect of each free lane as `sending` for `seconds`; effects whose needs are open wait.

        `there`: what time it is by the system's own clock, where it is known: if our clock is ahead of it, and set right
        before anybody looks for a lost write, what is written now is no older than that.
        """

    def settle(self, holder: str, delivery: Delivery, receipt: Receipt) -> bool:
        """Note the proof; false when holder and attempt no longer own it (fenced off).

        Also resolves the pending refs of links and later effects.
        """

    def fail(self, holder: str, delivery: Delivery, state: EffectState, why: str, due_at: datetime) -> bool:
        """Note what went wrong: back to `planned` (at due_at), `uncertain` or `parked`; false when fenced off."""

    def abandon(self, *, alone: bool = False, look_in: float = 0.0) -> int:
        """Make `sending` effects whose holder's time ran out `uncertain`; returns how many. To be looked for in so many seconds.

        `alone`: nobody else can be at work on this store, so whoever was sending is gone, its time run out or not.
        """

    def beside(self, delivery: Delivery, most: int) -> list[Effect]:
        """What is planned behind it in its lane and may share its message, at most so many, in order."""

    def gather(self, delivery: Delivery, effects: Sequence[Effect]) -> Delivery:
        """It goes out with these in one message: noted before it is sent, so that all of them settle with it."""

    def scatter(self, holder: str, delivery: Delivery, why: str) -> bool:
        """A message of several was refused: each is sent by itself now; false when fenced off."""

    def defer(self, holder: str, delivery: Delivery, due_at: datetime, why: str) -> bool:
        """Not now: it and what is behind it in its lane are due later, as if it had not been claimed; false when fenced off."""

    def first_about(self, effect: Effect) -> Receipt | None:
        """The first message of its lane about its subject that is out, other than itself."""

    def uncertain(self, system: str, limit: int) -> list[Delivery]:
        """Effects that may or may not be there and are due to be looked for."""

    def found(self, delivery: Delivery, receipt: Receipt | None, why: str, due_at: datetime) -> None:
        """What looking for an uncertain effect brought: its receipt, or (None) certainly not there: planned again."""

    def postpone(self, delivery: Delivery, why: str, due_at: datetime) -> None:
        """Look again for an uncertain effect at due_at; datetime.max: not by itself, a person decides."""

    def rows(
        self, states: Collection[EffectState] = (), system: str | None = None, limit: int = 100
    ) -> list[OutboxRow]:
        """The latest first; no states: all of them."""

    def about(self, ref: Ref) -> list[OutboxRow]:
        """Effects whose subject it is, or that mention it."""

    def get(self, key: str) -> OutboxRow | None:
        """By key, or by the beginning of one (None when it is not the beginning of exactly one)."""

    def retry(self, key: str, why: str) -> bool:
        """A person says: send (again). For parked, held, dropped, shadow and uncertain effects."""

    def confirm(self, key: str, why: str) -> bool:
        """A person says: it is there. For uncertain effects."""

    def drop(self, key: str, why: str) -> bool:
        """A person says: never send it."""

    def moved(self, old: Ref, new: Ref) -> None:
        """A ticket has another ref now: what is written about the old one is found under the new one, too."""

    def doubt(self, since: datetime) -> int:
        """The store was restored: what may have been sent since then is looked for first; returns how many are now."""

    def doubted(self) -> tuple[datetime, datetime] | None:
        """The time that a restore lost (from, to), while what is planned is looked for first."""

    def trust(self) -> None:
        """The end of doubt: what is planned from now on is certainly new."""

    def counts(self) -> dict[tuple[str, EffectState], int]:
        """How many effects each system has in each state."""

    def planned_since(self, rule: str, since: datetime) -> int:
        """How many effects the rule has planned since then, for its limit."""

    def restless(self, effects: Sequence[Effect], since: datetime, most: int) -> set[str]:
        """The keys of those whose rule acted on their subject at more than `most` moments since then, as far as was sent."""

    def refusals(self, rule: str, system: str, since: datetime, most: int) -> list[str]:
        """Why the last `most` effects that a rule planned there since then were refused, up to the last that was not."""

    def next_due(self, system: str) -> datetime | None:
        """When the next planned effect of the system is due."""


class Timers(Protocol):
    """What rules wait for."""

    def set(self, timer: Timer, *, keep: bool = False) -> None:
        """Set or move; with `keep`, a timer that is set already stays where it is."""

    def cancel(self, rule: str, subject: Ref, name: str) -> None:
        """Forget it, if it is set."""

    def is_set(self, rule: str, subject: Ref, name: str) -> bool:
        """Whether it is; asked for every change of every record, so it has to be cheap."""

    def take_due(self, limit: int) -> list[Timer]:
        """Remove and return those that have run out."""

    def pending(self, subject: Ref | None = None) -> list[Timer]:
        """Those that are set, of one record or of all."""


class Cursors(Protocol):
    """How far each stream is read."""

    def get(self, stream: str) -> Cursor:
        """The beginning where the stream was never read."""

    def move(self, stream: str, cursor: Cursor, lease: Lease | None) -> None:
        """Move it; raises LeaseLostError when the lease is no longer ours."""

    def note(self, cycle: Cycle) -> None:
        """Keep the statement of a cycle (the last hundred of each stream)."""

    def cycles(self, stream: str | None = None, limit: int = 20) -> list[Cycle]:
        """The latest first."""


class Leases(Protocol):
    """Who may do what alone. Times are the database's where several hosts share it."""

    def take(self, name: str, holder: str, seconds: float) -> Lease | None:
        """Take or renew; None when someone else holds it."""

    def holder(self, name: str) -> Lease | None:
        """Who holds it now."""

    def release(self, lease: Lease) -> None:
        """Give it back early."""

    def clear(self) -> None:
        """End all of them: for a process that knows that every other holder is gone."""


class Inbox(Protocol):
    """What webhooks hinted at, until it was fetched: one row a record, however many webhooks came."""

    def fresh(self, deliveries: Collection[str]) -> set[str]:
        """Note these names of deliveries; returns those that were not known before."""

    def put(self, hints: Iterable[Hint], most: int) -> bool:
        """Keep them, at most `most` rows. False when that is full: whole streams now stand for their records."""

    def waiting(self) -> list[Waiting]:
        """What is not answered, by stream."""

    def answered(self, stream: str, read_from: datetime) -> int:
        """Forget hints that came before a complete reading began, and whose record is as new here as they said."""

    def asked(self, stream: str, wait: float) -> int:
        """The stream is read for its due hints: they are due again after `wait` seconds, doubled at each asking."""

    def give_up(self, stream: str, read_from: datetime, tries: int) -> list[str]:
        """Forget hints asked for so often, the last time before a complete reading began; returns their keys."""

    def prune(self, before: datetime) -> int:
        """Forget the names of deliveries noted before then; returns how many."""


class Agreements(Protocol):
    """What mirrored pairs agree on (`View.agreed` reads it), and what was overruled."""

    def note(self, notes: Iterable[Note]) -> None:
        """Keep what is agreed on now."""

    def landed(self, target: Ref, key: str) -> None:
        """The write of a field has come about, and its record is mirrored as it is since then."""

    def log(self, rule: str, conflicts: Iterable[Conflict]) -> None:
        """Keep what was overruled."""

    def conflicts(self, ref: Ref | None = None, limit: int = 100) -> list[ConflictEntry]:
        """What was overruled, of one record or of all, the latest first."""


class Questions(Protocol):
    """What people are asked, and what they answered (`View.asked` reads it)."""

    def put(self, questions: Sequence[Question], expires_at: datetime) -> list[QuestionRow]:
        """Ask; returns those that are open now and were not, or say something else than before.

        One that rests (answered for good, or for a while that is not over) is left alone. A withdrawn one is open again, in
        the same round; one that has rested is asked in a new round.
        """

    def get(self, key: str, *, alone: bool = False) -> QuestionRow | None:
        """By key, or by the beginning of one (None when it is not the beginning of exactly one).

        `alone`: nobody else answers it until the end of this transaction.
        """

    def open(self, audience: Audience | None = None, kind: Asking | None = None, limit: int = 100) -> list[QuestionRow]:
        """What waits for an answer, the longest waiting first."""

    def rows(self, states: Collection[QuestionState] = (), limit: int = 100) -> list[QuestionRow]:
        """The latest first; no states: all of them."""

    def about(self, ref: Ref) -> list[QuestionRow]:
        """Questions whose subject it is, or that name it, the earliest first."""

    def waits(self, rule: str, subject: Ref) -> bool:
        """Whether a question of that rule about that record is open; asked for every change of every record."""

    def unasked(self, limit: int = 500) -> list[QuestionRow]:
        """Open ones that no message asks yet, the longest waiting first."""

    def carry(self, keys: Collection[str], message: str) -> None:
        """An effect asks these now."""

    def carried(self, message: str) -> list[QuestionRow]:
        """The questions that an effect asks, in the order they were first asked."""

    def due(self, asked_before: datetime) -> list[QuestionRow]:
        """Open ones that were asked before then and of which nobody was reminded; and open ones whose time is over."""

    def remind(self, key: str) -> None:
        """Somebody was reminded of it; that is not done twice."""

    def close(self, key: str, state: QuestionState, why: str, rests_until: datetime | None = None) -> bool:
        """Nobody has to answer any more; false where it is not open."""

    def answer(
        self, key: str, answer: str, detail: str, by: str, *, rests_until: datetime | None = None, final: bool = True
    ) -> Answer | None:
        """Note an answer; None where the question is not open: somebody was quicker. Unless `final` it stays open."""

    def answers(self, key: str) -> list[Answer]:
        """What was answered to it, the earliest first; undone answers too."""

    def undo(self, number: int, by: str) -> bool:
        """Take an answer back; the question is open again. False where it was taken back already."""


class Lessons(Protocol):
    """What people taught the judgements."""

    def add(self, lessons: Iterable[Lesson]) -> None:
        """Keep them; a later lesson about the same pair stands instead of an earlier one."""

    def undo(self, answer: int) -> list[Lesson]:
        """Take back what followed from an answer; returns what stood until now."""

    def retract(self, kind: LessonKind, pairs: Iterable[tuple[Ref, str]]) -> int:
        """Take back what stands of these pairs of a subject and another; returns how many stood."""

    def since(self, moment: datetime) -> list[Lesson]:
        """What was taught or taken back since then, the earliest first."""

    def all(self, kind: LessonKind | None = None) -> list[Lesson]:
        """Those that stand, the earliest first."""

    def of(self, kind: LessonKind, subjects: Collection[Ref]) -> list[Lesson]:
        """Those that stand about these records, the earliest first."""


class Labels(Protocol):
    """Texts whose topic people said, imported from files."""

    def put(self, labels: Iterable[LabelRow]) -> tuple[int, int]:
        """Keep them; a text that is there already has its latest topic. Returns how many are new, and how many changed."""

    def all(self) -> list[LabelRow]:
        """All of them, in an order that is always the same."""


class Models(Protocol):
    """What was learnt here, each version kept, so that an earlier one can be used again."""

    def put(self, kind: str, model: ModelRow, body: str) -> None:
        """Keep a version; the same version again is the same model."""

    def body(self, kind: str, version: str) -> str | None:
        """A version's content."""

    def all(self, kind: str) -> Sequence[ModelRow]:
        """The versions, the earliest first."""


class Progress(Protocol):
    """How far things have come, over many records at once."""

    def passed(self, since: datetime) -> list[Passed]:
        """The reports since then and when each came to which stage, the latest last."""

    def caused(self, refs: Collection[Ref]) -> dict[Ref, list[Ref]]:
        """The incidents that each of these changes and deployments is linked with as their cause."""

    def paired(self, refs: Collection[Ref]) -> dict[Ref, list[Ref]]:
        """The records in other systems that each of these mirrors, or is mirrored by."""

    def helped_by(self, ref: Ref) -> tuple[int, int]:
        """How many said that what this record offers as an answer helped them, and how many that it did not."""

    def helped(self, since: datetime) -> tuple[int, int]:
        """How many said since then that what was offered to them helped, and how many said anything."""

    def open_problems(self, limit: int) -> list[tuple[Ref, int]]:
        """The problems that are not over with the number of incidents each explains, those with most first."""


class Stuck(Protocol):
    """Effects that wait for a person, by what one decision can be about."""

    def heaps(self, state: Literal["held", "parked"]) -> list[Heap]:
        """One a rule (and a system, for refused ones), with how many there are and a few of them."""

    def unknowable(self, limit: int = 200) -> list[OutboxRow]:
        """Uncertain ones that nobody but a person can find, the earliest first."""

    def keys(self, state: Literal["held", "parked"], rule: str, system: str, upto: int) -> list[str]:
        """Those of a heap that were in it when it was counted, in the order planned; no system: of all."""

    def revert(self, mark: str, state: EffectState) -> int:
        """Take back what a person decided with this mark, where nothing has come of it yet; returns how many."""


class Tx(View, Protocol):
    """One transaction. It is also the View that rules judge by, so a page's own records are seen."""

    mirror: Mirror
    links: Links
    outbox: Outbox
    timers: Timers
    cursors: Cursors
    leases: Leases
    inbox: Inbox
    agreements: Agreements
    progress: Progress
    questions: Questions
    stuck: Stuck
    lessons: Lessons
    labels: Labels
    models: Models
    people: People

    def journal(self, entries: Iterable[JournalEntry]) -> None:
        """Keep why things happened."""

    def journal_of(self, ref: Ref, limit: int = 100) -> list[JournalEntry]:
        """What was noted about a record, latest first."""

    def quarantine(self, where: str, rows: Iterable[Unmapped]) -> None:
        """Set aside; the same (where, ident) again counts a try."""

    def released(self, where: str, idents: Iterable[str]) -> None:
        """These were processed after all: no longer quarantined."""

    def quarantined(self, limit: int = 100) -> list[Quarantined]:
        """What is set aside, latest first."""

    def depend(self, system: str, on: Mapping[str, Collection[str]]) -> None:
        """Keep on which others each service depends by this system; what it does not tell any more goes."""

    def remember(self, name: str, value: str) -> None:
        """Keep a small fact of the installation (an account id, a time zone)."""

    def recall(self, name: str) -> str | None:
        """What was remembered under that name."""


class Store(Protocol):
    """Where everything durable lives. Transactions are short; nothing remote happens inside one."""

    def write(self, *, keep: bool = True) -> AbstractContextManager[Tx]:
        """A transaction that commits at the end of the block; with keep=False it is rolled back (the dry run)."""

    def read(self) -> AbstractContextManager[Tx]:
        """A transaction for looking: a consistent view, no writing."""

    def short_of_room(self) -> str:
        """Why nothing should be sent now, since what comes of it might not fit on the disk; "" while there is room."""

    def close(self) -> None:
        """Let go of connections."""
