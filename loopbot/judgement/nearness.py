"""Which terms of a text are worth looking for, and the search itself over records in memory (the store has an index)."""

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

from loopbot.domain.records import Record, Ref
from loopbot.domain.wordings import Neighbour, Neighbourhood, Sought, Wording
from loopbot.domain.words import Kind
from loopbot.judgement.wording import said_by, wording

SEARCHED: frozenset[Kind] = frozenset({"incident", "problem", "change", "issue", "deployment", "feedback", "article"})
"""The kinds that judgements look for by their words."""

MOST_HITS = 2_000
"""How many records of one term are looked at, the latest entered: in a storm of one message every term is everywhere."""
_IN_TITLE = 2.0


def rarity(docs: int, total: int) -> float:
    """How much a term tells that stands in `docs` of `total` records: its inverse document frequency, above 0."""
    return math.log(1 + (total - docs + 0.5) / (docs + 0.5)) if docs < total else math.log(1 + 0.5 / (docs + 0.5))


def telling(
    asked: Wording, docs: Mapping[str, int], total: int, *, most: int = 20, budget: int = 8_000
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


class Memory:
    """Records in memory, to be searched as the store is: for the cases of rules, and for measuring on files."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._held: list[Neighbour] = []
        self._holding: defaultdict[str, list[int]] = defaultdict(list)
        self._numbers: dict[Ref, int] = {}
        for record in records:
            self.add(record)

    def add(self, record: Record) -> None:
        """Enter a record that is not in it; those of kinds that nobody looks for, and without words, are left out."""
        if record.kind not in SEARCHED or not (record.title or record.text):
            return
        number = len(self._held)
        one = Neighbour(record, said_by(record))
        self._held.append(one)
        self._numbers[record.ref] = number
        for term in one.wording.terms:
            self._holding[term].append(number)

    def neighbours(self, of: Record | str, sought: Sought) -> Neighbourhood:
        """Records that share telling terms with a record (itself left out) or a text, the nearest first."""
        own = None if isinstance(of, str) else self._numbers.get(of.ref)
        asked = wording("", of) if isinstance(of, str) else wording(of.title, of.text)
        held = self._held[own].wording.terms if own is not None else frozenset()
        counted = {term: len(self._holding.get(term, ())) - (term in held) for term in asked.terms}
        docs = {term: count for term, count in counted.items() if count > 0}
        total = len(self._held) - (own is not None)
        scores: defaultdict[int, int] = defaultdict(int)
        for term, weight in telling(asked, docs, total):
            for number in self._holding[term][-MOST_HITS:]:
                scores[number] += weight
        scores.pop(-1 if own is None else own, None)
        nearest = heapq.nsmallest(
            sought.limit, (self._place(number, score, sought) for number, score in scores.items())
        )
        found = tuple(self._held[number] for rank, _, _, number in nearest if rank < 0)
        return Neighbourhood(asked, found, docs, total)

    def _place(self, number: int, score: int, sought: Sought) -> tuple[float, float, Ref, int]:
        one = self._held[number]
        if not _fits(one.record, sought):
            return 0.0, 0.0, one.record.ref, number
        length = len(one.wording.title) + len(one.wording.body)
        return -score * discount(length), -one.record.occurred_at.timestamp(), one.record.ref, number


def _fits(record: Record, sought: Sought) -> bool:
    return (
        record.kind in sought.kinds
        and (not sought.services or bool(sought.services & record.services))
        and (sought.since is None or record.occurred_at >= sought.since)
        and (sought.until is None or record.occurred_at <= sought.until)
    )
