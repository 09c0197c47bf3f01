"""Finding out what became of effects whose answer was lost: looked for by kind, never sent again blindly."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from loopbot.domain.errors import SystemTrouble, Transient, Unauthorized, Uncertain
from loopbot.domain.receipts import Delivery
from loopbot.usecases.absorb import proven
from loopbot.usecases.loop import Loop
from loopbot.usecases.telling.gate import in_its_thread, spoke
from loopbot.usecases.telling.identity import addressed

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Reconciled:
    """What looking brought: found there, certainly not there (to be sent again), not known yet, only a person can know."""

    found: int = 0
    absent: int = 0
    later: int = 0
    unknowable: int = 0


def reconcile(loop: Loop, system: str, limit: int = 100) -> Reconciled:
    """Look for each uncertain effect of a system that is due."""
    total = Reconciled()
    sink = loop.sinks.get(system)
    with loop.store.write() as tx:
        tx.outbox.abandon()
        waiting, looked_at = tx.outbox.uncertain(system, limit), tx.now()
    if sink is None:
        return total
    shut: Unauthorized | None = None
    for one in waiting:
        delivery = one
        try:
            if shut is not None:
                raise shut
            with loop.store.read() as tx:
                delivery = in_its_thread(loop, tx, addressed(loop, tx, delivery))
            receipt = sink.find(delivery)
            if receipt is None:
                _can_not_come(loop, delivery, looked_at)
        except Uncertain as trouble:
            with loop.store.write() as tx:
                tx.outbox.postpone(delivery, loop.redacted(str(trouble)), NEVER)
            total.unknowable += 1
        except SystemTrouble as trouble:
            after = trouble.after if isinstance(trouble, Transient) and trouble.after else loop.waits.look
            if isinstance(trouble, Unauthorized):
                # The others would be refused as well: one call says so for all of them.
                shut, after = trouble, loop.waits.pause
            with loop.store.write() as tx:
                tx.outbox.postpone(delivery, loop.redacted(str(trouble)), tx.now() + timedelta(seconds=after))
            total.later += 1
        else:
            with loop.store.write() as tx:
                why = "found there" if receipt else "looked for and not there; sent again"
                tx.outbox.found(delivery, receipt, why, tx.now())
                if receipt is not None:
                    spoke(loop, tx, delivery)
                    proven(loop, tx, delivery.effect, receipt, long_ago=True)
            total.found += receipt is not None
            total.absent += receipt is None
        loop.witness.noted("uncertain effect looked for", effect=delivery.effect.key, system=system)
    return total


def _can_not_come(loop: Loop, delivery: Delivery, looked_at: datetime) -> None:
    """Raise Transient while its last sending may still arrive, or be at work there: not being there proves nothing yet."""
    last = delivery.lost_at or delivery.sent_at
    wait = loop.waits.land - (looked_at - last).total_seconds() if last else 0.0
    if wait > 0:
        why = "it is not there yet, and may still arrive"
        raise Transient(delivery.effect.system, why, after=max(wait, 1.0), scope="item")
