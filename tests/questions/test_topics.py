"""What kind of feedback is it? A press sets the topic for good, and the rules go on from there."""

from loopbot.domain.records import Feedback, Ref
from loopbot.wiring import starter_rules
from tests.questions.conftest import Desk, Open, until

ITEM = """
about = "A wish becomes an item."
on = "feedback"
when = 'it.topic == "feature"'

[[then]]
do = "open"
system = "jira"
kind = "issue"
place = "LOOP"
type = "Story"
title = "{it.title}"
"""
RULES = {
    "ask-feedback-topic": (starter_rules() / "ask-feedback-topic.toml").read_text(encoding="utf-8"),
    "wishes": ITEM,
}


def topic(desk: Desk, number: str) -> str | None:
    with desk.here.store.read() as tx:
        record = tx.record(Ref("servicenow", "feedback", number))
    assert isinstance(record, Feedback)
    return record.topic


def items(desk: Desk) -> list[str]:
    return [str(one.payload) for one in desk.town.estate.ledger.entries("jira", "create", "issue")]


def test_a_press_sets_the_topic_for_good_teaches_it_and_wakes_the_rules(open_desk: Open) -> None:
    desk = open_desk(RULES)
    number = desk.town.company.say("ines.moreau", "The colours of the list", "Blue and grey, <!channel>.")
    desk.round()
    (message,) = desk.asked()
    assert "“Blue and grey, <!channel>.”" in desk.read(message)
    # The likeliest comes first.
    assert sorted(desk.labels(message)) == ["A bug", "A complaint", "A question", "A wish", "Praise"]
    desk.press(message, "A wish", "aiko.tanaka")
    desk.shows("aiko.tanaka: A wish")
    desk.round()
    assert topic(desk, number) == "feature"
    assert len([one for one in items(desk) if "The colours of the list" in one]) == 1
    desk.servicenow.update("u_feedback", number, {"u_topic": "praise"}, actor="ines.moreau")
    desk.round()
    assert topic(desk, number) == "feature", "a person's word stands"
    with desk.here.store.read() as tx:
        (lesson,) = tx.lessons.all("topic")
        assert (lesson.subject.key, lesson.other) == (number, "feature")


def test_undo_gives_the_topic_back_and_names_what_stays(open_desk: Open) -> None:
    desk = open_desk(RULES)
    number = desk.town.company.say("ines.moreau", "The colours of the list", "Blue and grey.")
    desk.round()
    desk.press(desk.asked()[0], "A wish", "aiko.tanaka")
    until(lambda: len(items(desk)) and "Undo" in desk.labels(desk.asked()[0]), "the item and the button")
    desk.press(desk.asked()[0], "Undo", "aiko.tanaka")
    desk.hears("aiko.tanaka", "stays")
    assert topic(desk, number) is None
    until(lambda: "A wish" in desk.labels(desk.asked()[0]), "the question again")
