"""Brakes: what chases its own tail, or runs into the same wall again and again, waits for a person instead."""

import re
from collections.abc import Sequence
from datetime import timedelta

from loopbot.domain.receipts import Delivery
from loopbot.ports import Tx
from loopbot.usecases.loop import Loop

RESTLESS, RESTLESS_SPAN = 6, timedelta(minutes=10)
REFUSED, REFUSED_SPAN = 5, timedelta(hours=1)
# Mirrored pairs have brakes of their own (see domain/verdicts.py).
_OWN = frozenset({"align"})
_NUMBERS = re.compile(r"\d+")


def braked(loop: Loop, tx: Tx, claimed: Sequence[Delivery]) -> list[Delivery]:
    """Those of the claimed deliveries that may go out; the others are held, with the reason.

    A rule that acts on one record for the seventh time in ten minutes is most likely answering another bot. A rule whose
    last five writes to a system were all refused for the same reason will be refused again. What was put off before, or
    let go by a person, goes out.
    """
    fresh = [one for one in claimed if one.attempt == 1 and one.effect.verb not in _OWN]
    reasons = _restless(tx, fresh) | _refused(tx, fresh)
    for one in fresh:
        if why := reasons.get(one.effect.key):
            tx.outbox.fail(loop.holder, one, "held", why, tx.now())
            loop.witness.noted("effect held", effect=one.effect.key, rule=one.effect.cause.rule, why=why)
    return [one for one in claimed if one.effect.key not in reasons]


def _restless(tx: Tx, fresh: Sequence[Delivery]) -> dict[str, str]:
    minutes = int(RESTLESS_SPAN.total_seconds() // 60)
    found = tx.outbox.restless([one.effect for one in fresh], tx.now() - RESTLESS_SPAN, RESTLESS)
    return {
        one.effect.key: f"the rule {one.effect.cause.rule} acted on {one.effect.cause.subject.key} more than {RESTLESS} times "
        f"in {minutes} minutes: is another bot answering it?"
        for one in fresh
        if one.effect.key in found
    }


def _refused(tx: Tx, fresh: Sequence[Delivery]) -> dict[str, str]:
    since = tx.now() - REFUSED_SPAN
    walls: dict[tuple[str, str], str] = {}
    for rule, system in sorted({(one.effect.cause.rule, one.effect.system) for one in fresh}):
        said = tx.outbox.refusals(rule, system, since, REFUSED)
        if len(said) == REFUSED and len({_NUMBERS.sub("#", why) for why in said}) == 1:
            walls[rule, system] = (
                f"the last {REFUSED} of the rule {rule} were all refused, so it is not tried: {said[0]}"
            )
    return {one.effect.key: walls[at] for one in fresh if (at := (one.effect.cause.rule, one.effect.system)) in walls}
