"""Which existing item says what somebody reports: by words and, where there is a sentence model, by what both mean.

The measures of likeness are weighed as they stand in `item.json`. With the sentence model the best of them are compared by
meaning too: what is told of the report (each sentence of its title, and the beginning of its text) with the item's title, on
average. `python -m tools.train_item` makes the numbers.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from operator import mul
from typing import Any, TypeAlias

from loopbot.domain.records import Record
from loopbot.domain.scoring import Ranked
from loopbot.domain.wordings import Neighbour, Neighbourhood, Vector
from loopbot.judgement.calibration import sigmoid
from loopbot.judgement.gist import LONGEST, beginning, titled
from loopbot.judgement.likeness import Likeness, Measures, compared
from loopbot.judgement.likeness_reasons import Reasons, ranked
from loopbot.judgement.topic_text import part

SHIPPED = "item.json"
COMPARED = 30
"""So many of the best by words are compared by meaning."""
_MUCH_THE_SAME = 0.55

Recall: TypeAlias = Callable[[Sequence[str]], Sequence[Vector]]
"""What texts mean; who is asked may remember what was asked before."""


@dataclass(frozen=True, slots=True)
class Meant:
    """How meaning counts beside words: the logarithm of the odds is `base` + `words` times that of words alone + `meaning` times likeness.

    `encoder`: whose vectors that holds for.
    """

    encoder: str
    base: float
    words: float
    meaning: float

    def probability(self, odds: float, alike: float) -> float:
        """How probable it is (0..1) that both say the same; `odds`: by words alone, `alike`: by meaning, -1..1."""
        return sigmoid(self.base + self.words * odds + self.meaning * alike)


def dumped(words: Likeness, meant: Meant) -> str:
    """Both as a file."""
    found: dict[str, Any] = {"words": {"base": words.base, "weights": words.weights._asdict()}}
    found["meant"] = {name: getattr(meant, name) for name in ("encoder", "base", "words", "meaning")}
    return json.dumps(found, indent=1) + "\n"


def shipped() -> tuple[Likeness, Meant]:
    """What comes with loopbot."""
    text = resources.files(__package__ or "loopbot.judgement").joinpath(SHIPPED).read_text(encoding="utf-8")
    found = json.loads(text)
    words = Likeness(found["words"]["base"], Measures(**found["words"]["weights"]))
    return words, Meant(**found["meant"])


ITEM, MEANT = shipped()
"""Whether an existing item says what somebody reports: by words alone, as an item's age tells nothing; and by meaning beside it."""


def across(
    it: Record, near: Neighbourhood, recall: Recall | None = None, words: Likeness = ITEM, meant: Meant = MEANT
) -> Iterator[Ranked]:
    """The neighbours, each with how probable it is that it says what `it` says, the likeliest first."""
    if recall is None:
        yield from ranked(it, near, words)
        return
    reasons = Reasons(it, near)
    scored = [
        (meant.probability(words.odds(measures), alike), alike, one, measures)
        for one, measures, alike in by_meaning(it, near, recall, words)
    ]
    for score, alike, one, measures in sorted(scored, key=lambda each: (-each[0], each[2].record.ref)):
        because = reasons.of(one, measures)
        why = ("it means much the same", *because) if alike >= _MUCH_THE_SAME else because
        yield Ranked(one.record, round(score, 4), why)


def by_meaning(
    it: Record, near: Neighbourhood, recall: Recall, words: Likeness = ITEM, most: int = COMPARED
) -> list[tuple[Neighbour, Measures, float]]:
    """The neighbours, the best by words first, with how alike in meaning these are; 0 where that was not looked at."""
    best = compared(it, near, words)
    looked = best[:most]
    said = told(it)
    vectors = recall([*said, *(one.record.title[:LONGEST] for _, one, _ in looked)])
    own = [sum(values) / len(said) for values in zip(*vectors[: len(said)], strict=True)]
    alike = [sum(map(mul, own, vector)) for vector in vectors[len(said) :]]
    alike += [0.0] * (len(best) - len(looked))
    return [(one, measures, each) for (_, one, measures), each in zip(best, alike, strict=True)]


def told(it: Record) -> list[str]:
    """What is told of a record to the sentence model; its title where there is nothing else that means anything."""
    said = part(it.title, it.text)
    below = beginning(said)
    return [*titled(said), *([below] if below else [])] or [it.title[:LONGEST]]
