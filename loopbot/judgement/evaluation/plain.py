"""What a simple method reaches: the nearest by plain TF-IDF, each word as it is written, without stems, titles or times."""

import heapq
import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping

from loopbot.domain.records import Record, Ref

_WORD = re.compile(r"[^\W_]+")
_EVERYWHERE = 4
"""A word of more than one in so many texts says nothing, and is not looked for."""
_FEW = 20


class PlainIndex:
    """Records by their words, entered one after the other."""

    def __init__(self) -> None:
        self._holding: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        self._lengths: list[float] = []
        self._refs: list[Ref] = []

    def add(self, record: Record) -> None:
        """Enter it; how rare its words are is counted as of now."""
        words = _counted(record)
        weights = (often * self._rarity(len(self._holding.get(word, ()))) for word, often in words.items())
        self._lengths.append(math.sqrt(sum(weight * weight for weight in weights)) or 1.0)
        for word, often in words.items():
            self._holding[word].append((len(self._refs), often))
        self._refs.append(record.ref)

    def nearest(self, to: Record, most: int) -> list[tuple[float, Ref]]:
        """How near (0..1) the nearest are, the nearest first."""
        words = _counted(to)
        scores: defaultdict[int, float] = defaultdict(float)
        length = 0.0
        for word, often in words.items():
            holding = self._holding.get(word, ())
            rare = self._rarity(len(holding))
            length += (often * rare) ** 2
            if len(holding) <= max(len(self._refs) / _EVERYWHERE, _FEW):
                for number, theirs in holding:
                    scores[number] += often * theirs * rare * rare
        whole = math.sqrt(length) or 1.0
        near = ((score / self._lengths[number] / whole, number) for number, score in scores.items())
        best = heapq.nsmallest(most, near, key=lambda one: (-one[0], one[1]))
        return [(min(score, 1.0), self._refs[number]) for score, number in best]

    def _rarity(self, holding: int) -> float:
        return math.log((len(self._refs) + 1) / (holding + 1)) + 1


def _counted(record: Record) -> Mapping[str, float]:
    words = Counter(_WORD.findall(f"{record.title} {record.text}".lower()))
    return {word: 1 + math.log(count) for word, count in words.items()}
