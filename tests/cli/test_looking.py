"""`explain`, `outbox` and `check`: what somebody sees who looks for what happened, and decides about what is stuck."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from loopbot.sandbox.faults import Fault
from loopbot.store import open_store
from loopbot.wiring import starter_rules
from tests.support.town import ITEM, NOTE, SHOUT, Doors, Town, town_in


@pytest.fixture(scope="module")
def settled(doors: Doors, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town after its first round, for tests that only look. The twins may be gone already: looking needs none."""
    folder = tmp_path_factory.mktemp("settled")
    with town_in(doors, folder) as town:
        town.rule("note", NOTE)
        town.rule("item", ITEM)
        town.company.say("ines.moreau", "A spreadsheet, please", "CSV asks", "feature")
        # A second Jira that mirrors the same project: its issues have the same keys.
        section = (
            town.config.read_text(encoding="utf-8").partition("[systems.jira]")[2].partition("[systems.github]")[0]
        )
        with town.config.open("a", encoding="utf-8") as file:
            file.write(f"\n[systems.jira2]{section}")
        assert town.says("once").code == 0
        yield town


def test_explain_says_what_each_rule_sees_and_what_came_of_it(settled: Town) -> None:
    said = settled.says("explain", "INC0010001")
    assert said.code == 0
    for words in (
        "servicenow:incident:INC0010001  Label printer in hall 2 prints blank pages",
        "note",
        "settled   servicenow: internal note on INC0010001: “Seen: Label printer in hall 2 prints blank pages”",
        "planned: comment in servicenow",
    ):
        assert words in said.out
    key = next(line.split()[0] for line in said.out.splitlines() if "settled" in line)
    assert settled.says("outbox", "show", key).code == 0, "what explain shows can be looked at further"


def test_explain_takes_a_key_in_any_case_or_the_whole_reference(settled: Town) -> None:
    whole = settled.says("explain", "servicenow:incident:INC0010001", "--json").json
    assert whole["record"] == "servicenow:incident:INC0010001"
    assert [one["rule"] for one in whole["rules"]] == ["note"]
    assert [one["state"] for one in whole["effects"]] == ["settled"]
    assert settled.says("explain", "inc0010001", "--json").json == whole


def test_explain_of_what_is_not_mirrored_or_of_several_says_what_to_type(settled: Town) -> None:
    said = settled.says("explain", "INC9999999")
    assert said.code == 2
    assert said.err.splitlines()[0] == "INC9999999: is not mirrored here"
    assert "loopbot once" in said.err
    said = settled.says("explain", "LOOP-1")
    assert said.code == 2
    assert "names several records" in said.err
    assert "jira:issue:LOOP-1, jira2:issue:LOOP-1" in said.err
    assert settled.says("explain", "jira2:issue:LOOP-1").code == 0


def test_outbox_show_tells_one_effect_whole(settled: Town) -> None:
    effects = settled.says("outbox", "list", "--json", "--system", "jira").json["effects"]
    (item,) = effects
    said = settled.says("outbox", "show", item["key"][:6])
    words = {
        line.partition("  ")[0].strip() or line.split("  ")[0]: line for line in map(str.strip, said.out.splitlines())
    }
    assert item["key"] in words["effect"]
    assert "A spreadsheet, please" in words["does"]
    assert "item, about servicenow:feedback:" in words["rule"]
    assert words["state"].endswith("settled")
    assert "jira:issue:LOOP-5" in words["became"]
    assert settled.says("outbox", "show", item["key"], "--json").json["receipt"] == "jira:issue:LOOP-5"


@pytest.mark.parametrize("command", ["show", "retry", "confirm", "drop"])
@pytest.mark.parametrize("key", ["zzzz", "ffffffffffffffffffffffffffffffffffff", "%", ""])
def test_a_key_of_no_effect_is_told(settled: Town, command: str, key: str) -> None:
    said = settled.says("outbox", command, key)
    assert (said.code, said.out) == (2, "")
    assert "is not the key of one effect" in said.err
    assert "loopbot outbox list" in said.err


@pytest.mark.parametrize("command", ["retry", "confirm", "drop"])
def test_what_is_done_can_not_be_decided_any_more(settled: Town, command: str) -> None:
    key = settled.says("outbox", "list", "--json").json["effects"][0]["key"]
    said = settled.says("outbox", command, key)
    assert said.code == 2
    assert said.err.splitlines()[0] == f"{key[:8]}: is settled: there is nothing to {command}"
    assert settled.says("outbox", "show", key, "--json").json["state"] == "settled"


def test_a_state_or_system_that_is_not_there_is_told(settled: Town) -> None:
    said = settled.says("outbox", "list", "--state", "lost")
    assert said.code == 2
    assert "one of: planned, sending, settled, uncertain, parked, held, shadow, dropped" in said.err
    assert settled.says("outbox", "list", "--state", "parked").out == "Nothing in the outbox is like that.\n"
    listed = settled.says("outbox", "list", "--state", "settled", "--limit", "2", "--json").json["effects"]
    assert [one["state"] for one in listed] == ["settled"] * 2


def one_effect(town: Town, *state: str) -> dict[str, Any]:
    (effect,) = town.says("outbox", "list", "--json", *(f"--state={one}" for one in state)).json["effects"]
    return dict(effect)


def test_a_refused_effect_is_shown_with_its_reason_and_sent_once_that_is_mended(town: Town) -> None:
    town.rule("shout", SHOUT.replace('"releases"', '"nowhere"'))
    town.company.change("Order export reads in pages", "x", "Order Export", minutes_ago=5)
    said = town.says("once")
    assert said.code == 1
    assert said.out.splitlines()[-2:] == ["slack: 1 refused", "See them with: loopbot outbox list"]
    effect = one_effect(town, "parked")
    assert "nowhere" in effect["why"]
    assert town.says("outbox", "list").out.splitlines()[1].startswith(f"{effect['key'][:8]}  parked")
    shown = town.says("outbox", "show", effect["key"]).out
    assert "mend the reason, then retry · drop: never send it" in shown
    checked = town.says("check")
    assert f"slack: {effect['key'][:8]} is parked: post to #nowhere" in checked.out
    assert f"→ loopbot outbox show {effect['key'][:8]}" in checked.out
    assert checked.code == 0, "what is stuck is something to look at, not a mistake"
    assert town.says("outbox", "confirm", effect["key"]).code == 2, "what was refused is not there"
    town.estate.slack.add_channel("nowhere")
    assert "will be sent" in town.says("outbox", "retry", effect["key"][:8], "--why", "made the channel").out
    assert town.says("once").code == 0
    (post,) = town.estate.ledger.entries("slack", "post")
    assert post.payload["text"] == "Changed: Order export reads in pages"


def test_a_lost_answer_is_uncertain_and_a_person_who_saw_it_confirms(town: Town) -> None:
    town.rule("shout", SHOUT)
    town.company.change("Order export reads in pages", "x", "Order Export", minutes_ago=5)
    town.estate.slack.faults.add(Fault("lose_answer", "chat.postMessage"))
    said = town.says("once")
    assert (said.code, "slack: 1 uncertain" in said.out) == (1, True)
    effect = one_effect(town, "uncertain")
    shown = town.says("outbox", "show", effect["key"]).out
    assert "confirm: it is there · retry: send it again" in shown
    assert "counts as done" in town.says("outbox", "confirm", effect["key"], "--why", "I see it").out
    shown = town.says("outbox", "show", effect["key"], "--json").json
    assert (shown["state"], shown["why"].endswith(": I see it")) == ("settled", True)
    assert town.says("once").code == 0
    assert len(town.estate.ledger.entries("slack", "post")) == 1


def test_a_rule_over_its_limit_holds_its_effects_until_a_person_decides(town: Town) -> None:
    town.rule("note", NOTE.replace('on = "incident"', 'on = "incident"\nlimit = 4'))
    plan = town.says("plan").out
    assert plan.count("[held, not sent]") == 2
    assert "4 writes by 1 rule" in plan
    assert town.says("once").code == 0
    assert len(town.notes) == 4
    first, second = town.says("outbox", "list", "--state", "held", "--json").json["effects"]
    assert "will never be sent" in town.says("outbox", "drop", first["key"]).out
    assert "will be sent" in town.says("outbox", "retry", second["key"]).out
    assert town.says("once").code == 0
    assert len(town.notes) == 5
    assert one_effect(town, "dropped")["key"] == first["key"]


def test_what_could_not_be_read_is_set_aside_and_shown(town: Town) -> None:
    row = town.estate.servicenow.row("incident", "INC0010003")
    town.estate.servicenow.update("incident", row["sys_id"], {"state": "77"})
    town.rule("note", NOTE)
    said = town.says("once")
    line = next(one for one in said.out.splitlines() if one.startswith("servicenow:incident"))
    assert line.split()[5] == "1", said.out
    listed = town.says("outbox", "list").out
    assert "Set aside, because they could not be processed (1 record):" in listed
    assert "77" in listed
    checked = town.says("check").out
    assert "is set aside: " in checked
    assert len(town.notes) == 5, "the others go on"


def test_check_of_a_healthy_town_names_every_system_and_finds_it_in_order(town: Town) -> None:
    town.rule("note", NOTE)
    town.says("once")
    said = town.says("check")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[:2] == [
        "    ok config.toml: is valid: 4 systems",
        f"    ok {town.rules}: 1 rule (1 live, 0 shadow, 0 off)",
    ]
    names = {line.split()[1].partition(":")[0] for line in lines[2:-2] if line.startswith(("    ok", "  look"))}
    assert names == {"servicenow", "jira", "github", "slack"}
    (incidents,) = (line for line in lines if "servicenow:incident: read " in line)
    assert incidents.endswith("6 seen, 6 new, 0 changed; 6 fit there, 6 read, 6 mirrored: none is missing")
    (releases,) = (line for line in lines if "jira:release: read " in line)
    assert "the system does not count them" in releases
    assert lines[-1].startswith("0 things wrong")
    findings = town.says("check", "--json").json
    assert {one["level"] for one in findings} <= {"ok", "warning"}


def test_check_warns_where_no_sweep_has_come_to_its_end_for_more_than_a_day(town: Town) -> None:
    town.says("once")
    assert "no sweep has come to its end" not in town.says("check").out, "it was first read a moment ago"
    with contextlib.closing(open_store(f"sqlite:///{town.folder / 'loopbot.db'}")) as store, store.write() as tx:
        long_ago = tx.now() - timedelta(hours=26)
        tx.remember("read-since:servicenow:incident", long_ago.isoformat())
    said = town.says("check").out
    assert "look servicenow:incident: no sweep has come to its end since it was first read 1 day ago" in said
    assert "→ loopbot sweep servicenow:incident" in said
    assert "jira:issue: no sweep" not in said
    town.says("sweep", "servicenow:incident")
    assert "no sweep has come to its end" not in town.says("check").out


def test_check_tells_what_is_wrong_with_each_system_and_goes_on(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    monkeypatch.setenv("WRONG", "wrong-token")
    folder = town.folder
    town.change(
        (f'token = "file:{folder / "github.secret"}"', 'token = "env:NOT_SET"'),
        (f'token = "file:{folder / "slack.secret"}"', 'token = "env:WRONG"'),
        (f'base_url = "{town.estate.urls["jira"]}"', 'base_url = "http://127.0.0.1:9"'),
    )
    said = town.says("check")
    assert said.code == 2, "a secret that is missing is a mistake in the files"
    wrong = [line.removeprefix(" WRONG ") for line in said.out.splitlines() if line.startswith(" WRONG")]
    assert wrong[0] == "config.toml, systems.github.token: env:NOT_SET: this environment variable is not set"
    assert sorted({line.split()[0].strip(":") for line in wrong[1:]}) == ["jira", "slack"]
    assert "ok servicenow: incident: 6 rows can be read" in said.out
    assert "wrong-token" not in said.out + said.err
    town.change(('token = "env:NOT_SET"', f'token = "file:{folder / "github.secret"}"'))
    assert town.says("check").code == 1, "trouble with a system"


def test_check_names_whom_a_rule_asks_where_nobody_is_named(town: Town) -> None:
    shipped = starter_rules() / "promote-recurring-incidents.toml"
    town.rule("promote", shipped.read_text(encoding="utf-8"))
    assert "look roles.problem_managers: promote asks them, and nobody is named" in town.says("check").out
    with town.config.open("a", encoding="utf-8") as file:
        file.write('\n[roles]\nproblem_managers = ["beth.anglin@northwind.example"]\n')
    assert "roles.problem_managers" not in town.says("check").out


def test_check_stops_at_broken_rules(town: Town) -> None:
    town.rule("broken", "about = 1")
    calls = town.estate.ledger.calls()
    said = town.says("check")
    assert (said.code, town.estate.ledger.calls()) == (2, calls)
    assert " WRONG rules/broken.toml" in said.out


def test_alive_says_so_when_nobody_is(town: Town, tmp_path: Path) -> None:
    said = town.says("alive")
    assert (said.code, said.out) == (1, "No daemon is at work on this store.\n")
