from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from loopbot.domain.records import Feedback, Incident, Involved, Issue, Link, Person, Problem, Record, Ref
from loopbot.judgement.priority import Priority, Weights, evidence
from loopbot.language.scene import Scene

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ITEM = Ref("jira", "issue", "LOOP-1")
PROBLEM = Ref("servicenow", "problem", "PRB1")


def item(**more: object) -> Issue:
    made = Issue(
        ref=ITEM, ident="1", title="Export hangs", state="todo", updated_at=NOW, opened_at=NOW - timedelta(days=3)
    )
    return replace(made, **more)  # type: ignore[arg-type]


def incident(key: str, days: float, email: str, priority: int | None = 3) -> Incident:
    person = Involved("reporter", Person("servicenow", email, email, email))
    at = NOW - timedelta(days=days)
    ref = Ref("servicenow", "incident", key)
    return Incident(
        ref=ref, ident=key, title=key, state="new", updated_at=at, opened_at=at, people=(person,), priority=priority
    )


def said(key: str, email: str) -> Feedback:
    person = Involved("reporter", Person("slack", email, email, email))
    return Feedback(
        ref=Ref("slack", "feedback", key), ident=key, title=key, state="new", updated_at=NOW, people=(person,)
    )


def scene(*records: Record, links: tuple[Link, ...] = ()) -> Scene:
    return Scene(NOW, {one.ref: one for one in records}, links)


def problem() -> Problem:
    return Problem(ref=PROBLEM, ident="2", title="Export", state="new", updated_at=NOW, opened_at=NOW)


def test_everybody_behind_an_item_is_kept_once_whatever_the_way_to_them() -> None:
    first, second = incident("INC1", 40, "ann@acme.example"), incident("INC2", 2, "ANN@acme.example", 1)
    wish = said("FB1", "bob@other.example")
    links = (
        Link(ITEM, "fixes", PROBLEM),
        Link(PROBLEM, "problem_of", first.ref),
        Link(PROBLEM, "problem_of", second.ref),
        Link(ITEM, "fixes", wish.ref),
        Link(ITEM, "fixes", first.ref),
    )

    known = evidence(item(), scene(item(), problem(), first, second, wish, links=links))

    assert [one.email for one in known.people] == ["ANN@acme.example", "bob@other.example"] or len(known.people) == 2
    assert known.accounts == ("acme.example", "other.example")
    assert (known.incidents, known.votes, known.severity) == (2, 2, 1)
    assert known.since == NOW - timedelta(days=40)


def test_what_another_item_fixes_is_not_counted_here() -> None:
    shared, other = incident("INC1", 1, "ann@acme.example"), Ref("jira", "issue", "LOOP-2")
    theirs = incident("INC2", 1, "bob@acme.example")
    links = (Link(ITEM, "fixes", shared.ref), Link(other, "fixes", shared.ref), Link(other, "fixes", theirs.ref))

    known = evidence(item(), scene(item(), item(ref=other), shared, theirs, links=links))

    assert known.incidents == 1


def test_more_of_anything_never_weighs_less_and_the_number_stays_within_100() -> None:
    many = [incident(f"INC{n}", n % 10, f"p{n}@c{n % 7}.example", 1) for n in range(60)]
    links = tuple(Link(ITEM, "fixes", one.ref) for one in many)
    values = [
        Priority().weigh(item(), scene(item(), *many[:count], links=links[:count])).value or 0.0
        for count in (0, 1, 2, 5, 20, 60)
    ]

    assert values == sorted(values)
    assert 0 < values[1] < values[-1] <= 100


def test_each_part_is_said_in_words_with_its_points() -> None:
    ones = [incident(f"INC{n}", n, f"p{n}@acme.example", 2) for n in range(1, 4)]
    links = tuple(Link(ITEM, "fixes", one.ref) for one in ones)
    weight = Priority().weigh(item(), scene(item(), *ones, links=links))

    assert weight.because[0] == "priority 2 at worst (+16)"
    assert "3 people (+14)" in weight.because
    assert "3 incidents (+9)" in weight.because
    assert "growing: 3 in the last 14 days, 0 before (+10)" in weight.because


def test_weights_of_the_configuration_decide_what_counts() -> None:
    one = incident("INC1", 1, "ann@acme.example", 1)
    world = scene(item(), one, links=(Link(ITEM, "fixes", one.ref),))
    alone = Weights(people=0, accounts=0, incidents=0, severity=10, age=0, trend=0)

    assert Priority(alone).weigh(item(), world).value == 100.0
    nothing = Weights(people=0, accounts=0, incidents=0, severity=0, age=0, trend=0)
    assert Priority(nothing).weigh(item(), world).value == 0.0


def test_votes_of_the_tracker_count_where_there_are_more_of_them() -> None:
    assert evidence(item(extra={"votes": "17"}), scene(item())).votes == 17
    assert evidence(item(extra={"votes": "many"}), scene(item())).votes == 0


def test_those_that_are_not_linked_yet_count_where_they_are_named() -> None:
    first, second = incident("INC1", 1, "ann@acme.example"), incident("INC2", 2, "bob@acme.example")

    assert evidence(first, scene(first, second), [second]).incidents == 2


@pytest.mark.parametrize("relation", ["duplicates", "fixes"])
def test_circles_of_links_end(relation: str) -> None:
    one, two = incident("INC1", 1, "ann@acme.example"), incident("INC2", 2, "bob@acme.example")
    links = (Link(one.ref, relation, two.ref), Link(two.ref, relation, one.ref))  # type: ignore[arg-type]

    assert evidence(one, scene(one, two, links=links)).incidents == 2
