"""What holds for a mirrored pair, one promise a test, judged by what is written in the two systems."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from loopbot.domain.rulebook import Rulebook
from loopbot.language.loader import parse_rule
from loopbot.store import SqlStore
from loopbot.usecases.deliver import deliver
from loopbot.usecases.ingest import ingest
from loopbot.usecases.inspect import explain, health
from loopbot.usecases.loop import Loop
from loopbot.usecases.preview import preview
from loopbot.usecases.reconcile import reconcile
from loopbot.usecases.wake import wake
from tests.mirror.offices import INCIDENT, ISSUE, Office, jira, servicenow
from tests.mirror.test_two_sides import RULE
from tests.support.clock import FakeClock


@dataclass
class Pair:
    """An incident and its issue, both known."""

    loop: Loop
    clock: FakeClock
    here: Office
    there: Office

    def poll(self) -> None:
        for office in (self.here, self.there):
            ingest(self.loop, office)

    def deliver(self) -> None:
        for office in (self.here, self.there):
            deliver(self.loop, office.system)

    def round(self) -> None:
        self.poll()
        self.deliver()
        wake(self.loop)

    def rounds(self, number: int = 3) -> None:
        for _ in range(number):
            self.round()

    @property
    def writes(self) -> int:
        return self.here.writes + self.there.writes

    def conflicts(self) -> list[tuple[Any, str, str, str]]:
        with self.loop.store.read() as tx:
            found = [entry.conflict for entry in tx.agreements.conflicts()]
        return [(one.loser, one.field, one.lost, one.kept) for one in found]


@pytest.fixture
def pair(store: SqlStore, clock: FakeClock) -> Pair:
    (mirror,) = parse_rule(RULE, "two-sides").rules
    here, there = servicenow(3), jira(-4, answers_whole=True)
    sinks: dict[str, Any] = {"servicenow": here, "jira": there}
    made = Pair(Loop(store, Rulebook([mirror]), sinks, clock, "one"), clock, here, there)
    made.rounds()
    here.writes = there.writes = 0
    return made


def test_a_mirror_is_opened_once_and_says_the_same(pair: Pair) -> None:
    assert len([key for key in pair.there.ledger if key]) == 2, "the issue, and the priority that it did not open with"
    assert (pair.there.open.title, pair.there.open.priority) == ("the export stands still", 2)
    pair.rounds()
    assert pair.writes == 0


def test_what_is_done_on_either_side_is_said_on_the_other(pair: Pair) -> None:
    pair.there.put("state", "done")
    pair.here.put("title", "the export stood still")
    pair.rounds()
    assert pair.here.open.state == "resolved"
    assert pair.there.open.title == "the export stood still"
    assert pair.writes == 2


def test_our_own_write_coming_back_is_no_change(pair: Pair) -> None:
    pair.here.put("title", "another title")
    pair.rounds(6)
    assert pair.writes == 1
    calls = len(pair.here.ledger) + len(pair.there.ledger)
    pair.rounds(6)
    assert len(pair.here.ledger) + len(pair.there.ledger) == calls


def test_both_changed_the_winner_stands_and_the_loser_is_kept(pair: Pair) -> None:
    pair.here.put("title", "what ops say")
    pair.there.put("title", "what dev says")
    pair.rounds()
    assert pair.there.open.title == pair.here.open.title == "what ops say"
    assert pair.conflicts() == [(ISSUE, "title", "what dev says", "what ops say")]
    found = explain(pair.loop, pair.here.open)
    assert any("what dev says" in entry.what for entry in found.journal)
    assert [entry.conflict.lost for entry in health(pair.loop).overruled] == ["what dev says"]


def test_an_edit_that_was_not_read_yet_is_not_reverted(pair: Pair) -> None:
    pair.here.put("priority", "1")
    pair.poll()
    pair.there.put("priority", "4")
    pair.deliver()
    assert pair.there.open.priority == 4, "the write was decided before, and does not reach over a person's word"
    pair.rounds()
    assert pair.here.open.priority == pair.there.open.priority == 4, "and this rule lets the issue say it"
    assert pair.conflicts() == [(INCIDENT, "priority", "1", "4")]


def test_newest_is_the_side_that_was_heard_of_last(pair: Pair) -> None:
    pair.here.put("state", "on_hold")
    pair.poll()
    pair.there.put("state", "done")
    pair.deliver()
    pair.rounds()
    assert (pair.here.open.state, pair.there.open.state) == ("resolved", "done")


def test_back_and_forth_is_written_each_time(pair: Pair) -> None:
    for title in ("one", "two", "one", "two"):
        pair.here.put("title", title)
        pair.rounds()
        assert pair.there.open.title == title
    assert pair.writes == 4


def test_a_priority_that_can_no_longer_be_seen_clears_nothing(pair: Pair) -> None:
    pair.here.now = replace(pair.here.open, priority=None)
    pair.here.put("title", "renamed")
    pair.rounds()
    assert (pair.there.open.title, pair.there.open.priority) == ("renamed", 2)


def test_two_robots_that_argue_are_held_back(pair: Pair) -> None:
    for number in range(20):
        pair.there.put("title", f"robot {number}")
        pair.rounds(2)
    assert pair.writes <= 6, "six writes of a field in ten minutes, and then it waits"
    pair.clock.sleep(601)
    pair.rounds()
    assert pair.here.open.title == "robot 19", "and the last word is not lost"


def test_what_is_refused_is_shown_and_not_repeated_until_something_changes(pair: Pair) -> None:
    calls = 0
    real = pair.there._one

    def refuse(delivery: Any) -> Any:
        from loopbot.domain.errors import Rejected

        nonlocal calls
        calls += 1
        return Rejected("jira", "no transition leads there", "possible are: none")

    pair.there._one = refuse  # type: ignore[method-assign]
    pair.here.put("state", "resolved")
    pair.rounds(5)
    assert calls == 1
    assert len(health(pair.loop).parked) == 1
    pair.there._one = real  # type: ignore[method-assign]
    pair.there.put("state", "done")
    pair.rounds()
    assert not health(pair.loop).parked, "somebody did it by hand: nothing is left to be done"
    assert pair.writes == 0


def test_the_preview_of_a_pair_is_what_is_written(pair: Pair) -> None:
    pair.here.put("title", "another title")
    foreseen = [effect.key for one in preview(pair.loop, [pair.here]).enacted for effect in one.new]  # type: ignore[list-item]
    pair.rounds()
    assert foreseen == pair.there.ledger[-1:]


def test_what_somebody_puts_back_after_a_lost_answer_is_heard(pair: Pair) -> None:
    pair.there.put("state", "in_progress")
    pair.poll()
    pair.here.mishaps.append("lost after")
    pair.deliver()
    pair.here.put("state", "new")
    pair.poll()
    pair.clock.sleep(31)
    reconcile(pair.loop, "servicenow")
    pair.rounds()
    assert (pair.here.open.state, pair.there.open.state) == ("new", "todo")
