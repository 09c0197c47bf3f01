"""What webhooks hinted at, until it was fetched."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlalchemy import and_, case, delete, exists, func, literal, or_, select, update

from loopbot.ports import Hint, Waiting
from loopbot.store import schema
from loopbot.store.codec import clean
from loopbot.store.work import Work

C = schema.inbox.c
D = schema.inbox_delivery.c
R = schema.record.c
_DOUBLINGS = 6
_LONGEST = 500  # an index holds no text of any length


class SqlInbox:
    """The inbox inside one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connection = work.connection
        self._mine = False

    def known(self, deliveries: Collection[str]) -> set[str]:
        """Which of these names were noted before; nothing is written."""
        if not deliveries:
            return set()
        self._alone()
        kept = {name: _kept(name) for name in deliveries}
        noted = set(self._connection.scalars(select(D.name).where(self._work.among(D.name, kept.values()))))
        return {name for name, place in kept.items() if place in noted}

    def fresh(self, deliveries: Collection[str]) -> set[str]:
        """Note these names; returns those that were not known before."""
        new = set(deliveries) - self.known(deliveries)
        if new:
            statement = self._work.insert(schema.inbox_delivery).on_conflict_do_nothing()
            names = sorted({_kept(name) for name in new})
            self._connection.execute(statement, [{"name": name, "at": self._work.now()} for name in names])
        return new

    def put(self, hints: Iterable[Hint], most: int) -> bool:
        """Keep them in at most `most` rows and one for each stream; false when full, and streams stand for records."""
        self._alone()
        newest: dict[tuple[str, str], datetime | None] = {}
        for hint in hints:
            place = (hint.stream, clean(hint.key).lower()[:_LONGEST])
            stamps = [at for at in (newest.get(place), hint.changed_at) if at is not None]
            newest[place] = max(stamps, default=None)
        room = most - self._rows()
        fits = room >= len(newest)
        if not fits:
            known = self._known(newest)
            for place in [place for place in newest if place[1] and place not in known][max(room, 0) :]:
                del newest[place]
                newest[place[0], ""] = None
        self._upsert(newest)
        return fits

    def waiting(self) -> list[Waiting]:
        """What is not answered, by stream, the one due first before the others."""
        due = func.min(C.due_at)
        query = select(C.stream, func.count(), func.min(C.first_at), due).group_by(C.stream).order_by(due, C.stream)
        return [
            Waiting(stream, number, _moment(first), _moment(at))
            for stream, number, first, at in self._connection.execute(query)
        ]

    def answered(self, stream: str, read_from: datetime) -> int:
        """Forget hints that came before a complete reading began, and whose record is as new here as they said."""
        self._alone()
        system = stream.partition(":")[0]
        mirrored = exists().where(R.called == C.called, R.system == system, R.updated_at >= C.changed_at)
        here = (C.stream == stream, C.last_at <= read_from, or_(C.changed_at.is_(None), mirrored))
        return len(self._connection.execute(delete(schema.inbox).where(*here).returning(C.stream)).all())

    def asked(self, stream: str, wait: float) -> int:
        """The stream is read for its due hints: they are due again after `wait` seconds, doubled at each asking."""
        self._alone()
        now = self._work.now()
        moments = [literal(now + timedelta(seconds=wait * 2**tries), schema.Moment()) for tries in range(_DOUBLINGS)]
        due = case(*((C.tries == tries, at) for tries, at in enumerate(moments)), else_=moments[-1])
        here = (C.stream == stream, C.due_at <= now)
        statement = update(schema.inbox).where(*here).values(asked_at=now, due_at=due, tries=C.tries + 1)
        return len(self._connection.execute(statement.returning(C.stream)).all())

    def give_up(self, stream: str, read_from: datetime, tries: int) -> list[str]:
        """Forget hints asked for so often, the last time before a complete reading began; returns their keys."""
        self._alone()
        here = and_(C.stream == stream, C.tries >= tries, C.asked_at <= read_from, C.last_at <= read_from)
        return sorted(self._connection.scalars(delete(schema.inbox).where(here).returning(C.called)))

    def prune(self, before: datetime) -> int:
        """Forget the names of deliveries noted before then; returns how many."""
        return len(self._connection.execute(delete(schema.inbox_delivery).where(D.at < before).returning(D.name)).all())

    def _alone(self) -> None:
        """Several hosts lock many rows each, in whatever order the plan has them: one after the other, or they deadlock."""
        if self._work.shared and not self._mine:
            self._work.take_turn("inbox")
            self._mine = True

    def _rows(self) -> int:
        return int(self._connection.scalar(select(func.count()).select_from(schema.inbox)) or 0)

    def _known(self, places: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        by_stream = Counter(stream for stream, _ in places)
        found: set[tuple[str, str]] = set()
        for stream in by_stream:
            called = [name for where, name in places if where == stream]
            query = select(C.called).where(C.stream == stream, self._work.among(C.called, called))
            found.update((stream, name) for name in self._connection.scalars(query))
        return found

    def _upsert(self, newest: dict[tuple[str, str], datetime | None]) -> None:
        if not newest:
            return
        now = self._work.now()
        statement = self._work.insert(schema.inbox)
        given = statement.excluded
        older = or_(C.changed_at.is_(None), given.changed_at > C.changed_at)
        statement = statement.on_conflict_do_update(
            index_elements=[C.stream, C.called],
            set_={
                "changed_at": case((older, func.coalesce(given.changed_at, C.changed_at)), else_=C.changed_at),
                "last_at": given.last_at,
                "due_at": case((C.due_at < given.due_at, C.due_at), else_=given.due_at),
                "tries": 0,
            },
        )
        moments = {"first_at": now, "last_at": now, "due_at": now, "tries": 0}
        rows = [
            {"stream": stream, "called": called, "changed_at": at, **moments}
            for (stream, called), at in sorted(newest.items(), key=lambda one: one[0])
        ]
        self._connection.execute(statement, rows)


def _moment(stored: object) -> datetime:
    """A time as an aggregate gives it."""
    return stored if isinstance(stored, datetime) else schema.moment_of(int(str(stored)))


def _kept(name: str) -> str:
    return clean(name)[:_LONGEST]
