"""L: records that are deleted, moved, archived or merged while loopbot has something to do with them."""

import pytest

from tests.faults.catalogue import fault
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
