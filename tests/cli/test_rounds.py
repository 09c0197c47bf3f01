"""`once` and `plan`, as somebody meets them who tries loopbot on real systems for the first time."""

from pathlib import Path

import pytest

from loopbot.sandbox.faults import Fault
from tests.support.dumps import dumped
from tests.support.town import ITEM, NOTE, SHOUT, Doors, Town, town_in


def three_rules(town: Town) -> None:
    town.rule("note", NOTE)
    town.rule("item", ITEM)
    town.rule("shout", SHOUT)
    town.company.say("ines.moreau", "A spreadsheet, please", "CSV always asks me about separators.", "feature")
    town.company.change("Order export reads in pages", "1,000 rows a page", "Order Export", minutes_ago=35)


def keys_of(plan: object) -> set[str]:
    return {effect["key"] for one in plan["plans"] for effect in one["effects"]}  # type: ignore[index]


def test_a_plan_names_exactly_what_the_round_then_writes_and_writes_nothing_anywhere(town: Town) -> None:
    three_rules(town)
    town.says("outbox", "list")  # the store, with its tables
    before, writes = dumped(town.folder / "loopbot.db"), len(town.estate.ledger.entries())
    plan = town.says("plan", "--json")
    assert plan.code == 0
    assert dumped(town.folder / "loopbot.db") == before
    assert len(town.estate.ledger.entries()) == writes
    assert town.says("once").code == 0
    effects = {one["key"]: one for one in town.says("outbox", "list", "--json").json["effects"]}
    assert set(effects) == keys_of(plan.json)
    assert {one["state"] for one in effects.values()} == {"settled"}
    mine = town.estate.ledger.entries()[writes:]
    assert sorted((one.system, one.action) for one in mine) == sorted(
        [("servicenow", "work_note")] * 6 + [("jira", "create"), ("slack", "post")]
    )


def test_a_round_says_what_was_counted_there_and_here_and_names_a_difference(town: Town) -> None:
    town.estate.servicenow.hide_row("incident", "INC0010003")
    said = town.says("once").out.splitlines()
    assert said[0].split()[:3] == ["stream", "there", "seen"]
    line = next(one for one in said if one.startswith("servicenow:incident "))
    assert line.split()[1:3] == ["6", "5"]
    assert next(one for one in said if one.startswith("jira:release ")).split()[1] == "?"
    (difference,) = (one for one in said if one.startswith("servicenow:incident: "))
    assert "6 fit there, 5 read, 5 mirrored: 1 counted there, and not shown" in difference
    again = {one["stream"]: one for one in town.says("once", "--json").json["streams"]}
    assert "fit there" in again["servicenow:incident"]["statement"]


def test_a_process_that_is_started_anew_knows_how_many_calls_of_the_hour_are_left(town: Town) -> None:
    town.change(('type = "servicenow"', 'type = "servicenow"\ncalls_per_hour = 25'))
    rounds = [town.says("once").out for _ in range(6)]
    assert town.estate.ledger.calls("servicenow") <= 25
    assert "servicenow:incident was not read to its end" not in rounds[0]
    assert "servicenow:incident was not read to its end" in rounds[-1]
    assert "waits" in rounds[-1]
    assert "0 of our 25 calls left this hour" in town.says("check").out
    assert town.estate.ledger.calls("servicenow") <= 25


def test_what_follows_from_a_planned_ticket_is_all_that_a_plan_does_not_name(doors: Doors, tmp_path: Path) -> None:
    with town_in(doors, tmp_path, starter=True) as town:
        company = town.company
        company.change("Order export reads in pages", "1,000 rows a page", "Order Export", minutes_ago=35)
        for who, title, minutes in (
            ("mara.lindqvist", "Order export stops after 1,000 rows", 14),
            ("jonas.weber", "The order export is cut off after 1,000 rows", 12),
            ("aiko.tanaka", "Export of orders incomplete, only 1,000 rows", 11),
        ):
            company.report(who, title, "The export stops after 1,000 orders.", "Order Export", minutes_ago=minutes)
        planned = keys_of(town.says("plan", "--json").json)
        assert planned
        assert town.says("once").code == 0
        effects = {one["key"]: one for one in town.says("outbox", "list", "--json").json["effects"]}
        assert planned <= set(effects)
        opened = {one["receipt"] for one in effects.values() if one["verb"] == "open"}
        assert {one["subject"] for key, one in effects.items() if key not in planned} <= opened


def test_a_second_round_plans_nothing_and_writes_nothing(town: Town) -> None:
    three_rules(town)
    first = town.says("once", "--json")
    assert {name: one["settled"] for name, one in first.json["systems"].items()} == {
        "servicenow": 6,
        "jira": 1,
        "slack": 1,
    }
    assert {one["stream"] for one in first.json["streams"]} >= {
        "servicenow:incident",
        "jira:issue",
        "github:deployment",
    }
    writes = len(town.estate.ledger.entries())
    assert "Nothing would be written" in town.says("plan").out
    second = town.says("once", "--json")
    assert sum(one["planned"] for one in second.json["streams"]) == 0
    assert sum(one["settled"] for one in second.json["systems"].values()) == 0
    assert len(town.estate.ledger.entries()) == writes


def test_a_round_prints_a_line_for_each_stream_and_what_went_out(town: Town) -> None:
    three_rules(town)
    said = town.says("once")
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[0].split() == ["stream", "there", "seen", "new", "changed", "set", "aside", "planned"]
    numbers = next(line.split() for line in lines if line.startswith("servicenow:incident "))
    assert numbers == ["servicenow:incident", "6", "6", "6", "0", "0", "6"]
    assert lines[-3:] == ["jira: 1 effect delivered", "servicenow: 6 effects delivered", "slack: 1 effect delivered"]
    assert all(line == line.rstrip() for line in lines)


def test_a_local_plan_judges_what_is_mirrored_and_calls_nobody(town: Town) -> None:
    town.says("once")
    three_rules(town)
    calls = town.estate.ledger.calls()
    said = town.says("plan", "--local")
    assert "6 writes by 1 rule, judging what is mirrored. Nothing was sent." in said.out
    assert "Seen: Stock of green tea shows -4" in said.out
    assert town.estate.ledger.calls() == calls


def test_one_system_that_is_down_does_not_keep_the_others_from_their_round(town: Town) -> None:
    three_rules(town)
    town.estate.jira.faults.add(Fault("refuse", "/search", times=50))
    said = town.says("once")
    assert said.code == 1
    assert "jira:issue was not read to its end: jira: " in said.out
    assert len(town.notes) == 6
    planned = town.says("plan", "--json")
    assert planned.code == 1
    assert [one.partition(":")[0] for one in planned.json["not_read"]] == ["jira"]


def test_what_waits_for_another_system_goes_out_in_the_same_round(town: Town) -> None:
    town.rule(
        "both",
        ITEM.replace('do = "open"', 'do = "open"\nas = "item"')
        + '[[then]]\ndo = "comment"\ninternal = true\ntext = "It is {item.key}"\n',
    )
    town.company.say("ines.moreau", "A spreadsheet, please", "CSV asks", "feature")
    assert town.says("once").code == 0
    (issue,) = town.estate.ledger.entries("jira", "create")
    assert town.notes == [f"It is {issue.key}"]


@pytest.mark.parametrize("columns", ["", "80", "120"])
def test_no_key_is_ever_cut(town: Town, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    three_rules(town)
    town.says("once")
    keys = [one["key"] for one in town.says("outbox", "list", "--json").json["effects"]]
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    else:
        monkeypatch.delenv("COLUMNS", raising=False)
    said = town.says("outbox", "list")
    assert [line[:8] for line in said.out.splitlines() if line[:8] in {key[:8] for key in keys}] == [
        k[:8] for k in keys
    ]
    assert "…" not in "".join(line[:60] for line in said.out.splitlines())
    assert "\x1b" not in said.out
    if columns:
        assert max(map(len, said.out.splitlines())) <= int(columns)
    else:
        assert len(said.out.splitlines()) == len(keys) + 1, "into a pipe: a line an effect, for grep"
