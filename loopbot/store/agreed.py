"""What mirrored pairs agree on, field by field, and the log of what both sides changed at once."""

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import bindparam, delete, or_, select, update

from loopbot.domain.mirroring import Agreed, Conflict, Note
from loopbot.domain.records import Ref
from loopbot.ports import ConflictEntry
from loopbot.store import schema
from loopbot.store.codec import decode_agreed, encode_agreed
from loopbot.store.work import Work

A = schema.agreed.c
C = schema.conflict.c
B = schema.outbox.c
OF = (
    select(A.field, A.body, B.state)
    .select_from(schema.agreed.outerjoin(schema.outbox, B.key == A.key))
    .where(A.source == bindparam("mirror", type_=A.source.type), A.target == bindparam("mirrored", type_=A.target.type))
)
TURN = "mirrored pairs"


class SqlAgreements:
    """The baselines inside one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connection = work.connection

    def of(self, source: Ref, target: Ref) -> dict[str, Agreed]:
        """What the pair last agreed on, by field, with what has become of the last write.

        Who is about to change it keeps other hosts out to the end of the transaction: read the pair's records after this.
        """
        if self._work.shared and not self._connection.get_execution_options().get("postgresql_readonly"):
            self._work.take_turn(TURN)
        found = {}
        for row in self._connection.execute(OF, {"mirror": source, "mirrored": target}):
            agreed = decode_agreed(row.body)
            if agreed.flight is not None:
                agreed = replace(agreed, flight=replace(agreed.flight, state=row.state or ""))
            found[row.field] = agreed
        return found

    def note(self, notes: Iterable[Note]) -> None:
        """Keep what is agreed on now."""
        for one in notes:
            flight = one.agreed.flight
            row = {"key": flight.key if flight else None, "body": encode_agreed(one.agreed)}
            names = {"source": one.source, "target": one.target, "field": one.field}
            statement = self._work.insert(schema.agreed).values(**names, **row)
            places = [A.source, A.target, A.field]
            self._connection.execute(statement.on_conflict_do_update(index_elements=places, set_=row))

    def landed(self, target: Ref, key: str) -> None:
        """The write of a field has come about, and its record is mirrored as it is since then."""
        rows = self._connection.execute(select(schema.agreed).where(A.target == target, A.key == key)).all()
        for row in rows:
            agreed = decode_agreed(row.body)
            if agreed.flight is not None:
                flight = replace(agreed.flight, landed=self._work.now())
                self.note([Note(row.source, row.target, row.field, replace(agreed, flight=flight))])

    def log(self, rule: str, conflicts: Iterable[Conflict]) -> None:
        """Keep what was overruled."""
        now = self._work.now()
        for one in conflicts:
            names = {"source": one.source, "target": one.target, "field": one.field}
            values = {"loser": one.loser, "lost": one.lost, "kept": one.kept, "rule": rule, "at": now}
            self._connection.execute(schema.conflict.insert().values(**names, **values))

    def conflicts(self, ref: Ref | None = None, limit: int = 100) -> list[ConflictEntry]:
        """What was overruled, of one record or of all, the latest first."""
        query = select(schema.conflict).order_by(C.number.desc()).limit(limit)
        if ref is not None:
            query = query.where(or_(C.source == ref, C.target == ref))
        return [
            ConflictEntry(row.at, row.rule, Conflict(row.source, row.target, row.field, row.loser, row.lost, row.kept))
            for row in self._connection.execute(query)
        ]


def rename(work: Work, old: Ref, new: Ref) -> None:
    """A mirror is open now, or a record has another ref: its agreements follow; those the new name has already stand."""
    for column, far in ((A.source, A.target), (A.target, A.source)):
        rows = work.connection.execute(select(schema.agreed).where(column == old)).all()
        for row in rows:
            here = (column == old, far == getattr(row, far.name), A.field == row.field)
            taken = select(A.field).where(column == new, *here[1:])
            if work.connection.execute(taken).first() is None:
                work.connection.execute(update(schema.agreed).where(*here).values({column.name: new}))
            else:
                work.connection.execute(delete(schema.agreed).where(*here))
