"""The bells of a fleet: hung up once, rung once a period, lost without harm."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from loopbot.clock import SystemClock
from loopbot.domain.errors import Transient
from loopbot.domain.receipts import Delivery
from loopbot.domain.rulebook import Rulebook
from loopbot.engine.board import Board, libpq, ring_once, schema_name, tidy, worker
from loopbot.engine.cluster import Cluster, Period
from loopbot.engine.embedded import Bells
from loopbot.engine.sweeps import Pace
from loopbot.permits import refused
from loopbot.ports import Cursor, Cycle, Page
from loopbot.store import SqlStore, open_store
from loopbot.usecases.loop import Loop, Waits
from tests.support.clock import FakeClock
from tests.support.fleet import drop_jobs, until
from tests.support.made import at, incident
from tests.support.ruling import rule
from tests.support.systems import FakeSink, FakeSource


@pytest.fixture
def board(postgres_url: str) -> Iterator[Board]:
    made = Board(postgres_url)
    made.open()
    yield made
    made.close()
    drop_jobs(postgres_url)


def waiting(url: str) -> int:
    """How many bells hang there."""
    engine = create_engine(url)
    with engine.connect() as connection:
        schema = schema_name(connection.scalar(text("SELECT current_schema()")) or "")
        found = connection.scalar(text(f'SELECT count(*) FROM "{schema}".procrastinate_jobs'))  # noqa: S608 - our own name
    engine.dispose()
    return found or 0


def test_a_bell_that_waits_to_be_heard_is_not_hung_up_twice(board: Board, postgres_url: str) -> None:
    assert [board.ring("wake"), board.ring("wake"), board.ring("poll:servicenow:incident")] == [True, False, True]
    assert waiting(postgres_url) == 2


def test_a_bell_put_off_does_not_keep_one_from_ringing_now(board: Board, postgres_url: str) -> None:
    assert board.ring("deliver:jira", 300)
    assert board.ring("deliver:jira")
    assert waiting(postgres_url) == 2


def test_several_nodes_make_the_schema_once_and_ring_once_a_period(postgres_url: str) -> None:
    boards = [Board(postgres_url) for _ in range(3)]
    threads = [threading.Thread(target=one.open) for one in boards]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.schema for one in boards}) == 1

    async def rung() -> list[bool]:
        answers = []
        for one in boards:
            app = one.made(connections=1)
            async with app.open_async():
                answers += [await ring_once(app, "wake", 7), await ring_once(app, "due", 7)]
        return answers

    assert sum(asyncio.run(rung())) == 2
    assert waiting(postgres_url) == 2
    for one in boards:
        one.close()
    drop_jobs(postgres_url)


def test_a_bell_that_a_dead_worker_was_answering_rings_again(board: Board, postgres_url: str) -> None:
    async def story() -> list[str]:
        app = board.made(connections=1)
        async with app.open_async():
            dead = await app.job_manager.register_worker()
            assert await app.job_manager.fetch_job(queues=None, worker_id=dead) is not None
            assert await tidy(app) == []
            await app.job_manager.unregister_worker(dead)
            return await tidy(app)

    board.ring("deliver:jira")
    assert asyncio.run(story()) == ["deliver:jira"]
    assert waiting(postgres_url) == 0


def test_a_bell_is_heard_at_once_and_taken_down(board: Board, postgres_url: str) -> None:
    heard: Counter[str] = Counter()

    async def answer(bell: str) -> None:
        heard[bell] += 1

    async def story() -> None:
        app = board.made(answer)
        async with app.open_async():
            one = worker(app, 4, 5.0)
            working = asyncio.create_task(one.run())
            await asyncio.to_thread(lambda: [board.ring(f"bell {n}") for n in range(20)])
            await asyncio.to_thread(lambda: until(lambda: len(heard) == 20 and not waiting(postgres_url), 10))
            one.stop()
            await working

    asyncio.run(story())
    assert set(heard.values()) == {1}


def test_the_url_of_a_store_is_read_as_libpq_reads_it() -> None:
    url = (
        "postgresql+psycopg://u:p%40ss@db.example.com:5433/loop?options=-csearch_path%3Da+-cx%3Dy&application_name=a+b"
    )
    assert libpq(url) == (
        "postgresql://u:p%40ss@db.example.com:5433/loop?application_name=a%20b",
        "-csearch_path=a -cx=y",
    )


def test_the_sweep_of_the_day_is_not_made_up_for_but_a_poll_is() -> None:
    poll, sweep = Period("poll", 60.0), Period("sweep", 86_400.0, after=3 * 3600.0)
    assert [poll.slot(59.9), poll.slot(60.0), poll.left(59.0)] == [0, 1, 1.0]
    assert sweep.slot(3 * 3600.0 - 1) + 1 == sweep.slot(3 * 3600.0)
    assert sweep.left(2 * 3600.0) == 3600.0


@contextmanager
def cluster_at_work(url: str, loop: Loop, source: FakeSource, stop: threading.Event) -> Iterator[Cluster]:
    bells = Bells({source.stream: 0.2}, deliver=0.2, wake=1.0, sweeps=Pace(busy=1.0, first=1.0), drain=5.0)
    node = Cluster(loop, [source], bells, url)  # type: ignore[list-item]
    thread = threading.Thread(target=node.run, args=(stop,))
    thread.start()
    try:
        yield node
    finally:
        stop.set()
        thread.join(15)
        assert not thread.is_alive()


def test_a_node_outlives_the_loss_of_every_connection(postgres_url: str, tmp_path: Path) -> None:
    store, sink = open_store(postgres_url), FakeSink()
    source = FakeSource("servicenow:incident", [incident(1, minutes=0)])
    loop = Loop(store, Rulebook((rule(),)), {"servicenow": sink}, FakeClock(), "one")
    with cluster_at_work(postgres_url, loop, source, threading.Event()):
        until(lambda: len(sink.ledger) == 1)
        cut(postgres_url)
        source.records.append(incident(2, minutes=1))
        until(lambda: len(sink.ledger) == 2, 30)
    store.close()
    drop_jobs(postgres_url)


def test_a_sweep_in_a_fleet_lets_polls_in_and_is_tried_again_where_it_broke_off(postgres_url: str) -> None:
    store, stop, between = open_store(postgres_url), threading.Event(), threading.Event()
    stream = "servicenow:incident"

    class Long(FakeSource):
        """Its first sweep waits for what is new in the middle, and breaks off; the second one goes to its end."""

        sweeps = -1

        def read(self, cursor: Cursor) -> Iterator[Page]:
            self.sweeps += not cursor.position
            for page in super().read(cursor):
                if not cursor.position and self.sweeps == 1:
                    between.wait(0.05)
                yield page
            if not cursor.position and self.sweeps == 1:
                raise Transient("servicenow", "no answer")

    def cycles() -> list[Cycle]:
        with store.read() as tx:
            return tx.cursors.cycles(stream, 100)

    source = Long(stream, [incident(number, number) for number in range(1, 101)])
    loop = Loop(store, Rulebook(()), {}, SystemClock(), "one")
    with cluster_at_work(postgres_url, loop, source, stop) as node:
        until(lambda: any(one.complete for one in cycles()))
        node.ring(f"sweep:{stream}")
        until(lambda: source.sweeps == 1)
        source.records.append(incident(999, 999))
        until(lambda: any(one.new == 1 for one in cycles()))
        assert not any(one.trouble for one in cycles()), "the sweep is under way still"
        between.set()
        until(lambda: any(one.swept for one in cycles()), 30)
    assert any(one.trouble for one in cycles())
    store.close()
    drop_jobs(postgres_url)


def test_weights_that_a_rule_shows_are_looked_at_though_nothing_of_their_records_has_changed(postgres_url: str) -> None:
    store, sink, stop = open_store(postgres_url), FakeSink(), threading.Event()
    with store.write() as tx:
        tx.mirror.put([incident(1), incident(2, state="closed")])
    rules = Rulebook((replace(rule(), keeps_current=True),))
    loop = Loop(store, rules, {"servicenow": sink}, FakeClock(), "one")
    with cluster_at_work(postgres_url, loop, FakeSource("servicenow:incident", []), stop):
        until(lambda: len(sink.ledger) == 1, 30)
    assert sink.ledger[0].effect.cause.subject == incident(1).ref
    store.close()
    drop_jobs(postgres_url)


def test_what_is_done_once_a_day_is_done_by_one_node_of_the_fleet(board: Board, postgres_url: str) -> None:
    store, learnt, stop = open_store(postgres_url), Counter[str](), threading.Event()

    def node(name: str) -> threading.Thread:
        loop = Loop(store, Rulebook(()), {}, FakeClock(), name)
        one = Cluster(loop, [], Bells({}, drain=5.0), postgres_url, "all", lambda: learnt.update([name]))
        thread = threading.Thread(target=one.run, args=(stop,))
        thread.start()
        return thread

    nodes = [node(name) for name in ("one", "two", "three")]
    try:
        for times in (1, 2):
            until(lambda: board.ring("nightly"), 20)
            until(lambda times=times: learnt.total() >= times, 30)
    finally:
        stop.set()
        for thread in nodes:
            thread.join(15)
    assert learnt.total() == 2, "each ring is heard by one of the three"
    store.close()


def cut(url: str) -> None:
    """End every connection to the board of this store, as a restart of the database does."""
    engine = create_engine(make_url(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        schema = schema_name(connection.scalar(text("SELECT current_schema()")) or "")
        query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = :name"
        assert connection.scalar(text(query), {"name": f"loopbot bells {schema}"[:63]})
    engine.dispose()


class Sleepy(FakeSink):
    """Asks, as the HTTP policy does, before each write; between the first and the second of a batch the process is paused."""

    clock: FakeClock

    def apply(self, deliveries: list[Delivery]) -> list[object]:  # type: ignore[override]
        self.refusals = []
        answers: list[object] = []
        for number, delivery in enumerate(deliveries):
            if number == 1:
                self.clock.jump(600)
            why = refused()
            self.refusals.append(why)
            answers.append(self._one(delivery) if not why else self._refuse(why))
        return answers

    def _refuse(self, why: str) -> object:
        from loopbot.domain.errors import Transient

        return Transient(self.system, why)


def test_what_was_claimed_before_a_long_pause_is_not_sent_after_it(store: SqlStore, clock: FakeClock) -> None:
    from loopbot.usecases.deliver import deliver
    from loopbot.usecases.ingest import ingest

    sink = Sleepy()
    sink.clock = clock
    loop = Loop(store, Rulebook((rule(),)), {"servicenow": sink}, clock, "one", waits=Waits(claim=180))  # type: ignore[dict-item]
    source = FakeSource("servicenow:incident", [incident(n, minutes=n, opened_at=at(n)) for n in (1, 2, 3)])
    ingest(loop, source)  # type: ignore[arg-type]
    deliver(loop, "servicenow")
    assert [bool(why) for why in sink.refusals] == [False, True, True]
    assert len(sink.ledger) == 1


def test_what_a_paused_node_holds_inside_a_transaction_is_soon_free_again(postgres_url: str) -> None:
    one = open_store(postgres_url + "+-cidle_in_transaction_session_timeout%3D1s")
    other = open_store(postgres_url)
    with pytest.raises(DBAPIError, match="idle-in-transaction"):
        hold_while(one, other)
    with other.read() as tx:
        found = tx.leases.holder("poll:somewhere")
        assert found is not None
        assert found.holder == "other"
    one.close()
    other.close()


def hold_while(one: SqlStore, other: SqlStore) -> None:
    """One transaction falls asleep with a lease in its hands; another waits for the same."""
    with one.write() as held:
        assert held.leases.take("poll:somewhere", "one", 60)
        with other.write() as tx:
            assert tx.leases.take("poll:somewhere", "other", 60)
        held.leases.take("poll:somewhere", "one", 60)
