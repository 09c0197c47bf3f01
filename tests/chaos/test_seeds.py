"""A few seeded runs of everything at once; thousands on demand: `make chaos SEEDS=1000`."""

import subprocess
import sys
from pathlib import Path

import pytest


def _run(*arguments: str) -> str:
    """In a process of its own, whose hash seed is fixed, so that a failing seed replays."""
    command = [sys.executable, "-m", "chaos", *arguments]
    done = subprocess.run(  # noqa: S603 - our own program
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.mark.parametrize("start", [1, 6])
def test_seeded_chaos_on_sqlite_loses_and_doubles_nothing(start: int) -> None:
    assert "0 lost, 0 doubled, 0 echo" in _run("--seeds", "5", "--start", str(start))


def test_seeded_chaos_on_postgres_loses_and_doubles_nothing(postgres_server: str) -> None:
    assert "0 lost, 0 doubled, 0 echo" in _run("--seeds", "3", "--start", "101", "--store", "postgres")
