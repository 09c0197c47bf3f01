"""Which tickets people said are the same and which are not, and how the weights of likeness follow from that.

Their answers alone would mislead: people are asked about what reads alike, and say nothing of the many that do not. So of each ticket
that somebody spoke of, the nearest that nobody linked with it teach as well; and however the weights move, these stay as improbable
on average as they were, so that the bars of rules go on meaning what they meant.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import timedelta
from operator import add

from loopbot.domain.records import Record, Ref
from loopbot.domain.views import View
from loopbot.domain.wordings import Neighbour, Neighbourhood, Sought
from loopbot.judgement.forms import as_filled_in
from loopbot.judgement.likeness import Likeness, Measures, measured
from loopbot.judgement.recurrence import AMONG_OTHERS, JUDGEMENT, PAIN, read_model
from loopbot.judgement.recurrence_training import regression
from loopbot.judgement.wording import wording
from loopbot.ports import Tx

LEAST = 30
"""Fewer pairs than this that people called the same teach chance."""
MOST = 600
"""So many tickets teach, the latest that somebody spoke of."""
UNTOLD = 20
"""So many of the nearest that nobody linked with a ticket teach of it."""
WITHIN = timedelta(days=365)
STANDING = AMONG_OTHERS | {"quarter", "year", "age", "length", "no_service"}
"""What does not move: people see and merge what is recent, which says nothing of how far apart in time the same pain comes."""
_HELD = 500.0


@dataclass(frozen=True, slots=True)
class Told:
    """A ticket with the earlier ones that people said are the same, and those that are not."""

    it: Record
    same: frozenset[Ref]
    apart: frozenset[Ref]


@dataclass(frozen=True, slots=True)
class Sample:
    """A ticket's neighbours as measures, whether each is the same, and whether somebody said so."""

    rows: tuple[Measures, ...]
    truths: tuple[bool, ...]
    told: tuple[bool, ...]


def known_repeats(tx: Tx) -> list[Told]:
    """The latest tickets of which people said which earlier ones are the same, or are not; the earliest first."""
    said = {frozenset({one.subject, Ref.parse(one.other)}): one.verdict for one in tx.lessons.all("same") if one.other}
    records = tx.mirror.many({ref for pair in said for ref in pair})
    same: defaultdict[Ref, set[Ref]] = defaultdict(set)
    apart: defaultdict[Ref, set[Ref]] = defaultdict(set)
    for pair, verdict in said.items():
        there = sorted((records[ref] for ref in pair if ref in records), key=lambda one: (one.occurred_at, one.ref))
        if len(there) == 2 and there[0].kind == there[1].kind:
            (same if verdict == "yes" else apart)[there[1].ref].add(there[0].ref)
    found = [Told(records[ref], frozenset(same[ref]), frozenset(apart[ref])) for ref in sorted({*same, *apart})]
    return sorted(found, key=lambda one: (one.it.occurred_at, one.it.ref))[-MOST:]


def sample_of(one: Told, view: View) -> Sample:
    """What teaches of a ticket: the pairs that people spoke of, and the nearest that nobody linked with it."""
    it = one.it
    sought = Sought(kinds=frozenset({it.kind}), since=it.occurred_at - WITHIN, until=it.occurred_at, limit=4 * UNTOLD)
    near = view.neighbours(it, sought)
    linked = {end for link in view.linked(it.ref) for end in (link.source, link.target)}
    return sample_among(one, near, _records(one.same | one.apart, view), _kin(linked, view))


def sample_among(one: Told, near: Neighbourhood, spoken_of: Iterable[Record], kin: AbstractSet[Ref]) -> Sample:
    """What teaches of a ticket among so many near ones: those that people spoke of, and the others that are no `kin` of it."""
    it = one.it
    untold = [each for each in near.found if each.record.ref not in one.same | one.apart | kin][:UNTOLD]
    told = [Neighbour(each, wording(each.title, each.text)) for each in spoken_of]
    rows = list(measured(it, as_filled_in(it.text, replace(near, found=(*told, *untold)))))
    return Sample(
        tuple(measures for _, measures in rows),
        tuple(each.record.ref in one.same for each, _ in rows),
        (*(True for _ in told), *(False for _ in untold)),
    )


def fitted(samples: Sequence[Sample]) -> Likeness:
    """The weights that came with loopbot, moved by these samples and held near where they were."""
    uses = [name not in STANDING for name in Measures._fields]
    rows = [row for one in samples for row in one.rows]
    truths = [truth for one in samples for truth in one.truths]
    kept = [tuple(value for value, used in zip(row, uses, strict=True) if used) for row in rows]
    _, moved = regression(kept, truths, held=_HELD, start=[PAIN.odds(row) for row in rows])
    steps = iter(moved)
    weights = Measures(*map(add, PAIN.weights, (next(steps) if used else 0.0 for used in uses)))
    return _as_rare(Likeness(PAIN.base, weights), samples)


def loss(samples: Sequence[Sample], model: Likeness) -> float:
    """How surprising the truth is to the model: the mean of squared errors over all pairs; 0 is best."""
    errors = [
        (model.probability(row) - truth) ** 2
        for one in samples
        for row, truth in zip(one.rows, one.truths, strict=True)
    ]
    return sum(errors) / max(len(errors), 1)


def surprise(samples: Sequence[Sample], model: Likeness) -> dict[str, float]:
    """The same, for a trial."""
    return {"later answers": loss(samples, model)}


def in_force(view: View) -> Likeness:
    """The weights by which `[repeat]` judges now."""
    return read_model(view.learnt(JUDGEMENT)) or PAIN


def written(model: Likeness) -> str:
    """The model as text."""
    return json.dumps({"base": model.base, "weights": model.weights._asdict()}, indent=1) + "\n"


def version_of(model: Likeness) -> str:
    """The same weights have the same version."""
    return hashlib.blake2b(written(model).encode(), digest_size=4).hexdigest()


def _as_rare(model: Likeness, samples: Sequence[Sample]) -> Likeness:
    """The same weights from another base: what nobody linked is on average as probable as before."""
    rows = [row for one in samples for row, told in zip(one.rows, one.told, strict=True) if not told]
    if not rows:
        return _rounded(model)
    wanted = sum(map(PAIN.probability, rows))
    low, high = model.base - 20.0, model.base + 20.0
    for _ in range(50):
        middle = (low + high) / 2
        much = sum(map(replace(model, base=middle).probability, rows)) > wanted
        low, high = (low, middle) if much else (middle, high)
    return _rounded(replace(model, base=low))


def _rounded(model: Likeness) -> Likeness:
    return Likeness(round(model.base, 3), Measures(*(round(weight, 3) for weight in model.weights)))


def _kin(linked: set[Ref], view: View) -> set[Ref]:
    """What is linked with it, and what the problems explain that explain it: it may well be the same."""
    problems = {ref for ref in linked if ref.kind == "problem"}
    return linked | {link.target for ref in problems for link in view.linked(ref, "problem_of")}


def _records(refs: frozenset[Ref], view: View) -> Iterator[Record]:
    for ref in sorted(refs):
        record = view.record(ref)
        if record is not None:
            yield record


def pairs_told(known: Sequence[Told]) -> Mapping[str, int]:
    """How many pairs are the same, and how many are not."""
    return {"same": sum(len(one.same) for one in known), "apart": sum(len(one.apart) for one in known)}
