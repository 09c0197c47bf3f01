"""A write that arrives after its sender has given up: "not there" counts from the last sending, whatever is written where."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count

import pytest

from chaos.clocks import Clock
from chaos.databases import databases
from chaos.process import Birth, Diary, Process, born
from chaos.weather import WRITING
from chaos.wire import Request, Wires
from chaos.world import World
from loopbot.domain.effects import (
    Align,
    Cause,
    Comment,
    Effect,
    LinkTickets,
    OpenTicket,
    Post,
    SetFields,
    Tell,
    Transition,
)
from loopbot.domain.records import Person, Ref
from loopbot.domain.rulebook import Rulebook
from loopbot.sandbox.faults import Fault
from loopbot.sandbox.ledger import Entry
from loopbot.usecases.recover import take_over

SUBJECT = Ref("servicenow", "incident", "INC0010001")
PROBLEM = Ref("servicenow", "problem", "PRB0040001")
FIRST, SECOND = Ref("jira", "issue", "LOOP-1"), Ref("jira", "issue", "LOOP-2")
MARA = Person("servicenow", "mara", "Mara", "mara@northwind.example")
_numbers = count()


def cause() -> Cause:
    return Cause("a-rule", SUBJECT, "0", once=str(next(_numbers)))


def effects() -> list[Effect]:
    """One of each kind in each system."""
    sn, jira = {"system": "servicenow"}, {"system": "jira"}
    return [
        OpenTicket(**sn, cause=cause(), kind="problem", place="problem", title="It stands still"),
        Comment(**sn, cause=cause(), target=SUBJECT, text="Looked at", audience="internal"),
        Comment(**sn, cause=cause(), target=SUBJECT, text="Being looked at", audience="public"),
        Transition(**sn, cause=cause(), target=SUBJECT, to="in_progress"),
        SetFields(**sn, cause=cause(), target=SUBJECT, fields=(("category", "software"),)),
        Align(**sn, cause=cause(), target=SUBJECT, field="title", value="Another title", was="It stands still"),
        LinkTickets(**sn, cause=cause(), source=PROBLEM, relation="problem_of", target=SUBJECT),
        OpenTicket(**jira, cause=cause(), kind="issue", place="LOOP", title="It stands still"),
        Comment(**jira, cause=cause(), target=FIRST, text="Looked at", audience="internal"),
        Transition(**jira, cause=cause(), target=FIRST, to="in_progress"),
        SetFields(**jira, cause=cause(), target=FIRST, fields=(("summary", "another"),)),
        Align(**jira, cause=cause(), target=FIRST, field="title", value="Another title", was="One"),
        LinkTickets(**jira, cause=cause(), source=FIRST, relation="duplicates", target=SECOND),
        LinkTickets(
            **jira, cause=cause(), source=FIRST, relation="fixes", target=SUBJECT, title="It", url="https://a.b/c"
        ),
        Post(system="slack", cause=cause(), channel="outages", text="It stands still"),
        Tell(system="slack", cause=cause(), person=MARA, about=SUBJECT, text="It works again"),
    ]


@dataclass
class LosingTraffic:
    """Implements wire.Traffic: the first write never arrives, the second one `after` seconds after it was sent."""

    clock: Clock
    after: float
    fates: list[str] = field(default_factory=lambda: ["never", "late"])
    late: list[tuple[float, Request]] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)

    def approaching(self, what: str) -> None:
        pass

    def received(self, request: Request) -> None:
        pass

    def sending(self, request: Request) -> str:
        if not re.search(WRITING, f"{request.method} {request.target}"):
            return ""
        self.sent.append(self.clock.monotonic())
        if not self.fates:
            return ""
        fate = self.fates.pop(0)
        if fate == "done, and unheard":
            self.late.append((self.clock.monotonic(), request))
        if fate == "late":
            self.late.append((self.clock.monotonic() + self.after, request))
        return "reset"


@dataclass
class Scene:
    """A world in which writes get lost, and one daemon at work in it."""

    clock: Clock
    world: World
    traffic: LosingTraffic
    wires: Wires
    process: Process
    birth: Birth

    def another(self, ours: Clock) -> Process:
        """Another daemon on the same store, with a clock of its own."""
        return born("two", replace(self.birth, clock=ours), Diary())

    def entries(self) -> list[Entry]:
        return [one for one in self.world.ledger.entries() if one.kind != "conversation"]

    def work(self, system: str, seconds: int) -> None:
        for _ in range(0, seconds, 5):
            for one in [one for one in self.traffic.late if one[0] <= self.clock.monotonic()]:
                self.traffic.late.remove(one)
                self.wires.act(one[1])
            self.process.do(f"reconcile:{system}")
            self.process.do(f"deliver:{system}")
            self.clock.sleep(5)


@pytest.fixture
def scene() -> Iterator[Scene]:
    true = Clock()
    world = World(true)
    number = world.report("It stands still", ("2", "2"), "Checkout", "mara")
    assert number == SUBJECT.key
    world.servicenow.insert("problem", {"number": PROBLEM.key, "short_description": "It stands still"})
    world.jira.create_issue("LOOP", "One", actor="mara")
    world.jira.create_issue("LOOP", "Two", actor="mara")
    traffic = LosingTraffic(true, after=45)
    wires = Wires(traffic, world.hosts)
    random.seed(1)  # tenacity's pauses
    with databases("sqlite") as place, wires.connected():
        birth = Birth(place.fresh(), Rulebook(()), true, "1", lambda _: None)
        process = born("one", birth, Diary())
        for stream in process.sources:
            process.do(f"poll:{stream}")
        scene = Scene(true, world, traffic, wires, process, birth)
        yield scene
        scene.process.bury()


@pytest.mark.parametrize("number", range(len(effects())), ids=[f"{one.system} {one.verb}" for one in effects()])
def test_a_write_that_is_lost_twice_and_arrives_late_the_second_time_is_done_once(scene: Scene, number: int) -> None:
    effect = effects()[number]
    before = len(scene.entries())
    with scene.process.loop.store.write() as tx:
        tx.outbox.plan([effect])
    scene.work(effect.system, 400)
    with scene.process.loop.store.read() as tx:
        row = tx.outbox.get(effect.key)
    assert row is not None
    assert (row.state, scene.traffic.fates, scene.traffic.late) == ("settled", [], []), row.why
    assert len(scene.entries()) - before == 1, scene.entries()[before:]
    first, second = scene.traffic.sent
    assert second - first >= 60, "while the first sending could still arrive, it was sent again"


@pytest.mark.parametrize(
    ("dead", "has_read"),
    [(1_800, True), (10_800, True), (10_800, False)],
    ids=["half an hour", "three hours", "began-by-sending"],
)
@pytest.mark.parametrize("number", range(len(effects())), ids=[f"{one.system} {one.verb}" for one in effects()])
def test_a_clock_set_back_while_nobody_is_at_work_hides_no_write(
    scene: Scene, number: int, dead: int, *, has_read: bool
) -> None:
    effect, scene.traffic.fates = effects()[number], []
    before = len(scene.entries())
    scene.process.bury()
    ours = Clock(scene.clock)
    scene.process = scene.another(ours)
    if has_read:
        for stream in scene.process.sources:
            scene.process.do(f"poll:{stream}")
    ours.off = 7_200  # set wrong after the last answer, or before the first
    with scene.process.loop.store.write() as tx:
        tx.outbox.plan([effect])
    scene.traffic.fates = ["done, and unheard"]
    scene.process.do(f"deliver:{effect.system}")
    [(_, request)] = scene.traffic.late
    scene.traffic.late.clear()
    scene.wires.act(request)
    scene.process.bury()
    ours.off = 0
    scene.clock.sleep(dead)
    scene.process = scene.another(ours)
    take_over(scene.process.loop)
    scene.work(effect.system, 400)
    with scene.process.loop.store.read() as tx:
        row = tx.outbox.get(effect.key)
    assert row is not None
    assert (row.state, scene.traffic.fates) == ("settled", []), row.why
    assert len(scene.entries()) - before == 1, scene.entries()[before:]


@pytest.mark.parametrize("system", ["servicenow", "jira", "slack"])
def test_nothing_is_sent_to_a_system_that_never_said_what_time_it_is(scene: Scene, system: str) -> None:
    effect = next(one for one in effects() if one.system == system and isinstance(one, Comment | Post))
    scene.traffic.fates = []
    scene.world.faults[system].add(Fault("refuse", times=20))
    scene.process.bury()
    scene.process = scene.another(Clock(scene.clock))
    with scene.process.loop.store.write() as tx:
        tx.outbox.plan([effect])
    scene.process.do(f"deliver:{system}")
    assert scene.traffic.sent == []
