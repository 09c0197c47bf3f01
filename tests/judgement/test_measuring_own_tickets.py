"""Measuring recurrence on one's own history: what people linked is the known answer, what loopbot linked is not."""

from dataclasses import replace

import pytest

from loopbot.domain.records import Incident, Link
from loopbot.judgement import versions
from loopbot.judgement.evaluation import measure_mirror
from loopbot.judgement.evaluation.figures import Measured
from loopbot.judgement.evaluation.own_tickets import own_pools
from loopbot.judgement.recurrence import JUDGEMENT, PAIN
from loopbot.judgement.recurrence_answers import written
from loopbot.store import SqlStore
from tests.judgement.test_recurrence import DAY, ticket

WORDS = [f"word{letter}" for letter in "abcdefghijklmnop"]


def filed(number: int, minutes: float, title: str = "") -> Incident:
    """Tickets that say different things, the later ones with the smaller number of days."""
    return ticket(f"INC{number}", title or f"{WORDS[number % 16]} {WORDS[number // 16]} {number}x", minutes / DAY)


FIRST = [filed(number, 10_000 - number) for number in range(160)]
AGAIN = [filed(number + 500, 1_000 - number, f"Again: {FIRST[number].title}") for number in range(12)]


def measured(store: SqlStore, links: list[Link]) -> Measured:
    with store.write() as tx:
        tx.mirror.put([*FIRST, *AGAIN])
        tx.links.put(links)
    with store.read() as tx:
        (found,) = measure_mirror(["recurrence"], tx, lambda _: None)
    return found


def same(number: int, by: str) -> Link:
    return Link(AGAIN[number].ref, "duplicates", FIRST[number].ref, by=by)


def test_what_people_and_systems_linked_is_found_again_and_a_bar_is_told(store: SqlStore) -> None:
    by = ("person:mara", "system:servicenow")
    found = measured(store, [same(number, by[number % 2]) for number in range(12)])
    figures = {one.name: one for one in found.figures}
    assert figures["recurrence.recall_at_1"].value == 1.0
    assert figures["recurrence.recall_at_1"].note == "12 tickets of 1 projects"
    assert figures["recurrence.recall_at_10"].goal is None
    assert figures["recurrence.recall_at_10"].baseline == 1.0
    (advice,) = found.advice
    assert advice.setting.startswith("repeat.alike = 0.")
    assert "12 of 12 incidents" in advice.why


def test_the_bar_of_repeat_is_read_off_the_weights_that_judge_here(store: SqlStore) -> None:
    links = [same(number, "person:mara") for number in range(12)]
    shipped = measured(store, links)
    with store.write() as tx:
        humbler = replace(PAIN, base=PAIN.base - 3)
        versions.keep(tx, JUDGEMENT, versions.Learnt("humbler", "2026-03-01T00:00:00+00:00", 40), written(humbler))
        versions.use(tx, JUDGEMENT, "humbler")
    learnt = measured(store, links)
    assert learnt.advice[0].setting < shipped.advice[0].setting
    name = "recurrence.repeat_calibration_error"
    errors = [next(one.value for one in found.figures if one.name == name) for found in (shipped, learnt)]
    assert errors[0] != errors[1]


def test_what_a_rule_linked_is_no_answer(store: SqlStore) -> None:
    found = measured(store, [same(number, "person:mara" if number < 3 else "rule:merge") for number in range(12)])
    assert not found.figures
    assert found.why_not.startswith("3 incidents here repeat an earlier one")


@pytest.mark.parametrize("by", ["person:mara", "rule:merge"])
def test_who_repeats_what_is_not_here_is_not_counted_as_unrelated(store: SqlStore, by: str) -> None:
    gone = filed(900, 0, "Gone").ref
    measured(store, [Link(FIRST[7].ref, "duplicates", gone, by=by)])
    with store.read() as tx:
        (pool,) = own_pools(tx)
    assert pool.repeating == ({FIRST[7].ref} if by.startswith("person") else set())
