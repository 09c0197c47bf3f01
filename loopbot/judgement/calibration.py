"""Making scores into probabilities, and measuring how far off they are. Standard library only: the daemon applies these.

A fitted calibration is a frozen value of a few numbers, fitted on cases that the scorer has not learnt from. What it is
fitted on is small (tens to thousands of answers), so all three forms are ones that can not run wild: one number
(Temperature), two numbers (Platt), or steps that only rise (Isotonic).
"""

import itertools
import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

_FAR = 35.0
_GOLDEN = (math.sqrt(5) - 1) / 2


def sigmoid(score: float) -> float:
    """1 / (1 + e^-score), without overflow."""
    if score >= 0:
        return 1 / (1 + math.exp(-min(score, _FAR)))
    grown = math.exp(max(score, -_FAR))
    return grown / (1 + grown)


def log_odds(probability: float) -> float:
    """The score whose sigmoid it is; 0 and 1 are taken as a little more and a little less."""
    kept = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(kept / (1 - kept))


def softmax(scores: Sequence[float]) -> tuple[float, ...]:
    """Probabilities of classes from their scores; they add up to 1."""
    top = max(scores)
    grown = [math.exp(score - top) for score in scores]
    whole = sum(grown)
    return tuple(each / whole for each in grown)


@dataclass(frozen=True, slots=True)
class Temperature:
    """For several classes: scores are divided by it before they become probabilities; above 1 makes them humbler."""

    value: float = 1.0

    def __call__(self, scores: Sequence[float]) -> tuple[float, ...]:
        """The probability of each class."""
        return softmax([score / self.value for score in scores])


@dataclass(frozen=True, slots=True)
class Platt:
    """For yes or no: the score is stretched and moved before it becomes a probability."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, score: float) -> float:
        """The probability of yes."""
        return sigmoid(self.slope * score + self.offset)


@dataclass(frozen=True, slots=True)
class Isotonic:
    """For yes or no: straight lines between (score, probability) points that only rise; flat beyond the first and last."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __call__(self, score: float) -> float:
        """The probability of yes."""
        place = bisect_left(self.scores, score)
        if place == 0:
            return self.probabilities[0]
        if place == len(self.scores):
            return self.probabilities[-1]
        left, right = self.scores[place - 1], self.scores[place]
        share = (score - left) / (right - left)
        return self.probabilities[place - 1] * (1 - share) + self.probabilities[place] * share


def fit_temperature(scores: Sequence[Sequence[float]], truths: Sequence[int]) -> Temperature:
    """The temperature (0.05 to 20) under which the true classes are the most likely; 1 where there is nothing to learn from."""
    _same_length(scores, truths)
    if not truths:
        return Temperature()

    def surprise(power: float) -> float:
        value = math.exp(power)
        return -sum(
            math.log(max(softmax([score / value for score in each])[truth], 1e-12))
            for each, truth in zip(scores, truths, strict=True)
        )

    return Temperature(math.exp(_lowest(surprise, math.log(0.05), math.log(20.0))))


def fit_platt(scores: Sequence[float], truths: Sequence[bool], rounds: int = 100) -> Platt:
    """Slope and offset of the greatest likelihood, by Newton's method; targets are Platt's, a little short of 0 and 1.

    Where all truths are the same the slope is 0: every score then means their share.
    """
    _same_length(scores, truths)
    yes = sum(truths)
    no = len(truths) - yes
    high, low = (yes + 1) / (yes + 2), 1 / (no + 2)
    if not yes or not no:
        return Platt(0.0, log_odds(high if yes else low) if truths else 0.0)
    middle = sum(scores) / len(scores)
    spread = math.sqrt(sum((score - middle) ** 2 for score in scores) / len(scores)) or 1.0
    inputs = [(score - middle) / spread for score in scores]  # the same scale whatever the scorer's
    slope, offset = 1.0, log_odds(yes / len(truths))
    for _ in range(rounds):
        toward, aside, ss, so, oo = 0.0, 0.0, 1e-6, 0.0, 1e-6
        for each, truth in zip(inputs, truths, strict=True):
            said = sigmoid(slope * each + offset)
            off, weight = said - (high if truth else low), said * (1 - said)
            toward, aside = toward + off * each, aside + off
            ss, so, oo = ss + weight * each * each, so + weight * each, oo + weight
        whole = ss * oo - so * so
        step = (oo * toward - so * aside) / whole, (ss * aside - so * toward) / whole
        slope, offset = slope - max(min(step[0], 2.0), -2.0), offset - max(min(step[1], 2.0), -2.0)
        if abs(step[0]) + abs(step[1]) < 1e-9:
            break
    return Platt(slope / spread, offset - slope * middle / spread)


def fit_isotonic(scores: Sequence[float], truths: Sequence[bool]) -> Isotonic:
    """The rising steps of the least squares (pool adjacent violators), each at the middle of its scores."""
    _same_length(scores, truths)
    if not truths:
        return Isotonic((0.0,), (0.5,))
    blocks: list[tuple[float, int, float]] = []  # the sum of truths, how many, the sum of scores
    for score, truth in sorted(zip(scores, map(float, truths), strict=True)):
        block = (truth, 1, score)
        # Equal scores are one block whatever their truths; a block that is lower than the one before it joins it.
        while blocks and (
            blocks[-1][0] / blocks[-1][1] >= block[0] / block[1] or blocks[-1][2] / blocks[-1][1] == score
        ):
            before = blocks.pop()
            block = (before[0] + block[0], before[1] + block[1], before[2] + block[2])
        blocks.append(block)
    return Isotonic(
        tuple(total / count for _, count, total in blocks),
        tuple(yes / count for yes, count, _ in blocks),
    )


def calibration_error(probabilities: Sequence[float], truths: Sequence[bool], bins: int = 15) -> float:
    """The expected calibration error (0..1): how far what was said is from what came true, over bins of equal mass.

    Each bin holds about as many cases, so that a corner in which few were said weighs little. 0 for no cases. With fewer than
    ten cases a bin, bins are fewer: chance alone would look like an error.
    """
    _same_length(probabilities, truths)
    if not truths:
        return 0.0
    return sum(abs(part.said - part.came) * part.count for part in reliability(probabilities, truths, bins)) / len(
        truths
    )


@dataclass(frozen=True, slots=True)
class Bin:
    """Cases that were said to be about as likely: how likely on average, what share came true, how many."""

    said: float
    came: float
    count: int


def reliability(probabilities: Sequence[float], truths: Sequence[bool], bins: int = 15) -> tuple[Bin, ...]:
    """Bins of equal mass, the least likely first."""
    pairs = sorted(zip(probabilities, truths, strict=True))
    count = max(min(bins, len(pairs) // 10), 1)
    edges = [round(place * len(pairs) / count) for place in range(count + 1)]
    parts = [pairs[start:end] for start, end in itertools.pairwise(edges) if end > start]
    return tuple(
        Bin(_mean(said for said, _ in part), _mean(float(truth) for _, truth in part), len(part)) for part in parts
    )


def _mean(values: Iterable[float]) -> float:
    kept = list(values)
    return sum(kept) / len(kept)


def _lowest(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one valley is lowest, by golden section."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(40):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = function(right)
    return (low + high) / 2


def _same_length(scores: Sequence[object], truths: Sequence[object]) -> None:
    if len(scores) != len(truths):
        message = f"{len(scores)} scores and {len(truths)} truths; each score needs one"
        raise ValueError(message)
