"""Effects that share a message: which rows of a lane go out with the one that leads it, noted before anything is sent.

The lane keeps them safe: a row behind one that is planned, sending or uncertain can not be claimed. So they stay planned
while their leader is on its way, and settle with it.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import and_, delete, exists, func, literal, select, update

from loopbot.domain.receipts import Delivery, Receipt
from loopbot.store import schema
from loopbot.store.codec import encode_receipt
from loopbot.store.schema import PLANNED, AnyRow
from loopbot.store.work import Work

B = schema.bundle.c
C = schema.outbox.c
N = schema.outbox_need.c
NEEDED = schema.outbox.alias("needed_there")
OPEN_NEEDS = exists().where(N.key == C.key, NEEDED.c.key == N.needs, NEEDED.c.ref.is_(None))
ALONE = and_(B.key == C.key, B.leader == C.key)
SENT_TOGETHER = "goes out in one message with"


def waiting(work: Work, leader: Delivery, verb: str, most: int) -> Sequence[AnyRow]:
    """What is planned behind it in its lane and may go out with it, in order; nothing where it is to be sent by itself."""
    alone = select(B.key).where(B.key == leader.effect.key, B.leader == leader.effect.key)
    if work.connection.scalar(alone) is not None:
        return []
    behind = (
        C.lane == leader.effect.lane,
        C.state == PLANNED,
        C.verb == verb,
        C.receipt.is_(None),
        C.key != leader.effect.key,
    )
    query = select(C.key, C.body, C.number).where(*behind, ~OPEN_NEEDS, ~exists().where(ALONE))
    return work.connection.execute(query.order_by(C.number).limit(most)).all()


def gather(work: Work, leader: str, keys: Collection[str]) -> None:
    """These go out with the leader, and no others."""
    work.connection.execute(delete(schema.bundle).where(B.leader == leader, B.key != leader))
    if not keys:
        return
    rows = [{"key": key, "leader": leader} for key in sorted(keys)]
    statement = work.insert(schema.bundle)
    statement = statement.on_conflict_do_update(index_elements=[B.key], set_={"leader": statement.excluded.leader})
    work.connection.execute(statement, rows)
    here = update(schema.outbox).where(work.among(C.key, sorted(keys)))
    work.connection.execute(here.values(why=f"{SENT_TOGETHER} {leader[:8]}"))


def members(work: Work, leaders: Collection[str]) -> dict[str, list[AnyRow]]:
    """The bodies of what goes out with each of these, in order."""
    found: dict[str, list[AnyRow]] = {}
    if leaders:
        query = select(B.leader, C.key, C.body).where(B.key == C.key, B.key != B.leader, C.state == PLANNED)
        for row in work.connection.execute(
            query.where(work.among(B.leader, sorted(leaders))).order_by(B.leader, C.number)
        ):
            found.setdefault(row.leader, []).append(row)
    return found


def settle(work: Work, delivery: Delivery, receipt: Receipt) -> list[str]:
    """The message is there, and everything that was in it: each with a receipt of its own; returns their keys.

    One that a person dropped meanwhile went out all the same: that is what is told.
    """
    keys = [effect.key for effect in delivery.also]
    now = work.now()
    for key in keys:
        proof = replace(receipt, key=key, note=f"in one message with {delivery.effect.key[:8]}")
        here = update(schema.outbox).where(C.key == key, C.state.in_(["planned", "dropped"]))
        work.connection.execute(
            here.values(
                state="settled",
                attempt=C.attempt + 1,
                why="",
                receipt=encode_receipt(proof),
                ref=receipt.ref,
                sent_at=func.coalesce(C.sent_at, literal(now, schema.Moment)),
                settled_at=now,
                due_at=now,
                sent_digest=C.digest,
            )
        )
    return keys


def confirmed(work: Work, leader: str, why: str) -> None:
    """A person says that the leader's message is there: so is what was in it."""
    keys = [row.key for row in members(work, [leader]).get(leader, [])]
    if keys:
        here = update(schema.outbox).where(work.among(C.key, keys), C.state == PLANNED)
        work.connection.execute(here.values(state="settled", why=why, settled_at=work.now()))


def scatter(work: Work, delivery: Delivery, holder: str, why: str) -> bool:
    """The system refused the message as it was: each part is sent by itself, at once; false where it is not ours any more."""
    owned = (C.key == delivery.effect.key, C.attempt == delivery.attempt, C.state == "sending", C.holder == holder)
    now = work.now()
    values = {"state": "planned", "why": why, "due_at": now, "holder": None, "claimed_until": None}
    mine = update(schema.outbox).where(*owned).values(**values).returning(C.number)
    if work.connection.execute(mine).first() is None:
        return False
    keys = [delivery.effect.key, *(effect.key for effect in delivery.also)]
    work.connection.execute(delete(schema.bundle).where(work.among(B.key, keys)))
    work.connection.execute(schema.bundle.insert(), [{"key": key, "leader": key} for key in keys])
    here = update(schema.outbox).where(work.among(C.key, keys), C.state == PLANNED)
    work.connection.execute(here.values(why=why, due_at=now))
    return True


def defer(work: Work, delivery: Delivery, holder: str, due_at: datetime, why: str) -> bool:
    """Not sent after all, nor what is planned behind it, before that time; as if it had not been claimed."""
    first = delivery.attempt <= 1
    here = update(schema.outbox).where(
        C.key == delivery.effect.key, C.attempt == delivery.attempt, C.state == "sending", C.holder == holder
    )
    back = {"state": "planned", "attempt": C.attempt - 1, "due_at": due_at, "why": why}
    cleared = {"holder": None, "claimed_until": None} | ({"sent_at": None} if first else {})
    if work.connection.execute(here.values(**back, **cleared).returning(C.number)).first() is None:
        return False
    behind = update(schema.outbox).where(C.lane == delivery.effect.lane, C.state == PLANNED, C.due_at < due_at)
    work.connection.execute(behind.values(due_at=due_at, why=why))
    return True
