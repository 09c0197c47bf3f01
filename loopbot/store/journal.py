"""What a person can read about what happened: the journal, what is set aside, and small facts of the installation."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import bindparam, delete, select

from loopbot.domain.records import Ref
from loopbot.ports import JournalEntry, Quarantined, Unmapped
from loopbot.store import schema
from loopbot.store.chunks import chunks
from loopbot.store.work import Work

J = schema.journal.c
Q = schema.quarantine.c
F = schema.fact.c
RECALLED = select(F.value).where(F.name == bindparam("name"))
ANY_ASIDE = select(Q.tries).where(Q.place == bindparam("place")).limit(1)


def write(work: Work, entries: Iterable[JournalEntry]) -> None:
    """Add to the journal."""
    rows = [
        {"at": one.at, "rule": one.rule, "subject": one.subject, "what": one.what, "because": one.because}
        for one in entries
    ]
    if rows:
        work.connection.execute(schema.journal.insert(), rows)


def read(work: Work, ref: Ref, limit: int) -> list[JournalEntry]:
    """The last entries about a record, the oldest of them first."""
    query = select(schema.journal).where(J.subject == ref).order_by(J.number.desc()).limit(limit)
    rows = work.connection.execute(query).all()
    return [JournalEntry(row.at, row.rule, row.subject, row.what, row.because) for row in reversed(rows)]


def prune(work: Work, before: datetime) -> int:
    """Forget the entries from before then; returns how many."""
    return len(work.connection.execute(delete(schema.journal).where(J.at < before).returning(J.number)).all())


def set_aside(work: Work, where: str, rows: Iterable[Unmapped]) -> None:
    """Quarantine; the same (where, ident) again counts a try and keeps the first moment."""
    now = work.now()
    said = [{"place": where, "ident": row.ident, "why": row.why, "excerpt": row.excerpt} for row in rows]
    if not said:
        return
    statement = work.insert(schema.quarantine)
    statement = statement.values(first_at=now, last_at=now, tries=1).on_conflict_do_update(
        index_elements=[Q.place, Q.ident],
        set_={
            "why": statement.excluded.why,
            "excerpt": statement.excluded.excerpt,
            "last_at": now,
            "tries": Q.tries + 1,
        },
    )
    moments = {"first_at": now, "last_at": now, "tries": 1}
    ordered = sorted(said, key=lambda row: row["ident"])
    work.connection.execute(statement, [row | moments for row in ordered])


def release(work: Work, where: str, idents: Iterable[str]) -> None:
    """No longer quarantined."""
    # Asked for every page: nearly always there is nothing to release.
    if work.connection.scalar(ANY_ASIDE, {"place": where}) is None:
        return
    for some in chunks(sorted(set(idents))):
        work.connection.execute(delete(schema.quarantine).where(Q.place == where, work.among(Q.ident, some)))


def aside(work: Work, limit: int) -> list[Quarantined]:
    """What is quarantined, the latest first."""
    query = select(schema.quarantine).order_by(Q.last_at.desc(), Q.place, Q.ident).limit(limit)
    return [
        Quarantined(row.place, row.ident, row.why, row.excerpt, row.first_at, row.last_at, row.tries)
        for row in work.connection.execute(query)
    ]


def remember(work: Work, name: str, value: str) -> None:
    """Keep a fact."""
    statement = work.insert(schema.fact).values(name=name, value=value)
    work.connection.execute(statement.on_conflict_do_update(index_elements=[F.name], set_={"value": value}))


def recall(work: Work, name: str) -> str | None:
    """The fact, if it is known."""
    return work.connection.scalar(RECALLED, {"name": name})
