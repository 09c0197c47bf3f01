"""How the outbox stands: what is looked at, by people and by rules; nothing is moved."""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import takewhile

from sqlalchemy import Text, bindparam, func, or_, select

from loopbot.domain.effects import Effect
from loopbot.domain.receipts import Receipt
from loopbot.domain.records import Ref
from loopbot.ports import EffectState, OutboxRow
from loopbot.store import schema
from loopbot.store.chunks import chunks
from loopbot.store.codec import decode_effect, decode_receipt
from loopbot.store.lanes import CLAIMABLE, NEEDED
from loopbot.store.schema import PLANNED, SENDING, UNCERTAIN, AnyRow
from loopbot.store.work import Work

C = schema.outbox.c
N = schema.outbox_need.c


def latest(work: Work, states: Collection[EffectState], system: str | None, limit: int) -> list[OutboxRow]:
    """The latest planned first."""
    query = select(schema.outbox).order_by(C.number.desc()).limit(limit)
    if states:
        query = query.where(C.state.in_(sorted(states)))
    if system is not None:
        query = query.where(C.system == system)
    return read(work, work.connection.execute(query).all())


def about(work: Work, ref: Ref) -> list[OutboxRow]:
    """Effects whose subject it is, that mention it, or that made it; in the order planned."""
    named = select(schema.outbox_ref.c.key).where(schema.outbox_ref.c.ref == ref)
    query = select(schema.outbox).where(C.key.in_(named)).order_by(C.number)
    return read(work, work.connection.execute(query).all())


def one(work: Work, key: str) -> OutboxRow | None:
    """By key, or by the beginning of one (None when it is not the beginning of exactly one)."""
    query = select(schema.outbox).where(C.key >= key, C.key < key + "g").limit(2)  # keys are hexadecimal
    rows = work.connection.execute(query).all()
    return read(work, rows)[0] if key and len(rows) == 1 else None


def counts(work: Work) -> dict[tuple[str, EffectState], int]:
    """How many effects each system has in each state."""
    query = select(C.system, C.state, func.count()).group_by(C.system, C.state)
    return {(system, state): count for system, state, count in work.connection.execute(query)}


def first_about(work: Work, effect: Effect) -> Receipt | None:
    """The first message of its lane about its subject that is out, other than itself."""
    here = schema.outbox_ref.c
    query = select(C.receipt).where(
        here.ref == effect.cause.subject,
        C.key == here.key,
        C.key != effect.key,
        C.lane == effect.lane,
        C.verb == effect.verb,
        C.state.in_(["settled", "planned", SENDING]),
        C.receipt.is_not(None),
    )
    found = work.connection.scalar(query.order_by(C.number).limit(1))
    return None if found is None else decode_receipt(found)


def restless(work: Work, effects: Sequence[Effect], since: datetime, most: int) -> set[str]:
    """The keys of those whose rule acted on their subject at more than `most` moments since then, as far as was sent."""
    if not effects:
        return set()
    query = select(C.rule, C.subject).where(
        C.rule.in_({one.cause.rule for one in effects}),
        C.state.in_([SENDING, "settled", UNCERTAIN, "parked"]),
        C.planned_at >= since,
    )
    often = query.group_by(C.rule, C.subject).having(func.count(C.planned_at.distinct()) > most)
    found = {(row.rule, row.subject) for row in work.connection.execute(often)}
    return {one.key for one in effects if (one.cause.rule, one.cause.subject) in found}


def refusals(work: Work, rule: str, system: str, since: datetime, most: int) -> list[str]:
    """Why the last `most` effects that a rule planned there since then were refused, up to the last that was not."""
    query = select(C.state, C.why).where(
        C.rule == rule, C.system == system, C.state.in_(["settled", "parked"]), C.planned_at >= since
    )
    last = work.connection.execute(query.order_by(C.number.desc()).limit(most)).all()
    return [row.why for row in takewhile(lambda row: row.state == "parked", last)]


# After each delivery each system is asked: made once, as making it takes longer than running it.
_NEXT_DUE = select(func.min(C.due_at)).where(
    C.system == bindparam("of", type_=Text),
    C.state.in_([PLANNED, UNCERTAIN]),
    or_(CLAIMABLE, C.state == UNCERTAIN),
)


def next_due(work: Work, system: str) -> datetime | None:
    """When there will be something to send or look for; what waits for something else is not counted."""
    moment = work.connection.scalar(_NEXT_DUE, {"of": system})
    return None if moment == schema.NEVER else moment


def read(work: Work, rows: Sequence[AnyRow]) -> list[OutboxRow]:
    """Whole rows of the table as rows of the outbox, with what each waits for."""
    waits: dict[str, list[str]] = {}
    for some in chunks([row.key for row in rows]):
        open_needs = select(N.key, N.needs).where(
            work.among(N.key, some), NEEDED.c.key == N.needs, NEEDED.c.ref.is_(None)
        )
        for key, needs in work.connection.execute(open_needs.order_by(N.key, N.needs)):
            waits.setdefault(key, []).append(needs)
    return [_outbox_row(row, tuple(waits.get(row.key, ()))) for row in rows]


def _outbox_row(row: AnyRow, waits_for: tuple[str, ...]) -> OutboxRow:
    return OutboxRow(
        number=row.number,
        effect=decode_effect(row.body),
        state=row.state,
        attempt=row.attempt,
        planned_at=row.planned_at,
        due_at=row.due_at,
        sent_at=row.sent_at,
        settled_at=row.settled_at,
        receipt=None if row.receipt is None else decode_receipt(row.receipt),
        why=row.why,
        waits_for=waits_for,
    )
