"""The store: what one transaction can do."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from loopbot.domain.records import Ref
from loopbot.domain.views import View
from loopbot.ports.allotments import Allotment, Word
from loopbot.ports.hearing import Hint, Kept
from loopbot.ports.lessons import Labels, Lessons, Models, Questions
from loopbot.ports.mirror import Agreements, Links, Mirror
from loopbot.ports.outbox import Outbox, Progress, Stuck, Timers
from loopbot.ports.people import People
from loopbot.ports.rows import Cycle, JournalEntry, Lease, Quarantined, Waiting
from loopbot.ports.systems import Cursor, Unmapped


class Cursors(Protocol):
    """How far each stream is read."""

    def get(self, stream: str) -> Cursor:
        """The beginning where the stream was never read."""

    def move(self, stream: str, cursor: Cursor, lease: Lease | None) -> None:
        """Move it; raises LeaseLostError when the lease is no longer ours."""

    def note(self, cycle: Cycle) -> None:
        """Keep the statement of a cycle (the last hundred of each stream, and of sweeps the last that went to its end)."""

    def cycles(self, stream: str | None = None, limit: int = 20) -> list[Cycle]:
        """The latest first."""

    def sweep(self, stream: str) -> Cycle | None:
        """The last sweep that went to its end."""

    def since(self, stream: str) -> datetime | None:
        """When it was first read; None where it never was."""


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


class Allotted(Protocol):
    """What the nodes of a fleet share of calls. Times are the database's."""

    def exchange(self, system: str, holder: str, word: Word) -> Allotment:
        """Tell and ask, at once. In any hour no more slices are given out than the budget holds."""


class Inbox(Protocol):
    """What webhooks hinted at, until it was fetched: one row a record, however many webhooks came."""

    def known(self, deliveries: Collection[str]) -> set[str]:
        """Which of these names of deliveries were noted before; nothing is written."""

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


class Hearing(Protocol):
    """What people did in a chat: kept before the chat is told so, until it is done, by whoever is there."""

    def keep(self, kept: Kept, seconds: float) -> bool:
        """Keep it; for so long it is the caller's to do. False where it was kept before."""

    def waits(self, system: str) -> bool:
        """Whether anything was not done in time."""

    def left(self, system: str, seconds: float) -> Sequence[tuple[Kept, int]]:
        """What nobody did in time, now the caller's for so long, the earliest first; and how often it was tried.

        Who said something else about the same thing since then is taken at that later word.
        """

    def open(self, name: str) -> bool:
        """Whether it is kept and not done."""

    def end(self, name: str, *, said_nothing: bool = False) -> bool:
        """It is done with this transaction; False where it was before, or is not known.

        `said_nothing`: nothing followed from it, so it is nobody's later word about anything.
        """

    def orphan(self) -> None:
        """Whoever was to do any of it is gone: for a process that knows that it is alone."""


class Tx(View, Protocol):
    """One transaction. It is also the View that rules judge by, so a page's own records are seen."""

    mirror: Mirror
    links: Links
    outbox: Outbox
    timers: Timers
    cursors: Cursors
    leases: Leases
    allotments: Allotted
    inbox: Inbox
    heard: Hearing
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

    @property
    def shared(self) -> bool:
        """Whether nodes on several hosts may be at work on it."""

    def write(self, *, keep: bool = True) -> AbstractContextManager[Tx]:
        """A transaction that commits at the end of the block; with keep=False it is rolled back (the dry run)."""

    def read(self) -> AbstractContextManager[Tx]:
        """A transaction for looking: a consistent view, no writing."""

    def short_of_room(self) -> str:
        """Why nothing should be sent now, since what comes of it might not fit on the disk; "" while there is room."""

    def close(self) -> None:
        """Let go of connections."""
