"""One daemon a SQLite file."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from loopbot.domain.errors import UserError
from loopbot.engine.alone import Alone
from tests.support.town import CHECKOUT

HOLD = "import sys, pathlib, time; from loopbot.engine.alone import Alone\nwith Alone(pathlib.Path(sys.argv[1])): print('in', flush=True); time.sleep(60)"


def test_a_second_one_is_told_who_is_there_and_a_killed_one_leaves_nothing_behind(tmp_path: Path) -> None:
    database = tmp_path / "loopbot.db"
    with subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", HOLD, str(database)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"in\n"
        with pytest.raises(UserError) as caught, Alone(database):
            pass
        who = f"pid {first.pid} on {socket.gethostname()}"
        assert str(caught.value) == (
            f"{database}: another loopbot is at work on this store: {who} (stop it first, or use Postgres for more than one)"
        )
        first.send_signal(signal.SIGKILL)
    with Alone(database):
        pass


def test_it_can_be_taken_again_and_makes_the_folder(tmp_path: Path) -> None:
    database = tmp_path / "a" / "b" / "loopbot.db"
    for _ in range(2):
        with Alone(database):
            assert database.with_name("loopbot.db.lock").stat().st_mode & 0o077 == 0


def test_a_place_that_can_not_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with (
        pytest.raises(UserError, match=r"the store can not be used: .* \(may loopbot write to that folder"),
        Alone(tmp_path / "file" / "loopbot.db"),
    ):
        pass
