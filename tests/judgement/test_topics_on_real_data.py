from pathlib import Path

import pytest

from loopbot.judgement.calibration import calibration_error
from loopbot.judgement.evaluation.feedback import ISSUES, issues, measure
from loopbot.judgement.evaluation.figures import NotMeasuredError
from loopbot.judgement.topic_model import Linear
from loopbot.judgement.topic_training import Training, by_project, macro_f1, outcomes, split

TOPICS = ("bug", "feature", "question")


def test_labels_of_one_repository_teach_it_better_than_simple_methods(shared: Path) -> None:
    labels = by_project(issues(shared / "data"))["facebook/react"]
    training = Training(Linear(TOPICS, (0.0,) * 3, {}))
    kept, left = split(labels, 3)[0]

    found = list(outcomes(training.stack(kept, "trial"), left))

    assert macro_f1(found) > 0.74
    said = [one.shares[one.said] for one in found]
    assert calibration_error(said, [one.said == one.truth for one in found]) < 0.15


def test_without_the_file_it_is_said_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NotMeasuredError, match=ISSUES):
        measure(tmp_path, None, lambda _: None)
