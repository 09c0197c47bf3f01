"""A fleet's calls: one budget an hour for all nodes, without asking the store at each call; what is closed to one is known to all."""

import random
import threading
from datetime import datetime, timedelta

import pytest

from loopbot.domain.errors import StoreTrouble, Transient
from loopbot.http import Pacing
from loopbot.http.sharing import NEWS, Share, shared
from loopbot.ports import Allotment, Budget, Word
from loopbot.store import SqlStore, open_store
from loopbot.store.allotments import LASTS
from loopbot.usecases.allotting import StoreAllotments
from loopbot.usecases.budgets import known_budgets, note_budgets
from tests.support.clock import FakeClock

HOUR = 3600.0


class Skewed:
    """A node's own clock: it runs as the others do, and shows something else."""

    def __init__(self, clock: FakeClock, wall: float, ticks: float) -> None:
        self._clock, self.wall, self._ticks = clock, wall, ticks

    def now(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self.wall)

    def monotonic(self) -> float:
        return self._clock.monotonic() + self._ticks

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)


class Counted(StoreAllotments):
    """Counts how often the store is asked."""

    asked = 0

    def exchange(self, system: str, word: Word) -> Allotment:
        Counted.asked += 1
        return StoreAllotments.exchange(self, system, word)


class Away:
    """A store that can not be reached."""

    def exchange(self, system: str, word: Word) -> Allotment:
        raise StoreTrouble("store", f"can not be asked about {system} ({word.wants})")


def node(store: SqlStore, clock: FakeClock | Skewed, name: str, per_hour: int = 0) -> Pacing:
    share = Share("jira", clock, Counted(store, name), per_hour)
    return Pacing("jira", clock, random.Random(name), per_hour=per_hour, share=share)


def made(pacing: Pacing, calls: int) -> int:
    """How many of so many calls went out, one right after the other."""
    for number in range(calls):
        try:
            pacing.before("GET", "/thing")
        except Transient:
            return number
    return calls


def busiest(moments: list[float]) -> int:
    """The most calls in any hour."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - HOUR:
            first += 1
        most = max(most, last - first + 1)
    return most


@pytest.mark.parametrize(("nodes", "seed"), [(2, 1), (3, 2)])
def test_nodes_of_one_store_never_make_more_calls_in_any_hour_than_the_budget_and_use_it(
    store: SqlStore, clock: FakeClock, nodes: int, seed: int
) -> None:
    chance, budget = random.Random(seed), 60
    fleet = [node(store, clock, f"node {number}", budget) for number in range(nodes)]
    moments: list[float] = []
    while clock.monotonic() < 1000.0 + 2 * HOUR:
        one = chance.choice(fleet)
        for _ in range(chance.choice([1, 1, 5, 20])):
            if not made(one, 1):
                break
            moments.append(clock.monotonic())
        if chance.random() < 0.1:
            one.leave()
        clock.sleep(chance.choice([0.5, 15, 40]))
        if chance.random() < 0.3:
            chance.choice(fleet).budget()
    assert busiest(moments) <= budget
    assert len(moments) > 1.7 * budget


def test_clocks_that_differ_and_are_set_do_not_stretch_the_budget(store: SqlStore, clock: FakeClock) -> None:
    chance, budget = random.Random(5), 40
    clocks = [Skewed(clock, 0, 0), Skewed(clock, 600, 5e6), Skewed(clock, -600, -900)]
    fleet = [node(store, one, f"node {number}", budget) for number, one in enumerate(clocks)]
    moments: list[float] = []
    while clock.monotonic() < 1000.0 + 2 * HOUR:
        for one in fleet:
            moments += [clock.monotonic()] * made(one, chance.choice([0, 1, 3]))
        chance.choice(clocks).wall += chance.choice([0, 0, 3600, -3600])
        clock.sleep(40)
    assert busiest(moments) <= budget
    assert len(moments) > 1.7 * budget


def test_a_budget_that_was_spent_before_the_clock_was_set_back_counts_for_an_hour_and_not_for_longer(
    store: SqlStore, clock: FakeClock
) -> None:
    before = node(store, clock, "before", 40)
    assert made(before, 100) == 40
    before.leave()
    clock.jump(-10 * HOUR)
    after = node(store, clock, "after", 40)
    assert made(after, 1) == 0
    clock.sleep(HOUR + LASTS + 1)
    assert made(after, 100) == 40


@pytest.mark.parametrize(("fleet", "per_hour", "asks"), [(True, 0, True), (False, 0, False), (False, 9, True)])
def test_a_node_that_is_alone_and_has_no_budget_asks_nobody(
    store: SqlStore, clock: FakeClock, fleet: bool, per_hour: int, asks: bool
) -> None:
    class Told(StoreAllotments):
        @property
        def shared(self) -> bool:
            return fleet

    assert (shared("jira", clock, Told(store, "one"), per_hour) is not None) == asks


def test_nodes_that_ask_at_the_same_moment_are_given_no_more_than_there_is(
    store: SqlStore, store_url: str, clock: FakeClock
) -> None:
    stores = [store, *(open_store(store_url, clock=clock, holder=f"node {number}") for number in range(2))]
    fleet = [node(one, clock, f"node {number}", 50) for number, one in enumerate(stores)]
    calls = [0] * len(fleet)

    def spend(number: int) -> None:
        calls[number] = made(fleet[number], 100)

    threads = [threading.Thread(target=spend, args=(number,)) for number in range(len(fleet))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    for one in stores[1:]:
        one.close()
    assert sum(calls) == 50


def test_the_slice_of_a_node_that_died_comes_back_when_its_hour_is_over(store: SqlStore, clock: FakeClock) -> None:
    dead = node(store, clock, "dead", 100)
    assert made(dead, 1) == 1
    alive = node(store, clock, "alive", 100)
    assert made(alive, 200) == 95  # it had taken five
    clock.sleep(HOUR + LASTS + 1)
    assert made(alive, 200) == 100


def test_a_node_that_leaves_gives_back_what_it_did_not_use(store: SqlStore, clock: FakeClock) -> None:
    leaving = node(store, clock, "leaving", 100)
    assert made(leaving, 2) == 2
    leaving.leave()
    assert made(node(store, clock, "staying", 100), 200) == 98


def test_a_node_that_is_quiet_gives_back_what_it_did_not_use(store: SqlStore, clock: FakeClock) -> None:
    quiet, busy = (node(store, clock, name, 100) for name in ("quiet", "busy"))
    assert made(quiet, 1) == 1
    assert made(busy, 200) == 95
    clock.sleep(LASTS)
    quiet.budget()  # the beat of a node that has nothing to do
    assert made(busy, 200) == 4


def test_a_machine_that_was_suspended_makes_no_call_of_an_old_slice(store: SqlStore, clock: FakeClock) -> None:
    slept = Skewed(clock, 0, 0)
    sleeper, other = node(store, slept, "sleeper", 10), node(store, clock, "other", 10)
    assert made(sleeper, 1) == 1
    clock.sleep(2 * HOUR)
    slept._ticks = -2 * HOUR  # its clock that counts on stood still
    assert made(other, 20) == 10
    assert made(sleeper, 1) == 0


def test_the_store_is_asked_once_a_slice_and_not_once_a_call(store: SqlStore, clock: FakeClock) -> None:
    one = node(store, clock, "one", 1000)
    Counted.asked = 0
    assert made(one, 500) == 500
    assert Counted.asked <= 500 / 50 + 1


def test_without_a_budget_the_store_is_asked_for_news_only(store: SqlStore, clock: FakeClock) -> None:
    one = node(store, clock, "one")
    Counted.asked = 0
    for _ in range(100):
        one.before("GET", "/thing")
        clock.sleep(1)
    assert Counted.asked <= 100 / NEWS + 1
    assert one.budget().hour_left is None


def test_what_is_closed_to_one_node_is_closed_to_the_others_soon_and_as_long(store: SqlStore, clock: FakeClock) -> None:
    first, second = (node(store, clock, name) for name in ("first", "second"))
    second.before("GET", "/thing/7")
    first.closed("GET", "/thing/8", 300)
    clock.sleep(NEWS)
    with pytest.raises(Transient, match=r"waits 3\d\d s|waits 29\d s") as raised:
        second.before("GET", "/thing/9")
    assert 290 <= (raised.value.after or 0) <= 295
    second.before("GET", "/other")
    assert [name for name, _ in second.budget().closed] == ["GET /thing/*"]
    clock.sleep(300)
    second.before("GET", "/thing/9")
    assert second.budget().closed == ()


def test_a_node_that_starts_knows_at_its_first_call_what_is_closed(store: SqlStore, clock: FakeClock) -> None:
    node(store, clock, "first").closed("POST", "/thing", 60)
    with pytest.raises(Transient, match="before the next POST /thing"):
        node(store, clock, "second").before("POST", "/thing")


def test_a_short_closing_does_not_open_what_is_closed_for_long(store: SqlStore, clock: FakeClock) -> None:
    first, second = (node(store, clock, name) for name in ("first", "second"))
    first.closed("GET", "/thing", 600)
    second.closed("GET", "/thing", 5)
    clock.sleep(30)
    with pytest.raises(Transient):
        second.before("GET", "/thing")


def test_while_the_store_is_away_no_call_of_a_budget_goes_out_and_others_do(clock: FakeClock) -> None:
    budgeted = Pacing("jira", clock, random.Random(1), per_hour=9, share=Share("jira", clock, Away(), 9))
    with pytest.raises(Transient, match="fleet's budget"):
        budgeted.before("GET", "/thing")
    free = Pacing("jira", clock, random.Random(1), share=Share("jira", clock, Away()))
    free.before("GET", "/thing")
    free.closed("GET", "/thing", 60)
    free.leave()
    with pytest.raises(Transient):
        free.before("GET", "/thing")


def test_what_is_left_is_the_fleets_whichever_node_is_asked(store: SqlStore, clock: FakeClock) -> None:
    first, second = (node(store, clock, name, 100) for name in ("first", "second"))
    assert made(first, 12) == 12
    assert made(second, 3) == 3
    assert first.budget().hour_left == 88  # the other one did not tell yet
    assert second.budget().hour_left == 85
    assert first.budget().hour_left == 85


@pytest.fixture
def told(store: SqlStore) -> SqlStore:
    first = Budget("jira", 85, 100, 40, 400, (("GET /a", 9.0),), "open", 30.0)
    second = Budget("jira", 85, 100, None, None, (("GET /a", 12.0), ("GET /b", 1.0)))
    note_budgets(store, "first", [first])
    note_budgets(store, "second", [second, Budget("slack")])
    return store


def test_what_two_nodes_know_of_a_system_is_told_as_one(told: SqlStore) -> None:
    known = known_budgets(told)
    assert known is not None
    jira, slack = sorted(known.budgets, key=lambda one: one.system)
    assert jira == Budget("jira", 85, 100, 40, 400, (("GET /a", 12.0), ("GET /b", 1.0)), "open", 30.0)
    assert slack == Budget("slack")


def test_what_a_node_said_before_it_stopped_is_forgotten(told: SqlStore, clock: FakeClock) -> None:
    clock.sleep(200)
    note_budgets(told, "second", [Budget("jira", 99, 100)])
    known = known_budgets(told)
    assert known is not None
    assert known.budgets == (Budget("jira", 99, 100),)
    clock.sleep(200)
    assert known_budgets(told) is None
