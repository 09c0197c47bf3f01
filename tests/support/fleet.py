"""Nodes as real processes of `loopbot run`, all on one sandbox and one store, to be killed, paused and sent home."""

import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from loopbot.sandbox.estate import Estate

RULE = """
about = "Every ticket gets an issue with a remark, and two notes that say so, in this order."
on = "incident"
when = 'it.state != "cancelled"'
limit = 100000

[[then]]
do = "open"
kind = "issue"
system = "jira"
place = "LOOP"
as = "issue"
title = "{it.title}"
text = "{it.key}"

[[then]]
do = "comment"
internal = true
text = "one: {issue.key}"

[[then]]
do = "comment"
internal = true
text = "two: {issue.key}"

[[then]]
do = "comment"
on = "issue"
internal = false
text = "remark: {it.key}"
"""


# A machine with much else to do makes all of it slow, and nothing of it wrong: who waits for what will come waits long.
PATIENCE = 180.0


def until(
    what: Callable[[], object],
    seconds: float = PATIENCE,
    why: Callable[[], object] = lambda: "",
    moves: Callable[[], object] = lambda: None,
) -> float:
    """Wait until it is so; how long that took. As long as `moves` says something new, it is waited on."""
    start = still_since = time.monotonic()
    seen = moves()
    while not what():
        if time.monotonic() - still_since > seconds:
            now = moves()
            if now == seen:
                message = f"not so within {seconds} s: {why()}"
                raise AssertionError(message)
            seen, still_since = now, time.monotonic()
        time.sleep(0.02)
    return time.monotonic() - start


@dataclass
class Node:
    """One daemon."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    @property
    def delivered(self) -> int:
        return self.said.count("effect delivered")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def leave(self, seconds: float = 30.0) -> int:
        self.process.terminate()
        return self.process.wait(seconds)


@dataclass
class Fleet:
    """Nodes on one estate; the sandbox's ledger says what came of it all."""

    estate: Estate
    folder: Path
    store_url: str
    waits: str = ""
    nodes: list[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        rules = self.folder / "rules"
        rules.mkdir()
        (rules / "two-notes.toml").write_text(RULE, encoding="utf-8")
        self.config = self.estate.write_config(self.folder, rules=rules, poll_seconds=0.5)
        written = self.config.read_text(encoding="utf-8").partition("[systems.github]")[0]
        written = written.replace("sqlite:///loopbot.db", self.store_url)
        written = written.replace('type = "servicenow"', 'type = "servicenow"\nstreams = ["incident"]')
        written = written.replace('type = "jira"', 'type = "jira"\npoll_seconds = 60')
        self.config.write_text(f"{written}\n[waits]\nland = 1\n{self.waits}\n", encoding="utf-8")
        self._engine = create_engine(self.store_url)

    def start(self, role: str = "all") -> Node:
        """Start one more node."""
        log = self.folder / f"node{len(self.nodes)}.log"
        command = [sys.executable, "-m", "loopbot", "run", "-c", str(self.config)]
        with log.open("wb") as out:
            process = subprocess.Popen(  # noqa: S603 - ourselves
                [*command, *(["--role", role] if role != "all" else [])], stderr=out, stdout=out
            )
        self.nodes.append(Node(process, log))
        return self.nodes[-1]

    def ready(self) -> None:
        """Wait until all of them are at work; fails at once where one has ended by itself."""

        def at_work() -> bool:
            assert not self.ended(), self.story()
            return all("loopbot is at work" in node.said for node in self.nodes)

        until(at_work, why=self.story)

    def ended(self) -> list[Node]:
        """The nodes that are gone although nobody killed them."""
        return [node for node in self.nodes if node.process.poll() not in {None, -signal.SIGKILL}]

    def progress(self) -> tuple[Counter[str], dict[str, int]]:
        """What tells that they still get on, however slowly."""
        return self.effects(), self.states()

    def report(self, number: int) -> list[str]:
        """So many people report something; the keys of their tickets."""
        return [
            self.estate.servicenow.insert("incident", {"short_description": f"ticket {n}"}, actor="someone")["number"]
            for n in range(number)
        ]

    def sending(self) -> Node | None:
        """The node that has something on its way to ServiceNow now."""
        query = text("SELECT DISTINCT holder FROM outbox WHERE state = 'sending' AND system = 'servicenow'")
        with self._engine.connect() as connection:
            holders = connection.scalars(query).all()
        pids = {int(holder.partition("@")[0]) for holder in holders}
        return next((node for node in self.nodes if node.process.pid in pids), None)

    def states(self) -> dict[str, int]:
        """How many effects are in each state."""
        with self._engine.connect() as connection:
            return dict(connection.execute(text("SELECT state, count(*) FROM outbox GROUP BY state")).all())

    def effects(self) -> Counter[str]:
        """What loopbot did, by the ledger: `issue INC...`, `remark INC...`, `one INC...`, `two INC...`, and how often."""
        done: Counter[str] = Counter()
        for entry in self.estate.ledger.entries("jira", "create"):
            found = re.search(r"INC\d+", str(entry.payload))
            done[f"issue {found.group() if found else entry.key}"] += 1
        for entry in self.estate.ledger.entries("jira", "comment"):
            found = re.search(r"remark: (INC\d+)", str(entry.payload))
            done[f"remark {found.group(1) if found else entry.key}"] += 1
        for entry in self.estate.ledger.entries("servicenow", "work_note"):
            found = re.search(r"(one|two): LOOP-\d+", str(entry.payload))
            if found:
                done[f"{found.group(1)} {entry.key}"] += 1
        return done

    def done(self, keys: list[str]) -> bool:
        """Whether everything is there, and known to be."""
        return self.effects().keys() >= wanted(keys).keys() and set(self.states()) == {"settled"}

    def out_of_order(self, keys: list[str]) -> list[str]:
        """The tickets whose second note came before the first."""
        seen: dict[str, list[str]] = {key: [] for key in keys}
        for entry in self.estate.ledger.entries("servicenow", "work_note"):
            found = re.search(r"(one|two): LOOP-\d+", str(entry.payload))
            if found:
                seen[entry.key].append(found.group(1))
        return [key for key, notes in seen.items() if notes != ["one", "two"]]

    def story(self) -> str:
        """What the nodes said, for whoever looks at a failure."""
        effects = Counter(name.split()[0] for name in self.effects())
        logs = (f"--- {node.log.name}\n{node.said[-3000:]}" for node in self.nodes)
        return f"{self.states() if any(node.delivered for node in self.nodes) else ''} {effects}\n" + "\n".join(logs)

    def close(self) -> None:
        """End what still runs."""
        for node in self.nodes:
            if node.process.poll() is None:
                node.resume()
                node.kill()
        self._engine.dispose()


def wanted(keys: list[str]) -> Counter[str]:
    """One issue, a remark and two notes a ticket, each once."""
    return Counter(f"{what} {key}" for key in keys for what in ("issue", "remark", "one", "two"))


@contextmanager
def fleet_on(store_url: str, folder: Path, waits: str = "") -> Iterator[Fleet]:
    """A fleet without nodes yet, beside a sandbox of its own; on Postgres the jobs' schema goes with it."""
    with Estate() as estate:
        estate.jira.add_project("LOOP", "Shop")
        fleet = Fleet(estate, folder, store_url, waits)
        try:
            yield fleet
        finally:
            fleet.close()
            if store_url.startswith("postgresql"):
                drop_jobs(store_url)


def drop_jobs(store_url: str) -> None:
    """Drop the schema of the jobs that belongs to the store's."""
    engine = create_engine(make_url(store_url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        query = "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, current_schema() || '_jobs_')"
        for name in connection.scalars(text(query)).all():
            connection.execute(text(f'DROP SCHEMA "{name}" CASCADE'))
    engine.dispose()
