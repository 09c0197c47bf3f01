"""Real daemons against real HTTP: started, killed in the middle of their work, started again; judged when all is over."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import create_engine, text

from chaos.clocks import Clock
from chaos.databases import Kind, databases
from chaos.process import Birth, Diary, Process, born
from chaos.rulebook import rulebook
from chaos.verdict import Flaw, judged, open_rows
from chaos.world import World
from loopbot.sandbox.serving import Served

_RULES = Path(__file__).parent / "rules"
_SECRETS = {"SN": "loopbot-secret", "JIRA": "jira-sandbox-token", "SLACK": "xoxb-twin-bot"}
# On Postgres nobody can know that the other node is dead before its time is up; so time is made to pass.
_AN_HOUR_LATER = (
    "UPDATE lease SET until = until - 3600000000",
    "UPDATE outbox SET claimed_until = claimed_until - 3600000000 WHERE claimed_until IS NOT NULL",
)


class _RealTime(Clock):
    """The machine's time, and in the end so much more that every wait is over, here and at the servers."""

    skipped = 0.0

    def monotonic(self) -> float:
        """Seconds since the simulation's own beginning."""
        return (datetime.now(UTC) - datetime(2026, 3, 2, 9, 0, tzinfo=UTC)).total_seconds() + self.skipped

    def sleep(self, seconds: float) -> None:
        """Waits are skipped."""
        self.skipped += seconds


@dataclass(slots=True)
class Killed:
    """What a number of kills came to."""

    kills: int
    flaws: list[Flaw]
    writes: int
    calls: int
    idle: int
    seconds: float


def kill(
    count: int,
    store: Kind,
    seed: int = 1,
    told: Callable[[int], None] = lambda _: None,
    enough: Callable[[], bool] = lambda: False,
) -> Killed:
    """Kill so many daemons at work, or until it is enough; then let what is left be done and judge it."""
    chance, began = random.Random(seed), time.monotonic()
    with ExitStack() as stack:
        place = stack.enter_context(databases(store))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        clock = _RealTime()
        world = World(clock)
        urls = {name: stack.enter_context(_served(app)) for name, (app, _) in world.hosts.items()}
        url = place.fresh()
        config = _config(folder, url, urls)
        idle = kills = 0
        for number in range(count):
            if enough():
                break
            for _ in range(chance.randrange(1, 4)):
                world.somebody_acts(chance)
            idle += _one_life(config, world, chance, folder)
            if store == "postgres":
                _an_hour_passes(url)
            kills = number + 1
            told(kills)
        process = born("judge", Birth(url, rulebook(), clock, str(seed), lambda _: None, bases=urls), Diary())
        stack.callback(process.bury)
        _finish(world, process)
        flaws = judged(world, process, place.words())
        return Killed(kills, flaws, len(world.ledger.entries()), world.ledger.calls(), idle, time.monotonic() - began)


def _one_life(config: Path, world: World, chance: random.Random, folder: Path) -> int:
    """A daemon from start to kill; 1 where it was killed before it made its first call."""
    before = world.ledger.calls()
    enough = before + chance.randrange(2, 45)
    environment = {**os.environ, **{f"CHAOS_{name}": value for name, value in _SECRETS.items()}}
    with (folder / "daemon.log").open("ab") as log:
        daemon = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "loopbot", "run", "--config", str(config)],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 20
        acted = False
        while world.ledger.calls() < enough and daemon.poll() is None and time.monotonic() < deadline:
            if not acted and world.ledger.calls() > before:
                acted = True
                world.somebody_acts(chance)
                deadline = time.monotonic() + chance.uniform(0.3, 2.0)
            threading.Event().wait(0.003)
        if daemon.poll() is not None:
            raise RuntimeError(f"the daemon ended by itself:\n{(folder / 'daemon.log').read_text()[-2000:]}")
        threading.Event().wait(chance.uniform(0, 0.03))
    finally:
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
    return int(world.ledger.calls() == before)


def _finish(world: World, process: Process) -> None:
    """Everything that is due, and that will ever be: the waits are made to be over."""
    from loopbot.usecases.recover import take_over

    take_over(process.loop)
    clock = process.loop.clock
    for number in range(30):
        clock.sleep(120)
        before = len(world.ledger.entries())
        for work in process.works:
            if not work.startswith("sweep"):
                process.do(work)
        with process.loop.store.read() as tx:
            waiting = open_rows(tx.outbox.rows(limit=100_000))
        if number > 2 and not waiting and len(world.ledger.entries()) == before:
            return


def _an_hour_passes(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in _AN_HOUR_LATER:
            connection.execute(text(statement))
    engine.dispose()


@contextmanager
def _served(app: object) -> Iterator[str]:
    one = Served(app)
    one.start()
    try:
        yield one.url
    finally:
        one.stop()


def _config(folder: Path, url: str, urls: dict[str, str]) -> Path:
    path = folder / "config.toml"
    path.write_text(
        f"""[loopbot]
store = "{url}"
rules = "{_RULES}"
poll_seconds = 0.5

[systems.servicenow]
type = "servicenow"
base_url = "{urls["servicenow.test"]}"
user = "loopbot"
password = "env:CHAOS_SN"
streams = ["incident", "problem"]

[systems.jira]
type = "jira"
base_url = "{urls["jira.test"]}"
flavour = "cloud"
email = "loopbot@example.com"
token = "env:CHAOS_JIRA"
projects = ["LOOP"]
read_releases = false

[systems.slack]
type = "slack"
base_url = "{urls["slack.test"]}/api/"
token = "env:CHAOS_SLACK"
""",
        encoding="utf-8",
    )
    return path
