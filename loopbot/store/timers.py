"""What rules wait for."""

from sqlalchemy import bindparam, delete, select

from loopbot.domain.events import Timer
from loopbot.domain.records import Ref
from loopbot.store import schema
from loopbot.store.schema import AnyRow
from loopbot.store.work import Work

C = schema.timer.c


class SqlTimers:
    """The timers inside one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connection = work.connection
        # What each rule asked about waits for, read once a transaction. Where another host sets a timer meanwhile we may
        # leave it: its rule looks at the record again before it does anything.
        self._waiting: dict[str, set[tuple[Ref, str]]] = {}

    def set(self, timer: Timer, *, keep: bool = False) -> None:
        """Set or move; with `keep`, a timer that is set already stays where it is."""
        row = {"rule": timer.rule, "subject": timer.subject, "name": timer.name, "at": timer.at}
        statement = self._work.insert(schema.timer).values(**row)
        if timer.rule in self._waiting:
            self._waiting[timer.rule].add((timer.subject, timer.name))
        if keep:
            self._connection.execute(statement.on_conflict_do_nothing())
        else:
            places = [C.rule, C.subject, C.name]
            self._connection.execute(statement.on_conflict_do_update(index_elements=places, set_={"at": timer.at}))

    def cancel(self, rule: str, subject: Ref, name: str) -> None:
        """Forget it, if it is set."""
        if rule in self._waiting:
            self._waiting[rule].discard((subject, name))
        here = (C.rule == rule, C.subject == subject, C.name == name)
        self._connection.execute(delete(schema.timer).where(*here))

    def is_set(self, rule: str, subject: Ref, name: str) -> bool:
        """Whether it is."""
        if rule not in self._waiting:
            rows = self._connection.execute(select(C.subject, C.name).where(C.rule == rule))
            self._waiting[rule] = {(row.subject, row.name) for row in rows}
        return (subject, name) in self._waiting[rule]

    def take_due(self, limit: int) -> list[Timer]:
        """Remove and return those that have run out, the earliest first."""
        query = select(schema.timer).where(C.at <= self._work.now()).order_by(C.at, C.rule, C.subject, C.name)
        rows = self._connection.execute(query.limit(limit).with_for_update(skip_locked=True)).all()
        self._waiting.clear()
        if rows:
            places = {"old_rule": C.rule, "old_subject": C.subject, "old_name": C.name}
            here = (column == bindparam(name, type_=column.type) for name, column in places.items())
            taken = [{"old_rule": row.rule, "old_subject": row.subject, "old_name": row.name} for row in rows]
            self._connection.execute(delete(schema.timer).where(*here), taken)
        return [_timer(row) for row in rows]

    def pending(self, subject: Ref | None = None) -> list[Timer]:
        """Those that are set, the earliest first."""
        query = select(schema.timer).order_by(C.at, C.rule, C.subject, C.name)
        if subject is not None:
            query = query.where(C.subject == subject)
        return [_timer(row) for row in self._connection.execute(query)]


def _timer(row: AnyRow) -> Timer:
    return Timer(row.rule, row.subject, row.name, row.at)
