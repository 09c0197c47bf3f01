"""How a fleet's rounds wait: long for what comes, and not at all for what can not come any more."""

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fleet import Node, fleet_on, until


def test_who_still_gets_on_is_waited_for_beyond_the_patience() -> None:
    steps = itertools.count()
    assert until(lambda: next(steps) > 10, 0.05, moves=object) > 0.1


def test_who_stands_still_is_not_waited_for_any_longer() -> None:
    with pytest.raises(AssertionError, match="it stands"):
        until(lambda: False, 0.05, lambda: "it stands", lambda: "still here")


@pytest.mark.parametrize(
    ("ends", "told"), [("raise SystemExit(2)", True), ("import os; os.kill(os.getpid(), 9)", False)]
)
def test_a_node_that_ended_by_itself_is_told_and_one_that_was_killed_is_not(
    tmp_path: Path, ends: str, told: bool
) -> None:
    with fleet_on(f"sqlite:///{tmp_path / 'loopbot.db'}", tmp_path) as fleet:
        log = tmp_path / "node.log"
        with log.open("wb") as out:
            process = subprocess.Popen([sys.executable, "-c", ends], stdout=out, stderr=out)  # noqa: S603 - our own words
        process.wait()
        fleet.nodes.append(Node(process, log))
        assert [node.process for node in fleet.ended()] == [process] * told
        if told:
            with pytest.raises(AssertionError):
                fleet.ready()
