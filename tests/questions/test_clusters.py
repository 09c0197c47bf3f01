"""Is it one problem? Asked before a ticket is opened; not now, not the same, and taken back."""

from loopbot.domain.records import Ref
from loopbot.sandbox.faults import Fault
from loopbot.usecases.deliver import deliver
from loopbot.usecases.questions.given import rejudge
from tests.questions.conftest import Desk, Open, until

PROMOTE = """
about = "Three alike become a problem, once somebody says so."
on = "incident"
when = 'it.priority <= 2 and it.state != "cancelled"'

[repeat]
at_least = 3
within = "14d"
alike = 0.0

[ask]
to = "problem_managers"
again = "7d"

[[then]]
do = "open"
system = "servicenow"
kind = "problem"
place = "problem"
as = "problem"
join = "problem_of"
title = "Recurring: {it.title}"

[[then]]
do = "link"
relation = "problem_of"
from = "problem"
to = ["it", "others"]
in = ["servicenow"]
"""
RULES = {"promote": PROMOTE}
PEOPLE = ("ines.moreau", "aiko.tanaka", "jonas.weber", "samuel.okoro")


def three(desk: Desk, number: int = 3) -> list[str]:
    first = 60 if number > 1 else 5
    made = [
        desk.town.company.report(
            PEOPLE[one if number > 1 else 3],
            "The export stops halfway",
            "Again",
            "Order Export",
            minutes_ago=first - 10 * one,
            priority="1",
        )
        for one in range(number)
    ]
    desk.round()
    return made


def problems(desk: Desk) -> list[str]:
    return [row["number"] for row in desk.servicenow.rows("problem")]


def held_by(desk: Desk, number: str) -> bool:
    return bool(desk.servicenow.row("incident", number).get("problem_id"))


def test_a_cluster_becomes_a_problem_once_somebody_says_so_and_later_ones_join_unasked(open_desk: Open) -> None:
    desk = open_desk(RULES)
    made = three(desk)
    (message,) = desk.asked()
    text = desk.read(message)
    assert text.startswith("Are these 3 incidents on Order Export one problem?")
    assert all(number in text for number in made)
    assert problems(desk) == []
    assert str(message.blocks).count("'type': 'date'") == 3, "each in its reader's own zone"
    desk.press(message, "Open a problem", "beth.anglin")
    desk.hears("beth.anglin", "This one is for problem managers")
    desk.press(message, "Open a problem", "priya.nair")
    desk.shows("priya.nair: they are one problem")
    assert "It can be taken back until" in desk.read(desk.asked()[0])
    desk.round()
    assert len(problems(desk)) == 1
    assert all(held_by(desk, number) for number in made)
    (late,) = three(desk, 1)
    desk.round()
    assert held_by(desk, late)
    assert len(problems(desk)) == 1
    assert len(desk.asked()) == 1


def test_a_cluster_is_asked_about_with_what_speaks_for_it(open_desk: Open) -> None:
    desk = open_desk({"promote": PROMOTE.replace("alike = 0.0", "alike = 0.25")})
    made = three(desk)
    text = desk.read(desk.asked()[0])
    assert f"each is the same as {made[2]}, and why" in text
    assert text.count("%: the same title, both mention") == 2
    header, row = desk.town.says("recurring", "list").out.splitlines()[:2]
    assert header.split()[:2] == ["tickets", "sure"]
    assert row.split()[1].endswith("%")
    (cluster,) = desk.town.says("recurring", "list", "--json").json
    assert row[header.index("centre") :].startswith(cluster["centre"].rpartition(":")[2])


def test_a_yes_counts_although_a_title_was_edited_while_it_was_asked(open_desk: Open) -> None:
    desk = open_desk({"promote": PROMOTE.replace("alike = 0.0", "alike = 0.3")})
    made = three(desk)
    edited = {"short_description": "Invoices show the wrong address", "description": "Since Monday"}
    desk.servicenow.update("incident", made[0], edited, actor="ines.moreau")
    desk.round()
    assert desk.first().state == "open"
    desk.press(desk.asked()[0], "Open a problem", "priya.nair")
    desk.shows("priya.nair: they are one problem")
    desk.round()
    assert len(problems(desk)) == 1
    assert all(held_by(desk, one) for one in made)


def test_who_clicks_twice_is_told_nothing_more_and_takes_nothing_else_back(open_desk: Open) -> None:
    desk = open_desk(RULES)
    three(desk)
    desk.press(desk.asked()[0], "Open a problem", "priya.nair", times=2)
    desk.shows("priya.nair: they are one problem")
    until(lambda: desk.labels(desk.asked()[0]) == ["Undo"], "the button")
    desk.press(desk.asked()[0], "Undo", "priya.nair", times=2)
    until(lambda: "Open a problem" in desk.labels(desk.asked()[0]), "the question again")
    desk.slack.slash(desk.person("priya.nair"), "/loop", "status")
    until(lambda: desk.whispered("priya.nair"), "the answer to what came after it")
    assert not [one for one in desk.whispered("priya.nair") if "noted already" in one or "take back" in one]
    with desk.here.store.read() as tx:
        given = tx.questions.answers(desk.first().key)
    assert [(one.answer, one.undone_at is None) for one in given] == [("promote", False)]


def test_not_now_rests_and_an_undo_asks_again_in_the_same_message(open_desk: Open) -> None:
    desk = open_desk(RULES)
    three(desk)
    desk.press(desk.asked()[0], "Not now", "priya.nair")
    desk.shows("priya.nair: not now")
    three(desk, 1)
    assert len(desk.rows()) == 1
    assert desk.first().rests_until is not None
    assert problems(desk) == []
    until(lambda: desk.labels(desk.asked()[0]) == ["Undo"], "the button")
    desk.press(desk.asked()[0], "Undo", "priya.nair")
    until(lambda: "Open a problem" in desk.labels(desk.asked()[0]), "the question again")
    assert "one problem?" in desk.read(desk.asked()[0])


def said_to_be_the_same(desk: Desk) -> list[tuple[str, str]]:
    """What promotions taught: each ticket and the one before it."""
    with desk.here.store.read() as tx:
        taught = [one for one in tx.lessons.all("same") if one.verdict == "yes"]
    return [(one.subject.key, one.other.rpartition(":")[2]) for one in taught]


def test_a_promotion_taken_back_in_time_opens_nothing_and_can_be_said_again(open_desk: Open) -> None:
    desk = open_desk(RULES)
    made = three(desk)
    desk.deaf = True
    desk.press(desk.asked()[0], "Open a problem", "priya.nair")
    until(lambda: desk.first().state == "answered", "the answer")
    desk.slack.slash(desk.person("priya.nair"), "/loop", f"undo {desk.first().key[:8]}")
    desk.hears("priya.nair", "Taken back: they are one problem")
    desk.deaf = False
    desk.round()
    assert problems(desk) == []
    assert said_to_be_the_same(desk) == []
    desk.press(desk.asked()[0], "Open a problem", "priya.nair")
    desk.shows("priya.nair: they are one problem")
    desk.round()
    assert len(problems(desk)) == 1
    assert said_to_be_the_same(desk) == [(made[1], made[0]), (made[2], made[1])]


def test_a_promotion_that_is_taken_back_when_nobody_knows_whether_it_came_about_opens_no_second_problem(
    open_desk: Open,
) -> None:
    desk = open_desk(RULES)
    three(desk)
    desk.servicenow.faults.add(Fault("lose_answer", "POST .*problem"))
    desk.deaf = True
    desk.press(desk.asked()[0], "Open a problem", "priya.nair")
    until(lambda: desk.first().state == "answered", "the answer")
    deliver(desk.here.loop, "servicenow")
    assert len(problems(desk)) == 1
    desk.slack.slash(desk.person("priya.nair"), "/loop", f"undo {desk.first().key[:8]}")
    desk.hears("priya.nair", "was opened in servicenow is not known: look there, and cancel it if it was.")
    desk.deaf = False
    desk.press(desk.asked()[0], "Open a problem", "priya.nair")
    desk.shows("priya.nair: they are one problem")
    desk.round()
    desk.round()
    assert len(problems(desk)) == 1


def test_a_cluster_is_not_asked_about_by_halves_when_an_earlier_one_of_it_is_judged_again(open_desk: Open) -> None:
    desk = open_desk(RULES)
    made = three(desk, 4)
    for number in reversed(made):
        with desk.here.loop.store.write() as tx:
            rejudge(desk.here.loop, tx, [Ref("servicenow", "incident", number)])
        assert [ref.key for ref in desk.first().question.refs] == made


def test_those_that_do_not_belong_stay_apart_for_good(open_desk: Open) -> None:
    desk = open_desk(RULES)
    made = three(desk, 4)
    said = desk.town.says("questions", "answer", desk.first().key, "apart", made[1])
    assert said.code == 0, said.err
    assert f"not the same: {made[1]}" in said.out
    desk.round()
    text = desk.read(desk.asked()[0])
    assert text.startswith("Are these 3 incidents")
    assert f"• {made[1]}" not in text
    desk.press(desk.asked()[0], "Open a problem", "priya.nair")
    desk.shows("they are one problem")
    desk.round()
    assert [held_by(desk, number) for number in made] == [True, False, True, True]
    desk.servicenow.update("incident", made[1], {"description": "Once more"}, actor="ines.moreau")
    desk.round()
    assert not held_by(desk, made[1])
    with desk.here.store.read() as tx:
        assert {one.subject.key for one in tx.lessons.all("same") if one.verdict == "no"} == {made[1]}
