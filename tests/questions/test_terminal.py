"""Questions in the terminal: listed, shown, answered, taken back; and what plan and explain say of them."""

from tests.questions.conftest import SUSPECTS, Open
from tests.questions.test_suspects import broken, links


def test_the_terminal_lists_shows_answers_and_takes_back_as_text_and_as_json(open_desk: Open) -> None:
    desk = open_desk({"link-suspects": SUSPECTS}, listens=False)
    desk.round()
    desk.town.company.change("Send invoice mails in batches", "Fifty a batch", "Order Export", minutes_ago=40)
    desk.town.company.report("ines.moreau", "Invoice mails stop", "", "Order Export", minutes_ago=15, priority="1")
    planned = desk.town.says("plan")
    assert "ask agents: Did CHG" in planned.out
    assert "because \n" not in planned.out, "nothing is said to follow from nothing"
    incident, likely, _ = broken(desk)
    found = desk.town.says("questions", "list", "--json").json
    mine = next(one for one in found if one["subject"].endswith(incident))
    assert (mine["kind"], mine["audience"], mine["state"]) == ("cause", "agents", "open")
    assert f"Did {likely}" in desk.town.says("questions", "show", mine["key"][:8]).out
    wrong = desk.town.says("questions", "answer", mine["key"], "perhaps")
    assert wrong.code == 2
    assert "loopbot questions show" in wrong.err
    told = desk.town.says("questions", "answer", mine["key"][:8], "yes")
    assert f"{likely} caused it" in told.out
    assert [target for target, _ in links(desk, incident)] == [likely]
    assert f"{likely} caused it" in desk.town.says("explain", incident).out
    assert "open again" in desk.town.says("questions", "undo", mine["key"][:8]).out
    assert links(desk, incident) == []
    shown = desk.town.says("questions", "show", mine["key"], "--json").json
    assert [one["undone_at"] is not None for one in shown["answers"]] == [True]
    assert desk.town.says("questions", "undo", "ffffffff").code == 2


def test_a_plan_shows_under_each_question_what_speaks_for_it(open_desk: Open) -> None:
    desk = open_desk({"link-suspects": SUSPECTS}, listens=False)
    change = desk.town.company.change("Send invoice mails in batches", "", "Order Export", minutes_ago=40)
    desk.town.company.report("ines.moreau", "Invoice mails stop", "", "Order Export", minutes_ago=15, priority="1")
    lines = desk.town.says("plan").out.splitlines()
    asks = next(place for place, line in enumerate(lines) if f"ask agents: Did {change}" in line)
    assert lines[asks + 1].strip() == "What speaks for it:"
    assert (
        lines[asks + 2].strip().startswith(f"• {change} “Send invoice mails in batches”: same service (Order Export)")
    )
    plans = desk.town.says("plan", "--json").json["plans"]
    (asking,) = [one for one in plans if one["questions"]]
    assert "same service (Order Export)" in asking["because"]


def test_explain_shows_every_suspect_with_how_sure_and_why_also_for_machines(open_desk: Open) -> None:
    desk = open_desk({"link-suspects": SUSPECTS}, listens=False)
    incident, likely, other = broken(desk)
    lines = [line.strip() for line in desk.town.says("explain", incident).out.splitlines()]
    suspects = [line for line in lines if line.startswith("•")]
    assert len(suspects) >= 2
    assert suspects[0].startswith(f"• {likely} “Read export pages in parallel”: ")
    assert next(line for line in suspects if other in line).count("same service (Order Export)") == 1
    (rule,) = desk.town.says("explain", incident, "--json").json["rules"]
    ranked = {one["record"].rpartition(":")[2]: one for one in rule["ranked"]}
    assert list(ranked)[:1] == [likely]
    assert 0 < ranked[other]["score"] <= ranked[likely]["score"] < 1
    assert "same service (Order Export)" in ranked[other]["because"]
    assert f"{ranked[other]['score']:.0%} (" in next(line for line in suspects if other in line)
