"""The account of a sweep: what was counted there and here, and what was done about each record that did not turn up.

That a row is missing from a result is no proof that it was deleted: rights may have changed, or the filter. A record counts
as gone only when its system, asked for it directly, says that there is no such record, while it still shows a neighbour
of it that the sweep has just seen.
"""

import bisect
import dataclasses
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol, get_args, runtime_checkable

from loopbot.domain.effects import Cause, Comment, Effect
from loopbot.domain.errors import SystemTrouble
from loopbot.domain.records import Record, Ref
from loopbot.domain.words import Kind
from loopbot.ports import Cycle, JournalEntry, Source, Tx
from loopbot.usecases.absorb import absorb
from loopbot.usecases.loop import Loop
from loopbot.usecases.statements import statement

RULE = "sweep"
# More than these are not asked for one by one, and never called gone: so many do not vanish by themselves.
MOST, SHARE = 50, 0.05
OVERDUE = timedelta(hours=25)
"""Without a sweep of a stream for so long, the one of a night was missed."""
_FAMILY = re.compile(r"^\D*")


@runtime_checkable
class Looker(Protocol):
    """A source that can be asked for one record directly, past any search or filter."""

    def look(self, record: Record) -> Record | None:
        """The record as it is now, under another ref if it moved; None where the system says that there is none.

        Raises Rejected where it may not be seen, or SystemTrouble where it can not be known.
        """


@dataclass(slots=True)
class Findings:
    """What became of the records that did not turn up."""

    missing: list[Ref] = field(default_factory=list)
    gone: list[Ref] = field(default_factory=list)
    moved: list[tuple[Ref, Record]] = field(default_factory=list)
    elsewhere: list[Record] = field(default_factory=list)
    open: list[Ref] = field(default_factory=list)
    why: str = ""


def account(loop: Loop, source: Source, cycle: Cycle, seen: Collection[str]) -> tuple[Cycle, frozenset[str]]:
    """Complete the statement of a sweep that went to its end; also the systems that have something to be sent now.

    `seen` are the keys of all records that came. Asks the system; call it outside any transaction.
    """
    system, _, what = cycle.stream.partition(":")
    there = source.count()
    if what not in get_args(Kind):
        done = dataclasses.replace(cycle, swept=True, counted_there=there)
        loop.witness.noted("stream swept", stream=cycle.stream, statement=statement(done))
        return done, frozenset()
    with loop.store.read() as tx:
        missing = [Ref(system, what, key) for key in tx.mirror.keys(system, what) if key not in seen]
        mirrored = tx.mirror.count(system, what)
    found = _looked(loop, source, missing, seen, mirrored)
    systems = _settled(loop, found)
    with loop.store.read() as tx:
        here = tx.mirror.count(system, what)
    for ref in found.open:
        loop.witness.noted("record missing from the sweep", record=str(ref), why=found.why)
    done = dataclasses.replace(
        cycle,
        swept=True,
        counted_there=there,
        counted_here=here,
        missing=len(missing),
        gone=len(found.gone),
        moved=len(found.moved),
        elsewhere=len(found.elsewhere),
        unexplained=len(found.open),
        why=found.why,
    )
    loop.witness.noted("stream swept", stream=cycle.stream, statement=statement(done))
    return done, systems


def unswept(tx: Tx, stream: str) -> timedelta | None:
    """For how long no sweep of a stream went to its end: since the last one, else since it was first read; None where it never was."""
    last, first = tx.cursors.sweep(stream), tx.cursors.since(stream)
    since = last.ended_at if last else first
    return None if since is None else tx.now() - since


def overdue(tx: Tx, stream: str) -> bool:
    """Whether the sweep of a night was missed: nothing was running then, or it did not come to its end."""
    age = unswept(tx, stream)
    return age is not None and age > OVERDUE


def _looked(loop: Loop, source: Source, missing: Sequence[Ref], seen: Collection[str], mirrored: int) -> Findings:
    found = Findings(missing=list(missing))
    if not missing:
        return found
    if not isinstance(source, Looker):
        return _unknown(found, missing, "the system can not be asked for single records")
    if len(missing) > max(MOST, mirrored * SHARE):
        why = (
            f"{len(missing):,} at once do not vanish by themselves; were rights taken away, or was the filter changed?"
        )
        return _unknown(found, missing, why)
    neighbours = sorted(seen)
    with loop.store.read() as tx:
        records = tx.mirror.many(missing)
    for ref in missing[:MOST]:
        _look(loop, source, records[ref], neighbours, found)
    if len(missing) > MOST:
        _unknown(found, missing[MOST:], f"only {MOST} are asked for in one sweep")
    return found


def _look(loop: Loop, source: Looker, record: Record, neighbours: Sequence[str], found: Findings) -> None:
    try:
        now = source.look(record)
        if now is not None:
            if now.ref == record.ref:
                found.elsewhere.append(now)
            else:
                found.moved.append((record.ref, now))
        elif _shows_a_neighbour(loop, source, record.ref, neighbours):
            found.gone.append(record.ref)
        else:
            _unknown(found, [record.ref], "the system shows none of its neighbours either; were rights taken away?")
    except SystemTrouble as trouble:
        _unknown(found, [record.ref], loop.redacted(str(trouble)))


def _shows_a_neighbour(loop: Loop, source: Looker, ref: Ref, neighbours: Sequence[str]) -> bool:
    """Whether the system shows, asked in the same way, a record of the same family (project, prefix) that was just read."""
    family = _family(ref.key)
    place = bisect.bisect(neighbours, ref.key)
    near = (*neighbours[place : place + 1], *neighbours[max(place - 1, 0) : place])
    for key in near:
        if _family(key) == family:
            with loop.store.read() as tx:
                probe = tx.mirror.get(dataclasses.replace(ref, key=key))
            if probe is not None:
                return source.look(probe) is not None
    return False


def _family(key: str) -> str:
    found = _FAMILY.match(key)
    return found[0] if found else ""


def _unknown(found: Findings, refs: Iterable[Ref], why: str) -> Findings:
    found.open.extend(refs)
    found.why = found.why or why
    return found


def _settled(loop: Loop, found: Findings) -> frozenset[str]:
    """Write down what was found: gone records are marked and told, moved ones followed."""
    if not (found.gone or found.moved or found.elsewhere):
        return frozenset()
    with loop.store.write() as tx:
        notes = [effect for ref in found.gone for effect in _notes(loop, tx, ref)]
        tx.mirror.gone(found.gone)
        tx.journal([_entry(tx, ref, "gone: its system has no such record any more") for ref in found.gone])
        # Those that moved are followed like any other (moves.py); rules see them as an echo, since nothing happened now.
        absorb(loop, tx, [*(record for _, record in found.moved), *found.elsewhere], echo=True)
        new = [effect for effect, is_new in tx.outbox.plan(notes) if is_new] if notes else []
    for ref in found.gone:
        loop.witness.noted("record gone", record=str(ref))
    return frozenset(effect.system for effect in new)


def _notes(loop: Loop, tx: Tx, ref: Ref) -> list[Effect]:
    """Tell the other side, once: the tickets that loopbot's own rules linked with it."""
    record = tx.mirror.get(ref)
    notes: list[Effect] = []
    for link in tx.links.of(ref):
        other = link.target if link.source == ref else link.source
        sink = loop.sinks.get(other.system)
        if link.by.startswith("rule:") and sink is not None and "comment" in sink.verbs and tx.mirror.get(other):
            title = f" (“{record.title}”)" if record else ""
            text = f"{ref.key}{title}, which is linked here, was deleted in {ref.system}. This link leads nowhere now."
            because = f"{ref} was deleted"
            notes.append(
                Comment(
                    system=other.system, cause=Cause(RULE, ref, str(other), because=because), target=other, text=text
                )
            )
    return notes


def _entry(tx: Tx, ref: Ref, what: str) -> JournalEntry:
    return JournalEntry(tx.now(), RULE, ref, what, "the sweep asked its system for it")
