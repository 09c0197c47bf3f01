"""A small company on four twins, a configuration that points at them, and the command line that works on it.

The servers stay for the whole run; each town puts fresh twins behind their doors.
"""

import contextlib
import io
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import structlog

from loopbot.cli import run_app
from loopbot.sandbox.company import Company
from loopbot.sandbox.estate import Estate
from loopbot.sandbox.serving import served
from tests.support.door import Door

CHECKOUT = Path(__file__).parents[2]
SYSTEMS = ("servicenow", "jira", "github", "slack")

NOTE = """
about = "Each incident gets a note."
on = "incident"

[[then]]
do = "comment"
internal = true
text = "Seen: {it.title}"
"""
ITEM = """
about = "Each wish becomes an item."
on = "feedback"

[[then]]
do = "open"
system = "jira"
kind = "issue"
place = "LOOP"
type = "Task"
title = "{it.title}"
text = "{it.text}"
"""
SHOUT = """
about = "Each change is posted."
on = "change"

[[then]]
do = "post"
channel = "releases"
text = "Changed: {it.title}"
"""


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.out)


@dataclass
class Doors:
    """Four servers on loopback, and the twins behind them now."""

    doors: dict[str, Door]
    urls: dict[str, str]


@contextlib.contextmanager
def opened_doors() -> Iterator[Doors]:
    doors = {name: Door() for name in SYSTEMS}
    with contextlib.ExitStack() as stack:
        urls = {name: stack.enter_context(served(door)).url for name, door in doors.items()}
        yield Doors(doors, urls)


@dataclass
class Town:
    """Everything a test of the command line needs."""

    estate: Estate
    company: Company
    folder: Path
    config: Path
    rules: Path
    started: list["subprocess.Popen[str]"] = field(default_factory=list)

    def rule(self, name: str, text: str) -> None:
        (self.rules / f"{name}.toml").write_text(text, encoding="utf-8")

    def change(self, *swaps: tuple[str, str]) -> None:
        """Edit the configuration."""
        text = self.config.read_text(encoding="utf-8")
        for old, new in swaps:
            assert old in text, old
            text = text.replace(old, new)
        self.config.write_text(text, encoding="utf-8")

    def says(self, *arguments: str) -> Said:
        """Run a command on this town's configuration, in this process."""
        return says(*arguments, "-c", str(self.config))

    def starts(self, *arguments: str, **env: str) -> "subprocess.Popen[str]":
        """Start a command in a process of its own, with an empty home."""
        process = launched([*arguments, "-c", str(self.config)], self.folder, env)
        self.started.append(process)
        return process

    @property
    def notes(self) -> list[str]:
        return [str(one.payload["value"]) for one in self.estate.ledger.entries("servicenow", "work_note")]


def says(*arguments: str) -> Said:
    """Run a command in this process; the log's set-up is undone afterwards."""
    out, err = io.StringIO(), io.StringIO()
    root, level = list(logging.root.handlers), logging.root.level
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run_app(list(arguments))
    finally:
        logging.root.handlers[:] = root
        logging.root.setLevel(level)
        structlog.reset_defaults()
    return Said(code, out.getvalue(), err.getvalue())


def launched(arguments: list[str], folder: Path, env: Mapping[str, str]) -> "subprocess.Popen[str]":
    home = folder / "home"
    home.mkdir(exist_ok=True)
    clean = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1", **env}
    return subprocess.Popen(  # noqa: S603 - our own command line
        [sys.executable, "-m", "loopbot", *arguments],
        cwd=folder,
        env=clean,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )


def asked(arguments: list[str], folder: Path, **env: str) -> Said:
    """Run a command in a process of its own to its end."""
    process = launched(arguments, folder, env)
    out, err = process.communicate(timeout=30)
    return Said(process.returncode, out, err)


@contextlib.contextmanager
def town_in(doors: Doors, folder: Path, *, starter: bool = False) -> Iterator[Town]:
    """A company behind the doors; `starter`: with the starter rules, otherwise with none."""
    from loopbot.wiring import starter_rules

    estate = Estate()
    estate.urls = dict(doors.urls)
    for name in SYSTEMS:
        doors.doors[name].app = getattr(estate, name).app
    company = Company(estate)
    company.move_in()
    rules = starter_rules() if starter else folder / "rules"
    rules.mkdir(exist_ok=True)
    town = Town(estate, company, folder, estate.write_config(folder, rules=rules), rules)
    try:
        yield town
    finally:
        for process in town.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


def until(
    true: Callable[[], object], what: str, seconds: float = 30.0, at_work: "subprocess.Popen[str] | None" = None
) -> None:
    """Wait for it; fails with `what` when it does not come true in time, or when the process that brings it about has died."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds:g} s for {what}"
        if at_work is not None and at_work.poll() is not None:
            _, log = at_work.communicate()
            raise AssertionError(f"ended with {at_work.returncode} before {what}:\n{log}")
        threading.Event().wait(0.05)
