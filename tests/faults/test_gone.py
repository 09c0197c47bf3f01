"""L: records that are deleted, moved, archived or merged while loopbot has something to do with them."""

from dataclasses import replace

import pytest

from tests.faults.catalogue import fault
from tests.faults.conftest import both_stores
from tests.faults.ground import CASES, ISSUES, NOTES, Case, Ground, judge

DAY = 86_400.0


@fault("L1", "I1")
@pytest.mark.parametrize("how", ["deleted", "archived", "moved", "concealed"])
def test_an_issue_that_went_away_is_not_opened_again(ground: Ground, how: str) -> None:
    ground.jira.add_project("OPS", "Operations")
    keys = [ground.incident(f"Number {number} fails") for number in range(12)]
    with ground.running(ISSUES) as it:
        it.rest()
        it.turn()
        first = ground.jira.issues("LOOP")[0].key
        if how == "deleted":
            ground.jira.delete(first)
        elif how == "archived":
            ground.jira.archive(first)
        elif how == "moved":
            ground.jira.move(first, "OPS")
        else:
            ground.jira.conceal(first)
        for _ in range(3):
            it.pass_time(DAY)
            it.turn()
            it.read("jira:issue", sweep=True)
            it.read(sweep=True)
            for number, key in enumerate(keys):
                ground.servicenow.update("incident", key, {"description": f"More, {number}"})
            it.rest()
        judge(ground, it)
    assert [ISSUES.count(ground, key) for key in keys] == [1] * 12


@fault("L2", "I8")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_incident_that_was_deleted_meanwhile_stops_nothing(ground: Ground, case: Case) -> None:
    keys = [ground.incident(f"Number {number} fails") for number in range(3)]
    with ground.running(case) as it:
        it.read()
        ground.servicenow.delete("incident", keys[1])
        it.rest()
        judge(ground, it)
        if case is NOTES:
            assert [row.effect.cause.subject.key for row in it.rows("parked")] == [keys[1]]
        it.pass_time(DAY)
        it.read(sweep=True)
        it.rest()
        judge(ground, it)
    assert [case.count(ground, key) for key in (keys[0], keys[2])] == [1, 1]


LINKED = """
[[then]]
do = "link"
relation = "fixes"
from = "issue"
to = "it"
"""


@fault("L2", "I8")
@both_stores
def test_of_an_incident_that_was_deleted_its_issue_is_told_once(ground: Ground) -> None:
    linked = replace(ISSUES, rule=ISSUES.rule.replace('kind = "issue"', 'kind = "issue"\nas = "issue"') + LINKED)
    with ground.running(linked) as it:
        it.turn()
        keys = [ground.incident(f"Number {number} fails") for number in range(4)]
        it.rest()
        its_issue = next(one.key for one in ground.jira.issues("LOOP") if keys[1] in one.summary)
        ground.servicenow.delete("incident", keys[1])
        ground.fault("jira", "lose_answer", "POST .*/comment")
        for _ in range(3):
            it.pass_time(DAY)
            it.read(sweep=True)
            it.rest()
        judge(ground, it)
    with ground.running(linked) as it:
        it.pass_time(DAY)
        it.read(sweep=True)
        it.rest()
        judge(ground, it)
        with it.loop.store.read() as tx:
            assert [one.ref.key for one in tx.mirror.all("incident")] == [keys[0], *keys[2:]]
    (note,) = ground.entries("jira", "comment")
    assert note.key == its_issue
    assert keys[1] in str(note.payload)
    assert "was deleted in servicenow" in str(note.payload)


PAIRED = """
about = "An incident has an issue that says the same."
on = "incident"
[[then]]
do = "mirror"
system = "jira"
into = "issue"
place = "LOOP"
fields = { title = "it", state = "it" }
"""


@fault("L2", "I4")
def test_an_incident_that_was_merged_into_another_closes_its_issue_once(ground: Ground) -> None:
    """As ServiceNow merges: the one is cancelled as the child of the other, which goes on."""
    ground.rule("paired", PAIRED)
    with ground.running() as it:
        it.turn()
        kept, merged = ground.incident("The export fails"), ground.incident("Export does not work")
        it.rest()
        issues = {one.summary: one.key for one in ground.jira.issues("LOOP")}
        parent = ground.servicenow.row("incident", kept)["sys_id"]
        it.pass_time(60)
        ground.servicenow.update("incident", merged, {"state": "8", "parent_incident": parent}, actor="mara")
        ground.fault("jira", "lose_answer", "POST .*/transitions")
        for _ in range(3):
            it.rest()
            it.pass_time(DAY)
            it.read(sweep=True)
        judge(ground, it)
        assert it.states() == {"settled": len(it.rows())}
    (moved,) = ground.entries("jira", "transition")
    assert moved.key == issues["Export does not work"]
    assert ground.servicenow.row("incident", merged)["state"] == "8", "and nothing brings it back"
    assert [one.status for one in ground.jira.issues("LOOP") if one.key == issues["The export fails"]] == ["To Do"]
