"""Fits how alike two tickets are: logistic regression over the measures, scaled to how often tickets repeat one another.

For training alone, in plain Python: Newton's method over some hundred thousand pairs takes a minute. Nothing is drawn by chance.
"""

import heapq
import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import mul

from loopbot.judgement.calibration import sigmoid
from loopbot.judgement.likeness import Likeness, Measures

HARD, PLAIN = 200, 10
"""So many wrong neighbours teach of a ticket that repeats another, and of one that repeats none: the nearest by the index."""
HARDEST = 3
"""In a second round so many teach of those that repeat none: the likeliest by the first round, as false alarms are made of them."""
SHOWN = 5
_ROUNDS = 25
_HELD = 1.0


@dataclass(frozen=True, slots=True)
class Case:
    """A ticket with the measures of its neighbours (the nearest by the index first), and whether it repeats each of them.

    `stands_for`: how many tickets like it come in for one that was asked for. `alone`: it repeats none, as far as people said.
    """

    project: str
    rows: tuple[Measures, ...]
    truths: tuple[bool, ...]
    alone: bool
    stands_for: float = 1.0


def fitted(cases: Sequence[Case], without: frozenset[str] = frozenset()) -> Likeness:
    """The model of the greatest likelihood whose measures `without` weigh nothing; its probabilities are those of tickets as they come in."""
    first = _weighed(cases, without, PLAIN)
    hard = [
        replace(case, rows=tuple(heapq.nlargest(HARDEST, case.rows, first.odds)), truths=case.truths[:HARDEST])
        if case.alone
        else case
        for case in cases
    ]
    return scaled(_weighed(hard, without, HARDEST), cases)


def _weighed(cases: Sequence[Case], without: frozenset[str], plain: int) -> Likeness:
    """One round: `plain` neighbours, the first of them, teach of each case that is alone."""
    uses = [name not in without for name in Measures._fields]
    rows: list[tuple[float, ...]] = []
    truths: list[bool] = []
    for case in cases:
        if not case.alone and not any(case.truths):
            continue  # what it repeats was not found: of its neighbours nothing is known
        wrong = 0
        for row, truth in zip(case.rows, case.truths, strict=True):
            wrong += not truth
            if truth or wrong <= (plain if case.alone else HARD):
                rows.append(tuple(value for value, used in zip(row, uses, strict=True) if used))
                truths.append(truth)
    base, weights = regression(rows, truths, held=_HELD)
    kept = iter(weights)
    return Likeness(base, Measures(*(next(kept) if used else 0.0 for used in uses)))


def scaled(model: Likeness, cases: Sequence[Case]) -> Likeness:
    """The same order with probabilities that are right for the best few of tickets as they come in."""
    scores: list[tuple[float, ...]] = []
    truths: list[bool] = []
    counts: list[float] = []
    for case in cases:
        best = sorted(
            ((model.odds(row), truth) for row, truth in zip(case.rows, case.truths, strict=True)), reverse=True
        )
        for score, truth in best[:SHOWN]:
            scores.append((score,))
            truths.append(truth)
            counts.append(case.stands_for)
    base, (slope,) = regression(scores, truths, counts, held=0.01)
    return Likeness(
        round(base + slope * model.base, 3), Measures(*(round(slope * weight, 3) for weight in model.weights))
    )


def regression(
    rows: Sequence[Sequence[float]],
    truths: Sequence[bool],
    counts: Sequence[float] = (),
    held: float = _HELD,
    start: Sequence[float] = (),
) -> tuple[float, list[float]]:
    """Base and weights of the logarithm of the odds, by Newton's method; weights (on columns of scale one) are held near 0.

    `counts`: how many cases each row stands for; one each where it is empty. `start`: the odds that each row has already, to
    which those of the base and the weights are added; none where it is empty.
    """
    often = array("d", counts or [1.0] * len(rows))
    columns, middles, scales = [], [], []
    for values in zip(*rows, strict=True):
        middle = sum(values) / len(values)
        scale = math.sqrt(sum((value - middle) ** 2 for value in values) / len(values)) or 1.0
        columns.append(array("d", ((value - middle) / scale for value in values)))
        middles.append(middle)
        scales.append(scale)
    columns.append(array("d", [1.0] * len(rows)))
    weights = [0.0] * len(columns)
    if not start:
        weights[-1] = math.log((sum(map(mul, often, truths)) + 1) / (sum(often) + 2))
    at_first = array("d", start or [0.0] * len(rows))
    for _ in range(_ROUNDS):
        steps = _steps(columns, weights, truths, (often, at_first), held)
        weights = [weight - step for weight, step in zip(weights, steps, strict=True)]
        if max(map(abs, steps)) < 1e-6:
            break
    plain = [weight / scale for weight, scale in zip(weights, scales, strict=False)]
    return weights[-1] - sum(map(mul, plain, middles)), plain


def _steps(
    columns: Sequence["array[float]"],
    weights: Sequence[float],
    truths: Sequence[bool],
    each_row: "tuple[array[float], array[float]]",
    held: float,
) -> list[float]:
    """How far each weight is from where a parabola at this place is lowest, at most two of them at once."""
    often, sums = each_row
    for column, weight in zip(columns, weights, strict=True):
        sums = array("d", (so_far + weight * value for so_far, value in zip(sums, column, strict=True)))
    said = array("d", map(sigmoid, sums))
    off = array("d", (count * (each - truth) for count, each, truth in zip(often, said, truths, strict=True)))
    bend = array("d", (count * each * (1 - each) for count, each in zip(often, said, strict=True)))
    last = len(columns) - 1
    slopes = [
        sum(map(mul, off, column)) + (held * weight if index != last else 0.0)
        for index, (column, weight) in enumerate(zip(columns, weights, strict=True))
    ]
    bends = [[0.0] * len(columns) for _ in columns]
    for index, column in enumerate(columns):
        bent = array("d", map(mul, bend, column))
        for other in range(index, len(columns)):
            bends[index][other] = bends[other][index] = sum(map(mul, bent, columns[other]))
        bends[index][index] += held if index != last else 1e-9
    found = _solved(bends, slopes)
    far = max(map(abs, found))
    return [step * min(1.0, 2.0 / far) for step in found] if far else found


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """The x of matrix · x = right, by elimination; the matrix is symmetric and positive."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for place in range(size):
        best = max(range(place, size), key=lambda each: abs(rows[each][place]))
        rows[place], rows[best] = rows[best], rows[place]
        for below in range(place + 1, size):
            share = rows[below][place] / rows[place][place]
            rows[below] = [mine - share * above for mine, above in zip(rows[below], rows[place], strict=True)]
    found = [0.0] * size
    for place in reversed(range(size)):
        known = sum(rows[place][each] * found[each] for each in range(place + 1, size))
        found[place] = (rows[place][size] - known) / rows[place][place]
    return found
