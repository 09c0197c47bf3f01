"""The replay: a real ServiceNow log, served by the twin while a real daemon mirrors it, and every incident compared."""

import contextlib
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from loopbot.cli.failures import DONE, TROUBLE
from loopbot.cli.opening import console
from loopbot.domain.errors import LoopbotError, UserError
from loopbot.domain.phrasing import counted

if TYPE_CHECKING:
    from rich.console import Console

    from loopbot.ports import Store
    from loopbot.sandbox.ledger import Ledger
    from loopbot.sandbox.servicenow.replay import Replay, Truth
    from loopbot.sandbox.servicenow.twin import ServiceNowTwin

# The log's words and the canonical ones, and the numbers under which the twin serves them.
WORDS = {
    "New": "new",
    "Active": "in_progress",
    "Awaiting User Info": "on_hold",
    "Awaiting Problem": "on_hold",
    "Awaiting Vendor": "on_hold",
    "Awaiting Evidence": "on_hold",
    "Resolved": "resolved",
    "Closed": "closed",
}
STATES = {"1": "new", "2": "in_progress", "3": "on_hold", "6": "resolved", "7": "closed"}
INSTANTS, CHUNK, PATIENCE = 10, 1000, 60.0


@dataclass(frozen=True, slots=True)
class Compared:
    """One instant: how far the log was, and how the mirror differed from it."""

    rows: int
    incidents: int
    lost: tuple[str, ...] = ()
    doubled: int = 0
    different: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether every incident is there once, with the state, group and counter of the log."""
        return not self.lost and not self.doubled and not self.different


@dataclass(slots=True)
class Report:
    """What a verified replay came to."""

    compared: list[Compared] = field(default_factory=list)
    rows: int = 0
    incidents: int = 0
    calls: int = 0
    updates: int = 0
    seconds: float = 0.0
    peak_bytes: int = 0

    @property
    def good(self) -> bool:
        """Whether nothing was lost, doubled or different at any instant."""
        return bool(self.compared) and all(one.equal for one in self.compared)


def serve_replay(log: Path, *, speed: float, verify: bool, port: int) -> int:
    """Serve the log; with `verify`, run a daemon on it, compare at ten random instants and at the end, and report."""
    out = console()
    with tempfile.TemporaryDirectory(prefix="loopbot-replay-") as folder:
        stage = staged(out, log, Path(folder), port)
        with stage as (replay, ledger, config):
            out.print(
                f"{counted(replay.rows, 'row')} of {counted(replay.incidents, 'incident')}, from {replay.start:%d %b %Y} to {replay.end:%d %b %Y}."
            )
            if not verify:
                return _serve(out, replay, config, speed)
            report = verified(replay, ledger, config, speed=speed, out=out)
    _print(out, report)
    return DONE if report.good else TROUBLE


def verified(
    replay: "Replay", ledger: "Ledger", config: Path, *, speed: float, out: "Console", seed: int = 1
) -> Report:
    """Mirror the whole log with a daemon in a process of its own and compare as it goes."""
    from loopbot.cli.running import progress
    from loopbot.clock import SystemClock
    from loopbot.store import open_store

    stops = sorted(random.Random(seed).sample(range(1, replay.rows), min(INSTANTS, replay.rows - 1)))
    report = Report(rows=replay.rows, incidents=replay.incidents)
    daemon = _Daemon(config)
    store = open_store(f"sqlite:///{config.parent / 'loopbot.db'}", clock=SystemClock())
    started = time.monotonic()
    try:
        with progress(replay.rows, "Mirroring", quiet=not out.is_terminal) as step:
            for stop in (*stops, replay.rows):
                _play_to(replay, stop, speed, step)
                _caught_up(replay, daemon)
                report.compared.append(compare(store, replay.truth(), replay.rows_played))
        report.seconds = time.monotonic() - started
        report.peak_bytes = daemon.peak_bytes()
    finally:
        seen = daemon.stop()
        store.close()
    report.calls = ledger.calls("servicenow")
    report.updates = sum(int(seen.get(name, 0)) for name in ("new", "changed", "touched"))
    return report


def compare(store: "Store", truth: "dict[str, Truth]", rows: int) -> Compared:
    """Hold the mirror against the log at this instant."""
    from loopbot.domain.records import Incident

    with store.read() as tx:
        mirrored = [record for record in tx.mirror.all("incident") if isinstance(record, Incident)]
    found = {record.key: (record.state, record.group or "", record.version) for record in mirrored}
    wanted = {key: (WORDS[one.state], one.assignment_group, one.sys_mod_count) for key, one in truth.items()}
    different = (
        f"{key}: {found[key]} instead of {want}" for key, want in wanted.items() if key in found and found[key] != want
    )
    lost = tuple(sorted(set(wanted) - set(found)))
    return Compared(rows, len(wanted), lost, len(mirrored) - len(set(wanted) & set(found)), tuple(sorted(different)))


class _Daemon:
    """`loopbot run` in a process of its own, so that its memory is its own."""

    def __init__(self, config: Path) -> None:
        self._log = (config.parent / "daemon.log").open("w+b")
        command = [sys.executable, "-m", "loopbot", "run", "-c", str(config)]
        self._process = subprocess.Popen(command, stderr=self._log, stdout=subprocess.DEVNULL)  # noqa: S603 - our own program

    def check(self) -> None:
        """Raise where the daemon has ended."""
        if self._process.poll() is not None:
            self._log.seek(0)
            said = self._log.read().decode("utf-8", "replace").strip().splitlines()
            message = f"the daemon ended by itself: {said[-1] if said else 'without a word'}"
            raise LoopbotError(message)

    def peak_bytes(self) -> int:
        """The most memory it held (VmHWM); 0 where the system does not tell."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii").splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return 0

    def stop(self) -> dict[str, int]:
        """Ask it to stop; what it says it has seen."""
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.seek(0)
        lines = self._log.read().splitlines()
        self._log.close()
        for line in lines:
            with contextlib.suppress(orjson.JSONDecodeError):
                said = orjson.loads(line)
                if said.get("event") == "stream read":
                    return {name: value for name, value in said.items() if isinstance(value, int)}
        return {}


@contextlib.contextmanager
def staged(out: "Console", log: Path, folder: Path, port: int) -> "Iterator[tuple[Replay, Ledger, Path]]":
    """The log, in a twin that is served, and the configuration of a daemon that mirrors it."""
    from loopbot.sandbox.ledger import Ledger
    from loopbot.sandbox.servicenow.log import sample
    from loopbot.sandbox.servicenow.replay import Replay
    from loopbot.sandbox.servicenow.twin import ServiceNowTwin
    from loopbot.sandbox.serving import served

    ledger = Ledger()
    twin = ServiceNowTwin(ledger)
    if log.exists():
        out.print(f"Reading {log.name} ...", markup=False)
        try:
            replay = Replay.from_csv(log, twin)
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise UserError(
                str(log), f"is not a log that can be replayed: {error}", "it needs the columns of UCI data set 498"
            ) from None
    else:
        out.print(f"{log} is not there; a small made-up log is replayed instead.", markup=False, style="yellow")
        replay = Replay(sample(seed=1, incidents=300), twin)
    with served(twin.app, port) as server:
        yield replay, ledger, _write_config(folder, server.url, twin)


def _write_config(folder: Path, url: str, twin: "ServiceNowTwin") -> Path:
    (folder / "rules").mkdir()
    (folder / "password.secret").write_text(twin.access.users["loopbot"], encoding="utf-8")
    states = ", ".join(f'"{number}" = "{word}"' for number, word in STATES.items())
    path = folder / "config.toml"
    path.write_text(
        f"""[loopbot]
poll_seconds = 0.05
log_format = "json"

[systems.servicenow]
type = "servicenow"
base_url = "{url}"
user = "loopbot"
password = "file:{folder / "password.secret"}"
streams = ["incident"]
incidents = {{ table = "incident", states = {{ {states} }} }}
""",
        encoding="utf-8",
    )
    return path


def _serve(out: "Console", replay: "Replay", config: Path, speed: float) -> int:
    out.print("In another terminal, to mirror it:")
    out.print(f"  loopbot run -c {config}", markup=False, soft_wrap=True)
    stop = threading.Event()
    try:
        replay.run(speed, stop)
        out.print("The log is played to its end; Ctrl-C ends the twin.")
        stop.wait()
    finally:
        stop.set()
    return DONE


def _play_to(replay: "Replay", rows: int, speed: float, step: Callable[..., None]) -> None:
    """Play on to a row: as fast as the daemon reads, or at `speed` times life."""
    while replay.rows_played < rows:
        if speed > 0:
            before, tick = replay.rows_played, 0.05
            replay.advance(replay.present + timedelta(seconds=speed * tick))
            time.sleep(tick)
        else:
            before = replay.rows_played
            replay.play(min(CHUNK, rows - before))
            replay.twin.wait_finished("incident", replay.twin.finished("incident"), 1.0)
        step(f"{replay.present:%d %b %Y}", replay.rows_played - before)


def _caught_up(replay: "Replay", daemon: _Daemon) -> None:
    """Wait until the daemon has read everything that is there and committed it: two whole lists from now."""
    for _ in range(2):
        before, end = replay.twin.finished("incident"), time.monotonic() + PATIENCE
        while not replay.twin.wait_finished("incident", before, 0.2):
            daemon.check()
            if time.monotonic() > end:
                message = f"the daemon read nothing for {PATIENCE:g} s"
                raise LoopbotError(message)


def _print(out: "Console", report: Report) -> None:
    for one in report.compared:
        verdict = (
            "equal" if one.equal else f"{len(one.lost)} lost, {one.doubled} doubled, {len(one.different)} different"
        )
        out.print(f"  after {one.rows:>7,} rows: {one.incidents:>6,} incidents, {verdict}")
        for line in (*(f"lost: {key}" for key in one.lost[:3]), *one.different[:3]):
            out.print(f"      {line}", markup=False)
    lost = sum(len(one.lost) for one in report.compared)
    last = report.compared[-1]
    out.print(
        f"\n{last.incidents - len(last.lost):,} of {report.incidents:,} incidents mirrored, {lost or 'none'} lost, "
        f"{sum(one.doubled for one in report.compared) or 'none'} doubled; state, group and counter compared at {len(report.compared)} instants.",
        style="bold",
    )
    rate = report.rows / report.seconds if report.seconds else 0
    out.print(
        f"{report.rows:,} rows played in {report.seconds:.1f} s ({rate:,.0f} a second), {report.updates:,} updates seen in "
        f"{report.calls:,} calls; the daemon held at most {report.peak_bytes / 1e6:.0f} MB.",
    )
