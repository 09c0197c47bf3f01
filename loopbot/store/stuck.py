"""Effects that wait for a person: gathered by rule, so that one decision can be about all of them."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from sqlalchemy import func, select, update

from loopbot.ports import EffectState, Heap, OutboxRow
from loopbot.store import schema
from loopbot.store.schema import NEVER, AnyRow
from loopbot.store.work import Work

C = schema.outbox.c
SAMPLE = 5
OURS = "ask"
"""Questions themselves are asked about nowhere: where they can not be asked, the lists show them."""


class SqlStuck:
    """What is stuck, inside one transaction; `rows` reads whole rows of the outbox."""

    def __init__(self, work: Work, rows: Callable[[Sequence[AnyRow]], list[OutboxRow]]) -> None:
        self._work, self._rows = work, rows
        self._connection = work.connection

    def heaps(self, state: Literal["held", "parked"]) -> list[Heap]:
        """One a rule (and a system, for refused ones), with how many there are and a few of them."""
        apart = (C.rule,) if state == "held" else (C.rule, C.system)
        found = select(*apart, func.count().label("many"), func.max(C.number).label("upto"))
        query = found.where(C.state == state, C.verb != OURS).group_by(*apart).order_by(*apart)
        return [self._heap(state, row) for row in self._connection.execute(query).all()]

    def unknowable(self, limit: int = 200) -> list[OutboxRow]:
        """Uncertain ones that nobody but a person can find, the earliest first."""
        query = select(schema.outbox).where(C.state == "uncertain", C.due_at == NEVER, C.verb != OURS)
        return self._rows(self._connection.execute(query.order_by(C.number).limit(limit)).all())

    def keys(self, state: Literal["held", "parked"], rule: str, system: str, upto: int) -> list[str]:
        """Those of a heap that were in it when it was counted, in the order planned; no system: of all."""
        here = [C.state == state, C.rule == rule, C.number <= upto, C.verb != OURS]
        here += [C.system == system] if system else []
        return list(self._connection.scalars(select(C.key).where(*here).order_by(C.number)))

    def revert(self, mark: str, state: EffectState) -> int:
        """Take back what a person decided with this mark, where nothing has come of it yet; returns how many."""
        decided = C.state.in_(["planned", "dropped", "settled"])
        due = {"due_at": NEVER} if state == "uncertain" else {}
        values: dict[str, Any] = {"state": state, "why": f"taken back: {mark}", **due}
        if state == "uncertain":
            values["settled_at"] = None
        here = update(schema.outbox).where(C.why == mark, decided).values(**values)
        return len(self._connection.execute(here.returning(C.number)).all())

    def _heap(self, state: str, row: AnyRow) -> Heap:
        here = [C.state == state, C.rule == row.rule, C.verb != OURS]
        system = "" if state == "held" else row.system
        here += [C.system == system] if system else []
        query = select(schema.outbox).where(*here).order_by(C.number).limit(SAMPLE)
        sample = tuple(self._rows(self._connection.execute(query).all()))
        return Heap(row.rule, system, row.many, row.upto, sample[0].why if sample else "", sample)
