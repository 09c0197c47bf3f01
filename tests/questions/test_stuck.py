"""Too many, lost, refused: what loopbot asks about its own writes, and what comes of each answer."""

from loopbot.sandbox.faults import Fault
from loopbot.sandbox.slack import Message
from loopbot.usecases.deliver import deliver
from loopbot.usecases.questions.asking import ask
from tests.questions.conftest import Desk, Open, until

MANY = """
about = "Each incident gets a note."
on = "incident"
limit = 2

[[then]]
do = "comment"
internal = true
text = "Seen: {it.title}"
"""
SHOUT = """
about = "Each change is posted."
on = "change"

[[then]]
do = "post"
channel = "releases"
text = "Changed: {it.title}"
"""


def held(desk: Desk) -> int:
    with desk.here.store.read() as tx:
        return len(tx.outbox.rows({"held"}))


def test_a_plan_over_its_limit_is_one_question_and_yes_lets_go_what_was_counted(open_desk: Open) -> None:
    desk = open_desk({"notes": MANY})
    desk.round()
    waiting = held(desk)
    assert waiting >= 4
    (message,) = desk.asked()
    text = desk.read(message)
    assert text.startswith(f"May the rule notes do {waiting} writes?")
    assert "servicenow: internal note on INC" in text
    assert "loopbot outbox list --state held" in text
    assert desk.labels(message) == [f"Approve all {waiting}", f"Stop all {waiting}"]
    desk.town.company.report("ines.moreau", "One more", "", "Checkout")
    desk.deaf = True
    desk.press(message, f"Approve all {waiting}", "beth.anglin")
    desk.hears("beth.anglin", "This one is for operators")
    desk.press(message, f"Approve all {waiting}", "tom.brandt")
    until(lambda: held(desk) == 0, "the held ones")
    desk.deaf = False
    desk.round()
    assert len(desk.town.notes) == waiting + 2
    assert held(desk) == 1, "what came after the yes is asked about anew"
    assert "May the rule notes do 1 write?" in desk.read(desk.asked()[-1])
    assert f"tom.brandt: Approve all {waiting}" in desk.read(desk.asked()[0])


def test_stop_drops_them_and_an_undo_holds_them_again(open_desk: Open) -> None:
    desk = open_desk({"notes": MANY})
    desk.round()
    waiting = held(desk)
    desk.press(desk.asked()[0], f"Stop all {waiting}", "tom.brandt")
    desk.shows(f"tom.brandt: Stop all {waiting}")
    assert held(desk) == 0
    desk.round()
    assert len(desk.town.notes) == 2
    until(lambda: desk.labels(desk.asked()[0]) == ["Undo"], "the button")
    desk.press(desk.asked()[0], "Undo", "tom.brandt")
    until(lambda: held(desk) == waiting, "them to be held again")


def lost(desk: Desk) -> None:
    """A post whose answer was lost, in a channel whose history may not be read."""
    desk.slack.faults.add(Fault("lose_answer", r"chat\.postMessage"))
    desk.slack.faults.add(
        Fault("body", r"conversations\.history", times=50, status=200, body=b'{"ok":false,"error":"missing_scope"}')
    )
    desk.town.company.change("New labels", "", "Checkout", minutes_ago=5)
    desk.round()
    desk.round()


def posted(desk: Desk) -> int:
    """How often Slack took the post down, elsewhere than where it is asked about."""
    posts = desk.town.estate.ledger.entries("slack", "post")
    return sum("Changed: New labels" in str(one.payload) for one in posts if one.key != desk.channel)


def asked_about(desk: Desk) -> Message:
    """The question about the post whose answer was lost."""
    lost(desk)
    until(
        lambda: (ask(desk.here.loop, gather=False), deliver(desk.here.loop, "slack"), desk.asked())[2], "the question"
    )
    (message,) = desk.asked()
    return message


def state(desk: Desk) -> str:
    with desk.here.store.read() as tx:
        (row,) = [one for one in tx.outbox.rows(limit=100) if one.effect.cause.rule == "shout"]
    return row.state


def test_a_write_that_nobody_can_find_is_shown_with_the_two_choices(open_desk: Open) -> None:
    desk = open_desk({"shout": SHOUT})
    message = asked_about(desk)
    text = desk.read(message)
    assert text.startswith("Is this there, in slack?")
    assert "post to #releases: “Changed: New labels”" in text
    assert "It was sent on" in text
    assert desk.labels(message) == ["It is there", "It is not: send again"]


def test_it_is_there_sends_nothing_more(open_desk: Open) -> None:
    desk = open_desk({"shout": SHOUT})
    message = asked_about(desk)
    assert state(desk) == "uncertain"
    desk.press(message, "It is there", "tom.brandt")
    desk.shows("tom.brandt: It is there")
    assert state(desk) == "settled"
    for _ in range(3):
        desk.round()
    assert posted(desk) == 1


def test_it_is_not_sends_it_once_more_however_often_it_is_pressed(open_desk: Open) -> None:
    desk = open_desk({"shout": SHOUT})
    message = asked_about(desk)
    desk.press(message, "It is not: send again", "beth.anglin")
    desk.hears("beth.anglin", "This one is for operators")
    desk.round()
    assert (posted(desk), state(desk)) == (1, "uncertain"), "not everybody may say so"
    for _ in range(2):
        desk.press(message, "It is not: send again", "tom.brandt")
    desk.shows("tom.brandt: It is not: send again")
    until(lambda: posted(desk) == 2, "the second sending")
    for _ in range(3):
        desk.round()
    assert (posted(desk), state(desk)) == (2, "settled"), "a person said that it was not there"


def test_what_was_decided_elsewhere_is_no_longer_asked(open_desk: Open) -> None:
    desk = open_desk({"shout": SHOUT})
    asked_about(desk)
    with desk.here.store.read() as tx:
        (row,) = tx.outbox.rows({"uncertain"})
    assert desk.town.says("outbox", "retry", row.effect.key).code == 0
    desk.round()
    desk.shows("No longer asked: it was decided elsewhere")
    assert posted(desk) == 2


def test_refused_writes_of_a_rule_are_one_question(open_desk: Open) -> None:
    desk = open_desk({"shout": SHOUT.replace("releases", "nowhere")})
    for number in range(3):
        desk.town.company.change(f"Change {number}", "", "Checkout", minutes_ago=5)
    desk.round()
    desk.round()
    (message,) = desk.asked()
    assert desk.read(message).startswith("slack refused 3 writes of the rule shout. Shall they be sent again?")
    assert "there is no channel #nowhere" in desk.read(message)
    desk.slack.add_channel("nowhere")
    desk.here.loop.clock.sleep(0)
    desk.press(message, "Drop all 3", "tom.brandt")
    desk.shows("tom.brandt: Drop all 3")
    with desk.here.store.read() as tx:
        assert len(tx.outbox.rows({"dropped"})) == 3
