"""Makes the numbers by which meaning counts beside words for existing items: `python -m tools.train_item ../shared/data`.

Needs the sentence model. Three numbers are fitted by logistic regression on reviews for which people said which of the proposed
issues fit; the weights of words stay as they are. `--honest` writes nothing: it fits on the other apps and measures on each.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loopbot.judgement import items
from loopbot.judgement.evaluation.item import Case, cases_of, neighbourhood
from loopbot.judgement.items import ITEM, Meant, by_meaning, dumped
from loopbot.judgement.nearness import Memory
from loopbot.judgement.recurrence_training import regression
from loopbot.ports import Encoder
from loopbot.wiring import installed_encoder

TARGET = Path(items.__file__).parent / items.SHIPPED


@dataclass(frozen=True, slots=True)
class Pair:
    """A review and a proposed issue that the index found: how alike by words and by meaning, and whether it fits."""

    app: str
    review: str
    odds: float
    alike: float
    fits: bool


def main(data: Path, *, honest: bool) -> None:
    """Compare, fit, and write or measure."""
    encoder = installed_encoder()
    if encoder is None:
        sys.exit("The sentence model is not installed: make meaning")
    cases, memories = cases_of(data, None)
    pairs = [pair for case in cases for pair in _pairs(case, memories[case.review.system], encoder)]
    if not honest:
        TARGET.write_text(dumped(ITEM, fitted(pairs, encoder.version)), encoding="utf-8")
        return
    right = 0
    for app in sorted({one.app for one in pairs}):
        model = fitted([one for one in pairs if one.app != app], encoder.version)
        sys.stdout.write(f"{app}: by the others {model}\n")
        right += sum(
            max(mine, key=lambda one: model.probability(one.odds, one.alike)).fits
            for review in sorted({one.review for one in pairs if one.app == app})
            for mine in ([one for one in pairs if one.review == review],)
        )
    sys.stdout.write(f"precision at 1, each app by what the others taught: {right / len(cases):.3f}\n")


def fitted(pairs: Sequence[Pair], encoder: str) -> Meant:
    """The three numbers."""
    base, (words, meaning) = regression([(one.odds, one.alike) for one in pairs], [one.fits for one in pairs])
    return Meant(encoder, round(base, 3), round(words, 3), round(meaning, 3))


def _pairs(case: Case, memory: Memory, encoder: Encoder) -> list[Pair]:
    found = by_meaning(case.review, neighbourhood(case, memory), encoder.encode, most=1_000)
    return [
        Pair(case.review.system, case.review.ident, ITEM.odds(measures), alike, one.record.ref in case.fitting)
        for one, measures, alike in found
        if one.record.ref in case.proposed
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]), honest="--honest" in sys.argv[2:])
