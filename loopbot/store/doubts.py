"""Doubt after a restore: what is planned may have been sent in the time that was lost, so it is looked for first.

While doubt lasts, effects enter the outbox as uncertain, sent at the earliest when the lost time began. Looking for them
by their markers then says which are there (they are adopted) and which are not (only these are sent).
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import case, func, literal, update

from loopbot.store import journal, schema
from loopbot.store.chunks import chunks
from loopbot.store.schema import PLANNED
from loopbot.store.work import Work

C = schema.outbox.c
FACT = "look first"
WHY = "it may have been sent before the store was restored; looked for first"


def begin(work: Work, since: datetime) -> int:
    """Doubt everything that is not certainly out, and from now on whatever is planned; returns how many that are."""
    journal.remember(work, FACT, f"{since.isoformat()} {work.now().isoformat()}")
    return _doubt(work, (since, work.now()), None)


def lost(work: Work) -> tuple[datetime, datetime] | None:
    """The time that was lost: from when, and when the store was restored; None while nothing is in doubt."""
    since, _, at = (journal.recall(work, FACT) or "").partition(" ")
    return (datetime.fromisoformat(since), datetime.fromisoformat(at)) if at else None


def end(work: Work) -> None:
    """What is planned from now on is certainly new."""
    journal.remember(work, FACT, "")


def cast_on(work: Work, keys: Collection[str]) -> bool:
    """Doubt effects that were just planned, if there is doubt; whether there is."""
    span = lost(work)
    if span is not None:
        _doubt(work, span, keys)
    return span is not None


def _doubt(work: Work, span: tuple[datetime, datetime], keys: Collection[str] | None) -> int:
    """May have been sent in that time. A message that is out already (with a receipt) is only brought up to date: again does no harm."""
    now = work.now()
    values = {
        "sent_at": func.coalesce(C.sent_at, literal(span[0], schema.Moment)),
        "lost_at": literal(span[1], schema.Moment),
        "due_at": case((C.state == PLANNED, literal(now, schema.Moment)), else_=C.due_at),
        "why": case((C.state == PLANNED, WHY), else_=C.why),
        "state": case((C.state == PLANNED, "uncertain"), else_=C.state),
    }
    # What was on its way when the backup was made is uncertain of itself once its claim has run out.
    here = update(schema.outbox).where(C.state.in_([PLANNED, "held", "shadow"]), C.receipt.is_(None))
    if keys is None:
        return len(work.connection.execute(here.values(**values).returning(C.number)).all())
    done = 0
    for some in chunks(sorted(keys)):
        found = work.connection.execute(here.where(work.among(C.key, some)).values(**values).returning(C.number))
        done += len(found.all())
    return done
