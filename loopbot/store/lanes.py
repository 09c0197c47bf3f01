"""Lanes of the outbox: what may be sent now and in what order, who takes it, and what becomes of it where they stop.

One effect of a lane at a time, the earlier planned first.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Integer, Text, Update, and_, bindparam, case, exists, literal, or_, select, update

from loopbot.store import schema
from loopbot.store.chunks import chunks
from loopbot.store.schema import PLANNED, SENDING, UNCERTAIN, AnyRow
from loopbot.store.work import Work

C = schema.outbox.c
N = schema.outbox_need.c
EARLIER = schema.outbox.alias("earlier")
NEEDED = schema.outbox.alias("needed")
LATER = schema.outbox_need.alias("later")
UNDECIDED = schema.outbox.alias("undecided")
E = EARLIER.c

# What is sent now, and in what order: one effect of a lane at a time, the earlier planned first. What needs a ticket that
# a person has to decide on holds up the rest of its lane as little as the refused opening itself does.
LEFT_TO_A_PERSON = exists().where(
    LATER.c.key == E.key,
    UNDECIDED.c.key == LATER.c.needs,
    UNDECIDED.c.ref.is_(None),
    UNDECIDED.c.state.in_(["parked", "held", "dropped", "shadow"]),
)
LANE_TAKEN = exists().where(
    E.lane == C.lane,
    E.state.in_([PLANNED, SENDING, UNCERTAIN]),
    or_(and_(E.state == SENDING, E.number != C.number), E.number < C.number),
    or_(E.state != PLANNED, ~LEFT_TO_A_PERSON),
)
WAITS = exists().where(N.key == C.key, NEEDED.c.key == N.needs, NEEDED.c.ref.is_(None))
CLAIMABLE = and_(C.state == PLANNED, ~LANE_TAKEN, ~WAITS)
# Clocks that are so close are the same: Date headers are in whole seconds, and answers take a while.
_CLOSE = timedelta(minutes=1)
# What a person has to decide is due at the end of time.
_IN_A_YEAR = timedelta(days=365)
SENT = (C.key, C.body, C.attempt, C.receipt, C.sent_at, C.lost_at)
"""What of a row it takes to send it."""


def _moment(name: str) -> ColumnElement[datetime]:
    return bindparam(name, type_=schema.Moment)


# What every round asks is made once: making a statement costs more than running it.
_AT = _moment("at")
_OF_SYSTEM = C.system == bindparam("of", type_=Text)
_FIRST_DUE = (
    select(C.number, *SENT)
    .where(_OF_SYSTEM, CLAIMABLE, C.due_at <= _AT)
    .order_by(C.number)
    .limit(bindparam("most", type_=Integer))
    .with_for_update(of=schema.outbox, skip_locked=True)
)
_UNSURE = (
    select(*SENT)
    .where(_OF_SYSTEM, C.state == UNCERTAIN, C.due_at <= _AT, ~WAITS)
    .order_by(C.due_at, C.number)
    .limit(bindparam("most", type_=Integer))
)
_ANY_SENT = select(C.number).where(C.state.in_([SENDING, UNCERTAIN])).limit(1)
_SOON = (C.state == UNCERTAIN, C.lost_at > _AT, C.due_at > _AT, C.due_at < _moment("in_a_year"))
_SET_BACK = (
    update(schema.outbox).where(*_SOON).values(due_at=_AT),
    *(
        update(schema.outbox).where(C.state.in_([SENDING, UNCERTAIN]), column > _AT).values({column: _AT})
        for column in (C.sent_at, C.lost_at)
    ),
)


def _lost(*, alone: bool) -> Update:
    """Makes what nobody is sending any more `uncertain`."""
    why = "whoever was sending it stopped before the answer came"
    values = {"state": "uncertain", "due_at": _moment("look_at"), "why": why, "holder": None, "claimed_until": None}
    # Nobody begins to send when the claim has run out.
    began_by = case((C.claimed_until < _AT, C.claimed_until), else_=_AT)
    whose = (C.state == SENDING,) if alone else (C.state == SENDING, C.claimed_until < _AT)
    return update(schema.outbox).where(*whose).values(lost_at=began_by, **values)


_LOST = {alone: _lost(alone=alone).returning(C.number) for alone in (False, True)}


def take(
    work: Work, system: str, holder: str, seconds: float, limit: int, there: datetime | None
) -> tuple[Sequence[AnyRow], datetime]:
    """The first due effect of each free lane, marked as `sending` for `seconds`; and since when nothing of it can be older."""
    # One claim of a system at a time over all hosts: each sees what the one before it took.
    work.take_turn(f"claim:{system}")
    now = work.now()
    began = there if there is not None and there < now - _CLOSE else now
    rows = work.connection.execute(_FIRST_DUE, {"of": system, "at": now, "most": limit}).all()
    for some in chunks([row.number for row in rows]):
        work.connection.execute(
            update(schema.outbox)
            .where(C.number.in_(some))
            .values(
                state="sending",
                attempt=C.attempt + 1,
                holder=holder,
                claimed_until=now + timedelta(seconds=seconds),
                sent_at=case((C.sent_at < began, C.sent_at), else_=literal(began, schema.Moment)),
                sent_digest=C.digest,
            )
        )
    return rows, began


def unsure(work: Work, system: str, limit: int) -> Sequence[AnyRow]:
    """Effects that may or may not be there and are due to be looked for."""
    return work.connection.execute(_UNSURE, {"of": system, "at": work.now(), "most": limit}).all()


def abandon(work: Work, *, alone: bool, look_in: float) -> int:
    """Make `sending` effects whose holder is gone `uncertain`; returns how many. To be looked for in so many seconds."""
    if work.connection.scalar(_ANY_SENT) is None:
        return 0
    now = work.now()
    _set_back(work, now)
    due_at = now + timedelta(seconds=look_in)
    return len(work.connection.execute(_LOST[alone], {"at": now, "look_at": due_at}).all())


def _set_back(work: Work, now: datetime) -> None:
    """Where the clock was set back since a sending, that was before now: kept, as the clock will pass that time again.

    Nor is it waited for that: what is to be looked for after it, and not only by a person, is looked for now.
    """
    soon, *late = _SET_BACK
    work.connection.execute(soon, {"at": now, "in_a_year": now + _IN_A_YEAR})
    for one in late:
        work.connection.execute(one, {"at": now})
