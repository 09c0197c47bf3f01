"""C2 at its narrowest: somebody writes between our reading of a row and our writing, when nothing can stop us any more."""

from collections.abc import Callable
from typing import Any

import pytest

from loopbot.ports import ConflictEntry
from tests.faults.catalogue import fault
from tests.faults.ground import Ground, judge
from tests.faults.test_rules import SETS

TITLES = SETS.replace('"incident"', '"issue"').replace('category = "software"', 'summary = "A better title"')
RESOLVES = """
about = "Every incident is resolved."
on = "incident"
[[then]]
do = "transition"
to = "resolved"
"""
FINISHES = RESOLVES.replace('"incident"', '"issue"').replace('to = "resolved"', 'to = "done"')


def in_the_moment(ground: Ground, system: str, *methods: str) -> Callable[[Callable[[], object]], list[str]]:
    """Do something once, when the first write is at the door: after the row was read, before it is changed."""
    door = ground.street.doors[system]
    inner, done = door.app, list[str]()

    def arrange(what: Callable[[], object]) -> list[str]:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            path = scope.get("path", "")
            if scope["type"] == "http" and scope["method"] in methods and "search" not in path and not done:
                done.append(path)
                what()
            await inner(scope, receive, send)

        door.app = app
        return done

    return arrange


def conflicts(it: Any) -> list[ConflictEntry]:
    with it.loop.store.read() as tx:
        return list(tx.agreements.conflicts())


def told(it: Any) -> list[tuple[str, str, str]]:
    return [(one.conflict.field, one.conflict.lost, one.conflict.kept) for one in conflicts(it)]


@fault("C2", "I5")
def test_what_a_person_writes_in_the_moment_of_our_write_is_kept_as_a_conflict(ground: Ground) -> None:
    key = ground.incident(category="hardware")
    ground.rule("sets", SETS)
    done = in_the_moment(ground, "servicenow", "PATCH")(
        lambda: ground.servicenow.update("incident", key, {"category": "network"}, actor="mara")
    )
    with ground.running() as it:
        it.rest()
        assert done
        assert told(it) == [("category", "network", "software")]
        (entry,) = conflicts(it)
        assert (entry.rule, entry.conflict.loser.key) == ("sets", key)
        with it.loop.store.read() as tx:
            journal = [one.what for one in tx.journal_of(entry.conflict.loser)]
        assert f"conflict: category of {key} said 'network', overruled by 'software'" in journal
        judge(ground, it)


@fault("C2", "I5")
@pytest.mark.parametrize("how", ["denied", "hidden", "silent"])
def test_where_the_history_can_not_be_read_it_is_shown_that_nobody_knows(ground: Ground, how: str) -> None:
    key = ground.incident(category="hardware")
    ground.rule("sets", SETS)
    if how == "denied":
        ground.servicenow.access.denied.add(("sys_audit", "read"))
    if how == "silent":
        ground.fault("servicenow", "status", "/table/sys_audit", status=503, times=100)

    def a_person_writes() -> None:
        ground.servicenow.update("incident", key, {"category": "network"}, actor="mara")
        for row in ground.servicenow.rows("sys_audit") if how == "hidden" else ():
            ground.servicenow.access.hidden_rows.add(row["sys_id"])

    in_the_moment(ground, "servicenow", "PATCH")(a_person_writes)
    with ground.running() as it:
        it.rest()
        assert told(it) == [("category", "", "software")]
        (entry,) = conflicts(it)
        with it.loop.store.read() as tx:
            (said,) = (one.what for one in tx.journal_of(entry.conflict.loser) if one.what.startswith("conflict"))
        assert "whether they had changed that, and to what, is not known" in said
        assert [row.state for row in it.rows()] == ["settled"], "the write is done all the same"


@fault("C2", "I5")
def test_a_person_who_writes_another_field_in_the_moment_loses_nothing_and_it_is_no_conflict(ground: Ground) -> None:
    key = ground.incident(category="hardware", description="As it was")
    ground.rule("sets", SETS)
    in_the_moment(ground, "servicenow", "PATCH")(
        lambda: ground.servicenow.update("incident", key, {"description": "As a person says"}, actor="mara")
    )
    with ground.running() as it:
        it.rest()
        assert told(it) == []
        (row,) = it.rows("settled")
        assert row.receipt is not None
        assert "same moment" in row.receipt.note
    seen = ground.servicenow.row("incident", key)
    assert (seen["category"], seen["description"]) == ("software", "As a person says")


@fault("C2", "I5")
def test_a_person_who_says_the_same_in_the_moment_is_no_conflict(ground: Ground) -> None:
    key = ground.incident(category="hardware")
    ground.rule("sets", SETS)
    in_the_moment(ground, "servicenow", "PATCH")(
        lambda: [
            ground.servicenow.update("incident", key, {"category": one}, actor="mara")
            for one in ("network", "software")
        ]
    )
    with ground.running() as it:
        it.rest()
        assert told(it) == []


@fault("C2", "I5")
def test_a_state_that_a_person_chose_in_the_moment_is_kept_as_a_conflict(ground: Ground) -> None:
    key = ground.incident()
    ground.rule("resolves", RESOLVES)
    in_the_moment(ground, "servicenow", "PATCH")(
        lambda: ground.servicenow.update("incident", key, {"state": "3", "hold_reason": "1"}, actor="mara")
    )
    with ground.running() as it:
        it.rest()
        assert ("state", "3", "6") in told(it)


@fault("C2", "I5")
def test_an_issue_that_a_person_edits_in_the_moment_of_our_write_is_a_conflict(ground: Ground) -> None:
    key = ground.jira.create_issue("LOOP", "As it was").key
    ground.rule("titles", TITLES)
    in_the_moment(ground, "jira", "PUT")(lambda: ground.jira.edit(key, {"summary": "As a person says"}, actor="admin"))
    with ground.running() as it:
        it.rest()
        assert told(it) == [("Summary", "As a person says", "A better title")]
        judge(ground, it)


@fault("C2", "I5")
def test_an_issue_of_which_a_person_edits_something_else_in_the_moment_is_no_conflict(ground: Ground) -> None:
    key = ground.jira.create_issue("LOOP", "As it was").key
    ground.rule("titles", TITLES)
    in_the_moment(ground, "jira", "PUT")(lambda: ground.jira.edit(key, {"labels": ["urgent"]}, actor="admin"))
    with ground.running() as it:
        it.rest()
        assert told(it) == []


@fault("C2", "I5")
def test_an_issue_that_a_person_moves_in_the_moment_of_our_transition_is_a_conflict(ground: Ground) -> None:
    key = ground.jira.create_issue("LOOP", "As it was").key
    ground.rule("finishes", FINISHES)

    def a_person_moves_it() -> None:
        ground.jira.transition(key, "In Review", actor="admin")

    done = in_the_moment(ground, "jira", "POST")(a_person_moves_it)
    with ground.running() as it:
        it.rest()
        assert done
        assert told(it) == [("status", "In Review", "done")]
