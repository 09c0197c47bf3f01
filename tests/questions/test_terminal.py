"""Questions in the terminal: listed, shown, answered, taken back; and what plan and explain say of them."""

from tests.questions.conftest import SUSPECTS, Open
from tests.questions.test_suspects import broken, links


def test_the_terminal_lists_shows_answers_and_takes_back_as_text_and_as_json(open_desk: Open) -> None:
    desk = open_desk({"link-suspects": SUSPECTS}, listens=False)
    desk.round()
    desk.town.company.change("Send invoice mails in batches", "Fifty a batch", "Order Export", minutes_ago=40)
    desk.town.company.report("ines.moreau", "Invoice mails stop", "", "Order Export", minutes_ago=15, priority="1")
    assert "ask agents: Did CHG" in desk.town.says("plan").out
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
