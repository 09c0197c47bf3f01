"""From a hint to the reading that answers it: on both stores, with time held still."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from loopbot.clock import SystemClock
from loopbot.domain.rulebook import Rulebook
from loopbot.ports import Cursor, Hint, Hook, Page
from loopbot.store import SqlStore
from loopbot.usecases.hints import Bounds, Silence, alarmed, forget_deliveries, hinted, keep, silences
from loopbot.usecases.ingest import ingest
from loopbot.usecases.loop import Loop, Waits
from tests.faults.catalogue import fault
from tests.support.clock import FakeClock
from tests.support.made import at, incident
from tests.support.ruling import rule
from tests.support.systems import FakeSink, FakeSource, throttled

STREAM = "servicenow:incident"


def loop_of(store: SqlStore, clock: FakeClock, **sinks: FakeSink) -> Loop:
    return Loop(store, Rulebook((rule(),)), sinks, clock, "one")  # type: ignore[arg-type]


def hook(name: str, *keys: str, minutes: float | None = None) -> Hook:
    changed = None if minutes is None else at(minutes)
    return Hook((name,), tuple(Hint(STREAM, key, changed) for key in keys))


def waiting(store: SqlStore) -> int:
    with store.read() as tx:
        return sum(one.hints for one in tx.inbox.waiting())


@fault("Q1")
def test_a_webhook_that_comes_a_hundred_times_makes_one_hint_one_reading_and_one_effect(
    store: SqlStore, clock: FakeClock
) -> None:
    sink = FakeSink()
    loop, source = loop_of(store, clock, servicenow=sink), FakeSource(STREAM, [incident(1)])
    for _ in range(100):
        keep(store, [hook("a", "INC0000001", minutes=0)], Bounds())
        if STREAM in hinted(loop):
            ingest(loop, source)
    assert waiting(store) == 0
    with store.read() as tx:
        assert len(tx.cursors.cycles(STREAM)) == 1
        assert sum(tx.outbox.counts().values()) == 1


def test_many_webhooks_about_one_record_are_one_hint_whatever_their_order(store: SqlStore, clock: FakeClock) -> None:
    loop = loop_of(store, clock)
    for number, minutes in enumerate([3, 1, None, 2]):
        keep(store, [hook(str(number), "inc0000001", minutes=minutes)], Bounds())
    assert waiting(store) == 1
    source = FakeSource(STREAM, [incident(1, 2)])
    assert hinted(loop) == [STREAM]
    ingest(loop, source)
    hinted(loop)
    assert waiting(store) == 1, "the newest webhook told of minute 3, and only minute 2 was seen"
    source.records.append(incident(1, 3))
    clock.sleep(10)
    assert hinted(loop) == [STREAM]
    ingest(loop, source)
    assert hinted(loop) == []
    assert waiting(store) == 0


def test_a_webhook_that_comes_while_its_stream_is_read_is_not_taken_for_answered(
    store: SqlStore, clock: FakeClock
) -> None:
    loop = loop_of(store, clock)

    class Slow(FakeSource):
        def read(self, cursor: Cursor) -> Iterator[Page]:
            clock.sleep(1)
            keep(store, [hook("late", "INC0000009")], Bounds())
            yield from super().read(cursor)
            clock.sleep(1)

    ingest(loop, Slow(STREAM, [incident(1)]))
    assert waiting(store) == 1
    clock.sleep(5)
    assert hinted(loop) == [STREAM], "it may tell of what came after the rows that were read"


def test_a_stream_is_read_early_at_most_so_often_and_never_beside_another_reader(
    store: SqlStore, clock: FakeClock
) -> None:
    loop = loop_of(store, clock)
    ingest(loop, FakeSource(STREAM))
    clock.sleep(1)
    keep(store, [hook("a", "INC0000001")], Bounds())
    assert hinted(loop) == [], "it was read a second ago"
    clock.sleep(loop.waits.hint)
    with store.write() as tx:
        lease = tx.leases.take(f"poll:{STREAM}", "another", 60)
    assert lease is not None
    assert hinted(loop) == [], "another one reads it"
    with store.write() as tx:
        tx.leases.release(lease)
    clock.sleep(0.001)
    assert hinted(loop) == [STREAM]


@fault("T7")
def test_a_record_that_the_search_shows_late_is_asked_for_again_a_few_times_and_then_left_to_the_polls(
    store: SqlStore, clock: FakeClock
) -> None:
    loop, source = loop_of(store, clock), FakeSource(STREAM)
    keep(store, [hook("a", "INC0000001", minutes=5)], Bounds())
    asked = []
    for second in range(0, 600, 5):
        if hinted(loop):
            asked.append(second)
            ingest(loop, source)
        clock.sleep(5)
    assert len(asked) == 5
    pauses = [later - sooner for sooner, later in pairwise(asked)]
    assert pauses == sorted(pauses)
    assert waiting(store) == 0


def test_a_system_that_can_not_be_read_keeps_its_hints(store: SqlStore, clock: FakeClock) -> None:
    loop = loop_of(store, clock)
    keep(store, [hook("a", "INC0000001")], Bounds())
    broken = FakeSource(STREAM, trouble=throttled())  # type: ignore[arg-type]
    for _ in range(40):
        if hinted(loop):
            ingest(loop, broken)
        clock.sleep(25)
    assert waiting(store) == 1
    clock.sleep(400)
    assert hinted(loop) == [STREAM]
    ingest(loop, replace(broken, trouble=None))
    hinted(loop)
    assert waiting(store) == 0


@fault("Q4")
def test_a_full_inbox_reads_whole_streams_says_so_and_loses_nothing(store: SqlStore, clock: FakeClock) -> None:
    loop, small = loop_of(store, clock), Bounds(records=100)
    for number in range(130):
        done = keep(store, [hook(str(number), f"INC{number:07d}")], small)
        assert done.full == (number >= 100)
    assert waiting(store) == 101, "a hundred records, and their stream"
    with store.read() as tx:
        said = alarmed(tx)
    assert said is not None
    assert "more than 100 records" in said[1]
    assert hinted(loop) == [STREAM]
    ingest(loop, FakeSource(STREAM, [incident(number) for number in range(130)]))
    hinted(loop)
    assert waiting(store) == 0
    with store.read() as tx:
        assert tx.mirror.count("servicenow", "incident") == 130


@fault("Q3")
def test_a_system_that_changes_and_sends_no_webhooks_any_more_is_told(store: SqlStore, clock: FakeClock) -> None:
    loop, source = loop_of(store, clock), FakeSource(STREAM, [incident(1)])
    ingest(loop, source)
    keep(store, [hook("a", "INC0000001")], Bounds())
    told = clock.now()
    clock.sleep(1800)
    source.records.append(incident(1, 30, title="it moves a little"))
    ingest(loop, source)

    def quiet() -> list[Silence]:
        with store.read() as tx:
            return silences(tx, ["servicenow"], [STREAM])

    clock.sleep(7200)
    assert quiet() == [], "webhooks may be late"
    source.records.append(incident(1, 150, title="it stands again"))
    ingest(loop, source)
    clock.sleep(3601)
    assert quiet() == [Silence("servicenow", told, 1)]
    keep(store, [hook("b", "INC0000001")], Bounds())
    assert quiet() == []


def test_many_nodes_may_keep_and_follow_hints_at_once(real_store: SqlStore) -> None:
    loop = Loop(real_store, Rulebook(()), {}, SystemClock(), "one", waits=Waits(hint=0.0))
    source, chance = FakeSource(STREAM), random.Random(1)

    def keeps(node: int) -> None:
        for step in range(25):
            keys = [f"INC{number:07d}" for number in chance.sample(range(400), 200)]
            keep(real_store, [hook(f"{node}-{step}", *keys)], Bounds())

    def follows(_: int) -> None:
        for _ in range(25):
            hinted(loop)
            ingest(loop, source)

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(work, node) for node in range(2) for work in (keeps, follows)]
        for job in jobs:
            job.result(60)


def test_names_of_deliveries_are_forgotten_when_they_are_old(store: SqlStore, clock: FakeClock) -> None:
    bounds = Bounds(remember=3600)
    assert keep(store, [hook("a", "INC0000001")], bounds).new == 1
    clock.sleep(3000)
    assert keep(store, [hook("a", "INC0000001"), hook("b", "INC0000002")], bounds).new == 1
    clock.sleep(timedelta(minutes=15).total_seconds())
    assert forget_deliveries(store, bounds) == 1
    assert keep(store, [hook("a", "INC0000001"), hook("b", "INC0000002")], bounds).new == 1


def test_the_same_delivery_twice_in_one_batch_counts_once(store: SqlStore) -> None:
    twice = hook("a", "INC0000001")
    assert keep(store, [twice, twice], Bounds()).new == 1


def test_names_of_any_length_and_with_any_characters_are_kept(store: SqlStore) -> None:
    keep(store, [hook("x\x00y", "k" * 100_000, "\x00", "\U0001f4a9", "a:b:c")], Bounds())
    assert waiting(store) == 4
