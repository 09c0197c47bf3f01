"""The ground the faults happen on: twins of ServiceNow, Jira and Slack over HTTP, and a whole installation at work on them."""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from loopbot.config import load_config
from loopbot.http.policy import PolicyAdapter
from loopbot.ports import OutboxRow
from loopbot.sandbox.faults import Fault, Faults
from loopbot.sandbox.jira.twin import JiraTwin
from loopbot.sandbox.ledger import Entry, Ledger
from loopbot.sandbox.servicenow.twin import ServiceNowTwin
from loopbot.sandbox.serving import Served
from loopbot.sandbox.slack.twin import BOT_TOKEN, SlackTwin
from loopbot.usecases.deliver import deliver
from loopbot.usecases.ingest import Ingested, ingest
from loopbot.usecases.loop import Loop, SilentWitness
from loopbot.usecases.reconcile import NEVER, reconcile
from loopbot.usecases.wake import wake
from loopbot.wiring import Installation, Outfit, installed
from tests.faults.shelves import Shelf
from tests.support.clock import FakeClock
from tests.support.door import Door

SYSTEMS = ("servicenow", "jira", "slack")
SECRETS = {"servicenow": "loopbot-secret", "jira": "jira-sandbox-token", "slack": BOT_TOKEN}
JOURNAL = ("comment", "work_note")


class Stamping:
    """Passes an answer on with a Date header; `transport` is the connection, which the fault layer may cut."""

    def __init__(self, send: Any, now: datetime) -> None:
        self._send, self._stamp = send, format_datetime(now, usegmt=True).encode()
        self.transport = send.__self__.transport

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"date", self._stamp)]}
        await self._send(message)


class TimedDoor(Door):
    """A door whose answers carry the time of the system behind it, as real servers' do."""

    def __init__(self) -> None:
        super().__init__()
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, Stamping(send, self.now()).send)


class Street:
    """Three served doors, for all tests of a session; starting and stopping a server takes longer than most of them."""

    def __init__(self) -> None:
        self.doors = {name: TimedDoor() for name in SYSTEMS}
        self.served = {name: Served(door) for name, door in self.doors.items()}
        for one in self.served.values():
            one._server.config.date_header = False
            one.start()

    def close(self) -> None:
        for one in self.served.values():
            one.stop()

    def url(self, system: str) -> str:
        return self.served[system].url


@dataclass(frozen=True)
class Case:
    """One system that is written to: a rule that writes once for an incident, and how its ledger counts that."""

    system: str
    rule: str
    writing: str
    count: Callable[["Ground", str], int]

    def __str__(self) -> str:
        return self.system


def _notes(ground: "Ground", key: str) -> int:
    return sum(one.key == key and one.action in JOURNAL for one in ground.ledger.entries("servicenow"))


def _issues(ground: "Ground", key: str) -> int:
    return sum(key in str(one.payload) for one in ground.ledger.entries("jira", "create"))


def _posts(ground: "Ground", key: str) -> int:
    return sum(key in str(one.payload) for one in ground.ledger.entries("slack", "post"))


NOTES = Case(
    "servicenow",
    """
about = "A note on each incident."
on = "incident"
[[then]]
do = "comment"
internal = true
text = "Seen by loopbot: {it.key}"
""",
    "PATCH /api/now/table/incident|POST /api/now/v1/batch",
    _notes,
)
ISSUES = Case(
    "jira",
    """
about = "An issue for each incident."
on = "incident"
[[then]]
do = "open"
system = "jira"
kind = "issue"
place = "LOOP"
type = "Bug"
title = "{it.key}: {it.title}"
text = "{it.text}"
""",
    "POST /rest/api/3/issue",
    _issues,
)
POSTS = Case(
    "slack",
    """
about = "A message for each incident."
on = "incident"
[[then]]
do = "post"
channel = "support"
text = "{it.key}: {it.title}"
""",
    r"POST /api/chat\.postMessage",
    _posts,
)
CASES = (NOTES, ISSUES, POSTS)


class Told(SilentWitness):
    """Keeps what was noted."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, dict[str, object]]] = []

    def noted(self, what: str, **fields: object) -> None:
        self.notes.append((what, fields))


@dataclass
class Ground:
    """The twins, one ledger, one clock for all of them, and the folder of an installation."""

    street: Street
    folder: Path
    clock: FakeClock
    shelf: Shelf
    zone: str = "Europe/Berlin"
    time_zone: str = "Etc/UTC"
    index_lag: float = 0.0
    skews: Mapping[str, float] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    told: Told = field(default_factory=Told)
    servicenow: ServiceNowTwin = field(init=False)
    jira: JiraTwin = field(init=False)
    slack: SlackTwin = field(init=False)

    def __post_init__(self) -> None:
        its = self.times
        self.servicenow = ServiceNowTwin(self.ledger, faults=Faults(), now=its("servicenow"), time_zone=self.time_zone)
        self.jira = JiraTwin(self.ledger, faults=Faults(), now=its("jira"), zone=self.zone, index_lag=self.index_lag)
        self.jira.add_project("LOOP", "Closing the loop")
        self.slack = SlackTwin(self.ledger, faults=Faults(), now=its("slack"), echoes=False)
        self.slack.add_channel("support")
        for name in SYSTEMS:
            self.street.doors[name].app = self.twin(name).app
            self.street.doors[name].now = its(name)

    def times(self, system: str) -> Callable[[], datetime]:
        """The clock of a system, which may be wrong."""
        return lambda: self.clock.now() + timedelta(seconds=self.skews.get(system, 0.0))

    def twin(self, system: str) -> Any:
        return getattr(self, system)

    def fault(self, system: str, kind: Any, match: str = "", **more: Any) -> None:
        """Let this happen to the next request that fits."""
        self.twin(system).faults.add(Fault(kind, match, **more))

    def heal(self) -> None:
        for name in SYSTEMS:
            self.twin(name).faults.clear()

    def incident(self, title: str = "The export stands still", **values: str) -> str:
        """Somebody reports one; its number."""
        return str(self.servicenow.insert("incident", {"short_description": title, **values})["number"])

    def calls(self, system: str, match: str = "") -> int:
        return sum(bool(re.search(match, f"{one[1]} {one[2]}")) for one in self.ledger.requests(system))

    def entries(self, system: str, action: str) -> list[Entry]:
        return self.ledger.entries(system, action)

    def rule(self, name: str, text: str) -> None:
        rules = self.folder / "rules"
        rules.mkdir(exist_ok=True)
        (rules / f"{name}.toml").write_text(text, encoding="utf-8")

    def write_config(self, systems: Sequence[str] = SYSTEMS, **more: str) -> Path:
        """`more` holds further lines for the table of a system."""
        (self.folder / "rules").mkdir(exist_ok=True)
        for name, value in SECRETS.items():
            (self.folder / f"{name}.secret").write_text(value, encoding="utf-8")
        own = {
            "servicenow": 'user = "loopbot"\npassword = "file:servicenow.secret"',
            "jira": f'email = "{self.jira.email}"\ntoken = "file:jira.secret"\nprojects = ["LOOP"]',
            "slack": 'token = "file:slack.secret"',
        }
        lines = ["[loopbot]", f'store = "{self.shelf.url}"']
        for name in systems:
            url = self.street.url(name) + ("/api/" if name == "slack" else "")
            given = more.get(f"{name}_url", url)
            lines += [f"[systems.{name}]", f'type = "{name}"', f'base_url = "{given}"', own[name], more.get(name, "")]
        path = self.folder / "config.toml"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    @contextlib.contextmanager
    def running(
        self, *cases: Case, clock: FakeClock | None = None, systems: Sequence[str] = SYSTEMS, **more: str
    ) -> Iterator["Running"]:
        """An installation with the rules of these cases; called again, it is the same one after a restart."""
        for case in cases:
            self.rule(f"for-{case.system}", case.rule)
        path = self.write_config(systems, **more)
        with installed(load_config(path), Outfit(clock=clock or self.clock, witness=self.told)) as here:
            yield Running(self, here, clock or self.clock)


@dataclass
class Running:
    """An installation at work."""

    ground: Ground
    here: Installation
    clock: FakeClock
    streams: frozenset[str] = frozenset({"servicenow:incident", "jira:issue"})

    @property
    def loop(self) -> Loop:
        return self.here.loop

    def read(self, stream: str = "servicenow:incident", *, sweep: bool = False) -> Ingested:
        (source,) = [one for one in self.here.sources if one.stream == stream]
        done = ingest(self.loop, source, sweep=sweep)
        assert done is not None
        return done

    def turn(self) -> None:
        """What the daemon's bells do, once, with the streams that these tests are about."""
        for source in self.here.sources:
            if source.stream in self.streams:
                ingest(self.loop, source)
        wake(self.loop)
        for system in self.loop.sinks:
            reconcile(self.loop, system)
            deliver(self.loop, system)

    def rest(self, turns: int = 40) -> None:
        """Go on until nothing is under way any more; between the turns time passes to when the next thing is due."""
        for _ in range(turns):
            self.turn()
            if not self.under_way():
                return
            with self.loop.store.read() as tx:
                due = [at for system in self.loop.sinks if (at := tx.outbox.next_due(system))]
                earliest = min(due, default=tx.now())
            self.pass_time(max((earliest - self.clock.now()).total_seconds(), 1.0) + 0.5)
        raise AssertionError([(row.effect.key, row.state, row.why) for row in self.rows()])

    def pass_time(self, seconds: float) -> None:
        """For everyone, also where loopbot's clock is not the systems'."""
        self.clock.sleep(seconds)
        if self.clock is not self.ground.clock:
            self.ground.clock.sleep(seconds)

    def under_way(self) -> list[OutboxRow]:
        """What loopbot will still do by itself."""
        never = NEVER.year
        return [
            row for row in self.rows() if row.state in {"planned", "sending", "uncertain"} and row.due_at.year < never
        ]

    def rows(self, *states: Any) -> list[OutboxRow]:
        with self.loop.store.read() as tx:
            return tx.outbox.rows(states, limit=10_000)

    def states(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for row in self.rows():
            found[row.state] = found.get(row.state, 0) + 1
        return found

    def adapters(self) -> list[PolicyAdapter]:
        """The transport of every system, to make it impatient."""
        found = []
        for one in self.here.connectors.values():
            for path in ("_instance.wire.adapter", "_client._wire.adapter", "_calls._adapter"):
                with contextlib.suppress(AttributeError):
                    target: Any = one
                    for name in path.split("."):
                        target = getattr(target, name)
                    found.append(target)
        assert len(found) == len(self.here.connectors)
        return found


def judge(ground: Ground, running: Running) -> None:
    """The invariants that any test can be judged by."""
    seen: dict[tuple[str, str], int] = {}
    for one in ground.ledger.entries():
        for key in _identities(one):
            seen[key] = seen.get(key, 0) + 1
    assert [key for key, count in seen.items() if count > 1] == [], "I1: one effect for an identity"
    unsaid = [row for row in running.rows("uncertain", "parked", "held") if not row.why]
    assert unsaid == [], "I8: nothing is stuck without a reason"
    for held in ground.shelf.words():
        assert [name for name, secret in SECRETS.items() if secret.encode() in held] == [], "I6: no secret is stored"


def _identities(entry: Entry) -> list[tuple[str, str]]:
    """By which marker this write is known, where it carries one."""
    text = str(entry.payload)
    if entry.system == "servicenow" and entry.action in JOURNAL:
        return [(entry.key, text)]
    if entry.action in {"create", "post", "comment"}:
        return [(f"{entry.system} {entry.action}", key) for key in sorted(set(re.findall(r"[0-9a-f]{32}", text)))[:1]]
    return []
