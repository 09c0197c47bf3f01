"""What caused it? Asked once in Slack, answered by a press, written where people look for it."""

from datetime import UTC, datetime, timedelta

from loopbot.domain.records import Ref
from loopbot.sandbox.faults import Fault
from tests.questions.conftest import SUSPECTS, Desk, Open, looked_for, until

RULES = {"link-suspects": SUSPECTS}


def broken(desk: Desk) -> tuple[str, str, str]:
    """An incident and two changes before it; their numbers, the likelier change first."""
    likely = desk.town.company.change(
        "Read export pages in parallel", "The export stops at no page", "Order Export", minutes_ago=40
    )
    other = desk.town.company.change("Show all export pages", "", "Order Export", minutes_ago=70)
    incident = desk.town.company.report(
        "ines.moreau", "The export stops after some pages", "Since noon", "Order Export", minutes_ago=15, priority="1"
    )
    desk.round()
    return incident, likely, other


def links(desk: Desk, number: str) -> list[tuple[str, str]]:
    with desk.here.store.read() as tx:
        return [(one.target.key, one.by) for one in tx.links.of(Ref("servicenow", "incident", number))]


def test_a_suspect_between_the_bars_is_asked_about_once_with_the_evidence_in_words(open_desk: Open) -> None:
    desk = open_desk(RULES)
    incident, likely, other = broken(desk)
    desk.round()
    (message,) = desk.asked()
    text = desk.read(message)
    assert text.startswith(f"Did {likely} “Read export pages in parallel” cause {incident}")
    assert "same service (Order Export)" in text
    assert f"{other} “Show all export pages”" in text
    assert "For agents." in text
    assert desk.labels(message) == [f"Yes, {likely}", f"Not {likely}", "Another one…", "No change caused it"]
    assert links(desk, incident) == []


def test_a_yes_is_a_persons_word_a_link_in_servicenow_and_a_lesson(open_desk: Open) -> None:
    desk = open_desk(RULES)
    incident, likely, _ = broken(desk)
    desk.press(desk.asked()[0], f"Yes, {likely}", "beth.anglin")
    desk.shows("beth.anglin: " + likely + " caused it")
    until(lambda: desk.caused_by(incident) == likely, "the link in ServiceNow")
    assert links(desk, incident) == [(likely, "person:beth.anglin@northwind.example")]
    assert [one for one in desk.town.notes if f"caused by {likely}" in one]
    assert desk.labels(desk.asked()[0]) == ["Undo"]
    with desk.here.store.read() as tx:
        (lesson,) = tx.lessons.all("cause")
        assert (lesson.subject.key, lesson.other, lesson.verdict) == (
            incident,
            f"servicenow:change:{likely}",
            "yes",
        )
        said = tx.journal_of(Ref("servicenow", "incident", incident))
        assert any(one.what == f"answered: {likely} caused it" and "beth.anglin" in one.because for one in said)
    desk.round()
    assert len(desk.asked()) == 1, "and it is not asked again"


def test_a_no_offers_the_next_suspect_in_the_same_message_until_none_is_left(open_desk: Open) -> None:
    desk = open_desk(RULES)
    incident, likely, other = broken(desk)
    desk.press(desk.asked()[0], f"Not {likely}", "beth.anglin")
    desk.shows(f"Did {other}")
    (message,) = desk.asked()
    assert f"beth.anglin: {likely} did not cause it" in desk.read(message)
    desk.press(message, f"Not {other}", "jonas.weber")
    desk.shows("No longer asked: nothing else is left")
    assert links(desk, incident) == []
    assert desk.caused_by(incident) == ""
    with desk.here.store.read() as tx:
        assert [(one.other.rpartition(":")[2], one.verdict) for one in tx.lessons.all()] == [
            (likely, "no"),
            (other, "no"),
        ]
        assert len(tx.refused(Ref("servicenow", "incident", incident), "caused_by")) == 2


def test_a_stale_no_never_hits_the_suspect_that_took_its_place(open_desk: Open) -> None:
    desk = open_desk(RULES)
    incident, likely, other = broken(desk)
    message = desk.asked()[0]
    desk.deaf = True
    desk.press(message, f"Not {likely}", "beth.anglin")
    until(lambda: other in desk.first().question.options[0].label, "the next suspect")
    desk.press(message, f"Not {likely}", "jonas.weber")
    desk.hears("jonas.weber", "has changed meanwhile")
    with desk.here.store.read() as tx:
        assert [one.other.rpartition(":")[2] for one in tx.lessons.all()] == [likely]
    assert other not in str(links(desk, incident))


def test_another_one_is_named_in_a_form_and_a_wrong_name_is_said_in_its_field(open_desk: Open) -> None:
    desk = open_desk(RULES)
    incident, _, _ = broken(desk)
    old = desk.town.company.change("Move the database", "Long ago", "Checkout", minutes_ago=60 * 24 * 20)
    desk.round()
    desk.press(desk.asked()[0], "Another one…", "beth.anglin")
    refused = desk.submit("beth.anglin", {"which": "CHG9999999"})
    assert "is not known here" in str(refused.response)
    taken = desk.submit("beth.anglin", {"which": f" {old.lower()} "})
    assert "errors" not in str(taken.response)
    desk.shows(f"beth.anglin: {old} caused it")
    until(lambda: desk.caused_by(incident) == old, "the link in ServiceNow")


def test_no_change_caused_it_is_an_answer_and_no_rule_links_one_later(open_desk: Open) -> None:
    desk = open_desk(RULES)
    incident, likely, _ = broken(desk)
    desk.press(desk.asked()[0], "No change caused it", "beth.anglin")
    desk.shows("beth.anglin: no change caused it")
    desk.town.rule("link-suspects", SUSPECTS.replace("0.999", "0.2"))
    desk.servicenow.update(
        "incident", incident, {"short_description": f"The export stops since {likely}"}, actor="ines.moreau"
    )
    desk.round()
    assert links(desk, incident) == []
    assert len(desk.asked()) == 1


def test_whoever_may_not_answer_is_told_who_may_and_nothing_changes(open_desk: Open) -> None:
    desk = open_desk(RULES)
    incident, likely, _ = broken(desk)
    desk.press(desk.asked()[0], f"Yes, {likely}", "ines.moreau")
    desk.hears("ines.moreau", "This one is for agents")
    assert links(desk, incident) == []
    assert f"Yes, {likely}" in desk.labels(desk.asked()[0])


def test_of_two_people_the_first_counts_and_the_second_sees_who_answered_what(open_desk: Open) -> None:
    desk = open_desk(RULES)
    incident, likely, _ = broken(desk)
    message = desk.asked()[0]
    desk.deaf = True
    desk.press(message, f"Yes, {likely}", "beth.anglin")
    until(lambda: desk.first().state == "answered", "the first answer")
    desk.press(message, "No change caused it", "jonas.weber")
    desk.hears("jonas.weber", f"Somebody was quicker. beth.anglin: {likely} caused it")
    (whisper,) = desk.slack.ephemerals(desk.person("jonas.weber"))
    assert "'type': 'date'" in str(whisper.blocks), "when that was is told in the reader's own zone"
    assert links(desk, incident) == [(likely, "person:beth.anglin@northwind.example")]


def test_pressing_again_and_again_and_a_redelivered_press_write_once(open_desk: Open) -> None:
    desk = open_desk(RULES)
    incident, likely, _ = broken(desk)
    sent = desk.press(desk.asked()[0], f"Yes, {likely}", "beth.anglin", times=4)
    desk.shows("caused it")
    desk.slack.redeliver(sent)
    desk.slack.redeliver(sent)
    desk.round()
    until(lambda: desk.caused_by(incident) == likely, "the link in ServiceNow")
    notes = [one for one in desk.town.notes if f"caused by {likely}" in one]
    assert len(notes) == 1
    with desk.here.store.read() as tx:
        assert len(tx.questions.answers(desk.first().key)) == 1
        assert len(tx.lessons.all()) == 1


def test_undo_takes_back_link_and_lesson_and_offers_to_clear_what_is_written(open_desk: Open) -> None:
    desk = open_desk(RULES)
    incident, likely, _ = broken(desk)
    desk.press(desk.asked()[0], f"Yes, {likely}", "beth.anglin")
    until(lambda: desk.caused_by(incident) == likely, "the link in ServiceNow")
    until(lambda: "Undo" in desk.labels(desk.asked()[0]), "the button")
    desk.press(desk.asked()[0], "Undo", "jonas.weber")
    desk.hears("jonas.weber", f"{incident} is linked to {likely} in servicenow already")
    with desk.here.store.read() as tx:
        assert tx.lessons.all() == []
        (given,) = tx.questions.answers(desk.first().key)
        assert "jonas.weber" in given.undone_by
    desk.round()
    offer = desk.asked()[-1]
    assert "Clear it there, too?" in desk.read(offer)
    assert offer.thread_ts == desk.asked()[0].ts, "one thread a ticket"
    desk.press(offer, "Clear it there", "jonas.weber")
    until(lambda: desk.caused_by(incident) == "", "the link to be cleared")
    until(lambda: links(desk, incident) == [], "the link to be gone here, too")
    desk.round()
    assert f"Yes, {likely}" in desk.labels(desk.asked()[0]), "and the question is open again, where it stood"


def test_an_answer_that_was_not_written_yet_is_undone_without_a_trace(open_desk: Open) -> None:
    desk = open_desk(RULES)
    incident, likely, _ = broken(desk)
    desk.deaf = True
    desk.press(desk.asked()[0], f"Yes, {likely}", "beth.anglin")
    until(lambda: desk.first().state == "answered", "the answer")
    desk.slack.slash(desk.person("beth.anglin"), "/loop", f"undo {desk.first().key[:8]}")
    desk.hears("beth.anglin", "Taken back")
    desk.deaf = False
    desk.round()
    assert desk.caused_by(incident) == ""
    assert not [one for one in desk.town.notes if "caused by" in one]
    assert f"Yes, {likely}" in desk.labels(desk.asked()[0]), "it is asked again, in the same message"
    desk.press(desk.asked()[0], f"Yes, {likely}", "beth.anglin")
    until(lambda: desk.caused_by(incident) == likely, "the link in ServiceNow, now that it is said again")


def test_somebody_who_links_it_in_servicenow_has_answered_it(open_desk: Open) -> None:
    desk = open_desk(RULES)
    incident, _, other = broken(desk)
    named = next(one["sys_id"] for one in desk.servicenow.rows("change_request") if one["number"] == other)
    desk.servicenow.update("incident", incident, {"caused_by": named}, actor="beth.anglin")
    desk.round()
    desk.shows(f"No longer asked: {incident} is linked to {other} now, in servicenow")
    assert desk.labels(desk.asked()[0]) == []
    assert desk.first().state == "withdrawn"


def test_a_lost_answer_while_asking_asks_once(open_desk: Open) -> None:
    desk = open_desk(RULES)
    desk.slack.faults.add(Fault("lose_answer", r"chat\.postMessage"))
    broken(desk)
    looked_for(desk)
    desk.round()
    assert len(desk.asked()) == 1
    assert len(desk.town.estate.ledger.entries("slack", "post")) == 1


def test_many_at_once_are_one_message_that_moves_up_as_they_are_answered(open_desk: Open) -> None:
    desk = open_desk(RULES)
    change = desk.town.company.change("Read export pages in parallel", "", "Order Export", minutes_ago=40)
    for number in range(12):
        desk.town.company.report(
            "ines.moreau", f"The export stops at page {number}", "", "Order Export", minutes_ago=15, priority="1"
        )
    desk.round()
    (message,) = desk.asked()
    assert desk.read(message).startswith("12 questions wait for an answer:")
    assert desk.labels(message).count(f"Yes, {change}") == 5
    desk.press(message, f"Yes, {change}", "beth.anglin")
    desk.shows("11 questions wait")
    desk.round()
    assert len(desk.asked()) == 1
    assert "Done:" in desk.read(desk.asked()[0])
    assert desk.labels(desk.asked()[0]).count(f"Yes, {change}") == 5


def test_an_edited_rule_asks_nobody_anew(open_desk: Open) -> None:
    desk = open_desk(RULES)
    incident, likely, _ = broken(desk)
    desk.press(desk.asked()[0], f"Not {likely}", "beth.anglin")
    desk.shows("did not cause it")
    with desk.here.store.read() as tx:
        asked = [row.key for row in tx.questions.rows()]
    desk.servicenow.update("incident", incident, {"description": "Still so"}, actor="ines.moreau")
    desk.round()
    assert [row.key for row in desk.rows()] == asked
    assert len(desk.asked()) == 1


def test_late_ones_are_remembered_once_and_end_with_the_reason(open_desk: Open) -> None:
    desk = open_desk(RULES, questions="remind_hours = 0.0001\nexpire_days = 0.00005")
    broken(desk)
    until(lambda: desk.first().expires_at < datetime.now(UTC) - timedelta(seconds=1), "the end", 10)
    desk.round()
    desk.round()
    assert "Nobody answered in time" in desk.read(desk.asked()[0])
    assert len(desk.asked()) <= 2


def test_an_undo_that_comes_too_late_is_told_so_and_its_button_goes(open_desk: Open) -> None:
    desk = open_desk(RULES, questions="undo_hours = 0.001")
    _, likely, _ = broken(desk)
    desk.press(desk.asked()[0], f"Yes, {likely}", "beth.anglin")
    desk.shows("It can be taken back until")
    given = desk.first().answered_at
    assert given is not None
    until(lambda: datetime.now(UTC) > given + timedelta(hours=0.0011), "the end of its time")
    assert desk.labels(desk.asked()[0]) == ["Undo"], "nothing is sent for its sake alone"
    desk.press(desk.asked()[0], "Undo", "beth.anglin")
    desk.hears("beth.anglin", "too long ago to take back here")
    until(lambda: desk.labels(desk.asked()[0]) == [], "the button to go")


def test_it_can_be_answered_from_the_queue_and_the_home_tab_as_well(open_desk: Open) -> None:
    desk = open_desk(RULES)
    incident, likely, _ = broken(desk)
    beth = desk.person("beth.anglin")
    desk.slack.open_home(beth)
    until(lambda: desk.slack.home(beth) and f"Yes, {likely}" in str(desk.slack.home(beth)), "the question at home")
    desk.slack.click_in_view(desk.slack.home(beth), f"loopbot:yes.servicenow:change:{likely}", beth)
    desk.shows(f"beth.anglin: {likely} caused it")
    until(lambda: f"Yes, {likely}" not in str(desk.slack.home(beth)), "the home tab without it")
    assert links(desk, incident) == [(likely, "person:beth.anglin@northwind.example")]


def test_what_does_not_matter_any_more_is_withdrawn_with_the_reason(open_desk: Open) -> None:
    desk = open_desk(RULES)
    incident, _, _ = broken(desk)
    desk.servicenow.update("incident", incident, {"state": "8"}, actor="ines.moreau")
    desk.round()
    desk.shows('No longer asked: it does not hold any more that it.state != "cancelled"')
    assert desk.labels(desk.asked()[0]) == []
