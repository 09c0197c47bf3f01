"""T: clocks that jump or differ, zones, stamps that are shared, late or behind an index."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from loopbot.engine.embedded import Bells, Embedded
from loopbot.usecases.deliver import deliver
from tests.faults.catalogue import fault
from tests.faults.conftest import Build, both_stores
from tests.faults.ground import CASES, ISSUES, NOTES, Case, Ground, judge
from tests.support.clock import FakeClock
from tests.support.made import incident
from tests.support.systems import FakeSource

HOUR = 3600.0
each_writer = pytest.mark.parametrize("case", CASES, ids=str)


@fault("T1", "I1", "I2")
@each_writer
@pytest.mark.parametrize("jump", [HOUR, -HOUR])
@both_stores
def test_a_clock_that_is_set_loses_and_doubles_nothing(ground: Ground, case: Case, jump: float) -> None:
    ours = FakeClock(ground.clock.now())
    first = ground.incident("Before the jump")
    ground.fault(case.system, "lose_answer", case.writing)
    with ground.running(case, clock=ours) as it:
        it.turn()
        ours.jump(jump)
        second = ground.incident("Just after the jump")
        ground.fault(case.system, "lose_answer", case.writing)
        it.turn()
        ours.jump(-jump)
        it.rest()
        third = ground.incident("When it was set right again")
        it.rest()
        judge(ground, it)
    assert [case.count(ground, key) for key in (first, second, third)] == [1, 1, 1]


@fault("T1", "I2")
@both_stores
@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_what_is_reported_after_the_clock_was_set_is_read_at_the_next_poll(ground: Ground, jump: float) -> None:
    ours = FakeClock(ground.clock.now())
    with ground.running(NOTES, clock=ours) as it:
        ground.incident("Before the jump")
        it.rest()
        ours.jump(jump)
        key = ground.incident("After it")
        it.turn()
        it.turn()
        assert NOTES.count(ground, key) == 1
        judge(ground, it)


@fault("T1")
@pytest.mark.parametrize("jump", [HOUR, -HOUR])
@both_stores
def test_a_pause_that_a_server_asked_for_is_not_cut_short_by_setting_the_clock(ground: Ground, jump: float) -> None:
    ours = FakeClock(ground.clock.now())
    key = ground.incident()
    ground.fault("slack", "status", r"chat\.postMessage", status=429, headers={"Retry-After": "600"})
    with ground.running(CASES[2], clock=ours) as it:
        it.turn()
        ours.jump(jump)
        it.turn()
        assert ground.calls("slack", "chat.postMessage") == 1
        it.rest()
        judge(ground, it)
    assert CASES[2].count(ground, key) == 1


SKEWS = [
    {"servicenow": 600.0, "jira": -600.0},
    {"servicenow": -600.0, "jira": 600.0},
    {"slack": 540.0},
    {"slack": -540.0},
]


@fault("T2", "I1", "I2")
@each_writer
@pytest.mark.parametrize("skews", SKEWS, ids=str)
def test_clocks_that_differ_lose_and_double_nothing(lay: Build, case: Case, skews: dict[str, float]) -> None:
    ground = lay(skews=skews)
    keys = [ground.incident("The first")]
    ground.fault(case.system, "lose_answer", case.writing)
    with ground.running(case) as it:
        it.rest()
        for _ in range(3):
            it.pass_time(30)
            keys.append(ground.incident("Another"))
            it.rest()
        judge(ground, it)
    assert [case.count(ground, key) for key in keys] == [1] * 4


@fault("T2")
@pytest.mark.parametrize("system", ["servicenow", "jira"])
def test_check_tells_of_a_clock_that_is_off(lay: Build, system: str) -> None:
    ground = lay(skews={system: 600.0})
    with ground.running() as it:
        found = [one for one in it.here.connectors[system].check() if "clock" in f"{one.about} {one.what}"]
    assert any(one.level == "warning" and ("600 s" in one.what or "10 min" in one.what) for one in found)


CHANGES = {"spring": datetime(2026, 3, 29, 0, 30, tzinfo=UTC), "autumn": datetime(2026, 10, 25, 0, 30, tzinfo=UTC)}


@fault("T3", "I2")
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu"])
def test_the_same_records_come_in_every_zone_through_a_change_of_the_hour(
    lay: Build, clock: FakeClock, zone: str, change: str
) -> None:
    clock.jump((CHANGES[change] - clock.now()).total_seconds())
    ground = lay(zone=zone, time_zone=zone)
    made: dict[str, datetime] = {}
    with ground.running() as it:
        for number in range(8):
            it.pass_time(901)
            made[ground.incident(f"At {number}")] = clock.now()
            made[ground.jira.create_issue("LOOP", f"At {number}").key] = clock.now()
            it.turn()
        with it.loop.store.read() as tx:
            seen = {one.key: one.updated_at for one in tx.mirror.all()}
    assert {key: abs(seen[key] - at) < timedelta(seconds=1) for key, at in made.items()} == dict.fromkeys(made, True)


@fault("T4", "I2", "I3")
def test_three_thousand_rows_with_one_stamp_are_all_read(ground: Ground) -> None:
    for number in range(3000):
        ground.incident(f"Number {number}")
    with ground.running() as it:
        assert it.read().cycle.new == 3000
        it.clock.sleep(600)
        again = it.read()
        assert (again.cycle.new, again.cycle.changed) == (0, 0)


@fault("T5", "I2")
@pytest.mark.parametrize("seconds", [2, 45, 290])
def test_a_row_that_becomes_visible_late_is_seen(ground: Ground, seconds: float) -> None:
    late = ground.servicenow.insert("incident", {"short_description": "Slow to commit"}, visible_after=seconds)
    with ground.running(NOTES) as it:
        it.clock.sleep(1)
        other = ground.incident("Quick")
        it.rest()
        assert NOTES.count(ground, late["number"]) == 0
        it.clock.sleep(seconds)
        it.rest()
        judge(ground, it)
    assert [NOTES.count(ground, key) for key in (late["number"], other)] == [1, 1]


@fault("T6", "I7")
def test_after_eight_hours_of_sleep_there_is_one_catch_up(ground: Ground) -> None:
    with ground.running(NOTES) as it:
        ground.incident("In the evening")
        it.rest()
        it.turn()
        before = ground.ledger.calls()
        it.turn()
        usual = ground.ledger.calls() - before
        key = ground.incident("In the night")
        it.pass_time(8 * HOUR)
        before = ground.ledger.calls()
        it.rest()
        assert ground.ledger.calls() - before <= 2 * usual + 2
        judge(ground, it)
    assert NOTES.count(ground, key) == 1


class Counting(FakeSource):
    """Counts how often it is read."""

    reads = 0

    def read(self, cursor: object) -> object:  # type: ignore[override]
        self.reads += 1
        return super().read(cursor)  # type: ignore[arg-type]


@fault("T6", "I7")
def test_a_bell_that_was_due_28_800_times_rings_once(ground: Ground) -> None:
    source = Counting("servicenow:incident", [incident()])
    with ground.running() as it:
        engine = Embedded(it.loop, [source], Bells({source.stream: 3600.0}, reconcile=3600.0, deliver=3600.0))
        engine.start()
        deadline = threading.Event()
        while source.reads < 1:
            assert not deadline.wait(0.01)
        job = engine._scheduler.get_job(f"poll:{source.stream}")
        engine._scheduler.reschedule_job(job.id, trigger="interval", seconds=1, start_date=datetime.now(UTC))
        engine._scheduler.modify_job(job.id, next_run_time=datetime.now(UTC) - timedelta(hours=8))
        while source.reads < 2:
            assert not deadline.wait(0.01)
        engine.stop()
    assert source.reads <= 3


@fault("T7", "I1", "I2")
@pytest.mark.parametrize("kind", ["lose_answer", "refuse"])
@pytest.mark.parametrize("count", [1, 3], ids=["single", "bulk"])
@both_stores
def test_an_index_that_lags_opens_no_second_issue(lay: Build, kind: str, count: int) -> None:
    ground = lay(index_lag=300.0)
    keys = [ground.incident(f"Number {number} fails") for number in range(count)]
    ground.fault("jira", kind, ISSUES.writing)
    with ground.running(ISSUES) as it:
        it.rest()
        for _ in range(3):
            it.pass_time(120)
            it.turn()
        judge(ground, it)
    assert [ISSUES.count(ground, key) for key in keys] == [1] * count


@fault("T7")
@both_stores
def test_what_waits_while_nothing_is_known_costs_few_calls(lay: Build) -> None:
    ground = lay(index_lag=300.0)
    ground.incident()
    ground.fault("jira", "lose_answer", ISSUES.writing)
    with ground.running(ISSUES) as it:
        it.read()
        deliver(it.loop, "jira")
        it.rest()
    assert ground.calls("jira") < 15
