"""One transaction of the store, and the view that rules judge by."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

from loopbot.domain.effects import Effect
from loopbot.domain.mirroring import Agreed
from loopbot.domain.people import named_by
from loopbot.domain.questions import Asking, Standing
from loopbot.domain.records import Link, Person, Record, Ref
from loopbot.domain.telling import Told
from loopbot.domain.wordings import Neighbourhood, Sought, Vector
from loopbot.domain.words import Kind, Relation
from loopbot.judgement.versions import SHIPPED, used_fact
from loopbot.ports import (
    Agreements,
    Allotted,
    Cursors,
    Hearing,
    Inbox,
    JournalEntry,
    Labels,
    Leases,
    Lessons,
    Links,
    Mirror,
    Models,
    Outbox,
    People,
    Progress,
    Quarantined,
    Questions,
    Stuck,
    Timers,
    Unmapped,
)
from loopbot.store import dependence, journal, meanings
from loopbot.store.agreed import SqlAgreements
from loopbot.store.allotments import SqlAllotments
from loopbot.store.cursors import SqlCursors
from loopbot.store.heard import SqlHeard
from loopbot.store.inbox import SqlInbox
from loopbot.store.leases import SqlLeases
from loopbot.store.lessons import SqlLessons
from loopbot.store.links import SqlLinks
from loopbot.store.mirror import SqlMirror
from loopbot.store.models import SqlLabels, SqlModels
from loopbot.store.outbox import SqlOutbox
from loopbot.store.people import SqlPeople
from loopbot.store.progress import SqlProgress
from loopbot.store.questions import SqlQuestions
from loopbot.store.stuck import SqlStuck
from loopbot.store.timers import SqlTimers
from loopbot.store.told import opened_by_us, origin_of, told_by
from loopbot.store.work import Work


class SqlTx:
    """A transaction."""

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

    def __init__(self, work: Work) -> None:
        self._work = work
        self._mirror = SqlMirror(work)
        self._links = links = SqlLinks(work, self._mirror)
        leases = SqlLeases(work)
        self.mirror = self._mirror
        self.links = links
        outbox = SqlOutbox(work, self._mirror, links)
        self.outbox = outbox
        self.stuck = SqlStuck(work, outbox.read)
        self.timers = SqlTimers(work)
        self.leases = leases
        self.cursors = SqlCursors(work, leases)
        self.allotments = SqlAllotments(work)
        self.inbox = SqlInbox(work)
        self.heard = SqlHeard(work)
        self._agreements = SqlAgreements(work)
        self.agreements = self._agreements
        self.progress = SqlProgress(work, self._mirror)
        self._questions = SqlQuestions(work)
        self.questions = self._questions
        self._lessons = SqlLessons(work)
        self.labels = SqlLabels(work)
        self.models = SqlModels(work)
        self.lessons = self._lessons
        self.people = SqlPeople(work)

    def now(self) -> datetime:
        """The moment of this transaction, the same to its end."""
        return self._work.now()

    def record(self, ref: Ref) -> Record | None:
        """The mirrored record."""
        return self._mirror.get(ref)

    def between(
        self,
        kind: Kind,
        since: datetime,
        until: datetime,
        services: frozenset[str] = frozenset(),
        limit: int | None = None,
    ) -> Sequence[Record]:
        """Records that occurred in [since, until], newest first; with `services`, those that share one of them."""
        return self._mirror.between(kind, since, until, services, limit)

    def called(self, keys: Collection[str]) -> Sequence[Record]:
        """Records that people call any of these, in any case, over all systems."""
        return self._mirror.called(keys)

    def identified(self, idents: Collection[str]) -> Sequence[Record]:
        """Records that their own systems know by these ids, over all systems."""
        return self._mirror.identified(idents)

    def holding(self, names: Collection[str], limit: int) -> Sequence[Record]:
        """Records that brought any of these commits, pull requests or versions, newest first."""
        return self._mirror.holding(names, limit)

    def neighbours(self, of: Record | str, sought: Sought) -> Neighbourhood:
        """Records that share telling terms with a record or a text, the nearest first by a coarse measure."""
        return self._mirror.neighbours(of, sought)

    def meant(
        self, texts: Sequence[str], encoder: str, make: Callable[[Sequence[str]], Sequence[Vector]]
    ) -> Sequence[Vector]:
        """What texts mean as that version of an encoder says, remembered."""
        return meanings.recalled(self._work, texts, encoder, make)

    def learnt(self, judgement: str) -> str:
        """The model that a judgement has learnt here and that is in use, as text; "" where it is the one it came with."""
        version = journal.recall(self._work, used_fact(judgement)) or SHIPPED
        return "" if version == SHIPPED else self.models.body(judgement, version) or ""

    def depends(self, services: Collection[str]) -> frozenset[str]:
        """The services on which one of these depends."""
        return dependence.of(self._work, services)

    def depend(self, system: str, on: Mapping[str, Collection[str]]) -> None:
        """Keep on which others each service depends by this system; what it does not tell any more goes."""
        dependence.keep(self._work, system, on)

    def linked(self, ref: Ref, relation: Relation | None = None) -> Sequence[Link]:
        """Live links at either end of it."""
        return [link for link in self.links.of(ref) if relation in {None, link.relation}]

    def causes(self, refs: Collection[Ref]) -> Sequence[Link]:
        """Live links that lead from any of these to what caused it."""
        return self.links.causes(refs)

    def led_to(self, ref: Ref, relation: Relation) -> Collection[Ref]:
        """Where live links of that relation lead from it."""
        return self.links.led_to(ref, relation)

    def gone(self, refs: Collection[Ref]) -> None:
        """Their systems hold these records no longer; seen again, they are back."""
        self._mirror.gone(refs)

    def agreed(self, source: Ref, target: Ref) -> Mapping[str, Agreed]:
        """What a mirror and what it mirrors last agreed on, by field."""
        return self._agreements.of(source, target)

    def told(self, ref: Ref) -> Sequence[Told]:
        """What people were told about a record or are to be, in the order planned."""
        return [one for row in self.outbox.about(ref) if (one := told_by(row, ref)) is not None]

    def followers(self, refs: Collection[Ref]) -> Sequence[Person]:
        """Who said that they follow one of these records."""
        found = self.people.followers(refs)
        return [named_by(who) for who in dict.fromkeys(who for ref in refs for who in found.get(ref, ()))]

    def helped(self, ref: Ref) -> tuple[int, int]:
        """How many said that what this record offers as an answer helped them, and how many that it did not."""
        return self.progress.helped_by(ref)

    def said_in(self, ref: Ref) -> Ref | None:
        """The message of a chat that became this record."""
        return next((said for row in self.outbox.about(ref) if (said := origin_of(row, ref)) is not None), None)

    def opened(self, ref: Ref) -> bool:
        """Whether loopbot opened this ticket itself."""
        return opened_by_us(self._work, ref)

    def planned(self, key: str) -> Effect | None:
        """What was last planned under this identity; None where nothing was, or it was dropped."""
        row = self.outbox.get(key)
        return None if row is None or row.effect.key != key or row.state in {"dropped", "shadow"} else row.effect

    def asked(self, kind: Asking, subjects: Collection[Ref]) -> Standing | None:
        """What became of the latest question of that kind about one of these records."""
        return self._questions.asked(kind, subjects)

    def refused(self, ref: Ref, relation: Relation) -> frozenset[Ref]:
        """What may not be linked with it so, from either end."""
        return self._links.refused(ref, relation)

    def apart(self, ref: Ref) -> frozenset[Ref]:
        """The records of which people said that they are not the same as this one."""
        return self._lessons.apart(ref)

    def promoted_with(self, ref: Ref) -> frozenset[Ref]:
        """The records of which people, asked about them together with this one, said that they are one problem."""
        return self._questions.promoted_with(ref)

    def journal(self, entries: Iterable[JournalEntry]) -> None:
        """Add to the journal."""
        journal.write(self._work, entries)

    def journal_of(self, ref: Ref, limit: int = 100) -> list[JournalEntry]:
        """The last entries about a record, the oldest of them first."""
        return journal.read(self._work, ref, limit)

    def prune(self, before: datetime) -> int:
        """Forget the journal from before then; returns how many entries."""
        return journal.prune(self._work, before)

    def quarantine(self, where: str, rows: Iterable[Unmapped]) -> None:
        """Set aside; the same (where, ident) again counts a try."""
        journal.set_aside(self._work, where, rows)

    def released(self, where: str, idents: Iterable[str]) -> None:
        """These were processed after all: no longer quarantined."""
        journal.release(self._work, where, idents)

    def quarantined(self, limit: int = 100) -> list[Quarantined]:
        """What is set aside, the latest first."""
        return journal.aside(self._work, limit)

    def remember(self, name: str, value: str) -> None:
        """Keep a small fact of the installation."""
        journal.remember(self._work, name, value)

    def recall(self, name: str) -> str | None:
        """A small fact of the installation; who changes one by what it was takes a turn first (`alone`)."""
        return journal.recall(self._work, name)

    def alone(self, name: str) -> None:
        """Wait until no other transaction anywhere is in this part, and keep them out to the end of this one."""
        self._work.take_turn(name)
