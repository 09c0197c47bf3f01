"""`make soak`: a real daemon under steady change and webhooks for a long time; does its memory stay where it is?

Tickets change, people write, and each change is told by a signed webhook (one in ten comes twice). The resident memory is
read every few seconds. After the warm-up (a third of the time) a line is laid through it: flat means that it grows by no more
than 3 MB an hour, or that the last quarter holds no more than 1 MB above the first.
"""

import argparse
import random
import secrets
import socket
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.daemon import Daemon, running
from loopbot.sandbox.company import SERVICES, Company
from loopbot.sandbox.courier import Courier
from loopbot.sandbox.estate import PROJECT, Estate
from loopbot.sandbox.jira.hooks import jira_letter
from loopbot.wiring import starter_rules

EVERY, STEP, TICKETS = 5.0, 0.5, 500
NEW_EVERY = 40
"""Steps between new incidents once the world is full."""
MOST_GROWTH = 3.0
"""Megabytes an hour that count as flat."""
TITLES = ("stands still", "shows a blank page", "is slow for everybody", "loses orders")


@dataclass
class Readings:
    """Seconds since the start, and megabytes."""

    at: list[float] = field(default_factory=list)
    held: list[float] = field(default_factory=list)

    def settled(self) -> tuple[list[float], list[float]]:
        """Without the first third, in which caches fill."""
        first = len(self.at) // 3
        return self.at[first:], self.held[first:]

    def growth(self) -> tuple[float, float]:
        """Megabytes an hour, by the middle of the slopes between all pairs (Theil and Sen); and from first to last quarter."""
        at, held = self.settled()
        pairs = [
            (i, j) for i in range(0, len(at), 1 + len(at) // 150) for j in range(i + 1, len(at), 1 + len(at) // 150)
        ]
        slopes = [(held[j] - held[i]) / (at[j] - at[i]) for i, j in pairs]
        quarter = max(len(held) // 4, 1)
        rose = statistics.median(held[-quarter:]) - statistics.median(held[:quarter])
        return statistics.median(slopes) * 3600, rose


def main() -> int:
    """Measure, print, and fail where memory grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loopbot-soak-") as name, Estate() as estate:
        folder, secret, port = Path(name), secrets.token_hex(16), _free_port()
        company = Company(estate)
        company.move_in()
        for number in range(TICKETS):
            estate.jira.create_issue(PROJECT, f"{SERVICES[number % len(SERVICES)]} {TITLES[number % 4]} ({number})")
        config = _config(estate, folder, secret, port)
        with running(config) as daemon:
            daemon.said("loopbot is at work")
            _wait_for_the_door(port)
            readings, told = _soaked(
                daemon, estate, company, Courier(f"http://127.0.0.1:{port}/hooks/jira"), secret, given.minutes
            )
    return _judged(readings, told, given.minutes)


def _soaked(
    daemon: Daemon, estate: Estate, company: Company, courier: Courier, secret: str, minutes: float
) -> tuple[Readings, dict[int, int]]:
    readings, told, chance = Readings(), dict[int, int](), random.Random(1)
    numbers: list[str] = []
    began, read, step = time.monotonic(), 0.0, 0
    while (passed := time.monotonic() - began) < minutes * 60:
        if daemon.process.poll() is not None:
            raise RuntimeError("the daemon ended by itself")
        _somebody_acts(estate, company, numbers, chance, step)
        key = f"{PROJECT}-{chance.randrange(1, TICKETS)}"
        estate.jira.edit(key, {"summary": f"{chance.choice(SERVICES)} {chance.choice(TITLES)} ({step})"})
        letter = jira_letter(estate.jira, key, secret)
        for _ in range(2 if step % 10 == 0 else 1):
            status = courier.bring(letter)
            told[status] = told.get(status, 0) + 1
        if passed >= read:
            readings.at.append(passed)
            readings.held.append(daemon.status("VmRSS") / 1024 * 1.048576)
            read = passed + EVERY
        step += 1
        time.sleep(STEP)
    return readings, told


def _somebody_acts(estate: Estate, company: Company, numbers: list[str], chance: random.Random, step: int) -> None:
    """A world fills within the warm-up, so that bounded caches are full after it; then old tickets change, and a few come."""
    if len(numbers) < TICKETS or step % NEW_EVERY == 0:
        said = " ".join(f"{chance.randrange(16**6):06x}" for _ in range(12))
        numbers.append(company.report(chance.choice(list(company.users)), said[:40], said, chance.choice(SERVICES)))
    else:
        estate.servicenow.update(
            "incident", chance.choice(numbers), {"work_notes": f"Looked at again ({step})"}, actor="beth.anglin"
        )


def _judged(readings: Readings, told: dict[int, int], minutes: float) -> int:
    growth, rose = readings.growth()
    _, held = readings.settled()
    flat = growth <= MOST_GROWTH or rose <= 1.0
    print(f"{minutes:g} minutes, webhooks answered: {told}")
    print(
        f"memory: {held[0]:.1f} MB after the warm-up, {held[-1]:.1f} MB at the end, {max(readings.held):.1f} MB at most"
    )
    print(
        f"slope: {growth:+.1f} MB an hour, {rose:+.1f} MB from the first to the last quarter: {'flat' if flat else 'GROWS'}"
    )
    return 0 if flat else 1


def _config(estate: Estate, folder: Path, secret: str, port: int) -> Path:
    """The sandbox's, with a door for webhooks."""
    config = estate.write_config(folder, rules=starter_rules())
    place = folder / "hooks.secret"
    place.write_text(secret, encoding="utf-8")
    place.chmod(0o600)
    text = config.read_text(encoding="utf-8")
    hooked = text.replace("[systems.jira]", f'[systems.jira]\nwebhook_secret = "file:{place}"')
    config.write_text(f'{hooked}\n[web]\nlisten = "127.0.0.1:{port}"\n', encoding="utf-8")
    return config


def _wait_for_the_door(port: int) -> None:
    for _ in range(300):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
