"""Waking the rules whose timers have run out."""

from loopbot.domain.events import SILENT, Due
from loopbot.ports import Tx
from loopbot.usecases.enact import Enacted, decide
from loopbot.usecases.loop import Loop
from loopbot.usecases.telling.answering import silence
from loopbot.usecases.telling.unsent import report_what_was_not_sent


def wake(loop: Loop, limit: int = 500) -> list[Enacted]:
    """Judge again what rules asked to be woken for; a timer is gone in the same transaction in which it was heard."""
    report_what_was_not_sent(loop)
    with loop.store.read() as tx:
        if not any(timer.at <= tx.now() for timer in tx.timers.pending()):
            return []
    with loop.store.write() as tx:
        return heard(loop, tx, limit)


def heard(loop: Loop, tx: Tx, limit: int = 500) -> list[Enacted]:
    """Take the timers that have run out, and judge."""
    timers = tx.timers.take_due(limit)
    records = tx.mirror.many({timer.subject for timer in timers})
    waited = [timer for timer in timers if timer.name.startswith(SILENT)]
    events = [
        Due(timer.rule, records[timer.subject], timer.name, timer.at)
        for timer in timers
        if timer.subject in records and timer not in waited
    ]
    return [*decide(loop, tx, events), *(one for timer in waited for one in silence(loop, tx, timer))]
