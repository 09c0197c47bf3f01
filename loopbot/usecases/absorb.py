"""Takes records into the mirror: what is known of them beside their own words, what is news, and what rules make of that."""

import dataclasses
from collections.abc import Iterable
from datetime import datetime

from loopbot.domain.effects import Align, Effect
from loopbot.domain.events import Changed
from loopbot.domain.ranking import classified
from loopbot.domain.receipts import Receipt
from loopbot.domain.records import Feedback, Incident, Issue, Record
from loopbot.domain.telling import environment_of
from loopbot.ports import Tx, Upserted
from loopbot.usecases.bygone import is_history
from loopbot.usecases.enact import Enacted, decide, follow, look_again
from loopbot.usecases.loop import Loop
from loopbot.usecases.moves import as_moved, follow_moves
from loopbot.usecases.taught import with_what_people_said
from loopbot.usecases.withheld import with_what_was_known


def absorb(
    loop: Loop, tx: Tx, records: Iterable[Record], *, echo: bool = False, bygone: datetime | None = None
) -> tuple[list[Upserted], list[Enacted]]:
    """Put records into the mirror, note the links they state, and let the rules judge what changed.

    What is seen for the first time and was over before `bygone` is history: known, and no news (bygone.py).
    """
    known = with_what_people_said(tx, with_what_was_known(tx, list(records)))
    given = _classified(loop, tx, _with_environments_used(loop, known))
    rows = _with_moves(tx, tx.mirror.put(_with_environments(tx, given)))
    history = [row for row in rows if is_history(row, bygone)]
    tx.links.state([row.record for row in history])
    _redeployed(tx, history)
    news = [row for row in rows if row.what in ("new", "changed") and not is_history(row, bygone)]
    links = tx.links.state([row.record for row in news])
    rows_after = _redeployed(tx, news)
    events = [Changed(row.record, row.before, echo) for row in (*news, *rows_after)]
    return rows, [*decide(loop, tx, events), *follow(loop, tx, links, bygone)]


def proven(loop: Loop, tx: Tx, effect: Effect, receipt: Receipt, *, long_ago: bool = False) -> list[Enacted]:
    """Mirror what the answer to a write showed (our own echo), and judge what had to wait for it.

    `long_ago`: nobody knows when it landed, so that what is mirrored may be from before or after.
    """
    if isinstance(effect, Align) and (receipt.after is not None or long_ago):
        tx.agreements.landed(effect.cause.subject, effect.key)
    shown = absorb(loop, tx, [receipt.after], echo=True)[1] if receipt.after is not None else []
    return [*shown, *look_again(loop, tx, effect, receipt.ref)]


def _classified(loop: Loop, tx: Tx, records: list[Record]) -> list[Record]:
    """Feedback with what kind it seems to be, judged where its words or the model are other than at the last sight."""
    said = {one.ref for one in records if one.kind == "feedback"}
    if not said:
        return records
    known = tx.mirror.many(said)
    topics = loop.shelf.in_force(tx) if loop.shelf else loop.judgement.topics
    return [classified(one, topics, known.get(one.ref)) for one in records]


def _with_moves(tx: Tx, rows: list[Upserted]) -> list[Upserted]:
    """The rows, those of tickets that have another key now followed: what is unchanged under its key has not moved."""
    former = follow_moves(tx, [row.record for row in rows if row.what != "same"])
    if not former:
        return rows
    # Where they are deployed to is known since their links followed them.
    again = tx.mirror.put(_with_environments(tx, [row.record for row in rows if row.record.ref in former]))
    known = {row.record.ref: row.record for row in again}
    return [as_moved(dataclasses.replace(row, record=known.get(row.record.ref, row.record)), former) for row in rows]


def _with_environments_used(loop: Loop, records: list[Record]) -> list[Record]:
    """Reports that do not say where their people work, by what the configuration says of their service or account."""
    mapped = loop.manners.environments
    if not mapped:
        return records
    return [
        dataclasses.replace(one, environment=environment_of(one, mapped))
        if isinstance(one, Incident | Feedback) and one.environment is None
        else one
        for one in records
    ]


def _with_environments(tx: Tx, records: list[Record]) -> list[Record]:
    """Issues as the tracker has them, with the environments loopbot knows they are deployed to."""
    issues = {one.ref for one in records if isinstance(one, Issue)}
    if not issues:
        return records
    where = tx.links.deployed(issues)
    return [
        dataclasses.replace(one, deployed_to=where.get(one.ref, frozenset())) if isinstance(one, Issue) else one
        for one in records
    ]


def _redeployed(tx: Tx, changed: list[Upserted]) -> list[Upserted]:
    """The issues that a new or changed deployment brought to its environment, or took away."""
    issues = {
        link.target
        for row in changed
        if row.record.kind == "deployment"
        for link in row.record.links
        if link.relation in ("delivers", "withdraws")
    }
    if not issues:
        return []
    known = list(tx.mirror.many(issues).values())
    return [row for row in tx.mirror.put(_with_environments(tx, known)) if row.what == "changed"]
