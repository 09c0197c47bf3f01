"""Fits the numbers by which suspects are judged, from incidents whose cause is known. Standard library only.

First the weights: so that the causes get the greatest share of what is certain among the candidates of their incident
(the likelihood of a choice among many). Then the second step: a logistic regression on that share and on how the ticket
names the candidate. Both are held near a prior: the hand-set one, or, for an installation that learns from its people's answers, what
it came with, so that a few answers move little and many move much.
"""

import hashlib
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import mul

from loopbot.judgement.calibration import sigmoid
from loopbot.judgement.cause_features import FEATURES, Pool, Vector
from loopbot.judgement.cause_model import SIGNS, CauseModel, naming_of, with_shares

# What no training data may teach, since no system in it tells: hand-set, small, and open to what people answer.
_KNOWN_WEIGHTS = {"related_service": 0.3, "same_group": 0.2, "went_wrong": 0.5, "risky": 0.15, "version": 0.3}
_KNOWN_SURENESS = {
    "certainty": 0.9,
    "best": 0.5,
    "named": 2.0,
    "blamed": 1.5,
    "hinted": 1.0,
    "cleared": -1.0,
    "only_one_named": 1.5,
    "through_issue": -0.2,
    "other_named": -1.5,
    "other_blamed": -1.5,
}
_UNTAUGHT = _KNOWN_WEIGHTS | {"words": 1.0, "same_service": 1.0, "days_10": 1.0}
_NAMED = SIGNS.index("named")
_NEGATIVES = 120
_EPOCHS = 14
LEAST_WITHOUT = 30
"""From so many incidents on that nothing here caused, they say how likely that is."""
_NONE_HELD = 1.0
_NEWTON = 40
_HELD = 12.0
"""How strongly the weights are held at where they begin: as many tickets as it takes to move them half of the way, about."""


@dataclass(frozen=True, slots=True)
class Sample:
    """An incident whose cause is known: its candidates in numbers, how it names them, and which of them are the cause.

    `naming` are the signs of the second step that need no weights; `nothing`: it is known that none of them is.
    """

    vectors: Sequence[Vector]
    naming: Sequence[Vector]
    truths: Sequence[bool]
    nothing: bool = False


def sample_of(pool: Pool, truths: Sequence[bool], *, nothing: bool = False) -> Sample:
    """The pool of a known incident."""
    return Sample(pool.vectors, naming_of(pool), truths, nothing)


def fit(
    ordering: Sequence[Sample], judging: Sequence[Sample], prior: CauseModel | None = None, seed: int = 1
) -> CauseModel:
    """A model: weights from `ordering` (tickets with what they name taken out), sureness from `judging` as well.

    With a prior it begins there and is held there; its scales stay, and so does the score of "none of these" until enough
    incidents are known that nothing here caused.
    """
    without = [one for one in judging if one.nothing]
    quiet = [one for one in ordering if one.nothing]
    ordering = [one for one in ordering if any(one.truths)]
    start = prior or _begun(ordering)
    chance = random.Random(seed)
    weights = _weights(ordering, start, chance, held=_HELD)
    model = replace(start, weights=weights)
    if prior is None:
        model = replace(model, none=_none(ordering, model))
    elif len(without) >= LEAST_WITHOUT:
        model = replace(model, none=_none_told([one for one in judging if any(one.truths)], without, model))
    model = replace(model, sureness=_sureness([*ordering, *quiet, *judging], model, chance))
    return replace(model, version=_version(model))


def shares_of(vectors: Sequence[Vector], model: CauseModel) -> list[float]:
    """As the model's own, of numbers alone."""
    scores = [model.score(vector) for vector in vectors]
    top = max([*scores, model.none])
    grown = [math.exp(score - top) for score in scores]
    whole = sum(grown) + math.exp(model.none - top)
    return [each / whole for each in grown]


def probabilities_of(sample: Sample, model: CauseModel) -> list[float]:
    """As the model's own, of numbers alone."""
    return [sigmoid(sum(map(mul, model.sureness, signs))) for signs in _with_shares(sample, model)]


def _with_shares(sample: Sample, model: CauseModel) -> list[Vector]:
    return with_shares(sample.naming, shares_of(sample.vectors, model))


def _begun(samples: Sequence[Sample]) -> CauseModel:
    """The scales of the numbers, and the hand-set weights; where there is nothing to learn from, the plainest ones."""
    if not samples:
        flat = tuple(0.0 for _ in FEATURES)
        weights = tuple(_UNTAUGHT.get(name, 0.0) for name in FEATURES)
        return CauseModel("", flat, tuple(1.0 for _ in FEATURES), weights, 0.0, _known_sureness())
    columns = list(zip(*(vector for one in samples for vector in one.vectors[::3]), strict=True))
    middle = [sum(column) / len(column) for column in columns]
    scale = [
        math.sqrt(sum((value - mean) ** 2 for value in column) / len(column))
        for column, mean in zip(columns, middle, strict=True)
    ]
    return CauseModel(
        "",
        middle=tuple(round(value, 5) for value in middle),
        # What is nearly always the same is on a scale of its own, so that one exception does not outweigh everything.
        scale=tuple(round(value, 5) if value > 0.02 else 1.0 for value in scale),
        weights=tuple(_KNOWN_WEIGHTS.get(name, 0.0) for name in FEATURES),
        none=0.0,
        sureness=_known_sureness(),
    )


def _known_sureness() -> Vector:
    return tuple(_KNOWN_SURENESS.get(name, 0.0) for name in SIGNS)


def _weights(samples: Sequence[Sample], start: CauseModel, chance: random.Random, held: float) -> Vector:
    """The weights under which the causes are the likeliest choice, by stochastic gradient (AdaGrad), averaged over the end."""
    scaled = [_scaled(one, start, chance) for one in samples]

    def slope(place: int, weights: list[float]) -> list[float]:
        rows, truths = scaled[place]
        scores = [sum(map(mul, weights, row)) for row in rows]
        top = max(scores)
        grown = [math.exp(score - top) for score in scores]
        whole, right = sum(grown), sum(each for each, truth in zip(grown, truths, strict=True) if truth) or 1e-12
        pulls = [each / whole - (each / right if truth else 0.0) for each, truth in zip(grown, truths, strict=True)]
        return [sum(map(mul, pulls, column)) for column in zip(*rows, strict=True)]

    return _descended(len(scaled), slope, start.weights, held / max(len(scaled), 1), chance)


def _scaled(one: Sample, start: CauseModel, chance: random.Random) -> tuple[list[list[float]], list[bool]]:
    """The causes and some of the other candidates, on the model's scales: half of these the hardest by words, half by chance."""
    others = [place for place, truth in enumerate(one.truths) if not truth]
    others.sort(key=lambda place: -one.vectors[place][0] - one.vectors[place][FEATURES.index("days_10")])
    hard = others[: _NEGATIVES // 2]
    rest = others[_NEGATIVES // 2 :]
    chosen = [place for place, truth in enumerate(one.truths) if truth] + hard
    chosen += chance.sample(rest, min(len(rest), _NEGATIVES - len(hard)))
    rows = [
        [
            (value - middle) / scale
            for value, middle, scale in zip(one.vectors[place], start.middle, start.scale, strict=True)
        ]
        for place in chosen
    ]
    return rows, [one.truths[place] for place in chosen]


def _none(samples: Sequence[Sample], model: CauseModel) -> float:
    """The score of "none of these": as strong as all wrong candidates of a quiet pool together."""
    wholes = []
    for one in samples:
        scores = [model.score(vector) for vector, truth in zip(one.vectors, one.truths, strict=True) if not truth]
        top = max(scores, default=0.0)
        wholes.append(top + math.log(sum(math.exp(score - top) for score in scores) or 1.0))
    return round(sorted(wholes)[len(wholes) // 5], 5) if wholes else 0.0


def _none_told(caused: Sequence[Sample], without: Sequence[Sample], model: CauseModel) -> float:
    """The score of "none of these" by which it is the likeliest choice where nothing caused it, and not elsewhere; held at the model's."""
    wholes = [_whole(one, model) for one in (*caused, *without) if one.vectors]
    told = sum(1 for one in without if one.vectors)
    none = model.none
    for _ in range(_NEWTON):
        shares = [sigmoid(none - whole) for whole in wholes]
        slope = told - sum(shares) - _NONE_HELD * (none - model.none)
        bend = sum(share * (1 - share) for share in shares) + _NONE_HELD
        none += max(min(slope / bend, 1.0), -1.0)
    return round(none, 5)


def _whole(one: Sample, model: CauseModel) -> float:
    """As strong as all candidates together."""
    scores = [model.score(vector) for vector in one.vectors]
    top = max(scores)
    return top + math.log(sum(math.exp(score - top) for score in scores))


def _sureness(samples: Sequence[Sample], model: CauseModel, chance: random.Random) -> Vector:
    """The weights of the second step."""
    rows: list[tuple[Vector, bool]] = []
    for one in samples:
        signs = _with_shares(one, model)
        order = sorted(range(len(signs)), key=lambda place: -signs[place][0])
        looked_at = {*order[:10], *(place for place in order if signs[place][_NAMED])}
        rows += [(signs[place], one.truths[place]) for place in sorted(looked_at)]

    def slope(place: int, weights: list[float]) -> list[float]:
        row, truth = rows[place]
        off = sigmoid(sum(map(mul, weights, row))) - truth
        return [off * value for value in row]

    return _descended(len(rows), slope, model.sureness, 2.0 / max(len(rows), 1), chance)


def _descended(
    count: int,
    slope: Callable[[int, list[float]], list[float]],
    start: Sequence[float],
    held: float,
    chance: random.Random,
) -> Vector:
    """Stochastic gradient descent with AdaGrad's steps from `start`, pulled back to it by `held`; the mean of the last half."""
    if not count:
        return tuple(start)
    weights, spent = list(start), [1e-6] * len(start)
    kept, total = 0, [0.0] * len(start)
    places = list(range(count))
    for epoch in range(_EPOCHS):
        chance.shuffle(places)
        for place in places:
            for index, pull in enumerate(slope(place, weights)):
                whole = pull + held * (weights[index] - start[index])
                spent[index] += whole * whole
                weights[index] -= 0.3 * whole / math.sqrt(spent[index])
        if epoch >= _EPOCHS // 2:
            kept += 1
            total = [sum(pair) for pair in zip(total, weights, strict=True)]
    return tuple(round(value / kept, 5) for value in total)


def _version(model: CauseModel) -> str:
    said = repr((model.middle, model.scale, model.weights, model.none, model.sureness))
    return hashlib.blake2b(said.encode(), digest_size=4).hexdigest()
