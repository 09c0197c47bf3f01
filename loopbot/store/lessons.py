"""What people taught the judgements: kept for good, undone ones marked."""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import or_, select, update

from loopbot.domain.questions import Lesson, LessonKind
from loopbot.domain.records import Ref
from loopbot.store import schema
from loopbot.store.prepared import APART
from loopbot.store.schema import AnyRow
from loopbot.store.work import Work

L = schema.lesson.c
STANDS = L.undone_at.is_(None)


class SqlLessons:
    """The lessons inside one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connection = work.connection

    def add(self, lessons: Iterable[Lesson]) -> None:
        """Keep them; a later lesson about the same pair stands instead of an earlier one."""
        for one in lessons:
            same = (L.kind == one.kind, L.subject == one.subject, STANDS)
            # A record has one topic; of pairs each stands by itself.
            pair = same if one.kind == "topic" else (*same, L.other == one.other)
            self._connection.execute(update(schema.lesson).where(*pair).values(undone_at=self._work.now()))
            values = {"kind": one.kind, "subject": one.subject, "other": one.other, "verdict": one.verdict}
            rest = {"by": one.by, "at": one.at, "answer": one.answer, "before": one.before}
            self._connection.execute(schema.lesson.insert().values(**values, **rest))

    def undo(self, answer: int) -> list[Lesson]:
        """Take back what followed from an answer; returns what stood until now."""
        here = (L.answer == answer, STANDS)
        rows = self._connection.execute(select(schema.lesson).where(*here).order_by(L.id)).all()
        self._connection.execute(update(schema.lesson).where(*here).values(undone_at=self._work.now()))
        return [_lesson(row) for row in rows]

    def retract(self, kind: LessonKind, pairs: Iterable[tuple[Ref, str]]) -> int:
        """Take back what stands of these pairs of a subject and another; returns how many stood."""
        taken = 0
        for subject, other in pairs:
            here = (L.kind == kind, L.subject == subject, L.other == other, STANDS)
            gone = update(schema.lesson).where(*here).values(undone_at=self._work.now()).returning(L.id)
            taken += len(self._connection.execute(gone).all())
        return taken

    def since(self, moment: datetime) -> list[Lesson]:
        """What was taught or taken back since then, the earliest first."""
        query = select(schema.lesson).where(or_(L.at >= moment, L.undone_at >= moment)).order_by(L.id)
        return [_lesson(row) for row in self._connection.execute(query)]

    def all(self, kind: LessonKind | None = None) -> list[Lesson]:
        """Those that stand, the earliest first."""
        query = select(schema.lesson).where(STANDS).order_by(L.id)
        if kind is not None:
            query = query.where(L.kind == kind)
        return [_lesson(row) for row in self._connection.execute(query)]

    def of(self, kind: LessonKind, subjects: Collection[Ref]) -> list[Lesson]:
        """Those that stand about these records, the earliest first."""
        if not subjects:
            return []
        among = self._work.among(L.subject, map(str, subjects))
        query = select(schema.lesson).where(L.kind == kind, STANDS, among).order_by(L.id)
        return [_lesson(row) for row in self._connection.execute(query)]

    def apart(self, ref: Ref) -> frozenset[Ref]:
        """The records of which people said that they are not the same as this one."""
        given = {"ref": ref, "other": str(ref)}
        pairs = [(row.subject, Ref.parse(row.other)) for row in self._connection.execute(APART, given)]
        return frozenset(other if subject == ref else subject for subject, other in pairs)


def _lesson(row: AnyRow) -> Lesson:
    return Lesson(
        id=row.id,
        at=row.at,
        kind=row.kind,
        subject=row.subject,
        other=row.other,
        verdict=row.verdict,
        by=row.by,
        answer=row.answer,
        before=row.before,
        undone_at=row.undone_at,
    )
