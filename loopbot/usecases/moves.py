"""Following tickets that were given another key: an issue moved to another project is the same issue.

It is known by its system's own id. Its links and what loopbot wrote about it follow; what was done for it under its former
name is not done again under the new one.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from loopbot.domain.effects import Effect
from loopbot.domain.records import Record, Ref
from loopbot.ports import JournalEntry, Tx, Upserted

TICKETS = frozenset({"incident", "problem", "change", "issue", "feedback"})
_MOST_MOVES = 20


def follow_moves(tx: Tx, records: Sequence[Record]) -> Mapping[Ref, Record]:
    """Note which of these, mirrored now, are also mirrored under a former ref; the former records, by the new ref."""
    former: dict[Ref, Record] = {}
    tickets = [one for one in records if one.kind in TICKETS]
    for old, new in tx.mirror.moved(tickets) if tickets else ():
        known = tx.mirror.get(old)
        if known is None:
            continue
        former[new] = known
        tx.mirror.gone([old])
        tx.links.moved(old, new)
        tx.outbox.moved(old, new)
        tx.remember(_name(new), str(old))
        what = f"moved: {old.key} is {new.key} now"
        tx.journal([JournalEntry(tx.now(), "", ref, what, "its system gives it this key") for ref in (old, new)])
    return former


def as_moved(row: Upserted, former: Mapping[Ref, Record]) -> Upserted:
    """A record that is new here only by its name: changed, or merely touched."""
    known = former.get(row.record.ref)
    if known is None or row.what != "new":
        return row
    new = row.record
    before = dataclasses.replace(known, ref=new.ref)
    same = dataclasses.replace(before, updated_at=new.updated_at, version=new.version, url=new.url) == new
    return Upserted(new, None if same else before, "touched" if same else "changed")


def not_done_before(tx: Tx, subject: Ref, effects: Sequence[Effect]) -> list[Effect]:
    """Those that were not planned already under a former name of their subject, nor need one that was."""
    names = list(_former_names(tx, subject))
    if not names:
        return list(effects)
    left: list[Effect] = []
    done: set[str] = set()
    for effect in effects:
        formerly = (_caused_by(effect, name).key for name in names)
        if effect.needs & done or any(tx.outbox.get(key) is not None for key in formerly):
            done.add(effect.key)
        else:
            left.append(effect)
    return left


def _caused_by(effect: Effect, subject: Ref) -> Effect:
    return dataclasses.replace(effect, cause=dataclasses.replace(effect.cause, subject=subject))


def _former_names(tx: Tx, ref: Ref) -> Iterator[Ref]:
    if ref.kind not in TICKETS:
        return
    for _ in range(_MOST_MOVES):
        found = tx.recall(_name(ref))
        if not found:
            return
        ref = Ref.parse(found)
        yield ref


def _name(ref: Ref) -> str:
    return f"moved:{ref}"
