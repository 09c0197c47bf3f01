"""Reading a stream: a page at a time, each page one transaction in which records, plans and cursor move together."""

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from loopbot.domain.errors import LoopbotError, StoreTrouble, SystemTrouble, UserError
from loopbot.domain.records import Record, Ref
from loopbot.ports import Cursor, Cycle, JournalEntry, Lease, LeaseLostError, Page, Source, Tx, Unmapped
from loopbot.usecases.absorb import absorb
from loopbot.usecases.account import account
from loopbot.usecases.bygone import bygone, is_history
from loopbot.usecases.enact import Enacted
from loopbot.usecases.loop import Loop
from loopbot.usecases.statements import statement
from loopbot.usecases.turns import take_turn, word

_AT_ONCE = 250


@dataclass(frozen=True, slots=True)
class Ingested:
    """What one reading of a stream came to; `trouble` ended it early, its cursor is where the last good page left it.

    `beside`: what a sweep read of new things between its pages, as others would have.
    """

    cycle: Cycle
    planned: int = 0
    systems: frozenset[str] = frozenset()
    trouble: LoopbotError | None = None
    beside: tuple["Ingested", ...] = ()


@dataclass(frozen=True, slots=True)
class _Turn:
    """The right to read a stream, and when it is enough."""

    loop: Loop
    source: Source
    lease: Lease
    enough: Callable[[], bool]

    @property
    def stream(self) -> str:
        return self.source.stream


@dataclass(slots=True)
class _Reading:
    """A reading under way: its statement so far, what rules planned, and, where a sweep asks for them, the keys of what came."""

    cycle: Cycle
    enacted: list[Enacted] = field(default_factory=list)
    seen: set[str] | None = None
    trouble: LoopbotError | None = None
    further: frozenset[str] = frozenset()


def ingest(
    loop: Loop, source: Source, *, sweep: bool = False, enough: Callable[[], bool] = lambda: False
) -> Ingested | None:
    """Read what is new in a stream, to its end or to the page after which it is `enough`; None when someone else reads it.

    With `sweep` the whole stream is read again from its beginning, and an account is given of every record (account.py);
    who came to read what is new meanwhile is not kept waiting (turns.py). A failure of the system ends this reading only:
    pages that came before are kept, the cursor has passed nothing uncommitted.
    """
    with loop.store.write() as tx:
        lease = take_turn(loop, tx, source.stream, sweep=sweep)
        if lease is None:
            return None
        turn = _Turn(loop, source, lease, enough)
        begun, kept = _begun(tx, turn)
        said = word(tx, source.stream)
    try:
        return _swept(turn, begun, kept, said) if sweep else _noted(turn, _read(turn, begun, kept), last=True)
    except LeaseLostError:
        loop.witness.noted("stream taken over by another reader", stream=source.stream)
        return None
    except BaseException:
        # Nobody else has this holder, so it would keep everybody out until its time is over.
        with contextlib.suppress(StoreTrouble), loop.store.write() as tx:
            tx.leases.release(lease)
        raise


def _begun(tx: Tx, turn: _Turn) -> tuple[_Reading, Cursor]:
    """A reading of what is new, and from where on."""
    now = tx.now()
    return _Reading(Cycle(turn.stream, started_at=now, ended_at=now)), tx.cursors.get(turn.stream)


def _read(turn: _Turn, reading: _Reading, cursor: Cursor) -> _Reading:
    with _ended_by_trouble(reading):
        _pages(turn, reading, cursor)
    return reading


def _swept(turn: _Turn, reading: _Reading, kept: Cursor, said: str) -> Ingested:
    """All of it, and the account; what others came for meanwhile (`said`: not yet) is read between two pages."""
    beside: list[Ingested] = []
    seen = reading.seen = set()

    def let_others_in() -> None:
        nonlocal said
        with turn.loop.store.read() as tx:
            before, said = said, word(tx, turn.stream)
            new, at = _begun(tx, turn)
        # Where nothing was read before, the sweep's own pages are what is new.
        if said != before and kept.position:
            new.seen = seen
            beside.append(_noted(turn, _read(turn, new, at)))

    with _ended_by_trouble(reading):
        _pages(turn, reading, Cursor(), moves=not kept.position, between=let_others_in)
        if reading.cycle.complete:
            reading.cycle, reading.further = account(turn.loop, turn.source, reading.cycle, seen)
    done = _noted(turn, reading, last=True)
    further = frozenset(system for one in beside for system in one.systems)
    return dataclasses.replace(done, systems=done.systems | further, beside=tuple(beside))


def _pages(
    turn: _Turn,
    reading: _Reading,
    cursor: Cursor,
    *,
    moves: bool = True,
    between: Callable[[], None] = lambda: None,
) -> None:
    """Take the stream's pages from the cursor on. Unless it `moves`, the place where the stream is read on stays as it is."""
    for page in turn.source.read(cursor):
        reading.cycle, plans = _commit(turn, page, reading.cycle, moves=moves)
        reading.enacted.extend(plans)
        if reading.seen is not None:
            reading.seen.update(record.ref.key for record in page.records)
            reading.seen.update(row.ident for row in page.unmapped)
        del page  # not held while the next one is read
        if turn.enough():
            return
        between()
    reading.cycle = dataclasses.replace(reading.cycle, complete=True)


@contextlib.contextmanager
def _ended_by_trouble(reading: _Reading) -> Iterator[None]:
    try:
        yield
    except (SystemTrouble, UserError) as error:
        # A mistake in the configuration that only the system can tell (a field it does not have) stops this stream alone.
        reading.trouble = error


def _noted(turn: _Turn, reading: _Reading, *, last: bool = False) -> Ingested:
    """What it came to; its statement is kept. The `last` one gives the turn back."""
    loop, trouble = turn.loop, reading.trouble
    with loop.store.write() as tx:
        cycle = dataclasses.replace(reading.cycle, ended_at=tx.now(), trouble=loop.redacted(str(trouble or "")))
        tx.cursors.note(cycle)
        if last:
            tx.leases.release(turn.lease)
    if not cycle.swept and (cycle.new or cycle.changed or cycle.unmapped):
        loop.witness.noted("stream read on", stream=turn.stream, statement=statement(cycle))
    new = [effect for one in reading.enacted for effect in one.new if one.state == "planned"]
    return Ingested(cycle, len(new), frozenset(effect.system for effect in new) | reading.further, trouble)


def _commit(turn: _Turn, page: Page, cycle: Cycle, *, moves: bool) -> tuple[Cycle, list[Enacted]]:
    """One page, one transaction; where it can not be taken whole, its records one by one, so that one can not stop the rest."""
    loop, stream = turn.loop, turn.stream
    try:
        with loop.store.write() as tx:
            counts, enacted = take(loop, tx, stream, page)
            _set_aside(loop, tx, stream, page.unmapped, page.records)
            _pass(tx, turn, page, moves=moves)
    except LeaseLostError:
        raise
    except (ValueError, TypeError, ArithmeticError, LookupError) as error:
        loop.witness.noted("page could not be taken whole", stream=stream, error=f"{type(error).__name__}: {error}")
        counts, enacted = _one_by_one(turn, page, moves=moves)
    return (
        dataclasses.replace(
            cycle,
            calls=cycle.calls + page.calls,
            matched=page.there if cycle.matched is None else cycle.matched,
            outside=cycle.outside + _outside(page),
            rows=cycle.rows + page.counted,
            new=cycle.new + counts["new"],
            changed=cycle.changed + counts["changed"],
            touched=cycle.touched + counts["touched"],
            same=cycle.same + counts["same"],
            history=cycle.history + counts["history"],
            unmapped=cycle.unmapped + len(page.unmapped) + counts["refused"],
        ),
        enacted,
    )


def _outside(page: Page) -> int:
    """Rows that came and are no records of the stream: beyond its filter, or nothing it reads. Relations are no records by nature."""
    return 0 if page.depends is not None else max(page.counted - len(page.records) - len(page.unmapped), 0)


def take(loop: Loop, tx: Tx, stream: str, page: Page) -> tuple[Counter[str], list[Enacted]]:
    """All of a page, some at a time: what is needed to store and judge a record is several times its size."""
    if page.depends is not None:
        tx.depend(stream.partition(":")[0], page.depends)
    if page.only is not None:
        _keep_only(tx, stream, page.only)
    counts: Counter[str] = Counter()
    enacted: list[Enacted] = []
    before = bygone(loop, tx, stream)
    for start in range(0, len(page.records), _AT_ONCE):
        rows, plans = absorb(loop, tx, page.records[start : start + _AT_ONCE], bygone=before)
        counts.update(row.what for row in rows)
        counts["history"] += sum(is_history(row, before) for row in rows)
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


def _pass(tx: Tx, turn: _Turn, page: Page, *, moves: bool) -> None:
    """The page is taken; raises LeaseLostError where the turn was somebody else's meanwhile, so that nothing of it is."""
    place = page.cursor if moves else tx.cursors.get(turn.stream)
    tx.cursors.move(turn.stream, place, turn.lease)
    tx.leases.take(turn.lease.name, turn.lease.holder, turn.loop.waits.lease)


def _one_by_one(turn: _Turn, page: Page, *, moves: bool) -> tuple[Counter[str], list[Enacted]]:
    loop, stream = turn.loop, turn.stream
    counts: Counter[str] = Counter()
    enacted: list[Enacted] = []
    refused: list[Unmapped] = []
    for record in page.records:
        try:
            with loop.store.write() as tx:
                some, plans = take(loop, tx, stream, dataclasses.replace(page, records=(record,), unmapped=()))
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
        _pass(tx, turn, page, moves=moves)
    return counts, enacted


def _set_aside(loop: Loop, tx: Tx, stream: str, unmapped: Sequence[Unmapped], good: Sequence[Record]) -> None:
    if unmapped:
        tx.quarantine(
            stream, [Unmapped(one.ident, loop.redacted(one.why), loop.redacted(one.excerpt)) for one in unmapped]
        )
    # Sources name what they can not map by what is left of it: its id, or the key people use.
    tx.released(stream, (name for record in good for name in (record.ident, record.key, str(record.ref))))
