"""How long the chat's commands take on a mirror of 100,000 tickets, asked one after the other, in processor time.

The store is a file that is read from memory here, so a machine that does nothing else answers in about that time.
"""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.material import incidents
from loopbot.clock import SystemClock
from loopbot.domain.records import Deployment, Incident, Issue, Link, Person, Problem, Record, Ref
from loopbot.domain.rulebook import Rulebook
from loopbot.domain.speech import Message
from loopbot.judgement.shipped import shipped_judgement
from loopbot.language.loader import load_rules
from loopbot.ports import Store
from loopbot.store import open_store
from loopbot.usecases.conversation.desk import Place, ReportPlaces
from loopbot.usecases.gathered import gather
from loopbot.usecases.listen import Conversation
from loopbot.usecases.loop import Loop
from loopbot.usecases.roles import Roles
from loopbot.wiring import starter_rules

COUNT = int(os.environ.get("TICKETS", "100000"))
PROBLEMS = 500
EACH = 25
GOAL = 300.0
ME = Person("slack", "U1", "Person 7", "p7@acme.example")
COMMANDS = (
    "status INC{number:07}",
    "status INC0000004",
    "inc {number}",
    "status PRB0000003",
    "status LOOP-3",
    "why INC{number:07}",
    "mine",
    "recurring",
    "release",
    "dora",
    "dora service 3",
    "loop",
    "queue",
    "follow INC{number:07}",
    "link INC{number:07} INC{other:07}",
    "ack INC{number:07}",
    "feedback the export of order {number} hangs",
    "report the export of order {number} hangs",
    "status INC9999999",
    "staus INC{number:07}",
    "help",
)


def measure() -> list[Figure]:
    """The slowest of the commands by the 95th percentile, and each one's median."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'loop.db'}")
        fill(store)
        figures = [_figure(command, times) for command, times in _asked(store)]
        store.close()
    return figures


def fill(store: Store) -> None:
    """A busy desk's year: tickets, the problems and items behind some of them, a thousand deployments."""
    rows: list[Record] = [*incidents(COUNT), *_came_back()]
    for start in range(0, len(rows), 1_000):
        with store.write() as tx:
            tx.mirror.put(rows[start : start + 1_000])
    behind = list(_behind([one for one in rows if isinstance(one, Incident)]))
    for start in range(0, len(behind), 1_000):
        with store.write() as tx:
            tx.mirror.put(behind[start : start + 1_000])
            tx.links.state(behind[start : start + 1_000])


def _came_back() -> Iterator[Record]:
    """A few pains that several tickets tell of, for `recurring`."""
    now = datetime.now(UTC).replace(microsecond=0)
    pains = (
        "CSV export fails with a timeout",
        "Badge reader at gate 4 rejects visitors",
        "Timesheet approval mails arrive twice",
    )
    for number, pain in enumerate(pains):
        for again in range(12):
            key = f"INC9{number}{again:05}"
            at = now - timedelta(hours=7 * again + 1)
            yield Incident(ref=Ref("servicenow", "incident", key), ident=key, title=pain + " again" * (again % 2), state="in_progress", updated_at=at, opened_at=at, services=frozenset({f"Desk {number}"}))  # fmt: skip


def _behind(tickets: list[Incident]) -> Iterator[Record]:
    now = datetime.now(UTC).replace(microsecond=0)
    chance = random.Random(7)
    each = max(len(tickets) // PROBLEMS // 4, 1)
    for number in range(PROBLEMS):
        problem = Ref("servicenow", "problem", f"PRB{number:07}")
        mine = tickets[number * each : (number + 1) * each]
        links = tuple(Link(problem, "problem_of", one.ref) for one in mine)
        at = now - timedelta(hours=number)
        state = "known_error" if number % 3 == 0 else "investigating"
        yield Problem(ref=problem, ident=f"p{number}", title=f"Orders hang ({number})", state=state, updated_at=at, opened_at=at, workaround="Start it again." if number % 3 == 0 else None, links=links)  # fmt: skip
        item = Ref("jira", "issue", f"LOOP-{number}")
        yield Issue(ref=item, ident=str(number), title=f"Keep orders moving ({number})", state=("todo", "in_progress", "done")[number % 3], updated_at=at, opened_at=at, links=(Link(item, "fixes", problem),))  # fmt: skip
    for number in range(1_000):
        shipped = Ref("github", "deployment", str(number))
        at = now - timedelta(minutes=number * 40)
        links = tuple(
            Link(shipped, "delivers", Ref("jira", "issue", f"LOOP-{chance.randrange(PROBLEMS)}")) for _ in range(3)
        )
        yield Deployment(ref=shipped, ident=str(number), title=f"shop {number}", state="succeeded", environment="production", commit=f"{number:040x}", updated_at=at, finished_at=at, services=frozenset({f"Service {number % 40}"}), links=links)  # fmt: skip
    for number in range(0, len(tickets), 400):
        one = tickets[number]
        cause = Ref("github", "deployment", str(number // 400 % 1_000))
        yield replace(
            one, links=(Link(one.ref, "caused_by", cause),), updated_at=one.updated_at + timedelta(minutes=1), version=9
        )


def _asked(store: Store) -> Iterator[tuple[str, list[float]]]:
    places = ReportPlaces(Place("servicenow", "feedback", "u_feedback"), Place("servicenow", "incident", "incident"))
    rules = Rulebook(load_rules(starter_rules()).rules)
    loop = Loop(store, rules, {}, SystemClock(), "one", judgement=shipped_judgement())
    look = gather(loop)
    assert look is not None
    assert len(look.clusters) >= 3, "what came back is seen"
    talk = Conversation(loop, Roles(frozenset({"p7@acme.example"})), places)
    chance = random.Random(3)
    for command in COMMANDS:
        times = []
        for _ in range(EACH):
            typed = command.format(number=chance.randrange(COUNT), other=chance.randrange(COUNT))
            began = time.thread_time()
            answer = talk.command(ME, typed)
            times.append((time.thread_time() - began) * 1000)
            assert isinstance(answer, Message), answer
        yield command, times
    times = []
    for _ in range(EACH):
        began = time.thread_time()
        talk.home(ME)
        times.append((time.thread_time() - began) * 1000)
    yield "(the home tab)", times


def _figure(command: str, times: list[float]) -> Figure:
    slow = statistics.quantiles(times, n=20)[18]
    name = command.replace("{number:07}", "N").replace("{number}", "N").replace("{other:07}", "M")
    note = f"95 of 100 under {slow:.0f} ms; of {COUNT:,} tickets"
    return Figure(f"/loop {name}", statistics.median(times), "ms", most=GOAL, note=note)
