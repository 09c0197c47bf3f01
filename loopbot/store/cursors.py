"""How far each stream is read, and the statement of each reading."""

from datetime import datetime

from sqlalchemy import delete, select

from loopbot.ports import Cursor, Cycle, Lease, LeaseLostError
from loopbot.store import journal, schema
from loopbot.store.codec import decode_cycle, encode_cycle
from loopbot.store.leases import SqlLeases
from loopbot.store.work import Work

C = schema.cursor.c
Y = schema.cycle.c
KEPT = 100
# Polls push a sweep out of the last hundred within two hours: the last one is kept by itself.
_SWEPT, _SINCE = "swept:", "read-since:"


class SqlCursors:
    """The cursors inside one transaction."""

    def __init__(self, work: Work, leases: SqlLeases) -> None:
        self._work = work
        self._connection = work.connection
        self._leases = leases

    def get(self, stream: str) -> Cursor:
        """Where the stream is read to; the beginning for one never read."""
        return Cursor(self._connection.scalar(select(C.position).where(C.stream == stream)) or "")

    def move(self, stream: str, cursor: Cursor, lease: Lease | None) -> None:
        """Move it; raises LeaseLostError when somebody took the lease since."""
        if lease is not None and not self._leases.stands(lease):
            message = (
                f"{lease.holder} lost the lease {lease.name} (token {lease.token}); {stream} is read by someone else"
            )
            raise LeaseLostError(message)
        moved = {"position": cursor.position, "moved_at": self._work.now()}
        statement = self._work.insert(schema.cursor).values(stream=stream, **moved)
        self._connection.execute(statement.on_conflict_do_update(index_elements=[C.stream], set_=moved))

    def note(self, cycle: Cycle) -> None:
        """Keep the statement of a cycle (the last hundred of each stream, and of sweeps the last that went to its end)."""
        here = Y.stream == cycle.stream
        self._connection.execute(schema.cycle.insert().values(stream=cycle.stream, body=encode_cycle(cycle)))
        oldest = select(Y.number).where(here).order_by(Y.number.desc()).offset(KEPT - 1).limit(1).scalar_subquery()
        self._connection.execute(delete(schema.cycle).where(here, Y.number < oldest))
        if cycle.swept:
            journal.remember(self._work, _SWEPT + cycle.stream, encode_cycle(cycle))
        elif journal.recall(self._work, _SINCE + cycle.stream) is None:
            journal.remember(self._work, _SINCE + cycle.stream, cycle.started_at.isoformat())

    def cycles(self, stream: str | None = None, limit: int = 20) -> list[Cycle]:
        """The latest first."""
        query = select(Y.body).order_by(Y.number.desc()).limit(limit)
        if stream is not None:
            query = query.where(Y.stream == stream)
        return [decode_cycle(body) for body in self._connection.scalars(query)]

    def sweep(self, stream: str) -> Cycle | None:
        """The last sweep that went to its end."""
        body = journal.recall(self._work, _SWEPT + stream)
        return decode_cycle(body) if body else None

    def since(self, stream: str) -> datetime | None:
        """When it was first read; None where it never was."""
        at = journal.recall(self._work, _SINCE + stream)
        return datetime.fromisoformat(at) if at else None
