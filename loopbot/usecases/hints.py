"""Webhooks as hints to fetch: kept before they are answered, and gone once what they hinted at was read.

A hint never carries data. Whether webhooks come twice, late, out of order or not at all, the state that counts is the one
the stream's own reading fetches; a hint only makes that reading come early.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from loopbot.ports import Hook, Store, Tx
from loopbot.usecases.loop import Loop, poll_lease
from loopbot.usecases.turns import swept_now

ALARM = "inbox:alarm"
_LAST = "inbox:last:"
_LATE = timedelta(hours=1)
_RECENT = 100
_TRIES = 5
_BACK = 20


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much the inbox holds.

    `records`: hints kept one by one; beyond, one for a whole stream stands for its records. `remember`: seconds for which a
    delivery that comes again is known.
    """

    records: int = 50_000
    remember: float = 86_400.0


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of some webhooks: how many were new, and the streams that they hint at."""

    new: int = 0
    streams: frozenset[str] = frozenset()
    full: bool = False


def keep(store: Store, hooks: Sequence[Hook], bounds: Bounds) -> Kept:
    """Keep what webhooks hint at, all of them in one transaction; once this returns they may be answered.

    One that was seen before, by any of its names, writes nothing: not all names are signed, and who has caught one webhook could
    fill the store by sending it under ever new ones.
    """
    with store.write() as tx:
        known = tx.inbox.known({name for hook in hooks for name in hook.deliveries})
        new: list[Hook] = []
        for hook in hooks:
            if known.isdisjoint(hook.deliveries):
                known.update(hook.deliveries)
                new.append(hook)
        tx.inbox.fresh({name for hook in new for name in hook.deliveries})
        hints = [hint for hook in new for hint in hook.hints]
        for system in {hint.stream.partition(":")[0] for hint in hints}:
            tx.remember(_LAST + system, tx.now().isoformat())
        fits = tx.inbox.put(hints, bounds.records) if hints else True
        if not fits:
            alarm(tx, f"more than {bounds.records:,} records wait to be fetched; their streams are read whole instead")
    return Kept(len(new), frozenset(hint.stream for hint in hints), full=not fits)


@dataclass(frozen=True, slots=True)
class Silence:
    """A system whose webhooks stopped coming: when the last one came, and how many changes polls found since."""

    system: str
    last_at: datetime | None
    missed: int


def silences(tx: Tx, systems: Sequence[str], streams: Sequence[str]) -> list[Silence]:
    """The systems that changed and did not tell: a webhook that was disabled, or expired. Webhooks may be an hour late."""
    found: list[Silence] = []
    for system in systems:
        said = tx.recall(_LAST + system)
        last = datetime.fromisoformat(said) if said else None
        since = last + _LATE if last else None
        cycles = [
            cycle
            for stream in streams
            if stream.startswith(f"{system}:")
            for cycle in tx.cursors.cycles(stream, _RECENT)
            # The first reading finds everything new, and a sweep what nobody told of: neither says a thing about webhooks.
            if not cycle.swept and cycle.started_at <= tx.now() - _LATE
        ]
        missed = sum(cycle.changed for cycle in cycles if since is None or cycle.started_at > since)
        if missed:
            found.append(Silence(system, last, missed))
    return found


def alarm(tx: Tx, what: str) -> None:
    """Leave a note that people see in `loopbot check`."""
    tx.remember(ALARM, f"{tx.now().isoformat()} {what}")


def alarmed(tx: Tx) -> tuple[datetime, str] | None:
    """The last such note, and when it was left."""
    at, _, what = (tx.recall(ALARM) or "").partition(" ")
    return (datetime.fromisoformat(at), what) if at else None


def forget_deliveries(store: Store, bounds: Bounds) -> int:
    """Forget the names of deliveries that are too old to come again; returns how many."""
    with store.write() as tx:
        return tx.inbox.prune(tx.now() - timedelta(seconds=bounds.remember))


def hinted(loop: Loop) -> list[str]:
    """The streams to be read now because of hints; hints that were answered by a reading meanwhile are gone.

    A hint is answered when a reading that began after it came went to its end, and the record is here as new as the hint said.
    A search that lags behind makes it ask again, later each time, at most five times; then the usual reading has to do.
    """
    with loop.store.read() as tx:
        if not tx.inbox.waiting():
            return []
    due: list[str] = []
    with loop.store.write() as tx:
        for stream in [one.stream for one in tx.inbox.waiting()]:
            read_from = _last_complete(tx, stream)
            if read_from is not None:
                tx.inbox.answered(stream, read_from)
                for key in tx.inbox.give_up(stream, read_from, _TRIES):
                    loop.witness.noted("hinted record not seen; left to the usual reading", stream=stream, record=key)
        for one in tx.inbox.waiting():
            if one.due_at <= tx.now() and _may_be_read(tx, one.stream, loop.waits.hint):
                tx.inbox.asked(one.stream, loop.waits.hint)
                due.append(one.stream)
    return due


def _last_complete(tx: Tx, stream: str) -> datetime | None:
    """When the last reading that went to its end began."""
    return next((cycle.started_at for cycle in tx.cursors.cycles(stream, _BACK) if cycle.complete), None)


def _may_be_read(tx: Tx, stream: str, gap: float) -> bool:
    # A sweep lets those in who come to read what is new; a reading that is under way for that may be too early for the hint.
    if tx.leases.holder(poll_lease(stream)) is not None and not swept_now(tx, stream):
        return False
    last = next(iter(tx.cursors.cycles(stream, 1)), None)
    return last is None or last.started_at + timedelta(seconds=gap) <= tx.now()
