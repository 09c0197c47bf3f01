"""The embedded engine on a real store, with made-up systems: bells ring, are lost, doubled, late, and fail."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.events import EVENT_JOB_MAX_INSTANCES

from loopbot.clock import SystemClock
from loopbot.domain.records import Record
from loopbot.domain.rulebook import Rulebook
from loopbot.domain.rules import Plan
from loopbot.engine.embedded import Bells, Embedded
from loopbot.ports import Clock, Cursor, Page
from loopbot.store import SqlStore
from loopbot.usecases.loop import Loop
from tests.support.clock import FakeClock
from tests.support.made import incident
from tests.support.ruling import rule
from tests.support.systems import FakeSink
from tests.support.town import until

STREAM = "servicenow:incident"
POLL = f"poll:{STREAM}"
SELDOM = 3600.0


@dataclass
class Shelf:
    """A source that can be slow or broken, and counts how often it is read."""

    stream: str = STREAM
    records: list[Record] = field(default_factory=list)
    reads: int = 0
    together: int = 0
    most_together: int = 0
    broken: bool = False
    gate: threading.Event | None = None

    def read(self, cursor: Cursor) -> Iterator[Page]:
        self.reads += 1
        self.together += 1
        self.most_together = max(self.together, self.most_together)
        seen = len(self.records)
        try:
            if self.broken:
                raise ZeroDivisionError("a defect")
            if self.gate is not None:
                self.gate.wait(10)
            start = int(cursor.position or 0)
            yield Page(tuple(self.records[start:seen]), Cursor(str(seen)), seen - start)
        finally:
            self.together -= 1

    def count(self) -> int | None:
        return len(self.records)


@dataclass
class Ear:
    """Remembers what was noted."""

    heard: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def planned(self, plan: Plan, new: int) -> None:
        del plan, new

    def noted(self, what: str, **fields: object) -> None:
        self.heard.append((what, fields))

    def about(self, what: str) -> list[dict[str, object]]:
        return [fields for name, fields in self.heard if name == what]


@dataclass
class Works:
    """An engine that is running, and everything around it."""

    engine: Embedded
    shelf: Shelf
    sink: FakeSink
    ear: Ear


@pytest.fixture
def started(store: SqlStore) -> Iterator[Callable[..., Works]]:
    running: list[Works] = []

    def start(shelf: Shelf | None = None, poll: float = SELDOM, clock: Clock | None = None, **bells: float) -> Works:
        shelf, sink, ear = shelf or Shelf(), FakeSink(), Ear()
        loop = Loop(store, Rulebook((rule(),)), {"servicenow": sink}, clock or SystemClock(), "one", ear)
        often = {"deliver": SELDOM, "reconcile": SELDOM, "wake": SELDOM, "hints": SELDOM, "drain": 5.0, **bells}
        works = Works(Embedded(loop, [shelf], Bells({STREAM: poll}, **often)), shelf, sink, ear)
        works.engine.start()
        running.append(works)
        return works

    yield start
    for works in running:
        if works.shelf.gate is not None:
            works.shelf.gate.set()
        works.engine.stop()


def add(shelf: Shelf, number: int) -> None:
    shelf.records.append(incident(number, number))


def test_every_bell_rings_at_once_and_what_was_read_goes_out_without_waiting(started: Callable[..., Works]) -> None:
    shelf = Shelf()
    add(shelf, 1)
    works = started(shelf)
    until(lambda: len(works.sink.ledger) == 1, "the delivery, although its own bell rings once an hour")


def test_bells_ring_at_their_interval(started: Callable[..., Works]) -> None:
    works = started(poll=0.05)
    until(lambda: works.shelf.reads >= 3, "three polls")
    add(works.shelf, 1)
    until(lambda: len(works.sink.ledger) == 1, "the delivery")


def test_a_bell_rung_a_hundred_times_does_its_work_one_at_a_time_and_each_effect_once(
    started: Callable[..., Works],
) -> None:
    works = started()
    until(lambda: works.shelf.reads == 1, "the first poll")
    for number in range(1, 11):
        add(works.shelf, number)
        for _ in range(10):
            works.engine.ring(POLL)
            works.engine.ring("deliver:servicenow")
    until(lambda: len(works.sink.ledger) == 10, "ten deliveries")
    works.engine.stop()
    assert works.shelf.most_together == 1
    assert len({delivery.effect.key for delivery in works.sink.ledger}) == len(works.sink.ledger) == 10


def test_a_bell_that_rings_while_its_work_is_under_way_rings_again_after_it(started: Callable[..., Works]) -> None:
    shelf = Shelf(gate=threading.Event())
    works = started(shelf)
    until(lambda: shelf.together == 1, "the first poll to be under way")
    add(shelf, 1)  # too late for the poll under way
    works.engine.ring(POLL)
    works.engine.ring(POLL)
    assert shelf.gate is not None
    shelf.gate.set()
    until(lambda: len(works.sink.ledger) == 1, "the delivery of what the second poll found")
    assert (shelf.reads, shelf.most_together) == (2, 1), "rung twice meanwhile, answered once"


def test_that_a_bell_rang_while_its_work_was_under_way_is_no_news(
    started: Callable[..., Works], caplog: pytest.LogCaptureFixture
) -> None:
    gate = threading.Event()
    shelf = Shelf(gate=gate)
    works = started(shelf, poll=0.02)
    until(lambda: shelf.reads == 1, "a poll that takes its time")
    skipped = threading.Event()
    works.engine._scheduler.add_listener(lambda _event: skipped.set(), EVENT_JOB_MAX_INSTANCES)
    assert skipped.wait(10), "a bell that found its work under way"
    gate.set()
    until(lambda: shelf.reads >= 3, "later polls")
    works.engine.stop()
    assert not [one.getMessage() for one in caplog.records if one.name.startswith("apscheduler")]


def test_a_bell_nobody_knows_is_told_and_harmless(started: Callable[..., Works]) -> None:
    works = started()
    works.engine.ring("poll:nothing")
    assert works.ear.about("no such bell") == [{"bell": "poll:nothing"}]


def test_work_that_fails_is_told_and_rings_again(started: Callable[..., Works]) -> None:
    shelf = Shelf(broken=True)
    add(shelf, 1)
    works = started(shelf, poll=0.05)
    until(lambda: len(works.ear.about("work failed")) >= 2, "two failures")
    assert works.ear.about("work failed")[0] == {"bell": POLL, "error": "ZeroDivisionError: a defect"}
    shelf.broken = False
    until(lambda: len(works.sink.ledger) == 1, "the delivery after the defect was gone")


def test_after_a_long_sleep_of_the_machine_there_is_one_catch_up_and_no_storm(started: Callable[..., Works]) -> None:
    works = started(poll=60.0)
    until(lambda: works.shelf.reads == 1, "the first poll")
    scheduler = works.engine._scheduler
    until(lambda: not any(scheduler._executors["default"]._instances.values()), "all work to be done")
    eight_hours_ago = datetime.now(UTC) - timedelta(hours=8)
    scheduler.modify_job(POLL, next_run_time=eight_hours_ago)
    until(lambda: works.shelf.reads == 2, "the catch-up")
    next_time = scheduler.get_job(POLL).next_run_time
    assert timedelta(0) < next_time - datetime.now(UTC) <= timedelta(seconds=60)
    assert works.shelf.reads == 2


def test_a_clock_that_is_set_back_stops_nothing(started: Callable[..., Works]) -> None:
    clock = FakeClock()
    works = started(clock=clock, watch=0.02)
    until(lambda: works.shelf.reads == 1, "the first poll")
    clock.jump(3600)
    clock.jump(-7200)
    until(lambda: works.shelf.reads == 2, "a poll, although the next one was due only when the old time comes again")
    assert works.ear.about("the clock was set back")


def test_stop_waits_for_what_is_under_way(started: Callable[..., Works]) -> None:
    shelf = Shelf(gate=threading.Event())
    works = started(shelf)
    until(lambda: shelf.together == 1, "a poll under way")
    assert shelf.gate is not None
    threading.Timer(0.3, shelf.gate.set).start()
    assert works.engine.stop()
    assert shelf.together == 0


def test_stop_waits_no_longer_than_it_may(started: Callable[..., Works]) -> None:
    shelf = Shelf(gate=threading.Event())
    works = started(shelf, drain=0.2)
    until(lambda: shelf.together == 1, "a poll under way")
    before = time.monotonic()
    assert not works.engine.stop()
    assert time.monotonic() - before < 3
    works.engine.ring(POLL)
    assert shelf.gate is not None
    shelf.gate.set()
    until(lambda: shelf.together == 0, "the poll to end")
    assert shelf.reads == 1, "a bell rung after the end is not heard"


def test_run_ends_when_told_and_tells_what_each_stream_brought(store: SqlStore) -> None:
    shelf, ear, stop = Shelf(), Ear(), threading.Event()
    add(shelf, 1)
    sink = FakeSink()
    loop = Loop(store, Rulebook((rule(),)), {"servicenow": sink}, SystemClock(), "one", ear)
    engine = Embedded(loop, [shelf], Bells({STREAM: SELDOM}, deliver=SELDOM))
    ended: list[bool] = []
    thread = threading.Thread(target=lambda: ended.append(engine.run(stop)))
    thread.start()
    until(lambda: sink.ledger, "a delivery")
    stop.set()
    thread.join(10)
    assert ended == [True]
    assert [(one["stream"], one["new"]) for one in ear.about("stream read")] == [(STREAM, 1)]


def test_weights_that_a_rule_shows_are_looked_at_though_nothing_of_their_records_has_changed(store: SqlStore) -> None:
    with store.write() as tx:
        tx.mirror.put([incident(1), incident(2, state="closed")])
    sink = FakeSink()
    rules = Rulebook((replace(rule(), keeps_current=True),))
    engine = Embedded(
        Loop(store, rules, {"servicenow": sink}, SystemClock(), "one"), [], Bells({}, weigh=SELDOM, deliver=SELDOM)
    )
    engine.start()
    try:
        until(lambda: len(sink.ledger) == 1, "the write about the open one")
    finally:
        engine.stop()
    assert sink.ledger[0].effect.cause.subject == incident(1).ref
