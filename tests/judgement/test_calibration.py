import random

import pytest

from loopbot.judgement.calibration import (
    Isotonic,
    Platt,
    Temperature,
    calibration_error,
    fit_isotonic,
    fit_platt,
    fit_temperature,
    log_odds,
    reliability,
    sigmoid,
    softmax,
)


def test_scores_far_out_do_not_overflow() -> None:
    assert sigmoid(-1e6) < 1e-9
    assert sigmoid(1e6) > 1 - 1e-9
    assert softmax([1e6, 0.0]) == (1.0, 0.0)
    assert log_odds(0.0) < -20


def test_the_temperature_that_made_the_scores_too_sure_is_found_again() -> None:
    chance = random.Random(1)
    scores, truths = [], []
    for _ in range(3000):
        humble = [chance.gauss(0, 1.5) for _ in range(3)]
        truths.append(chance.choices(range(3), softmax(humble))[0])
        scores.append([3 * each for each in humble])

    fitted = fit_temperature(scores, truths)

    assert fitted.value == pytest.approx(3.0, rel=0.1)
    told = [max(fitted(each)) for each in scores]
    hits = [max(range(3), key=each.__getitem__) == truth for each, truth in zip(scores, truths, strict=True)]
    assert calibration_error(told, hits) < 0.03
    assert calibration_error([max(Temperature()(each)) for each in scores], hits) > 0.1


def test_platt_finds_slope_and_offset_again_whatever_the_scale() -> None:
    chance = random.Random(2)
    scores = [chance.uniform(-300, 500) for _ in range(4000)]
    truths = [chance.random() < sigmoid(0.02 * score - 1) for score in scores]

    fitted = fit_platt(scores, truths)

    assert fitted.slope == pytest.approx(0.02, rel=0.15)
    assert fitted.offset == pytest.approx(-1, abs=0.2)


def test_platt_of_answers_that_are_all_the_same_says_their_share() -> None:
    assert fit_platt([0.1, 0.9], [True, True])(0.5) == pytest.approx(0.75)
    assert fit_platt([0.1, 0.9], [False, False])(123.0) == pytest.approx(0.25)
    assert fit_platt([], []) == Platt(0.0, 0.0)


def test_platt_of_perfectly_parted_answers_stays_finite() -> None:
    fitted = fit_platt([0.0, 1.0, 2.0, 3.0], [False, False, True, True])

    assert 0 < fitted(0.0) < fitted(1.5) < fitted(3.0) < 1


def test_isotonic_only_rises_and_is_flat_beyond_its_ends() -> None:
    fitted = fit_isotonic([0.1, 0.2, 0.3, 0.4, 0.5, 0.5], [False, True, False, True, True, False])

    assert list(fitted.probabilities) == sorted(fitted.probabilities)
    assert len(set(fitted.scores)) == len(fitted.scores)
    assert fitted(-1.0) == fitted.probabilities[0]
    assert fitted(9.0) == fitted.probabilities[-1]


def test_isotonic_draws_straight_lines_between_its_points() -> None:
    assert Isotonic((0.0, 1.0), (0.2, 0.6))(0.5) == pytest.approx(0.4)
    assert fit_isotonic([], [])(0.3) == 0.5


def test_the_calibration_error_is_the_distance_of_what_was_said_from_what_came() -> None:
    assert calibration_error([0.9] * 100, [True] * 90 + [False] * 10, bins=1) == pytest.approx(0.0)
    assert calibration_error([0.9] * 100, [True] * 50 + [False] * 50, bins=1) == pytest.approx(0.4)
    assert calibration_error([], []) == 0.0


def test_bins_hold_equal_mass_and_at_least_ten_cases() -> None:
    parts = reliability([each / 1000 for each in range(1000)], [each % 2 == 0 for each in range(1000)])

    assert [part.count for part in parts] == [67, 66, 67] * 5
    assert sum(part.count for part in reliability([0.5] * 25, [True] * 25)) == 25
    assert len(reliability([0.5] * 25, [True] * 25)) == 2


def test_scores_without_truths_are_refused() -> None:
    with pytest.raises(ValueError, match="2 scores and 1 truths"):
        fit_platt([0.1, 0.2], [True])
