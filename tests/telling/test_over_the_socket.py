"""The whole conversation after a fix, over a real websocket: a digest, its buttons, forms, ratings, a roll-back, silence kept."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loopbot.sandbox.slack import Message, notified
from loopbot.usecases.telling.answering import tallies
from loopbot.usecases.telling.unsent import unsent
from loopbot.wiring import starter_rules
from tests.questions.conftest import Desk, Open, doors, open_desk, until

__all__ = ["doors", "open_desk"]
HOSTILE = "<!channel> <https://evil.example|https://bank.example> *b* @here \u202egnp.exe \u05e9\u05dc\u05d5\u05dd \U0001f4a5 "


def starters() -> dict[str, str]:
    found = {path.stem: path.read_text(encoding="utf-8") for path in starter_rules().glob("*.toml")}
    found["ask-how-it-went"] = found["ask-how-it-went"].replace('mode = "off"', 'mode = "live"')
    return found


@pytest.fixture
def desk(open_desk: Open) -> Desk:
    return open_desk(starters())


def reported(desk: Desk, *titles: str, who: str = "mara.lindqvist") -> list[str]:
    return [desk.town.company.report(who, title, "It hangs.", "Checkout", minutes_ago=30) for title in titles]


def fixed(desk: Desk, tickets: list[str]) -> str:
    """A problem behind them, its item, and the build that brings the fix; the deployment's id."""
    held = desk.servicenow.insert(
        "problem", {"short_description": "The lock", "state": "103", "known_error": "true"}, actor="priya.nair"
    )
    for number in tickets:
        desk.servicenow.update("incident", number, {"problem_id": held["sys_id"]}, actor="priya.nair")
    rounds(desk)
    item = desk.written("create", "issue", "jira")[-1].key
    desk.town.company.fix(item, "Free the lock")
    deployment = desk.town.company.deploy()
    rounds(desk)
    return str(deployment)


def rounds(desk: Desk, number: int = 4) -> None:
    for _ in range(number):
        desk.round()


def direct(desk: Desk, who: str = "mara.lindqvist") -> list[Message]:
    return list(desk.slack.messages(desk.person(who)))


def news(desk: Desk, words: str, who: str = "mara.lindqvist") -> Message:
    return next(one for one in reversed(direct(desk, who)) if words in desk.read(one))


def state(desk: Desk, number: str) -> str:
    return str(desk.servicenow.row("incident", number)["state"])


def parts(message: Message) -> list[str]:
    """The rows of buttons of a message, each under the words it belongs to."""
    return [one["block_id"] for one in message.blocks if one["type"] == "actions"]


def links(node: Any) -> list[tuple[str, str]]:
    """Each link as it is shown, and where it leads."""
    inside = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    here = [(node["text"], node["url"])] if isinstance(node, dict) and node.get("type") == "link" else []
    return here + [one for value in inside for one in links(value)]


def test_what_one_delivery_fixes_is_one_part_of_a_message_and_each_report_is_answered_by_itself(desk: Desk) -> None:
    tickets = reported(desk, "Checkout hangs on the last step", f"Card payment is refused {HOSTILE}")
    fixed(desk, tickets)
    told = news(desk, "Fixed in production")
    assert [one for one in direct(desk) if "Fixed in production" in desk.read(one)] == [told]
    first, second, _ = parts(told)
    assert desk.read(told).count("Fixed in production since") == 1, "one fix, named once"
    assert notified(told) == set()
    assert all(shown == leads for shown, leads in links(told.blocks)), "a link shows where it leads"
    desk.slack.click(told, "loopbot:yes", desk.person("mara.lindqvist"), block=first, times=3)
    until(lambda: sorted(state(desk, one) for one in tickets) == ["1", "6"], "one of the two to be resolved")
    until(lambda: parts(news(desk, "Fixed in production")) == [second], "its buttons to go")
    rounds(desk, 2)
    assert sorted(state(desk, one) for one in tickets) == ["1", "6"], "pressed three times, counted once"
    (left,) = (one for one in tickets if state(desk, one) != "6")
    desk.slack.click(news(desk, "Fixed in production"), "loopbot:no", desk.person("mara.lindqvist"), block=second)
    desk.submit("mara.lindqvist", {"words": f"Still refused. {HOSTILE}"})
    until(lambda: "Still refused." in desk.servicenow.row("incident", left).get("work_notes", "") or any("Still refused." in str(one["value"]) for one in desk.servicenow.journal("incident", left)), "their words on the ticket")  # fmt: skip
    rounds(desk)
    (shout,) = (one for one in desk.slack.messages("support") if "Still broken for" in desk.read(one))
    assert "Still refused." in desk.read(shout)
    assert notified(shout) == set(), "what somebody wrote calls nobody"
    # A yes is followed by the question how it went; the answer is counted.
    rating = news(desk, "How did we do")
    desk.slack.click(rating, "loopbot:5", desk.person("mara.lindqvist"), times=2)
    until(lambda: not parts(news(desk, "How did we do")), "the rating to be noted")
    counts = {one.question: dict(one.counts) for one in tallies(desk.here.loop, datetime.now(UTC) - timedelta(days=1))}
    assert counts == {"fixed": {"yes": 1, "no": 1}, "rating": {"5": 1}}


def test_one_press_says_of_all_that_one_delivery_fixed_that_it_works(desk: Desk) -> None:
    tickets = reported(desk, "Checkout hangs on the last step", "Card payment is refused", "The cart is empty")
    fixed(desk, tickets)
    told = news(desk, "Fixed in production")
    *singly, whole = parts(told)
    assert len(singly) == len(tickets)
    desk.slack.click(told, "loopbot:yes", desk.person("mara.lindqvist"), block=singly[0])
    until(lambda: len(parts(news(desk, "Fixed in production"))) == 3, "the buttons of the first to go")
    now = news(desk, "Fixed in production")
    assert "All 2: Yes, it works" in [one["text"]["text"] for one in now.blocks[-1]["elements"]]
    desk.slack.click(now, "loopbot:yes", desk.person("mara.lindqvist"), block=whole, times=2)
    until(lambda: not parts(news(desk, "Fixed in production")), "all buttons to go")
    rounds(desk, 2)
    assert [state(desk, one) for one in tickets] == ["6"] * 3
    counts = {one.question: dict(one.counts) for one in tallies(desk.here.loop, datetime.now(UTC) - timedelta(days=1))}
    assert counts["fixed"] == {"yes": 3}


def test_whoever_mutes_in_the_chat_is_not_told_and_it_is_shown_why(desk: Desk) -> None:
    mara = desk.person("mara.lindqvist")
    tickets = reported(desk, "Checkout hangs on the last step")
    rounds(desk, 2)
    desk.slack.slash(mara, "/loop", f"mute {tickets[0]}")
    desk.hears("mara.lindqvist", "You hear nothing more about")
    fixed(desk, tickets)
    assert not any("is fixed in production" in desk.read(one) for one in direct(desk))
    with desk.here.store.read() as tx:
        whys = [row.why for row in unsent(tx, datetime.now(UTC) - timedelta(days=1))]
    assert any(f"has muted {tickets[0]}" in why for why in whys), whys


def test_quiet_hours_that_somebody_sets_on_the_home_tab_hold(desk: Desk) -> None:
    mara = desk.person("mara.lindqvist")
    desk.slack.open_home(mara)
    until(lambda: desk.slack.home(mara), "the home tab")
    desk.slack.click_in_view(desk.slack.home(mara), "loopbot:notices", mara)
    now = datetime.now(UTC)
    hours = f"{now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=2):%H:%M}"
    desk.submit("mara.lindqvist", {"hear": "all", "gather": "as_all", "quiet": hours, "zone": "UTC"})
    reported(desk, "Checkout hangs on the last step")
    rounds(desk, 2)
    assert direct(desk) == []
    with desk.here.store.read() as tx:
        whys = [row.why for row in unsent(tx, datetime.now(UTC) - timedelta(days=1))]
    assert any(f"it is quiet for Mara Lindqvist ({hours}, UTC)" in why for why in whys), whys


def test_who_is_nobody_in_slack_reads_it_on_their_own_ticket_and_is_listed(desk: Desk) -> None:
    desk.slack.remove_user(desk.person("mara.lindqvist"))
    tickets = reported(desk, "Checkout hangs on the last step")
    fixed(desk, tickets)
    comments = [one["value"] for one in desk.servicenow.journal("incident", tickets[0]) if one["element"] == "comments"]
    assert len([one for one in comments if "is fixed in production" in one]) == 1
    assert "mara.lindqvist@northwind.example" in desk.town.says("people", "--unknown").out
