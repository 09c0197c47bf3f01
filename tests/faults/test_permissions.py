"""A and S: what an account may no longer see, and systems that are configured otherwise than they were."""

import dataclasses
from typing import Any

import pytest

from loopbot.domain.errors import ConfigError
from loopbot.sandbox.jira.model import Move, Status, Workflow
from tests.faults.catalogue import fault
from tests.faults.ground import CASES, ISSUES, NOTES, POSTS, Ground, Running, judge

CLEARS = """
about = "Says when a ticket has no text."
on = "incident"
when = 'it.text == "" or it.reporter == null'
[[then]]
do = "comment"
internal = true
text = "This ticket says nothing."
"""


@fault("A1")
@pytest.mark.parametrize("name", ["description", "caller_id", "short_description", "priority", "state"])
def test_a_field_that_goes_missing_is_not_an_empty_one(ground: Ground, name: str) -> None:
    mara = ground.servicenow.insert(
        "sys_user", {"user_name": "mara", "name": "Mara", "email": "mara@northwind.example"}
    )
    key = ground.incident(description="It says 500.", caller_id=mara["sys_id"], impact="1", urgency="1")
    ground.rule("clears", CLEARS)
    with ground.running() as it:
        it.rest()
        with it.loop.store.read() as tx:
            (before,) = tx.mirror.find(key)
        ground.servicenow.hide_field("incident", name)
        it.clock.sleep(60)
        ground.servicenow.update("incident", key, {"work_notes": "Anything new?"})
        it.rest()
        with it.loop.store.read() as tx:
            (after,) = tx.mirror.find(key)
            told = [one.ident for one in tx.quarantined()] + [after.extra.get("unreadable", "")]
        assert (after.title, after.text, after.reporter) == (before.title, before.text, before.reporter)
        assert (after.state, getattr(after, "priority", None)) == (before.state, getattr(before, "priority", None))
        assert any(told), "it is shown"
        judge(ground, it)
    assert NOTES.count(ground, key) == 0


@fault("A3", "I7")
@pytest.mark.parametrize("query", ["u_nonsense=1", "active=true^u_nonsense=1", "active=true^ORpriorty=1"])
def test_a_filter_with_a_field_that_is_not_there_reads_nothing(ground: Ground, query: str) -> None:
    keys = [ground.incident(f"Number {number}") for number in range(20)]
    settings = f'incidents = {{ table = "incident", query = "{query}" }}'
    with ground.running(NOTES, servicenow=settings) as it:
        done = it.read()
        assert isinstance(done.trouble, ConfigError)
        assert done.cycle.rows == 0
        assert any(one.level == "error" for one in it.here.connectors["servicenow"].check())
    assert ground.calls("servicenow", r"GET /api/now/table/incident$") <= 1
    assert [NOTES.count(ground, key) for key in keys] == [0] * 20


@fault("A3")
def test_rows_that_do_not_fit_the_filter_are_dropped_when_they_come(ground: Ground) -> None:
    """A query that is rewritten on the way, or a field that was removed since it was checked."""
    fits = ground.incident("urgent", category="software")
    other = ground.incident("not ours", category="hardware")
    settings = 'incidents = { table = "incident", query = "category=software" }'
    with ground.running(NOTES, servicenow=settings) as it:
        (source,) = [one for one in it.here.sources if one.stream == "servicenow:incident"]
        asked: Any = source
        ask = asked._ask
        asked._ask = lambda *given: _widened(asked, ask, *given)
        it.rest()
        judge(ground, it)
    assert [NOTES.count(ground, key) for key in (fits, other)] == [1, 0]


def _widened(source: Any, ask: Any, *given: Any) -> Any:
    """The instance answers with the whole table."""
    kept, source._filter = source._filter, type(source._filter)()
    try:
        return ask(*given)
    finally:
        source._filter = kept


SETS = """
about = "Marks each incident."
on = "incident"
[[then]]
do = "set"
fields = { u_seen = "yes" }
"""


@fault("S1", "I8")
@pytest.mark.parametrize("how", ["removed", "renamed"])
@pytest.mark.parametrize("when", ["before a start", "while at work"])
def test_a_field_that_is_gone_stops_what_needs_it_and_nothing_else(ground: Ground, how: str, when: str) -> None:
    ground.servicenow.add_field("incident", "u_seen", "string:40")
    ground.rule("sets", SETS)
    key = ground.incident()
    keys = [key]

    def goes() -> None:
        ground.servicenow.drop_field("incident", "u_seen")
        if how == "renamed":
            ground.servicenow.add_field("incident", "u_looked_at", "string:40")
        keys.extend([ground.incident("Another"), ground.incident("And one more")])

    with ground.running(NOTES) as it:
        it.rest()
        assert ground.servicenow.row("incident", key)["u_seen"] == "yes"
        if when == "while at work":
            goes()
            it.rest()
            _stopped(ground, it)
    if when == "before a start":
        goes()
        with ground.running(NOTES) as it:
            it.rest()
            _stopped(ground, it)
    assert [NOTES.count(ground, one) for one in keys] == [1, 1, 1]


def _stopped(ground: Ground, it: Running) -> None:
    judge(ground, it)
    parked = it.rows("parked")
    assert [row.effect.cause.rule for row in parked] == ["sets", "sets"]
    assert all("u_seen" in row.why for row in parked)


@fault("S1", "I8")
@pytest.mark.parametrize("kind", ["integer", "string:2"])
def test_a_field_whose_type_was_changed_is_not_taken_for_written(ground: Ground, kind: str) -> None:
    ground.servicenow.add_field("incident", "u_seen", "string:40")
    ground.rule("sets", SETS)
    first = ground.incident()
    with ground.running(NOTES) as it:
        it.rest()
        ground.servicenow.drop_field("incident", "u_seen")
        ground.servicenow.add_field("incident", "u_seen", kind)
        other = ground.incident("Another")
        it.rest()
        judge(ground, it)
        (parked,) = it.rows("parked")
        assert parked.effect.cause.rule == "sets"
        assert "u_seen" in parked.why
        assert ground.servicenow.row("incident", other)["u_seen"] != "yes"
    assert [NOTES.count(ground, one) for one in (first, other)] == [1, 1]


@fault("S1", "I8")
def test_a_choice_that_is_new_in_a_list_sets_aside_what_has_it_until_it_is_configured(ground: Ground) -> None:
    with ground.running(NOTES) as it:
        it.rest()
        ground.servicenow.add_choice("incident", "state", "15", "With the vendor")
        odd, plain = ground.incident("With somebody else", state="15"), ground.incident("As ever")
        it.rest()
        judge(ground, it)
        with it.loop.store.read() as tx:
            (aside,) = tx.quarantined()
        assert "15" in aside.why
        assert odd in str(aside)
        found = [one for one in it.here.connectors["servicenow"].check() if "15 (With the vendor)" in one.what]
        assert [one.level for one in found] == ["warning"]
    assert [NOTES.count(ground, one) for one in (odd, plain)] == [0, 1]
    states = (
        '1 = "new", 2 = "in_progress", 3 = "on_hold", 6 = "resolved", 7 = "closed", 8 = "cancelled", 15 = "on_hold"'
    )
    settings = f'incidents = {{ table = "incident", states = {{ {states} }} }}'
    with ground.running(NOTES, servicenow=settings) as it:
        it.pass_time(60)
        ground.servicenow.update("incident", odd, {"work_notes": "Any news?"})
        it.rest()
        judge(ground, it)
        assert not [one for one in it.here.connectors["servicenow"].check() if "15 (With the vendor)" in one.what]
        with it.loop.store.read() as tx:
            (record,) = tx.mirror.find(odd)
            assert (record.state, tx.quarantined()) == ("on_hold", [])
    assert [NOTES.count(ground, one) for one in (odd, plain)] == [1, 1]


@fault("S1")
def test_check_tells_of_a_configured_field_that_is_gone(ground: Ground) -> None:
    ground.servicenow.add_field("incident", "u_environment", "string:40")
    settings = 'incidents = { table = "incident", environment_field = "u_environment" }'
    with ground.running(NOTES, servicenow=settings) as it:
        assert not [one for one in it.here.connectors["servicenow"].check() if "u_environment" in one.what]
    ground.servicenow.drop_field("incident", "u_environment")
    with ground.running(NOTES, servicenow=settings) as it:
        found = [one for one in it.here.connectors["servicenow"].check() if "u_environment" in one.what]
        assert [one.level for one in found if one.level != "ok"] != []


TEAM = """
about = "Each issue has a team."
on = "issue"
[[then]]
do = "set"
fields = { Team = "Export" }
"""


@fault("S1", "I8")
def test_a_choice_of_jiras_that_is_gone_parks_what_would_choose_it_until_it_is_back(ground: Ground) -> None:
    ident = ground.jira.add_field("Team", "option", ("Export", "Checkout"))
    ground.rule("team", TEAM)
    ground.rule("for-jira", ISSUES.rule)
    first = ground.jira.create_issue("LOOP", "Issue 1").key
    with ground.running() as it:
        it.rest()
        assert ground.jira.issue(first).custom[ident] == "Export"
        ground.jira.set_options(ident, ("Checkout",))
        it.pass_time(60)
        second = ground.jira.create_issue("LOOP", "Issue 2").key
        key = ground.incident()
        it.rest()
        judge(ground, it)
        assert {row.effect.cause.rule for row in it.rows("parked")} == {"team"}
        assert all("Option value 'Export' is not valid" in row.why for row in it.rows("parked"))
        ground.jira.set_options(ident, ("Checkout", "Export"))
        _retried(it)
        assert ground.jira.issue(second).custom[ident] == "Export"
    assert ISSUES.count(ground, key) == 1, "the others go on"


@fault("S1", "I8")
def test_a_field_of_jiras_that_was_made_anew_is_found_by_its_name_without_a_restart(ground: Ground) -> None:
    old = ground.jira.add_field("Team", "option", ("Export",))
    ground.rule("team", TEAM)
    first = ground.jira.create_issue("LOOP", "Issue 1").key
    with ground.running() as it:
        it.rest()
        assert ground.jira.issue(first).custom[old] == "Export"
        ground.jira.drop_field(old)
        new = ground.jira.add_field("Team", "string")
        it.pass_time(60)
        second = ground.jira.create_issue("LOOP", "Issue 2").key
        it.rest()
        judge(ground, it)
        (parked,) = it.rows("parked")
        assert old in parked.why
        _retried(it)
        assert ground.jira.issue(second).custom == {new: "Export"}


def _retried(it: Running) -> None:
    for row in it.rows("parked"):
        with it.loop.store.write() as tx:
            tx.outbox.retry(row.effect.key, "it is there again")
    it.rest()
    judge(it.ground, it)
    assert it.rows("parked") == []


MOVES = """
about = "Finished work is done."
on = "issue"
[[then]]
do = "transition"
to = "done"
"""


@fault("S2", "I8")
def test_a_transition_that_is_gone_is_parked_with_those_that_are_possible(ground: Ground) -> None:
    ground.rule("moves", MOVES)
    for name in {one.name for one in ground.jira.project("LOOP").workflow.moves if one.target == "Done"}:
        ground.jira.remove_transition("LOOP", name)
    key = ground.jira.create_issue("LOOP", "An issue").key
    with ground.running() as it:
        it.rest()
        (parked,) = it.rows("parked")
        assert f"no transition brings {key} to done; possible are: " in parked.why
        assert "In Progress" in parked.why
    assert ground.entries("jira", "transition") == []


@fault("S2", "I8")
@pytest.mark.parametrize(("category", "read_as"), [("indeterminate", "in_progress"), ("undefined", "todo")])
def test_a_status_that_is_new_is_what_its_category_says(ground: Ground, category: str, read_as: str) -> None:
    """And what does not get on from there says where it could go instead."""
    key, other = (ground.jira.create_issue("LOOP", f"Issue {number}").key for number in (1, 2))
    with ground.running() as it:
        it.rest()
        flow = ground.jira.project("LOOP").workflow
        fresh: Any = Status("With the vendor", category)  # type: ignore[arg-type]
        moves = [dataclasses.replace(one, source=frozenset({"To Do", "In Progress"})) for one in flow.moves]
        back = Move("901", "Take it back", "In Progress", frozenset({fresh.name}))
        away = Move("902", "Give it away", fresh.name)
        ground.jira.set_workflow("LOOP", Workflow((*flow.statuses, fresh), (*moves, back, away)))
        it.pass_time(60)
        ground.jira.transition(key, fresh.name)
        ground.jira.edit(other, {"summary": "As ever"})
        it.rest()
        with it.loop.store.read() as tx:
            assert [one.title for one in tx.mirror.find(other)] == ["As ever"], "the rest flows"
            assert [one.state for one in tx.mirror.find(key)] == [read_as]
            assert tx.quarantined() == []
        assert not [one for one in it.here.connectors["jira"].check() if fresh.name in one.what]
    ground.rule("moves", MOVES)
    with ground.running() as it:
        it.pass_time(60)
        for one in (key, other):
            ground.jira.edit(one, {"description": "More of it"})
        it.rest()
        judge(ground, it)
        (parked,) = it.rows("parked")
        assert f"no transition brings {key} to done; possible are: " in parked.why
        assert "In Progress" in parked.why
    assert [one.key for one in ground.entries("jira", "transition")] == [other]


@fault("S3", "I7", "I8")
def test_a_field_that_becomes_required_costs_a_call_or_two_and_not_one_an_issue(ground: Ground) -> None:
    ground.jira.require("LOOP", "Bug", "description")
    for number in range(150):
        ground.incident(f"Number {number} fails")
    unbounded = dataclasses.replace(ISSUES, rule=ISSUES.rule.replace('on = "', 'limit = 1000\non = "'))
    with ground.running(unbounded) as it:
        it.rest()
        judge(ground, it)
        assert ground.calls("jira", "POST /rest/api/3/issue") == 1
        assert it.states() == {"parked": 50, "held": 100}
        assert all("description" in row.why for row in it.rows("parked", "held"))
        ground.jira._change_project("LOOP", required=frozenset())
        for row in it.rows("parked", "held"):
            with it.loop.store.write() as tx:
                tx.outbox.retry(row.effect.key, "the field is not required any more")
        it.rest()
        assert it.states() == {"settled": 150}
        key = ground.incident("And a new one")
        it.rest()
        judge(ground, it)
    assert ISSUES.count(ground, key) == 1


@fault("S3", "I7")
def test_a_channel_that_is_gone_is_not_tried_for_every_message(ground: Ground) -> None:
    ground.slack.archive("support")
    for number in range(60):
        ground.incident(f"Number {number} fails")
    with ground.running(*CASES) as it:
        it.rest()
        judge(ground, it)
        parked = [row for row in it.rows("parked") if row.effect.system == "slack"]
        assert len(parked) <= 20
        assert ground.calls("slack", r"chat\.postMessage") <= 20
    assert len(ground.entries("jira", "create")) == 60
    assert POSTS.system == "slack"
