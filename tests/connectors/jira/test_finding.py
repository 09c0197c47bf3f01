"""An effect whose answer was lost is found exactly, and never done twice."""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from connectors.jira.connector import Jira
from connectors.jira.opening import marker
from loopbot.domain.effects import Effect
from loopbot.domain.errors import Uncertain
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.sandbox.faults import Fault
from tests.connectors.contract import QuickClock
from tests.connectors.jira.conftest import Make
from tests.connectors.jira.effects import INCIDENT, comment, delivery, issue, link, opening, setting, transition
from tests.support.jira_site import Site

WRITE = r"^(POST|PUT) .*/(issue|comment|transitions|issueLink|remotelink|LOOP-1|issue/bulk)(\?.*)?$"


def lost(site: Site, connector: Jira, clock: QuickClock, effect: Effect) -> Delivery:
    """Send it, lose the answer."""
    site.twin.faults.add(Fault("lose_answer", WRITE))
    one = delivery(effect, clock.now())
    sink = connector.sink()
    assert sink is not None
    (answer,) = sink.apply([one])
    assert isinstance(answer, Uncertain), answer
    return one


def find(connector: Jira, one: Delivery) -> Receipt | None:
    sink = connector.sink()
    assert sink is not None
    return sink.find(one)


def every_effect() -> list[Effect]:
    return [
        opening(),
        comment("LOOP-1", "a [text] with *marks*"),
        comment("LOOP-1", "hello", "public"),
        transition("LOOP-1", "done"),
        setting("LOOP-1", ("summary", "another"), ("description", "some {text}")),
        link(issue("LOOP-1"), "duplicates", issue("LOOP-2")),
        link(issue("LOOP-1"), "fixes", INCIDENT, "T", "https://sn.example/1"),
    ]


@pytest.mark.parametrize("number", range(7))
def test_what_was_done_is_found_and_is_there_once(site: Site, make: Make, clock: QuickClock, number: int) -> None:
    site.twin.create_issue("LOOP", "one")
    site.twin.create_issue("LOOP", "two")
    connector, effect = make(site), every_effect()[number]

    found = find(connector, lost(site, connector, clock, effect))

    assert found is not None
    assert found.key == effect.key
    (entry,) = site.ledger.entries("jira")
    assert found.ref.key == entry.key or entry.kind == "issuelink"
    assert found.ref.kind == "issue"


@pytest.mark.parametrize("number", range(7))
def test_what_was_not_done_is_missing(site: Site, make: Make, clock: QuickClock, number: int) -> None:
    site.twin.create_issue("LOOP", "one")
    site.twin.create_issue("LOOP", "two")
    assert find(make(site), delivery(every_effect()[number], clock.now())) is None


def test_an_issue_is_found_while_the_index_does_not_know_it(site: Site, make: Make, clock: QuickClock) -> None:
    for number in range(3):
        site.twin.create_issue("LOOP", f"issue {number}")
    site.twin.index_lag = 300
    connector = make(site)
    one = lost(site, connector, clock, opening())

    found = find(connector, one)

    assert found is not None
    assert found.ref.key == "LOOP-4"


def test_an_issue_is_found_although_the_index_knows_later_ones(cloud: Site, make: Make, clock: QuickClock) -> None:
    cloud.twin.create_issue("LOOP", "old")
    connector = make(cloud)
    cloud.twin.index_lag = 300
    one = lost(cloud, connector, clock, opening())
    cloud.twin.index_lag = 0
    for number in range(150):
        cloud.twin.create_issue("LOOP", f"later {number}")

    found = find(connector, one)

    assert found is not None
    assert found.ref.key == "LOOP-2"


def test_an_issue_is_found_by_its_property_when_someone_removed_the_label(
    marked: Site, make: Make, clock: QuickClock
) -> None:
    connector = make(marked)
    marked.twin.create_issue("LOOP", "old")
    one = lost(marked, connector, clock, opening())
    marked.twin.index_lag = 300
    marked.twin.edit("LOOP-2", {"labels": []})

    assert find(connector, one) is not None


@pytest.fixture
def marked(site: Site) -> Site:
    return site


def test_a_bulk_whose_answer_was_lost_is_found_one_by_one(site: Site, make: Make, clock: QuickClock) -> None:
    connector = make(site)
    sink = connector.sink()
    assert sink is not None
    site.twin.faults.add(Fault("lose_answer", "/issue/bulk"))
    sent = [
        delivery(opening(f"issue {number}", type="Nonsense" if number == 2 else None), clock.now())
        for number in range(5)
    ]
    sink.apply(sent)
    clock.slept += 90

    found = [find(connector, one) for one in sent]

    assert found[2] is None
    for one, answer in zip(sent, found, strict=True):
        if answer is not None:
            assert marker(one.effect.key) in site.twin.issue(answer.ref.key).labels
    assert len(site.ledger.entries("jira", "create")) == 4


def test_the_same_words_of_someone_else_are_not_taken_for_ours(site: Site, make: Make, clock: QuickClock) -> None:
    site.twin.create_issue("LOOP", "one")
    connector = make(site)
    sink = connector.sink()
    assert sink is not None
    sink.apply([delivery(comment("LOOP-1", "the same words"))])
    other = delivery(comment("LOOP-1", "the same words"), clock.now())
    clock.slept += 61

    assert find(connector, other) is None


def test_an_old_comment_is_found_behind_many_newer_ones(site: Site, make: Make, clock: QuickClock) -> None:
    site.twin.create_issue("LOOP", "one")
    connector = make(site)
    one = lost(site, connector, clock, comment("LOOP-1", "ours"))
    for number in range(130):
        site.twin.comment("LOOP-1", f"chatter {number}")

    assert find(connector, one) is not None


def test_a_transition_that_someone_moved_on_is_not_done_again(site: Site, make: Make, clock: QuickClock) -> None:
    site.twin.create_issue("LOOP", "one")
    connector = make(site)
    one = lost(site, connector, clock, transition("LOOP-1", "in_review"))
    site.twin.transition("LOOP-1", "Done")
    clock.slept += 61

    assert find(connector, one) is not None


def test_a_transition_of_long_ago_is_not_taken_for_this_one(site: Site, make: Make, clock: QuickClock) -> None:
    now = clock.now()
    site.twin._site.now = lambda: now - timedelta(days=1)
    site.twin.create_issue("LOOP", "one")
    site.twin.transition("LOOP-1", "Done")
    site.twin.transition("LOOP-1", "To Do")
    one = replace(delivery(transition("LOOP-1", "done")), sent_at=now)
    clock.slept += 61

    assert find(make(site), one) is None


@pytest.mark.parametrize(("minutes_ago", "there"), [(1, True), (30, False)])
def test_without_properties_a_comment_is_told_by_its_words_since_the_sending(
    site: Site, make: Make, clock: QuickClock, minutes_ago: int, there: bool
) -> None:
    site.twin.create_issue("LOOP", "one")
    created = (clock.now() - timedelta(minutes=minutes_ago)).isoformat()
    body = {"total": 1, "comments": [{"id": "7", "created": created, "body": "the same words"}]}
    one = delivery(comment("LOOP-1", "the same words"), clock.now() - timedelta(minutes=2))
    site.twin.faults.add(Fault("body", "GET .*/comment", status=200, body=orjson.dumps(body)))

    found = find(make(site), one)

    assert (found is not None) == there


def test_issues_that_moved_away_do_not_hide_the_one_looked_for(site: Site, make: Make, clock: QuickClock) -> None:
    site.twin.add_project("OPS")
    for number in range(400):
        site.twin.create_issue("OPS", f"issue {number}")
    site.twin.create_issue("LOOP", "one")
    connector = make(site)
    site.twin.index_lag = 300
    site.twin.create_issue("LOOP", "moved")
    site.twin.move("LOOP-2", "OPS")
    one = lost(site, connector, clock, opening())

    found = find(connector, one)

    assert found is not None
    assert found.ref.key == "LOOP-3"


def test_an_issue_is_found_far_behind_what_the_index_knows(cloud: Site, make: Make, clock: QuickClock) -> None:
    cloud.twin.create_issue("LOOP", "known")
    connector = make(cloud)
    cloud.twin.index_lag = 300
    for number in range(220):
        cloud.twin.create_issue("LOOP", f"unknown {number}")
    one = lost(cloud, connector, clock, opening())

    found = find(connector, one)

    assert found is not None
    assert found.ref.key == "LOOP-222"
