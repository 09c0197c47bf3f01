"""The real daemon in a process of its own, on the whole sandbox: how soon it is at work, and how much memory it holds."""

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.figures import Figure
from loopbot.clock import SystemClock
from loopbot.sandbox.company import SERVICES, Company
from loopbot.sandbox.estate import PROJECT, Estate
from loopbot.store import SqlStore, open_store
from loopbot.wiring import starter_rules

INCIDENTS, ISSUES, CHURN = 10_000, 1_000, 60.0
TITLES = ("answers slowly", "shows a blank page", "says the card is declined", "loses my order", "mails come late")


class Daemon:
    """`loopbot run`, watched from outside."""

    def __init__(self, config: Path) -> None:
        self.log = config.parent / "daemon.log"
        self.started = time.perf_counter()
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "loopbot", "run", "-c", str(config)]
            self.process = subprocess.Popen(command, stderr=log, stdout=subprocess.DEVNULL)  # noqa: S603 - our own program

    def said(self, what: str, patience: float = 60.0) -> float:
        """Wait until the log says so; seconds since the start."""
        while what not in self.log.read_text(encoding="utf-8", errors="replace"):
            if self.process.poll() is not None or time.perf_counter() - self.started > patience:
                message = f"the daemon never said {what!r}: {self.log.read_text(encoding='utf-8')[-2000:]}"
                raise RuntimeError(message)
            time.sleep(0.005)
        return time.perf_counter() - self.started

    def status(self, name: str) -> int:
        """A line of /proc/PID/status, in its own unit."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
        return 0

    def cpu(self) -> float:
        """Seconds of processor it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def stop(self) -> None:
        """Ask it to stop."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def running(config: Path) -> Iterator[Daemon]:
    """A daemon for the length of a block."""
    daemon = Daemon(config)
    try:
        yield daemon
    finally:
        daemon.stop()


def measure() -> list[Figure]:
    """The figures."""
    with tempfile.TemporaryDirectory(prefix="loopbot-bench-") as folder, Estate() as estate:
        company = Company(estate)
        company.move_in()
        numbers = _fill(estate, company)
        config = estate.write_config(Path(folder), rules=starter_rules())
        # The empty store is there: what its one migration holds is not what a daemon holds from day to day.
        store = open_store(f"sqlite:///{config.parent / 'loopbot.db'}", clock=SystemClock())
        with closing(store), running(config) as daemon:
            ready = daemon.said("loopbot is at work")
            mirrored = _mirrored(daemon, store)
            first = daemon.status("VmHWM") / 1024
            _churn(estate, company, numbers)
            peak, now, threads = daemon.status("VmHWM") / 1024, daemon.status("VmRSS") / 1024, daemon.status("Threads")
            cpu, took = daemon.cpu(), time.perf_counter() - daemon.started
    what = f"{INCIDENTS:,} incidents, {ISSUES:,} issues, {CHURN:g} s of churn, four connectors"
    return [
        Figure("The daemon is at work after", ready, "s", note="from exec to the first line of its log"),
        Figure("Everything is mirrored after", mirrored, "s", note=what),
        Figure("The daemon's memory, most while it mirrored", first * 1.048576, "MB", note="VmHWM"),
        Figure("The daemon's memory, most at all", peak * 1.048576, "MB", most=120, note="VmHWM, from start to end"),
        Figure("The daemon's memory at the end", now * 1.048576, "MB", note=f"VmRSS; {threads} threads"),
        Figure("Processor used by the daemon", cpu, "s", note=f"in {took:.0f} s"),
    ]


def _fill(estate: Estate, company: Company) -> list[str]:
    """Years of tickets; the numbers of the incidents."""
    numbers = []
    chance, people = random.Random(1), list(company.users)
    services = [estate.servicenow.insert("cmdb_ci_service", {"name": f"Service {n}"})["sys_id"] for n in range(60)]
    lately = datetime.now(UTC)
    for number in range(INCIDENTS):
        # Each in words of its own: this is about memory, not about writing a thousand tickets.
        title = f"{chance.choice(SERVICES)} {chance.choice(TITLES)} {_words(chance, 3)}"
        text = f"It began this morning: {_words(chance, 20)}."
        opened = lately - timedelta(minutes=chance.randrange(525_600))
        row = estate.servicenow.insert(
            "incident",
            {
                "short_description": title,
                "description": text,
                "caller_id": company.users[chance.choice(people)],
                "business_service": chance.choice(services),
                "opened_at": f"{opened:%Y-%m-%d %H:%M:%S}",
                "impact": str(number % 3 + 1),
                "urgency": str(number % 3 + 1),
                "close_code": "Solved (Permanently)",
                "close_notes": "Restarted it.",
                "state": "7",
            },
        )
        numbers.append(row["number"])
    for number in range(ISSUES):
        estate.jira.create_issue(PROJECT, f"{chance.choice(SERVICES)} {chance.choice(TITLES)} ({number})")
    return numbers


def _words(chance: random.Random, count: int) -> str:
    return " ".join(f"{chance.randrange(16**6):06x}" for _ in range(count))


def _mirrored(daemon: Daemon, store: SqlStore) -> float:
    while True:
        with store.read() as tx:
            if tx.mirror.count("servicenow", "incident") >= INCIDENTS and tx.mirror.count("jira", "issue") >= ISSUES:
                return time.perf_counter() - daemon.started
        if daemon.process.poll() is not None or time.perf_counter() - daemon.started > 300:
            message = "the daemon did not mirror everything within five minutes"
            raise RuntimeError(message)
        time.sleep(0.1)


def _churn(estate: Estate, company: Company, numbers: list[str]) -> None:
    """A busy desk: ten tickets change in a second, some are new, people write, a build goes out now and then."""
    chance, end, step = random.Random(2), time.monotonic() + CHURN, 0
    people = list(company.users)
    while time.monotonic() < end:
        for _ in range(2):
            estate.servicenow.update(
                "incident", chance.choice(numbers), {"work_notes": f"Looked at again ({step})"}, actor="beth.anglin"
            )
        if step % 5 == 0:
            company.report(chance.choice(people), _words(chance, 5), _words(chance, 30), chance.choice(SERVICES))
        if step % 5 == 2:
            estate.jira.edit(f"{PROJECT}-{chance.randrange(1, ISSUES)}", {"summary": f"Edited ({step})"})
        if step % 100 == 50:
            company.deploy()
        step += 1
        time.sleep(0.2)
