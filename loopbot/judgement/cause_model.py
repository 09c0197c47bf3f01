"""The frozen numbers by which suspects are judged: weights that order candidates, and a second step that says how sure.

First step: each candidate's numbers are weighed and summed; against each other and against "none of these" that gives a
share. Second step: how likely is it that the candidate is the cause, given its share and how the ticket names it.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from loopbot.judgement.calibration import log_odds, sigmoid
from loopbot.judgement.cause_features import FEATURES, Candidate, Pool, Vector

SIGNS = (
    "certainty",  # the log odds of its share
    "best",  # it has the greatest share
    "named",
    "blamed",
    "hinted",
    "cleared",
    "in_title",
    "only_one_named",
    "through_issue",  # what is named is an issue that it delivers
    "other_named",  # another one is named, and this one is not
    "other_blamed",  # another one is blamed, and this one is not
    "constant",
)
SHIPPED = "cause.json"


@dataclass(frozen=True, slots=True)
class CauseModel:
    """Weights for FEATURES (with the scale they are on) and for SIGNS. `version` changes with them; `none` is the score of no cause."""

    version: str
    middle: Vector
    scale: Vector
    weights: Vector
    none: float
    sureness: Vector

    def score(self, vector: Sequence[float]) -> float:
        """How much speaks for a candidate; only differences mean anything."""
        return sum(
            weight * (value - middle) / scale
            for weight, value, middle, scale in zip(self.weights, vector, self.middle, self.scale, strict=True)
        )

    def shares(self, pool: Pool) -> list[float]:
        """How the candidates and "none of these" share what is certain: 0..1, together less than 1."""
        scores = [self.score(vector) for vector in pool.vectors]
        top = max([*scores, self.none])
        grown = [math.exp(score - top) for score in scores]
        whole = sum(grown) + math.exp(self.none - top)
        return [each / whole for each in grown]

    def probabilities(self, pool: Pool) -> list[float]:
        """How likely each candidate is the cause."""
        return [sigmoid(sum(map(float.__mul__, self.sureness, signs))) for signs in signs_of(pool, self.shares(pool))]

    def dumped(self) -> str:
        """The model as a file."""
        value = {
            "version": self.version,
            "features": {
                name: {"middle": middle, "scale": scale, "weight": weight}
                for name, middle, scale, weight in zip(FEATURES, self.middle, self.scale, self.weights, strict=True)
            },
            "none": self.none,
            "sureness": dict(zip(SIGNS, self.sureness, strict=True)),
        }
        return json.dumps(value, indent=1) + "\n"


def loaded(text: str) -> CauseModel:
    """The model of a file; raises ValueError where it is of another version's features."""
    value = json.loads(text)
    features, sureness = value["features"], value["sureness"]
    if tuple(features) != FEATURES or tuple(sureness) != SIGNS:
        raise ValueError("this model was made for other features")

    def column(part: str) -> Vector:
        return tuple(float(features[name][part]) for name in FEATURES)

    return CauseModel(
        str(value["version"]),
        middle=column("middle"),
        scale=column("scale"),
        weights=column("weight"),
        none=float(value["none"]),
        sureness=tuple(float(sureness[name]) for name in SIGNS),
    )


def shipped_model() -> CauseModel:
    """The model that comes with loopbot."""
    return loaded(resources.files(__package__ or "loopbot.judgement").joinpath(SHIPPED).read_text(encoding="utf-8"))


def certainty(share: float, *, named: bool) -> float:
    """The log odds of a share, in bounds: that little else speaks for it takes not everything from what the ticket names."""
    return max(min(log_odds(share), 6.0), -3.0 if named else -8.0)


def signs_of(pool: Pool, shares: Sequence[float]) -> list[Vector]:
    """What the second step looks at, for each candidate."""
    named = sum(one.named is not None for one in pool.candidates)
    blamed = sum(one.named is not None and one.named.blamed for one in pool.candidates)
    best = max(shares, default=0.0)
    return [
        _signs(one, share, best=share == best, named_in_all=named, blamed_in_all=blamed)
        for one, share in zip(pool.candidates, shares, strict=True)
    ]


def _signs(one: Candidate, share: float, *, best: bool, named_in_all: int, blamed_in_all: int) -> Vector:
    named = one.named
    return (
        certainty(share, named=named is not None),
        float(best),
        float(named is not None),
        float(named is not None and named.blamed),
        float(named is not None and named.hinted),
        float(named is not None and named.cleared and not named.blamed),
        float(named is not None and named.titled),
        float(named is not None and named_in_all == 1),
        float(named is not None and one.named_through is not None),
        float(named is None and named_in_all > 0),
        float((named is None or not named.blamed) and blamed_in_all > 0),
        1.0,
    )
