"""Which terms of a text are worth looking for, and the search itself over records in memory (the store has an index)."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain

from loopbot.domain.records import Record
from loopbot.domain.wordings import Neighbour, Neighbourhood, Sought, Wording
from loopbot.domain.words import Kind
from loopbot.judgement.wording import wording

SEARCHED: frozenset[Kind] = frozenset({"incident", "problem", "change", "issue", "deployment", "feedback"})
"""The kinds that judgements look for by their words."""

_IN_TITLE = 2.0


def rarity(docs: int, total: int) -> float:
    """How much a term tells that stands in `docs` of `total` records: its inverse document frequency, above 0."""
    return math.log(1 + (total - docs + 0.5) / (docs + 0.5)) if docs < total else math.log(1 + 0.5 / (docs + 0.5))


def telling(
    asked: Wording, docs: Mapping[str, int], total: int, *, most: int = 15, budget: int = 4_000
) -> list[tuple[str, int]]:
    """The terms to look for, each with its weight in thousandths: the rarest that somebody else used.

    At most `most`, and so many that all of them together stand in about `budget` records, so that a search takes a bounded
    time; the three rarest in any case.
    """
    titled = frozenset(asked.title)
    weighed = sorted(
        (
            (rarity(docs[term], total) * (_IN_TITLE if term in titled else 1.0), term)
            for term in asked.terms
            if docs.get(term)
        ),
        key=lambda one: (-one[0], one[1]),
    )
    chosen: list[tuple[str, int]] = []
    spent = 0
    for weight, term in weighed[:most]:
        spent += docs[term]
        if spent > budget and len(chosen) >= 3:
            break
        chosen.append((term, round(weight * 1000)))
    return chosen


def discount(length: int) -> float:
    """What a hit in a record of so many terms counts: in a long text a term is found more easily by chance."""
    return 1.0 / (1.0 + length / 150.0)


def neighbourhood(of: Record | str, records: Iterable[Record], sought: Sought) -> Neighbourhood:
    """The neighbourhood of a record or a text among a few records in memory."""
    asked = wording("", of) if isinstance(of, str) else wording(of.title, of.text)
    others = [
        Neighbour(record, wording(record.title, record.text))
        for record in records
        if record.kind in SEARCHED and (isinstance(of, str) or record.ref != of.ref)
    ]
    counted = Counter(chain.from_iterable(one.wording.terms for one in others))
    docs = {term: counted[term] for term in asked.terms if counted[term]}
    weights = dict(telling(asked, docs, len(others)))
    scored = []
    for one in others:
        score = sum(weights.get(term, 0) for term in one.wording.terms) if _fits(one.record, sought) else 0
        if score:
            length = len(one.wording.title) + len(one.wording.body)
            scored.append((-score * discount(length), -one.record.occurred_at.timestamp(), one.record.ref, one))
    return Neighbourhood(asked, tuple(one for *_, one in sorted(scored)[: sought.limit]), docs, len(others))


def _fits(record: Record, sought: Sought) -> bool:
    return (
        record.kind in sought.kinds
        and (not sought.services or bool(sought.services & record.services))
        and (sought.since is None or record.occurred_at >= sought.since)
        and (sought.until is None or record.occurred_at <= sought.until)
    )
