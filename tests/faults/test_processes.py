"""P and D: processes that stop, and stores that do not answer."""

import contextlib
import dataclasses
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from loopbot.domain.errors import ConfigError, LoopbotError, Trouble, UserError
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.engine.alone import Alone
from loopbot.engine.embedded import Bells, Embedded
from loopbot.store import database as store
from loopbot.usecases.deliver import deliver
from loopbot.usecases.ingest import ingest
from loopbot.usecases.reconcile import reconcile
from tests.faults.catalogue import fault
from tests.faults.conftest import both_stores
from tests.faults.ground import CASES, ISSUES, NOTES, Case, Ground, judge
from tests.faults.shelves import Schema
from tests.support.made import incident
from tests.support.systems import FakeSink, FakeSource

each_writer = pytest.mark.parametrize("case", CASES, ids=str)


class Held(FakeSink):
    """Stays in the middle of its first call until it is let go."""

    def __init__(self) -> None:
        super().__init__(batch=3)
        self.begun, self.go = threading.Event(), threading.Event()

    def apply(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt | Trouble]:
        self.begun.set()
        assert self.go.wait(10)
        return super().apply(deliveries)


@fault("P2", "I1", "I2")
def test_what_is_under_way_is_finished_and_the_rest_stays_planned(ground: Ground) -> None:
    sink = Held()
    with ground.running(NOTES) as it:
        ingest(it.loop, FakeSource("servicenow:incident", [incident(number, number) for number in range(1, 11)], 10))
        it.clock.sleep(1200)
        loop = dataclasses.replace(it.loop, sinks={"servicenow": sink})
        engine = Embedded(loop, [], Bells({}, deliver=3600.0, reconcile=3600.0, wake=3600.0))
        engine.start()
        assert sink.begun.wait(10)
        stopping = threading.Thread(target=engine.stop)
        stopping.start()
        while not engine._stopping.is_set():
            stopping.join(0.01)
        sink.go.set()
        stopping.join(20)
        assert not stopping.is_alive()
        assert it.states() == {"settled": 3, "planned": 7}
    assert len(sink.ledger) == 3


@fault("P3")
def test_on_sqlite_a_second_daemon_refuses_and_names_the_first(tmp_path: Path) -> None:
    with Alone(tmp_path / "loopbot.db"):
        with pytest.raises(UserError, match=f"pid {os.getpid()} on ") as refused, Alone(tmp_path / "loopbot.db"):
            pass
        assert "Postgres" in refused.value.hint
    with Alone(tmp_path / "loopbot.db"):
        pass


@fault("P4", "I1", "I2")
@each_writer
@both_stores
def test_a_worker_that_wakes_up_late_is_fenced_off(ground: Ground, case: Case) -> None:
    key = ground.incident()
    with ground.running(case) as it:
        it.read()
        paused = dataclasses.replace(it.loop, holder="the one that is paused")
        with paused.store.write() as tx:
            (claimed,) = tx.outbox.claim(case.system, paused.holder, 180.0, 1)
        (given,) = paused.sinks[case.system].apply([claimed])
        assert isinstance(given, Receipt)
        it.clock.sleep(600)
        it.turn()
        with paused.store.write() as tx:
            assert not tx.outbox.settle(paused.holder, claimed, given), "it woke up too late to say so"
        it.rest()
        assert it.states() == {"settled": 1}
        judge(ground, it)
    assert case.count(ground, key) == 1


# ---------------------------------------------------------------------------------------------- the store


def _busy() -> Any:
    return pytest.raises((OperationalError, LoopbotError), match=r"locked|held it|lock timeout")


def _waits_little(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let loopbot give up on a locked store at once."""
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.02)
    if isinstance(ground.shelf, Schema):
        ground.shelf = dataclasses.replace(ground.shelf, lock_timeout="50ms")


@fault("D1", "I2")
@both_stores
def test_a_store_that_is_locked_for_a_while_is_waited_for(ground: Ground) -> None:
    key = ground.incident()
    with ground.running(NOTES) as it, ground.shelf.locked() as free:
        freed = threading.Timer(0.3, free)
        freed.start()
        assert it.read().cycle.new == 1
        assert not freed.is_alive(), "it was waited for"
        freed.join()
        it.rest()
        judge(ground, it)
    assert NOTES.count(ground, key) == 1


@fault("D1", "I1", "I2", "I3")
@each_writer
@both_stores
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_store_that_stays_locked_drops_nothing(
    ground: Ground, case: Case, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is locked in the worst moment: the effect is on the server, and that can not be written down."""
    _waits_little(ground, monkeypatch)
    key = ground.incident()
    with ground.running(case) as it:
        if moment == "before":
            with ground.shelf.locked(), _busy():
                it.read()
            it.read()
        else:
            it.read()
            sink = it.loop.sinks[case.system]
            with contextlib.ExitStack() as stack:

                class Locking:
                    verbs, batch, find = sink.verbs, sink.batch, sink.find

                    def apply(self, deliveries: Any) -> Any:
                        answers = sink.apply(deliveries)
                        stack.enter_context(ground.shelf.locked())
                        return answers

                loop = dataclasses.replace(it.loop, sinks={case.system: Locking()})
                with _busy():
                    deliver(loop, case.system)
            assert it.states() == {"sending": 1}
            it.clock.sleep(300)
        it.turn()
        it.rest()
        judge(ground, it)
    assert case.count(ground, key) == 1


@fault("D1", "I1", "I2")
@each_writer
@pytest.mark.parametrize("database", ["postgres"])
def test_connections_that_the_server_of_the_store_ends_are_made_anew(ground: Ground, case: Case) -> None:
    """In the worst moment: the effect is on the server, and that is not written down yet."""
    key = ground.incident()
    with ground.running(case) as it:
        assert isinstance(ground.shelf, Schema)
        it.read()
        sink, hang_up = it.loop.sinks[case.system], ground.shelf.hang_up
        ended: list[int] = []

        class Ending:
            verbs, batch, find = sink.verbs, sink.batch, sink.find

            def apply(self, deliveries: Any) -> Any:
                answers = sink.apply(deliveries)
                ended.append(hang_up())
                return answers

        deliver(dataclasses.replace(it.loop, sinks={case.system: Ending()}), case.system)
        assert ended[0] > 0
        it.rest()
        assert it.states() == {"settled": 1}
        judge(ground, it)
    assert case.count(ground, key) == 1


@fault("I3")
@both_stores
def test_a_cursor_passes_no_row_whose_page_was_not_committed(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    _waits_little(ground, monkeypatch)
    with ground.running(NOTES, servicenow="page_size = 10") as it:
        for number in range(25):
            ground.incident(f"Number {number}")
            ground.clock.sleep(1)
        (source,) = [one for one in it.here.sources if one.stream == "servicenow:incident"]
        pages = source.read

        class Breaking:
            stream = source.stream

            def count(self) -> int | None:
                return source.count()

            def read(self, cursor: Any) -> Any:
                given = pages(cursor)
                yield next(given)
                page = next(given)
                stack.enter_context(ground.shelf.locked())
                yield page

        with contextlib.ExitStack() as stack, _busy():
            ingest(it.loop, Breaking())
        with it.loop.store.read() as tx:
            assert tx.mirror.count("servicenow", "incident") == 10
        it.clock.sleep(300)
        it.rest()
        judge(ground, it)
        with it.loop.store.read() as tx:
            assert tx.mirror.count("servicenow", "incident") == 25


@fault("D5")
@both_stores
def test_a_store_of_a_newer_loopbot_is_refused_and_left_alone(ground: Ground) -> None:
    with ground.running(NOTES):
        pass
    ground.shelf.set_version("9999")
    before = list(ground.shelf.words())
    with pytest.raises(ConfigError, match="9999") as refused, ground.running(NOTES):
        pass
    assert "newer loopbot" in refused.value.hint
    assert list(ground.shelf.words()) == before


@fault("P4", "I8")
@both_stores
def test_what_a_stopped_worker_left_is_uncertain_with_a_reason(ground: Ground) -> None:
    ground.incident()
    with ground.running(ISSUES) as it:
        it.read()
        with it.loop.store.write() as tx:
            tx.outbox.claim("jira", "gone", 180.0, 1)
        it.clock.sleep(200)
        reconcile(dataclasses.replace(it.loop, sinks={}), "jira")
        (row,) = it.rows("uncertain")
        assert "stopped" in row.why
