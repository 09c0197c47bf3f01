"""The open items, those that matter most first."""

from dataclasses import dataclass

from loopbot.domain.ranking import Weighed
from loopbot.domain.records import Record
from loopbot.judgement.priority import ORDER, Evidence, Priority, evidence, weighed
from loopbot.ports import Tx
from loopbot.usecases.loop import Loop


@dataclass(frozen=True, slots=True)
class Item:
    """An open item, how much it matters, and what is known of it."""

    record: Record
    weight: Weighed
    known: Evidence


def backlog(loop: Loop, priority: Priority, kinds: tuple[str, ...] = tuple(ORDER)) -> list[Item]:
    """Every open problem and item of work, the weightiest first."""
    with loop.store.read() as tx:
        wanted = (record for record in tx.mirror.all() if record.kind in kinds and not record.finished)
        found = [_item(record, tx, priority) for record in wanted]
    return sorted(found, key=lambda one: (-(one.weight.value or 0.0), one.record.occurred_at, one.record.ref))


def _item(record: Record, tx: Tx, priority: Priority) -> Item:
    known = evidence(record, tx, roster=priority.roster)
    return Item(record, weighed(known, priority.weights, tx.now()), known)
