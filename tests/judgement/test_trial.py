"""What is learnt is used only where it is worse in no way that is looked at."""

from collections.abc import Sequence

import pytest

from loopbot.judgement.cause_answers import surprise
from loopbot.judgement.cause_features import FEATURES
from loopbot.judgement.cause_model import SIGNS, CauseModel
from loopbot.judgement.cause_training import Sample
from loopbot.judgement.trial import tried


@pytest.mark.parametrize(
    ("earlier", "used"),
    [((0.2, 0.2), True), ((0.3, 0.3), True), ((0.2, 0.4), False), ((0.4, 0.2), False)],
)
def test_it_is_used_where_it_is_worse_in_nothing(earlier: tuple[float, float], used: bool) -> None:
    asked: list[Sequence[int]] = []

    def surprised(samples: Sequence[int], model: str) -> dict[str, float]:
        asked.append(samples)
        return dict(zip(("answers", "places"), (0.3, 0.3) if model == "present" else earlier, strict=True))

    trial = tried(list(range(10)), "present", lambda some: f"of {len(some)}", surprised)
    assert trial.learnt == "of 10"
    assert trial.no_worse is used
    assert asked == [[7, 8, 9], [7, 8, 9]]
    assert f"answers {earlier[0]:.3f} (before: 0.300), places {earlier[1]:.3f} (before: 0.300)" in trial.note


def test_a_model_that_puts_causes_further_down_is_more_surprised_however_little_it_was_sure() -> None:
    flat = (0.0,) * len(FEATURES)
    better, worse = ((1.0, *flat[1:]), (-1.0, *flat[1:]))
    one = Sample(((1.0, *flat[1:]), flat), ((0.0,) * (len(SIGNS) - 4),) * 2, (True, False))
    said = [
        surprise(
            [(one, one)],
            CauseModel("", flat, tuple(1.0 for _ in FEATURES), weights, 0.0, tuple(0.0 for _ in SIGNS)),
        )
        for weights in (better, worse)
    ]
    assert said[0]["later answers"] == said[1]["later answers"]
    assert said[0]["where the causes stand"] < said[1]["where the causes stand"]
