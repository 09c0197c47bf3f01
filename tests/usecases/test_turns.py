"""A stream is read by one at a time: no reading ends another's, and what is new does not wait for a sweep."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from loopbot.domain.errors import Transient
from loopbot.ports import Cursor, Page
from loopbot.store import SqlStore
from loopbot.usecases.hints import Bounds, hinted, keep
from loopbot.usecases.ingest import ingest
from loopbot.usecases.loop import poll_lease
from tests.support.clock import FakeClock
from tests.support.made import incident
from tests.usecases.test_sweeping import STREAM, Town, mirrored, quiet, town_of
from tests.web.test_hints import hook


@dataclass
class Interrupted(Town):
    """A town in which things happen after some of the pages of a sweep."""

    then: dict[int, Callable[[], object]] = field(default_factory=dict)
    pages: int = 0

    def read(self, cursor: Cursor) -> Iterator[Page]:
        whole = not cursor.position
        for page in super().read(cursor):
            if whole:
                # Between two pages of a sweep: the one before is committed, the next one is not asked for yet.
                self.then.pop(self.pages, lambda: None)()
                self.pages += 1
            yield page


def interrupted(town: Town, then: dict[int, Callable[[], object]]) -> Interrupted:
    return Interrupted(town.stream, town.records, hall=town.hall, then=then)


def report(town: Town, *numbers: int) -> None:
    for number in numbers:
        one = incident(number, number)
        town.records.append(one)
        town.hall[one.ident] = one


def test_a_poll_in_the_middle_of_a_sweep_does_not_end_it(store: SqlStore, clock: FakeClock) -> None:
    loop, town = quiet(store, clock), town_of(*range(1, 11))
    ingest(loop, town)
    polls: list[object] = []
    done = ingest(loop, interrupted(town, {1: lambda: polls.append(ingest(loop, town))}), sweep=True)
    assert polls == [None], "the sweep has the turn"
    assert done is not None
    assert done.cycle.swept
    assert done.cycle.rows == 10


def test_what_is_new_is_read_between_two_pages_of_a_sweep_and_is_not_missing_from_its_account(
    store: SqlStore, clock: FakeClock
) -> None:
    loop, town = quiet(store, clock), town_of(*range(1, 9))
    ingest(loop, town)
    seen: list[list[str]] = []
    new = range(101, 111)

    def something_happens() -> None:
        # The sweep's own reading was bounded before, and does not bring them.
        report(town, *new)
        assert ingest(loop, town) is None

    sweeping = interrupted(town, {1: something_happens, 2: lambda: seen.append(mirrored(store))})
    done = ingest(loop, sweeping, sweep=True)
    assert set(seen[0]) > {incident(number).ref.key for number in new}, "told before the sweep went on"
    assert done is not None
    assert (done.cycle.swept, done.cycle.rows, done.cycle.missing) == (True, 8, 0)
    assert [one.cycle.new for one in done.beside] == [10]
    with store.read() as tx:
        assert tx.cursors.get(STREAM).position == "18", "the place of the stream is where the poll left it"
        assert [cycle.swept for cycle in tx.cursors.cycles(STREAM)] == [True, False, False]


def test_a_word_left_for_an_earlier_sweep_is_not_answered_again(store: SqlStore, clock: FakeClock) -> None:
    loop, town = quiet(store, clock), town_of(*range(1, 9))
    ingest(loop, town)
    first = ingest(loop, interrupted(town, {1: lambda: ingest(loop, town)}), sweep=True)
    second = ingest(loop, interrupted(town, {}), sweep=True)
    assert first is not None
    assert second is not None
    assert (len(first.beside), len(second.beside)) == (1, 0)


def test_trouble_with_what_is_new_does_not_end_the_sweep(store: SqlStore, clock: FakeClock) -> None:
    loop, town = quiet(store, clock), town_of(*range(1, 9))
    ingest(loop, town)

    class Strained(Interrupted):
        def read(self, cursor: Cursor) -> Iterator[Page]:
            if cursor.position:
                raise Transient("servicenow", "too much")
            yield from super().read(cursor)

    sweeping = Strained(town.stream, town.records, hall=town.hall, then={1: lambda: ingest(loop, town)})
    done = ingest(loop, sweeping, sweep=True)
    assert done is not None
    assert done.cycle.swept
    assert [str(one.trouble) for one in done.beside] == ["servicenow: too much"]


def test_a_hint_is_followed_while_a_sweep_is_at_work(store: SqlStore, clock: FakeClock) -> None:
    loop, town = quiet(store, clock), town_of(*range(1, 9))
    ingest(loop, town)
    due: list[str] = []

    def a_webhook_comes() -> None:
        clock.sleep(loop.waits.hint + 1)
        keep(store, [hook("a", "INC0000001")], Bounds())
        due.extend(hinted(loop))

    ingest(loop, interrupted(town, {1: a_webhook_comes}), sweep=True)
    assert due == [STREAM]


def test_a_reading_that_ends_with_a_defect_gives_the_turn_back(store: SqlStore, clock: FakeClock) -> None:
    loop = quiet(store, clock)

    class Broken(Town):
        def read(self, cursor: Cursor) -> Iterator[Page]:
            raise ZeroDivisionError

    for sweep in (False, True):
        with pytest.raises(ZeroDivisionError):
            ingest(loop, Broken(), sweep=sweep)
        with store.read() as tx:
            assert tx.leases.holder(poll_lease(STREAM)) is None


def test_a_stream_is_read_on_although_the_clock_was_set_back(store: SqlStore, clock: FakeClock) -> None:
    """T1."""
    loop, town = quiet(store, clock), town_of(1)
    assert ingest(loop, town) is not None
    clock.jump(-3600)
    assert ingest(loop, town) is not None


def test_a_sweep_that_was_paused_until_another_one_reads_takes_nothing_more(store: SqlStore, clock: FakeClock) -> None:
    """P4 for readings: also where both are of one process."""
    loop, town = quiet(store, clock), town_of(*range(1, 9))
    ingest(loop, town)
    read: list[object] = []

    def long_after() -> None:
        clock.sleep(loop.waits.lease + 1)
        read.append(ingest(loop, town))

    assert ingest(loop, interrupted(town, {2: long_after}), sweep=True) is None
    assert read[0] is not None


def test_a_reading_that_was_told_that_it_is_enough_did_not_go_to_its_end(store: SqlStore, clock: FakeClock) -> None:
    loop, town = quiet(store, clock), town_of(*range(1, 9))
    stopped = ingest(loop, town, enough=lambda: True)
    whole = ingest(loop, town)
    assert stopped is not None
    assert whole is not None
    assert (stopped.cycle.complete, whole.cycle.complete) == (False, True)
