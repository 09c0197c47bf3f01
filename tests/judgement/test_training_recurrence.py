"""Fitting how alike tickets are: it finds what separates, holds what tells nothing near 0, and says how often it is right."""

import math
import random
from dataclasses import replace

from loopbot.judgement.likeness import Measures
from loopbot.judgement.recurrence import dumped, shipped
from loopbot.judgement.recurrence_training import PLAIN, Case, fitted, regression, scaled

NOTHING = Measures(*(0.0 for _ in Measures._fields))


def cases(count: int = 200) -> list[Case]:
    """Tickets of which every second repeats the neighbour with the greatest share of words in common."""
    chance = random.Random(5)
    found = []
    for number in range(count):
        alone = number % 2 == 0
        rows = [NOTHING._replace(common=chance.random() * 0.6, age=chance.random()) for _ in range(8)]
        truths = [False] * 8
        if not alone:
            rows[3], truths[3] = NOTHING._replace(common=0.5 + chance.random() * 0.5, age=chance.random()), True
        found.append(Case("made", tuple(rows), tuple(truths), alone, 10.0 if alone else 1.0))
    return found


def test_a_regression_finds_the_odds_that_made_the_answers() -> None:
    chance = random.Random(3)
    rows = [(chance.random(), chance.random()) for _ in range(4_000)]
    truths = [chance.random() < 1 / (1 + math.exp(2.0 - 4.0 * first)) for first, _ in rows]
    base, (first, second) = regression(rows, truths)
    assert abs(base + 2.0) < 0.4
    assert abs(first - 4.0) < 0.5
    assert abs(second) < 0.4


def test_rows_may_stand_for_several() -> None:
    rows, truths = [(0.0,), (1.0,)] * 50, [False, True, True, False] * 25
    twice = regression([*rows, *rows], [*truths, *truths], held=0.01)
    assert all(
        abs(one - other) < 1e-6
        for one, other in zip(
            (twice[0], *twice[1]), _flat(regression(rows, truths, [2.0] * len(rows), held=0.01)), strict=True
        )
    )


def _flat(found: tuple[float, list[float]]) -> tuple[float, ...]:
    return (found[0], *found[1])


def test_what_separates_weighs_and_what_is_left_out_does_not() -> None:
    model = fitted(cases(), frozenset({"age"}))
    assert model.weights.common > 3
    assert model.weights.age == 0.0
    assert fitted(cases()) == fitted(cases())


def test_the_likeliest_of_what_repeats_nothing_teach_however_far_back_the_index_put_them() -> None:
    given = cases()
    deep = [
        replace(
            case,
            rows=(*case.rows, *([NOTHING] * PLAIN), NOTHING._replace(common=0.9, other_error=1.0)),
            truths=(*case.truths, *([False] * (PLAIN + 1))),
        )
        if case.alone
        else case
        for case in given
    ]
    assert fitted(deep).weights.other_error < -3
    assert abs(fitted(given).weights.other_error) < 0.1


def test_probabilities_are_those_of_tickets_as_they_come_in() -> None:
    given = cases()
    model = scaled(fitted(given), given)
    said = came = 0.0
    for case in given:
        for _, score, truth in sorted(
            (
                (-model.odds(row), model.probability(row), truth)
                for row, truth in zip(case.rows, case.truths, strict=True)
            )
        )[:5]:
            said += case.stands_for * score
            came += case.stands_for * truth
    assert abs(said - came) < 0.05 * came


def test_the_weights_that_ship_are_read_as_they_were_written() -> None:
    models = {name: shipped(name) for name in ("pain", "duplicate")}
    assert dumped(models).count('"base"') == 2
    assert models["pain"].weights.still_open == models["pain"].weights.relative == 0.0
    assert set(Measures._fields) == set(models["duplicate"].weights._asdict())
