"""From a deployment to the person: the real daemon on the whole sandbox, judged by the chat's own ledger."""

import socket
import tempfile
import time
from contextlib import closing
from pathlib import Path

from benchmarks.daemon import Daemon
from benchmarks.figures import Figure
from loopbot.domain.records import Link, Ref
from loopbot.sandbox.company import SERVICES, Company
from loopbot.sandbox.courier import Courier
from loopbot.sandbox.estate import PROJECT, REPOSITORY, Estate
from loopbot.sandbox.github.hooks import github_letter
from loopbot.store import open_store
from loopbot.wiring import starter_rules

WITH_WEBHOOKS, WITHOUT, POLL = 12, 6, 5.0
# Two hints to one stream are read at least so far apart (Waits.hint); deployments of one repository come further apart.
APART = 6.0
SECRET = "whsec-of-a-benchmark"  # noqa: S105 - opens nothing but the twin


def measure() -> list[Figure]:
    """The slowest of each: with so few rounds, that is the 99th percentile and more."""
    told = _rounds(WITH_WEBHOOKS, poll=3600.0, webhooks=True)
    polled = _rounds(WITHOUT, poll=POLL, webhooks=False)
    return [
        Figure(
            "deployed to told, with webhooks, the slowest",
            max(told),
            "s",
            most=5.0,
            note=f"{len(told)} deployments; median {sorted(told)[len(told) // 2]:.1f} s",
        ),
        Figure(
            f"deployed to told, polling every {POLL:g} s, the slowest",
            max(polled),
            "s",
            most=POLL + 5.0,
            note=f"{len(polled)} deployments; one interval, and what it takes then",
        ),
    ]


def _rounds(count: int, *, poll: float, webhooks: bool) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="loopbot-bench-") as name, Estate() as estate:
        folder = Path(name)
        company = Company(estate)
        company.move_in()
        people = list(company.users)
        pairs = []
        for number in range(count):
            title = f"Report number {number} is empty"
            incident = company.report(people[number % len(people)], title, "It was not.", SERVICES[0], minutes_ago=60)
            issue = estate.jira.create_issue(PROJECT, title, issuetype={"name": "Bug"}).key
            pairs.append((incident, issue, title))
        door, config = _config(estate, folder, poll)
        daemon = Daemon(config)
        try:
            daemon.said("loopbot is at work")
            with closing(open_store(f"sqlite:///{folder / 'loopbot.db'}")) as store:
                while True:
                    with store.read() as tx:
                        known = [tx.mirror.find(key) for pair in pairs for key in pair[:2]]
                        streams = {cycle.stream for cycle in tx.cursors.cycles(limit=1000)}
                    if all(known) and "github:deployment" in streams:
                        break
                    time.sleep(0.1)
                with store.write() as tx:
                    tx.links.put(
                        Link(
                            Ref("jira", "issue", issue),
                            "fixes",
                            Ref("servicenow", "incident", incident),
                            by="person:us",
                        )
                        for incident, issue, _ in pairs
                    )
            return [_round(estate, company, issue, title, door if webhooks else "") for _, issue, title in pairs]
        finally:
            daemon.stop()


def _round(estate: Estate, company: Company, issue: str, title: str, door: str) -> float:
    """Seconds from a deployment to its announcement in the chat."""
    time.sleep(APART if door else 1.3)
    company.fix(issue, "Fill it again")
    deployed = company.deploy()
    started = time.perf_counter()
    if door:
        Courier(door).bring(github_letter(estate.github, REPOSITORY, deployed, SECRET))
    while time.perf_counter() - started < 60.0:
        if any(title in str(one.payload["text"]) for one in estate.ledger.entries("slack", "post")):
            return time.perf_counter() - started
        time.sleep(0.02)
    message = f"nobody was told of {title!r} within a minute"
    raise RuntimeError(message)


def _config(estate: Estate, folder: Path, poll: float) -> tuple[str, Path]:
    """The sandbox's configuration with a door for webhooks, only the announcement as a rule, and every message by itself."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    rules = folder / "rules"
    rules.mkdir()
    (rules / "announce-fix.toml").write_text(
        (starter_rules() / "announce-fix.toml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    config = estate.write_config(folder, rules=rules, poll_seconds=poll)
    secret = folder / "hook.secret"
    secret.write_text(SECRET, encoding="utf-8")
    secret.chmod(0o600)
    text = config.read_text(encoding="utf-8")
    text = text.replace('type = "github"', f'type = "github"\nwebhook_secret = "file:{secret}"')
    text = text.replace(
        "[systems.servicenow]",
        f'[web]\nlisten = "127.0.0.1:{port}"\n\n[systems.servicenow]',
        1,
    )
    config.write_text(text, encoding="utf-8")
    return f"http://127.0.0.1:{port}/hooks/github", config
