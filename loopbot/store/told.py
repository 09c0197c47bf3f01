"""What the outbox knows of what people were told about a record, and of where it was said first."""

from dataclasses import replace

from sqlalchemy import select

from loopbot.domain.effects import OpenTicket, Post, Tell
from loopbot.domain.records import Ref
from loopbot.domain.telling import Told
from loopbot.ports import OutboxRow
from loopbot.store import schema
from loopbot.store.work import Work

O = schema.outbox.c  # noqa: E741 - as the other modules name the columns of their tables
MESSAGE = "message"
_OUT = frozenset({"settled", "sending", "uncertain"})


def told_by(row: OutboxRow, ref: Ref) -> Told | None:
    """The row as something people were or are to be told about the record; None for anything else, and for what was dropped."""
    effect = row.effect
    if row.state == "dropped" or effect.verb not in {Tell.verb, Post.verb}:
        return None
    out = row.state in _OUT
    told = Told(
        effect.key, effect.cause.rule, out, row.settled_at or row.sent_at if out else None, system=effect.system
    )
    if isinstance(effect, Tell) and effect.about == ref:
        return replace(told, person=effect.person)
    if isinstance(effect, Post) and effect.thread and effect.cause.subject == ref:
        return replace(told, place=effect.channel, thread=effect.thread)
    return None


def origin_of(row: OutboxRow, ref: Ref) -> Ref | None:
    """The message of a chat that this row made the record of."""
    effect = row.effect
    opened = isinstance(effect, OpenTicket) and row.receipt is not None and row.receipt.ref == ref
    return effect.cause.subject if opened and effect.cause.subject.kind == MESSAGE else None


def opened_by_us(work: Work, ref: Ref) -> bool:
    """Whether an effect opened this ticket."""
    named = select(schema.outbox_ref.c.key).where(schema.outbox_ref.c.ref == ref)
    mine = (O.key.in_(named), O.verb == OpenTicket.verb, O.ref == ref)
    return work.connection.scalar(select(O.number).where(*mine).limit(1)) is not None
