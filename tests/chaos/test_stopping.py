"""A long run that is stopped tells what it found until then."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chaos.kills import kill
from chaos.stopping import Stopping
from tests.support.fleet import until


def test_the_first_signal_ends_it_after_what_it_is_at_and_the_second_at_once() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Stopping() as stopping:
        assert not stopping.over
        signal.raise_signal(signal.SIGTERM)
        assert stopping.over
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) == before


def test_it_ends_after_its_seconds_and_without_any_never() -> None:
    assert Stopping(1e-9).over
    assert not Stopping(0).over


def test_seeds_that_are_stopped_are_told(tmp_path: Path) -> None:
    told = tmp_path / "told.txt"
    with told.open("w") as out:
        run = subprocess.Popen(
            [sys.executable, "-m", "chaos", "--seeds", "100000", "--story"], stdout=out, cwd=Path(__file__).parents[2]
        )
        try:
            until(lambda: "starts" in told.read_text())
            run.send_signal(signal.SIGTERM)
            assert run.wait(60) == 0
        finally:
            run.kill()
    assert " seeds on sqlite, 0 lost, 0 doubled" in told.read_text()


def test_kills_that_are_stopped_are_judged() -> None:
    done = kill(1_000, "sqlite", enough=lambda: True)
    assert (done.kills, done.flaws) == (0, [])
