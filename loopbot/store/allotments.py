"""Slices of the budgets an hour, and what servers closed, for all nodes of a fleet."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update

from loopbot.ports import Allotment, Slice, Spent, Word
from loopbot.store import schema
from loopbot.store.codec import clean
from loopbot.store.work import Work

S = schema.call_slice.c
D = schema.call_closure.c
_HOUR = timedelta(hours=1)
LASTS = 120.0
"""Seconds: a dead node keeps its slice from the others for that long and an hour."""
_LONGEST = 500  # an index holds no text of any length


class SqlAllotments:
    """The allotments inside one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connection = work.connection

    def exchange(self, system: str, holder: str, word: Word) -> Allotment:
        """Tell and ask, at once; nodes of one system take turns. In any hour no more than the budget is given out."""
        self._work.take_turn(f"calls:{system}")
        now = self._work.now()
        self._close(system, word.closed, now)
        closed = self._closed(system, now)
        if word.spent is not None:
            self._spend(word.spent, now)
        if not word.per_hour:
            return Allotment(closed=closed)
        self._connection.execute(delete(schema.call_slice).where(S.system == system, S.until <= now))
        # Where the clock was set back, what was spent before counts for an hour from now on, and not for longer.
        latest = now + timedelta(seconds=LASTS) + _HOUR
        late = (S.system == system, S.until > latest)
        self._connection.execute(update(schema.call_slice).where(*late).values(until=latest))
        taken, wait = self._take(system, holder, word.per_hour, now) if word.wants else (None, 0.0)
        used = self._connection.scalar(select(func.coalesce(func.sum(S.used), 0)).where(S.system == system))
        return Allotment(taken, wait, max(word.per_hour - int(used or 0), 0), closed)

    def _spend(self, spent: Spent, now: datetime) -> None:
        """What is over counts for an hour from now on, and only as many calls as were made."""
        here = S.number == spent.number
        if not spent.over:
            self._connection.execute(update(schema.call_slice).where(here).values(used=spent.used))
        elif spent.used:
            over = {"calls": spent.used, "used": spent.used, "until": now + _HOUR}
            self._connection.execute(update(schema.call_slice).where(here).values(over))
        else:
            self._connection.execute(delete(schema.call_slice).where(here))

    def _take(self, system: str, holder: str, per_hour: int, now: datetime) -> tuple[Slice | None, float]:
        here = S.system == system
        held = self._connection.scalar(select(func.coalesce(func.sum(S.calls), 0)).where(here))
        room = per_hour - int(held or 0)
        if room <= 0:
            # What others hold may come back as soon as their slices are over.
            first = self._connection.scalar(select(func.min(S.until)).where(here))
            at_work = self._connection.scalar(select(func.min(S.until)).where(here, S.until > now + _HOUR))
            ends = [one for one in (_moment(first), _moment(at_work, less=_HOUR)) if one is not None]
            return None, max((min(ends, default=now) - now).total_seconds(), 1.0)
        # A twentieth at most, and ever less of what is left: the last calls are not all one node's.
        calls = min(room, max(1, min(per_hour // 20, room // 4)))
        until = now + timedelta(seconds=LASTS) + _HOUR
        row = {"system": system, "holder": holder, "calls": calls, "used": 0, "until": until}
        number = self._connection.scalar(self._work.insert(schema.call_slice).values(row).returning(S.number))
        return Slice(int(number or 0), calls, LASTS), 0.0

    def _close(self, system: str, closed: Mapping[str, float], now: datetime) -> None:
        for endpoint, seconds in sorted(closed.items()):
            until = now + timedelta(seconds=seconds)
            row = {"system": system, "endpoint": clean(endpoint)[:_LONGEST], "until": until}
            statement = self._work.insert(schema.call_closure).values(row)
            longer = statement.on_conflict_do_update(
                index_elements=[D.system, D.endpoint], set_={"until": until}, where=D.until < until
            )
            self._connection.execute(longer)

    def _closed(self, system: str, now: datetime) -> dict[str, float]:
        rows = self._connection.execute(select(D.endpoint, D.until).where(D.system == system)).all()
        if any(until <= now for _, until in rows):
            self._connection.execute(delete(schema.call_closure).where(D.system == system, D.until <= now))
        return {endpoint: (until - now).total_seconds() for endpoint, until in rows if until > now}


def _moment(stored: object, less: timedelta = timedelta()) -> datetime | None:
    """A time as an aggregate gives it, so much earlier; None for none."""
    if stored is None:
        return None
    return (stored if isinstance(stored, datetime) else schema.moment_of(int(str(stored)))) - less
