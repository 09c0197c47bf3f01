"""Reading a stream: a page at a time, each page one transaction in which records, plans and cursor move together."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from loopbot.domain.errors import LoopbotError, SystemTrouble, UserError
from loopbot.domain.events import Changed
from loopbot.domain.records import Record, Ref
from loopbot.ports import Cursor, Cycle, JournalEntry, Lease, LeaseLostError, Page, Source, Tx, Unmapped
from loopbot.usecases.account import account
from loopbot.usecases.enact import Enacted, absorb, decide
from loopbot.usecases.loop import Loop, poll_lease
from loopbot.usecases.wake import heard

_AT_ONCE = 250


@dataclass(frozen=True, slots=True)
class Ingested:
    """What one reading of a stream came to; `trouble` ended it early, its cursor is where the last good page left it."""

    cycle: Cycle
    planned: int = 0
    systems: frozenset[str] = frozenset()
    trouble: LoopbotError | None = None


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a reading would plan, and which streams could not be read to their end."""

    enacted: tuple[Enacted, ...]
    troubles: tuple[LoopbotError, ...] = ()


def ingest(
    loop: Loop, source: Source, *, sweep: bool = False, enough: Callable[[], bool] = lambda: False
) -> Ingested | None:
    """Read what is new in a stream, to its end or to the page after which it is `enough`; None when someone else reads it.

    With `sweep` the whole stream is read again from its beginning, and an account is given of every record (account.py).
    A failure of the system ends this reading only: pages that came before are kept, the cursor has passed nothing uncommitted.
    """
    with loop.store.write() as tx:
        lease = tx.leases.take(poll_lease(source.stream), loop.holder, loop.waits.lease)
        if lease is None:
            return None
        kept = tx.cursors.get(source.stream)
        cursor = Cursor() if sweep else kept
        cycle = Cycle(source.stream, started_at=tx.now(), ended_at=tx.now())
    enacted: list[Enacted] = []
    seen: set[str] = set()
    further: frozenset[str] = frozenset()
    trouble: LoopbotError | None = None
    try:
        for page in source.read(cursor):
            # A sweep looks back: where the stream is read on from stays as it is.
            place = kept if sweep and kept.position else page.cursor
            cycle, plans = _commit(loop, dataclasses.replace(page, cursor=place), lease, cycle)
            enacted.extend(plans)
            if sweep:
                seen.update(record.ref.key for record in page.records)
                seen.update(row.ident for row in page.unmapped)
            del page  # not held while the next one is read
            if enough():
                break
        if sweep and not enough():
            cycle, further = account(loop, source, cycle, seen)
    except LeaseLostError:
        loop.witness.noted("stream taken over by another reader", stream=source.stream)
        return None
    except (SystemTrouble, UserError) as error:
        # A mistake in the configuration that only the system can tell (a field it does not have) stops this stream alone.
        trouble = error
    with loop.store.write() as tx:
        cycle = dataclasses.replace(cycle, ended_at=tx.now(), trouble=loop.redacted(str(trouble or "")))
        tx.cursors.note(cycle)
        tx.leases.release(lease)
    new = [effect for one in enacted for effect in one.new if one.state == "planned"]
    return Ingested(cycle, len(new), frozenset(effect.system for effect in new) | further, trouble)


def preview(loop: Loop, sources: Iterable[Source]) -> Foreseen:
    """What reading these streams now and hearing the timers would plan: the live transaction, rolled back.

    Reads remotely, writes nothing anywhere. All streams are judged together, as an incident of one may be caused by a
    change of another. A stream that can not be read to its end is named, and judged as far as it came.
    """
    pages: list[tuple[str, Page]] = []
    troubles: list[LoopbotError] = []
    for source in sources:
        with loop.store.read() as tx:
            cursor = tx.cursors.get(source.stream)
        try:
            pages.extend((source.stream, page) for page in source.read(cursor))
        except (SystemTrouble, UserError) as trouble:
            troubles.append(trouble)
    with loop.store.write(keep=False) as tx:
        enacted = [one for stream, page in pages for one in _take(loop, tx, stream, page)[1]]
        return Foreseen((*enacted, *heard(loop, tx)), tuple(troubles))


def review(loop: Loop) -> list[Enacted]:
    """What the rules would plan for everything mirrored, as it stands now: the live transaction, rolled back."""
    with loop.store.write(keep=False) as tx:
        return decide(loop, tx, [Changed(record, before=record) for record in tx.mirror.all()])


def _commit(loop: Loop, page: Page, lease: Lease, cycle: Cycle) -> tuple[Cycle, list[Enacted]]:
    """One page, one transaction; where it can not be taken whole, its records one by one, so that one can not stop the rest."""
    stream = cycle.stream
    try:
        with loop.store.write() as tx:
            counts, enacted = _take(loop, tx, stream, page)
            _set_aside(loop, tx, stream, page.unmapped, page.records)
            tx.cursors.move(stream, page.cursor, lease)
            tx.leases.take(lease.name, lease.holder, loop.waits.lease)
    except LeaseLostError:
        raise
    except (ValueError, TypeError, ArithmeticError, LookupError) as error:
        loop.witness.noted("page could not be taken whole", stream=stream, error=f"{type(error).__name__}: {error}")
        counts, enacted = _one_by_one(loop, page, lease, stream)
    return (
        dataclasses.replace(
            cycle,
            calls=cycle.calls + page.calls,
            rows=cycle.rows + page.counted,
            new=cycle.new + counts["new"],
            changed=cycle.changed + counts["changed"],
            touched=cycle.touched + counts["touched"],
            same=cycle.same + counts["same"],
            unmapped=cycle.unmapped + len(page.unmapped) + counts["refused"],
        ),
        enacted,
    )


def _take(loop: Loop, tx: Tx, stream: str, page: Page) -> tuple[Counter[str], list[Enacted]]:
    """All of a page, some at a time: what is needed to store and judge a record is several times its size."""
    if page.depends is not None:
        tx.depend(stream.partition(":")[0], page.depends)
    if page.only is not None:
        _keep_only(tx, stream, page.only)
    counts: Counter[str] = Counter()
    enacted: list[Enacted] = []
    for start in range(0, len(page.records), _AT_ONCE):
        rows, plans = absorb(loop, tx, page.records[start : start + _AT_ONCE])
        counts.update(row.what for row in rows)
        enacted.extend(plans)
    return counts, enacted


def _keep_only(tx: Tx, stream: str, only: frozenset[str]) -> None:
    """What is mirrored of a stream and not among these is gone: its source, which knows all there is, says so."""
    system, _, kind = stream.partition(":")
    gone = [Ref(system, kind, key) for key in tx.mirror.keys(system, kind) if key not in only]
    if gone:
        tx.mirror.gone(gone)
        why = "its system does not show it to everybody any more"
        tx.journal([JournalEntry(tx.now(), "", ref, "gone", why) for ref in gone])


def _one_by_one(loop: Loop, page: Page, lease: Lease, stream: str) -> tuple[Counter[str], list[Enacted]]:
    counts: Counter[str] = Counter()
    enacted: list[Enacted] = []
    refused: list[Unmapped] = []
    for record in page.records:
        try:
            with loop.store.write() as tx:
                some, plans = _take(loop, tx, stream, dataclasses.replace(page, records=(record,), unmapped=()))
        except (ValueError, TypeError, ArithmeticError, LookupError) as error:
            refused.append(
                Unmapped(str(record.ref), f"it could not be stored or judged: {type(error).__name__}: {error}")
            )
        else:
            counts += some
            enacted.extend(plans)
    counts["refused"] = len(refused)
    with loop.store.write() as tx:
        _set_aside(
            loop,
            tx,
            stream,
            (*page.unmapped, *refused),
            [one for one in page.records if str(one.ref) not in {x.ident for x in refused}],
        )
        tx.cursors.move(stream, page.cursor, lease)
        tx.leases.take(lease.name, lease.holder, loop.waits.lease)
    return counts, enacted


def _set_aside(loop: Loop, tx: Tx, stream: str, unmapped: Sequence[Unmapped], good: Sequence[Record]) -> None:
    if unmapped:
        tx.quarantine(
            stream, [Unmapped(one.ident, loop.redacted(one.why), loop.redacted(one.excerpt)) for one in unmapped]
        )
    # Sources name what they can not map by what is left of it: its id, or the key people use.
    tx.released(stream, (name for record in good for name in (record.ident, record.key, str(record.ref))))
