"""What people did in a chat, kept before the chat is told so, until it is done; then its name, by which it is known again."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, exists, select, update

from loopbot.ports import Kept
from loopbot.store import schema
from loopbot.store.codec import clean
from loopbot.store.work import Work

H = schema.heard
C = H.c
REMEMBERED = timedelta(days=3)
"""Chats deliver again for some minutes."""
_LONGEST = 500  # an index holds no text of any length


class SqlHeard:
    """What was heard, inside one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connection = work.connection

    def keep(self, kept: Kept, seconds: float) -> bool:
        """Keep it for whoever calls, for so long; False where it was kept before."""
        now = self._work.now()
        row = {"name": _called(kept.name), "system": kept.system, "kind": kept.kind, "body": kept.body}
        row["about"] = _called(kept.about)
        values = {**row, "at": now, "due_at": now + timedelta(seconds=seconds), "tries": 1}
        statement = self._work.insert(H).values(values).on_conflict_do_nothing()
        return self._connection.scalar(statement.returning(C.name)) is not None

    def waits(self, system: str) -> bool:
        """Whether anything was not done in time."""
        here = (C.system == system, C.due_at <= self._work.now())
        return self._connection.scalar(select(C.name).where(*here).limit(1)) is not None

    def left(self, system: str, seconds: float) -> Sequence[tuple[Kept, int]]:
        """What nobody did in time, now the caller's for so long, the earliest first; and how often it was tried.

        Who said something else about the same thing since then is taken at that later word.
        """
        now = self._work.now()
        self._connection.execute(delete(H).where(C.due_at.is_(None), C.at < now - REMEMBERED))
        here = (C.system == system, C.due_at <= now)
        later = H.alias()
        since = exists().where(later.c.about == C.about, later.c.number > C.number)
        over = {"due_at": None, "body": "", "about": "", "at": now}
        self._connection.execute(update(H).where(*here, C.about != "", since).values(over))
        claimed = {"due_at": now + timedelta(seconds=seconds), "tries": C.tries + 1}
        statement = update(H).where(*here).values(claimed)
        columns = (C.number, C.name, C.kind, C.body, C.about, C.tries)
        rows = sorted(self._connection.execute(statement.returning(*columns)), key=lambda row: int(row.number))
        return [(Kept(row.name, system, row.kind, row.body, row.about), row.tries - 1) for row in rows]

    def open(self, name: str) -> bool:
        """Whether it is kept and not done."""
        here = (C.name == _called(name), C.due_at.is_not(None))
        return self._connection.scalar(select(C.number).where(*here)) is not None

    def end(self, name: str, *, said_nothing: bool = False) -> bool:
        """It is done with this transaction; False where it was before. `said_nothing`: it is nobody's later word about anything."""
        here = (C.name == _called(name), C.due_at.is_not(None))
        over: dict[str, object] = {"due_at": None, "body": "", "at": self._work.now()}
        over |= {"about": ""} if said_nothing else {}
        return self._connection.scalar(update(H).where(*here).values(over).returning(C.number)) is not None

    def orphan(self) -> None:
        """Whoever was to do any of it is gone: it is due now."""
        now = self._work.now()
        self._connection.execute(update(H).where(C.due_at > now).values(due_at=now))


def _called(name: str) -> str:
    return clean(name)[:_LONGEST]
