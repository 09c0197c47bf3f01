"""Sweeps under the engine's bells: beside polls, tried again where they do not come to their end, made up for where they were missed."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loopbot.clock import SystemClock
from loopbot.domain.errors import Transient
from loopbot.domain.records import Record
from loopbot.domain.rulebook import Rulebook
from loopbot.engine.embedded import Bells, Embedded
from loopbot.engine.sweeps import Pace
from loopbot.ports import Clock, Cursor, Cycle, Page
from loopbot.store import SqlStore, open_store
from loopbot.usecases.loop import Loop, poll_lease
from tests.support.clock import FakeClock
from tests.support.made import incident
from tests.support.town import until

STREAM = "servicenow:incident"
SWEEP = f"sweep:{STREAM}"
SELDOM = 3600.0
HASTY = Pace(busy=0.02, first=0.02, longest=0.1)


@dataclass
class Archive:
    """A source that is long: its whole takes many pages, each after a `pause`; what is new comes at once."""

    stream: str = STREAM
    records: list[Record] = field(default_factory=lambda: [incident(number, number) for number in range(1, 21)])
    pause: float = 0.0
    wholes: int = 0
    troubles: list[Exception] = field(default_factory=list)

    def read(self, cursor: Cursor) -> Iterator[Page]:
        start, there = int(cursor.position or 0), len(self.records)
        self.wholes += not cursor.position
        for at in range(start, there):
            if not cursor.position:
                time.sleep(self.pause)
            yield Page((self.records[at],), Cursor(str(at + 1)), 1)
            if not cursor.position and self.troubles:
                raise self.troubles.pop(0)

    def count(self) -> int | None:
        return len(self.records)


@pytest.fixture
def started(store: SqlStore) -> Iterator[Callable[..., Embedded]]:
    running: list[Embedded] = []

    def start(archive: Archive, poll: float = SELDOM, clock: Clock | None = None) -> Embedded:
        loop = Loop(store, Rulebook(()), {}, clock or SystemClock(), "one")
        engine = Embedded(loop, [archive], Bells({STREAM: poll}, wake=SELDOM, hints=SELDOM, sweeps=HASTY, drain=5.0))
        engine.start()
        running.append(engine)
        return engine

    yield start
    for engine in running:
        engine.stop()


def cycles(store: SqlStore) -> list[Cycle]:
    with store.read() as tx:
        return tx.cursors.cycles(STREAM, 100)


def sweeps(store: SqlStore) -> list[Cycle]:
    return [one for one in cycles(store) if one.swept]


def test_a_sweep_that_takes_longer_than_polls_are_apart_comes_to_its_end(
    store: SqlStore, started: Callable[..., Embedded]
) -> None:
    archive = Archive(pause=0.03)
    engine = started(archive, poll=0.05)
    until(lambda: any(one.complete for one in cycles(store)), "the first reading")
    engine.ring(SWEEP)
    until(lambda: archive.wholes == 2, "the sweep to be under way")
    archive.records.append(incident(99, 99))
    until(lambda: any(one.new == 1 for one in cycles(store)), "the new one, read by a poll")
    assert not sweeps(store), "it did not wait for the sweep"
    until(lambda: sweeps(store), "the sweep")
    (swept,) = sweeps(store)
    assert (swept.rows, swept.missing, swept.counted_here) == (20, 0, 21)
    assert archive.wholes == 2, "it was not begun again"


@pytest.mark.parametrize("trouble", [Transient("servicenow", "no answer"), ZeroDivisionError("a defect")])
def test_a_sweep_that_breaks_off_is_tried_again_before_the_next_night(
    store: SqlStore, started: Callable[..., Embedded], trouble: Exception
) -> None:
    archive = Archive()
    engine = started(archive)
    until(lambda: any(one.complete for one in cycles(store)), "the first reading")
    archive.troubles = [trouble, trouble]
    engine.ring(SWEEP)
    until(lambda: sweeps(store), "the third try")
    assert archive.wholes == 4


def test_a_sweep_that_finds_someone_else_reading_is_tried_again(
    store: SqlStore, started: Callable[..., Embedded]
) -> None:
    archive = Archive()
    engine = started(archive)
    until(lambda: any(one.complete for one in cycles(store)), "the first reading")
    with store.write() as tx:
        assert tx.leases.take(poll_lease(STREAM), "another", 0.3)
    engine.ring(SWEEP)
    until(lambda: sweeps(store), "the sweep, once the other one is done")


def test_a_sweep_is_tried_again_ever_later_and_never_before_the_system_wants_it() -> None:
    pace = Pace()
    assert [pace.after(failures, 0.0) for failures in (1, 2, 3, 7, 1000)] == [60.0, 120.0, 240.0, 3600.0, 3600.0]
    assert pace.after(1, 900.0) == 900.0


def test_the_sweep_of_a_night_in_which_nothing_was_running_is_made_up_for(tmp_path: Path) -> None:
    clock, not_now = FakeClock(), ((datetime.now(UTC).hour + 12) % 24, 0)
    store = open_store(f"sqlite:///{tmp_path / 'loopbot.db'}", clock=clock)
    archive = Archive()
    try:
        for hours, swept in ((0, 0), (24, 0), (2, 1), (24, 1), (2, 2)):
            clock.jump(timedelta(hours=hours).total_seconds())
            loop = Loop(store, Rulebook(()), {}, clock, "one")
            engine = Embedded(loop, [archive], Bells({STREAM: SELDOM}, sweeps=HASTY, sweep_at=not_now))
            before = len(cycles(store))
            engine.start()
            until(lambda: len(cycles(store)) > before, "the poll")  # noqa: B023 - asked for in this round
            if len(sweeps(store)) < swept:
                until(lambda: len(sweeps(store)) == swept, "the sweep that was missed")  # noqa: B023
            assert engine.stop()
            assert len(sweeps(store)) == swept, f"after {hours} more hours"
    finally:
        store.close()


def test_many_long_sweeps_leave_threads_to_everything_else(store: SqlStore) -> None:
    gate = threading.Event()

    class Shut(Archive):
        def read(self, cursor: Cursor) -> Iterator[Page]:
            if not cursor.position and self.wholes:
                self.wholes += 1
                gate.wait(60)
            yield from super().read(cursor)

    archives = [Shut(f"servicenow:{name}") for name in "abcdefghijklmnopqrst"]
    loop = Loop(store, Rulebook(()), {}, SystemClock(), "one")
    engine = Embedded(loop, archives, Bells({one.stream: SELDOM for one in archives}, sweeps=HASTY))
    engine.start()
    try:
        until(lambda: _read(store, archives) == 20, "the first reading of each")
        for one in archives:
            engine.ring(f"sweep:{one.stream}")
        until(lambda: any(one.wholes > 1 for one in archives), "sweeps")
        engine.ring("poll:servicenow:t")
        until(lambda: _read(store, archives[-1:], 2) == 1, "a poll beside them")
    finally:
        gate.set()
        engine.stop()


def _read(store: SqlStore, archives: list[Archive], often: int = 1) -> int:
    with store.read() as tx:
        return sum(len(tx.cursors.cycles(one.stream, 100)) >= often for one in archives)
