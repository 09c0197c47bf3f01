import sqlite3
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from loopbot.domain.errors import ConfigError
from loopbot.domain.events import Timer
from loopbot.domain.pending import pending_ref
from loopbot.domain.receipts import Receipt
from loopbot.domain.records import Ref
from loopbot.ports import Cursor, JournalEntry, Unmapped
from loopbot.store import SqlStore, open_store
from tests.support.clock import FakeClock
from tests.support.made import at, comment, incident, link, link_to, ticket

WAIT = 30.0
NAME = f"second {uuid.uuid4().hex}"
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = :named")


@pytest.fixture
def second(store: SqlStore, store_url: str, clock: FakeClock) -> Iterator[SqlStore]:
    """Another process with the same database."""
    opened = open_store(store_url, clock=clock, holder=NAME)
    yield opened
    opened.close()


def all_at_once(tasks: list[Callable[[], None]]) -> None:
    """Run each in a thread of its own; what one raises is raised."""
    troubles: list[BaseException] = []
    together = threading.Barrier(len(tasks))

    def run(task: Callable[[], None]) -> None:
        try:
            together.wait(WAIT)
            task()
        except BaseException as trouble:  # noqa: BLE001
            troubles.append(trouble)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
        assert not thread.is_alive()
    if troubles:
        raise troubles[0]


def test_a_transaction_is_kept_whole_or_not_at_all(store: SqlStore) -> None:
    def fails() -> None:
        with store.write() as tx:
            tx.mirror.put([incident()])
            tx.cursors.move("servicenow:incident", Cursor("7"), None)
            raise LookupError

    with pytest.raises(LookupError):
        fails()
    with store.read() as tx:
        assert tx.record(incident().ref) is None
        assert tx.cursors.get("servicenow:incident") == Cursor()


def test_a_dry_run_sees_what_it_does_and_leaves_no_trace(store: SqlStore) -> None:
    with store.write(keep=False) as tx:
        tx.mirror.put([incident()])
        tx.outbox.plan([comment()])
        tx.links.put([link(incident().ref, "fixes", incident(2).ref)])
        tx.timers.set(Timer("made", incident().ref, "settle", at(1)))
        tx.journal([JournalEntry(at(0), "made", incident().ref, "planned", "because")])
        tx.quarantine("servicenow:incident", [Unmapped("1", "why")])
        tx.remember("name", "value")
        tx.leases.take("poll", "one", 60)
        assert tx.record(incident().ref) == incident()
        assert len(tx.outbox.claim("servicenow", "one", 60, 10)) == 1
    with store.read() as tx:
        assert list(tx.mirror.all()) == []
        assert tx.outbox.counts() == {}
        assert tx.linked(incident().ref) == []
        assert tx.timers.pending() == []
        assert tx.journal_of(incident().ref) == []
        assert tx.quarantined() == []
        assert tx.recall("name") is None
        assert tx.leases.holder("poll") is None


def test_a_reader_can_not_write(store: SqlStore) -> None:
    def writes() -> None:
        with store.read() as tx:
            tx.remember("name", "value")

    with pytest.raises(DBAPIError, match=r"readonly|read-only"):
        writes()


def test_readers_see_one_moment_and_never_wait_for_a_writer(store: SqlStore) -> None:
    with store.write() as tx:
        tx.remember("name", "before")
    with store.write() as writer:
        writer.remember("name", "after")
        with store.read() as reader:
            assert reader.recall("name") == "before"
    with store.read() as reader:
        assert reader.recall("name") == "after"
        written = threading.Thread(target=_remember, args=(store, "later"))
        written.start()
        written.join(WAIT)
        assert not written.is_alive(), "a writer does not wait for a reader either"
        assert reader.recall("name") == "after"


def _remember(store: SqlStore, value: str) -> None:
    with store.write() as tx:
        tx.remember("name", value)


def test_a_transaction_inside_another_of_the_same_thread_is_a_mistake_not_a_deadlock(store: SqlStore) -> None:
    with store.write(), pytest.raises(RuntimeError, match="inside another one"), store.write():
        pass
    with store.write() as tx:
        tx.remember("still", "works")


def test_read_modify_write_loses_nothing(store: SqlStore, second: SqlStore) -> None:
    def count(where: SqlStore) -> None:
        for _ in range(15):
            with where.write() as tx:
                tx.alone("count")
                tx.remember("count", str(int(tx.recall("count") or 0) + 1))

    all_at_once([lambda where=where: count(where) for where in (store, second) * 3])  # type: ignore[misc]
    with store.read() as tx:
        assert tx.recall("count") == str(6 * 15)


def test_writers_of_the_same_records_lose_no_newer_one(store: SqlStore, second: SqlStore) -> None:
    fates: Counter[str] = Counter()
    lock = threading.Lock()

    def put(where: SqlStore, order: int) -> None:
        for version in range(1, 6):
            page = [incident(number, minutes=version, version=version, state=f"s{version}") for number in range(20)]
            with where.write() as tx:
                done = tx.mirror.put(page[::order])
            with lock:
                fates.update(each.what for each in done)

    all_at_once([lambda w=where, o=order: put(w, o) for where in (store, second) for order in (1, -1)])  # type: ignore[misc]
    with store.read() as tx:
        assert {each.state for each in tx.mirror.all()} == {"s5"}
    assert fates["new"] == 20
    assert sum(fates.values()) == 4 * 5 * 20


def test_no_lane_is_ever_claimed_twice_at_once(store: SqlStore, second: SqlStore, clock: FakeClock) -> None:
    lanes, deep, claimers = 12, 4, 3
    with store.write() as tx:
        tx.outbox.plan([comment(lane, str(place)) for place in range(deep) for lane in range(lanes)])
    under_way: set[str] = set()
    order: dict[str, list[str]] = {}
    lock = threading.Lock()

    def drain(where: SqlStore, holder: str) -> None:
        while True:
            with where.write() as tx:
                batch = tx.outbox.claim("servicenow", holder, 60, 5)
            for delivery in batch:
                with lock:
                    assert delivery.effect.lane not in under_way
                    under_way.add(delivery.effect.lane)
                    order.setdefault(delivery.effect.lane, []).append(delivery.effect.cause.slot)
            for delivery in batch:
                with lock:
                    under_way.discard(delivery.effect.lane)
                with where.write() as tx:
                    assert tx.outbox.settle(holder, delivery, Receipt(delivery.effect.key, Ref("a", "b", "c")))
            with where.read() as tx:
                if set(tx.outbox.counts()) == {("servicenow", "settled")}:
                    return

    workers = [
        (where, f"{number}-{name}") for number in range(claimers) for name, where in (("a", store), ("b", second))
    ]
    all_at_once([lambda where=where, holder=holder: drain(where, holder) for where, holder in workers])  # type: ignore[misc]
    assert len(order) == lanes
    assert all(slots == [str(place) for place in range(deep)] for slots in order.values())


def meanwhile(store: SqlStore, task: Callable[[], None]) -> threading.Thread:
    """Start the task in a thread and come back when it waits for us (or has ended, or SQLite holds it at its door)."""
    thread = threading.Thread(target=task)
    thread.start()
    deadline = time.monotonic() + WAIT
    while thread.is_alive() and time.monotonic() < deadline:
        with store.read() as tx:
            connection = tx._work.connection
            if connection.dialect.name == "sqlite":
                break
            if connection.scalar(WAITING, {"named": f"loopbot {NAME}"}):
                break
    return thread


def test_a_record_that_two_hosts_see_first_at_once_is_new_to_one_of_them(store: SqlStore, second: SqlStore) -> None:
    fates: list[str] = []

    def other() -> None:
        with second.write() as tx:
            fates.extend(each.what for each in tx.mirror.put([incident(1, minutes=1, state="on_hold"), incident(2)]))

    with store.write() as tx:
        assert [each.what for each in tx.mirror.put([incident(1), incident(2), incident(3)])] == ["new"] * 3
        thread = meanwhile(store, other)
    thread.join(WAIT)
    assert fates == ["changed", "same"]


def test_a_link_that_two_hosts_find_at_once_is_new_to_one_of_them(store: SqlStore, second: SqlStore) -> None:
    found = link(incident(1).ref, "caused_by", incident(2).ref)
    surer = link(incident(1).ref, "caused_by", incident(2).ref, "person:anna")
    new: list[object] = []

    def other() -> None:
        with second.write() as tx:
            new.extend(tx.links.put([surer]))

    with store.write() as tx:
        assert tx.links.put([found]) == [found]
        thread = meanwhile(store, other)
    thread.join(WAIT)
    assert new == []
    with store.read() as tx:
        assert tx.links.of(incident(1).ref) == [surer]


def test_a_lane_is_not_claimed_while_another_host_is_claiming_it(store: SqlStore, second: SqlStore) -> None:
    claimed: list[object] = []
    with store.write() as tx:
        tx.outbox.plan([comment(1, "a"), comment(1, "b")])
        (first,) = tx.outbox.claim("servicenow", "one", 60, 10)
        tx.outbox.fail("one", first, "parked", "no", tx.now())

    def other() -> None:
        with second.write() as tx:
            tx.outbox.retry(comment(1, "a").key, "Anna")
        with second.write() as tx:
            claimed.extend(tx.outbox.claim("servicenow", "two", 60, 10))

    with store.write() as tx:
        assert [each.effect for each in tx.outbox.claim("servicenow", "one", 60, 10)] == [comment(1, "b")]
        thread = meanwhile(store, other)
    thread.join(WAIT)
    assert not thread.is_alive()
    assert claimed == []


@pytest.mark.parametrize("effect", [True, False], ids=["effect", "link"])
def test_what_names_a_ticket_that_opens_at_that_moment_is_not_left_behind(
    store: SqlStore, second: SqlStore, effect: bool
) -> None:
    opens, became = ticket(), Ref("jira", "issue", "LOOP-1")
    with store.write() as tx:
        tx.outbox.plan([opens])
        (opening,) = tx.outbox.claim("jira", "one", 60, 10)

    def plans() -> None:
        with second.write() as tx:
            tx.outbox.plan([link_to(opens)])

    def links() -> None:
        with second.write() as tx:
            tx.links.put([link(incident(1).ref, "fixes", pending_ref(opens.key))])

    with store.write() as tx:
        tx.outbox.settle("one", opening, Receipt(opens.key, became))
        thread = meanwhile(store, plans if effect else links)
    thread.join(WAIT)
    with store.write() as tx:
        if effect:
            assert [each.effect.mentions[1] for each in tx.outbox.claim("servicenow", "one", 60, 10)] == [became]
            assert [each.effect.verb for each in tx.outbox.about(became)] == ["open", "link"]
        else:
            assert [each.target for each in tx.links.of(incident(1).ref)] == [became]


def test_two_hosts_planning_the_same_effect_plan_it_once(store: SqlStore, second: SqlStore) -> None:
    new: list[bool] = []

    def plan(where: SqlStore) -> None:
        for number in range(20):
            with where.write() as tx:
                new.extend(flag for _, flag in tx.outbox.plan([comment(number)]))

    all_at_once([lambda where=where: plan(where) for where in (store, second) * 2])  # type: ignore[misc]
    assert sum(new) == 20


def test_the_moment_of_a_transaction_does_not_move(store: SqlStore, clock: FakeClock) -> None:
    with store.write() as tx:
        began = tx.now()
        clock.sleep(60)
        assert tx.now() == began
    with store.read() as tx:
        assert tx.now() == began + timedelta(seconds=60)


def test_without_a_clock_the_time_is_the_databases_or_the_machines(store_url: str) -> None:
    opened = open_store(store_url)
    with opened.read() as tx:
        assert abs(tx.now() - datetime.now(UTC)) < timedelta(minutes=5)
        assert tx.now().tzinfo is UTC
    opened.close()


def test_a_copy_is_whole_while_the_store_is_in_use(store: SqlStore, tmp_path: Path, store_url: str) -> None:
    copy = tmp_path / "copy.db"
    with store.write() as tx:
        tx.mirror.put([incident(number) for number in range(500)])
    if store_url.startswith("postgresql"):
        with pytest.raises(ConfigError, match="pg_dump"):
            store.backup(copy)
        return
    with store.write() as tx:
        tx.mirror.put([incident(999)])
        store.backup(copy)
    restored = open_store(f"sqlite:///{copy}")
    with restored.read() as tx:
        assert tx.mirror.count("servicenow", "incident") == 500
    restored.close()


def test_sqlite_survives_a_power_cut_and_lets_readers_pass(tmp_path: Path) -> None:
    opened = open_store(f"sqlite:///{tmp_path}/loopbot.db")
    with opened.write() as tx:
        connection = tx._work.connection
        settings = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("synchronous", "foreign_keys")]
        assert settings == [2, 1]
    opened.close()
    with closing(sqlite3.connect(tmp_path / "loopbot.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
