"""The frame of `loopbot evaluate`: what it prints, and what it says of what it can not measure."""

import json
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from loopbot.cli.app import app
from loopbot.judgement import evaluation
from loopbot.judgement.evaluation.figures import Figure, NotMeasuredError, Progress
from loopbot.ports import Encoder


def _measures(*figures: Figure) -> ModuleType:
    module = ModuleType("made")

    def measure(
        data: Path, history: Path | None, progress: Progress, encoder: Encoder | None = None
    ) -> tuple[Figure, ...]:
        if not figures:
            raise NotMeasuredError(f"{data.name} has no answers.csv.gz")
        return figures

    module.measure = measure  # type: ignore[attr-defined]
    return module


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {
        "cause": _measures(
            Figure(name="cause.recall_at_5_masked", what="recall at 5, masked", value=0.6, baseline=0.333, goal=0.57),
            Figure(name="cause.calibration_error", what="calibration error", value=0.03, goal=0.08, better="less"),
            Figure(name="cause.milliseconds_per_ticket", what="a new ticket", value=12.0, unit="ms"),
            Figure(name="cause.recall_at_5_masked_shipped", what="recall at 5, as it ships", value=0.6),
            Figure(name="cause.calibration_error_shipped", what="error, as it ships", value=0.3),
        ),
        "recurrence": _measures(
            Figure(name="recurrence.calibration_error", what="calibration error", value=0.02, better="less"),
            Figure(name="recurrence.repeat_calibration_error", what="of [repeat]", value=0.1, better="less"),
            Figure(name="recurrence.calibration_error_lean", what="without it", value=0.4, better="less"),
            Figure(name="recurrence.milliseconds_per_ticket", what="a new ticket", value=20.0, unit="ms"),
        ),
        "feedback": _measures(),
        "item": _measures(),
    }
    monkeypatch.setattr(evaluation, "_module", modules.__getitem__)


def test_the_figures_over_all_are_the_worst_error_and_the_time_of_all_together(made: None, tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["evaluate", "--data", str(tmp_path), "--json"])
    figures = json.loads(said.stdout)
    assert said.exit_code == 0
    assert figures["cause.recall_at_5_masked"] == 0.6
    assert figures["calibration_error"] == 0.1
    assert figures["milliseconds_per_ticket"] == 32.0
    assert set(figures["not_measured"]) == {"feedback", "item"}


def test_the_table_shows_baseline_and_goal_and_says_what_was_not_measured(made: None, tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["evaluate", "--data", str(tmp_path)]).stdout
    line = next(line for line in said.splitlines() if "recall at 5, masked" in line)
    assert line.split()[-5:] == [".600", ".333", ".570", "-", "✓"]
    assert "with 100,000 tickets: python -m benchmarks tickets" in said
    assert f"item: not measured: {tmp_path.name} has no answers.csv.gz" in said


def test_what_ships_is_shown_beside_what_was_learnt_where_it_says_something_else(made: None, tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["evaluate", "--data", str(tmp_path)]).stdout
    assert "error, as it ships" in said
    assert "recall at 5, as it ships" not in said
    figures = json.loads(CliRunner().invoke(app, ["evaluate", "--data", str(tmp_path), "--json"]).stdout)
    assert figures["cause.recall_at_5_masked_shipped"] == 0.6
    assert figures["calibration_error"] == 0.1


def test_only_one_judgement_is_measured_where_one_is_named(made: None, tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["evaluate", "--data", str(tmp_path), "--only", "recurrence", "--json"])
    assert not [name for name in json.loads(said.stdout) if name.startswith("cause.")]


def test_where_nothing_can_be_measured_it_exits_1(made: None, tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["evaluate", "--data", str(tmp_path), "--only", "item"]).exit_code == 1
