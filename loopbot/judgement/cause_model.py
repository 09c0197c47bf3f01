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
    "named_best",  # of those named, it has the greatest share
    "named_certainty",  # the log odds of its share, where it is named
    "named",
    "blamed",
    "hinted",
    "cleared",
    "in_title",
    "only_one_named",
    "only_one_blamed",
    "latest_named",  # of those named, it is the latest
    "plainly_named",  # named, and the words beside it neither blame, hint nor clear
    "named_age",  # how old it is, where it is named
    "through_issue",  # what is named is an issue that it delivers
    "other_named",  # another one is named, and this one is not
    "other_blamed",  # another one is blamed, and this one is not
    "constant",
)
FROM_SHARES = 4
"""How many of the signs come from the shares; the others from how the ticket names the candidates."""
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
    return with_shares(naming_of(pool), shares)


def with_shares(naming: Sequence[Vector], shares: Sequence[float]) -> list[Vector]:
    """The signs, from how the ticket names each candidate and from its share."""
    best = max(shares, default=0.0)
    named = [bool(one[_NAMED]) for one in naming]
    best_named = max((share for share, each in zip(shares, named, strict=True) if each), default=-1.0)
    found = []
    for one, share, each in zip(naming, shares, named, strict=True):
        sure = certainty(share, named=each)
        found.append((sure, float(share == best), float(each and share == best_named), sure if each else 0.0, *one))
    return found


def naming_of(pool: Pool) -> list[Vector]:
    """How the ticket names each candidate: the signs that need no shares."""
    named = [one for one in pool.candidates if one.named is not None]
    blamed = sum(one.named is not None and one.named.blamed for one in named)
    ages = [vector[_AGE] for vector in pool.vectors]
    latest = min((age for age, one in zip(ages, pool.candidates, strict=True) if one.named is not None), default=0.0)
    return [
        _naming(one, age, len(named), blamed, latest=age == latest)
        for one, age in zip(pool.candidates, ages, strict=True)
    ]


def _naming(one: Candidate, age: float, named_in_all: int, blamed_in_all: int, *, latest: bool) -> Vector:
    named = one.named
    if named is None:
        nothing = (0.0,) * (len(SIGNS) - FROM_SHARES - 3)
        return (*nothing, float(named_in_all > 0), float(blamed_in_all > 0), 1.0)
    return (
        1.0,
        float(named.blamed),
        float(named.hinted),
        float(named.cleared and not named.blamed),
        float(named.titled),
        float(named_in_all == 1),
        float(named.blamed and blamed_in_all == 1),
        float(latest),
        float(not (named.blamed or named.hinted or named.cleared)),
        age,
        float(one.named_through is not None),
        0.0,
        float(not named.blamed and blamed_in_all > 0),
        1.0,
    )


_NAMED = SIGNS.index("named") - FROM_SHARES
_AGE = FEATURES.index("age")
