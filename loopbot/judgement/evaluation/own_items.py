"""Whether feedback finds the item that says it already, in one installation: what people and systems linked is what is known."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from loopbot.domain.records import Record, Ref
from loopbot.domain.wordings import Sought
from loopbot.judgement.calibration import calibration_error
from loopbot.judgement.evaluation.bars import lowest_bar
from loopbot.judgement.evaluation.figures import Advice, Figure, NotMeasuredError, Progress, spent
from loopbot.judgement.evaluation.item import remembering
from loopbot.judgement.items import Recall, across
from loopbot.judgement.recurrence import CANDIDATES, recalled
from loopbot.ports import Encoder, Tx

LEAST = 10
MOST = 600
"""So many of the latest are measured."""
SHOWN = 5


@dataclass(frozen=True, slots=True)
class _Found:
    """What one piece of feedback found, the likeliest first: how probable, and whether people say that it fits."""

    best: tuple[tuple[float, bool], ...]
    seconds: float


def from_mirror(tx: Tx, progress: Progress, encoder: Encoder | None) -> tuple[tuple[Figure, ...], tuple[Advice, ...]]:
    """Each piece of feedback that somebody tied to an item which was there before it, against all items that were."""
    known = _known(tx)
    if len(known) < LEAST:
        message = f"{len(known)} pieces of feedback here are tied by people or their system to an item that was there before; "
        raise NotMeasuredError(f"{message}{LEAST} are needed")
    progress(f"feedback against the items there are: {len(known)} pieces")
    read = recalled(tx, encoder)
    recall = remembering(read) if read else None  # who only looks keeps nothing in the store
    found = [_found(it, right, tx, recall) for it, right in known]
    firsts = [one.best[0] if one.best else (0.0, False) for one in found]
    shown = [pair for one in found for pair in one.best[:SHOWN]]
    return (
        *(
            Figure(
                name=f"existing_item.precision_at_{most}",
                what=f"feedback -> existing item, the right one among the first {most}",
                value=sum(any(hit for _, hit in one.best[:most]) for one in found) / len(found),
                note=f"{len(found)} pieces of feedback" if most == 1 else "",
            )
            for most in (1, SHOWN)
        ),
        Figure(
            name="existing_item.calibration_error",
            what="calibration error (existing item)",
            value=calibration_error([probability for probability, _ in shown], [hit for _, hit in shown]),
            better="less",
            note=f"{len(shown)} probabilities; what nobody tied may fit too",
        ),
        spent(
            "item.milliseconds_per_ticket",
            "time for a ticket (existing item)",
            1000 * sum(one.seconds for one in found) / len(found),
        ),
    ), _bars(firsts)


def _known(tx: Tx) -> list[tuple[Record, frozenset[Ref]]]:
    """Feedback with the items that people or systems say it is about, as far as they were there before it; what rules tied is an echo."""
    found: list[tuple[Record, frozenset[Ref]]] = []
    for it in tx.mirror.all("feedback"):
        tied = {
            link.source
            for link in tx.linked(it.ref, "fixes")
            if link.target == it.ref and link.source.kind == "issue" and not link.by.startswith("rule:")
        }
        right = frozenset(ref for ref, one in tx.mirror.many(tied).items() if one.occurred_at < it.occurred_at)
        if right:
            found.append((it, right))
    return sorted(found, key=lambda one: (one[0].occurred_at, one[0].ref))[-MOST:]


def _found(it: Record, right: frozenset[Ref], tx: Tx, recall: Recall | None) -> _Found:
    begun = time.process_time()
    near = tx.neighbours(it, Sought(kinds=frozenset({"issue"}), until=it.occurred_at, limit=CANDIDATES))
    ranked = list(across(it, near, recall))
    return _Found(tuple((one.score, one.record.ref in right) for one in ranked), time.process_time() - begun)


def _bars(firsts: Sequence[tuple[float, bool]]) -> tuple[Advice, ...]:
    """From where on nine of ten are tied rightly, and from where on half of the questions are answered yes."""
    found = []
    link = lowest_bar(firsts, 0.9)
    if link is not None:
        above = sum(probability >= link for probability, _ in firsts)
        found.append(Advice(f"link_at = {link:.2f}", f"nine of ten from there on are right: {above} of {len(firsts)}"))
    ask = lowest_bar(firsts, 0.5, below=2.0 if link is None else link)
    if ask is not None:
        found.append(Advice(f"ask_at = {ask:.2f}", "half of the questions below that would be answered yes"))
    return tuple(found)
