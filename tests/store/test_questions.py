"""Questions are asked once, the first answer counts, and what was said can be taken back."""

import threading
from dataclasses import replace
from datetime import timedelta

from loopbot.domain.questions import Lesson, Option, Question, Tie
from loopbot.domain.records import Link, Ref
from loopbot.store import SqlStore
from tests.support.clock import FakeClock
from tests.support.made import at, incident

SUBJECT = incident().ref
SUSPECT, OTHER = Ref("servicenow", "change", "CHG1"), Ref("servicenow", "change", "CHG2")
LATER = at(60 * 24 * 14)
ASKED = Question(
    kind="cause",
    subject=SUBJECT,
    text="Did CHG1 cause it?",
    options=(Option("yes", "Confirm CHG1", SUSPECT), Option("no", "Not CHG1", SUSPECT)),
    audience="agents",
    rule="made",
    tie=Tie(relation="caused_by"),
    again=timedelta(days=3),
)


def put(store: SqlStore, *questions: Question) -> list[str]:
    with store.write() as tx:
        return [row.key for row in tx.questions.put(questions or (ASKED,), LATER)]


def test_a_question_is_asked_once_whatever_its_rule_and_words_say_later(store: SqlStore) -> None:
    assert put(store) == [ASKED.key]
    assert put(store) == []
    reworded = replace(ASKED, text="Was it CHG1?", rule="renamed", options=(*ASKED.options, Option("none", "None")))
    assert put(store, reworded) == [ASKED.key], "it says something else, so its message is brought up to date"
    with store.read() as tx:
        (row,) = tx.questions.open("agents", "cause")
        assert (row.question, row.round, row.state) == (reworded, 1, "open")
        assert not tx.questions.open("operators")
        assert [one.key for one in tx.questions.about(SUSPECT)] == [ASKED.key]


def test_the_first_answer_counts_and_the_second_person_is_told_so(store: SqlStore) -> None:
    put(store)
    with store.write() as tx:
        first = tx.questions.answer(ASKED.key, "yes", str(SUSPECT), "ann@example.com")
        assert first is not None
        assert tx.questions.answer(ASKED.key, "no", str(SUSPECT), "bob@example.com") is None
    with store.read() as tx:
        row = tx.questions.get(ASKED.key[:9])
        assert row is not None
        assert (row.state, row.answer, row.answered_by) == ("answered", "yes", "ann@example.com")
        assert [one.by for one in tx.questions.answers(ASKED.key)] == ["ann@example.com"]
        standing = tx.asked("cause", [SUBJECT, OTHER])
        assert standing is not None
        assert (standing.answer, standing.rests(at(10**6))) == ("yes", True)


def test_what_was_promoted_together_is_found_from_each_of_them_until_it_is_taken_back(store: SqlStore) -> None:
    third = Ref("servicenow", "incident", "INC3")
    cluster = replace(
        ASKED, kind="cluster", refs=(SUBJECT, OTHER, third), options=(Option("promote", "Open a problem"),)
    )
    put(store, cluster)
    with store.write() as tx:
        assert tx.promoted_with(SUBJECT) == frozenset(), "nobody has said so yet"
        said = tx.questions.answer(cluster.key, "promote", "", "ann@example.com")
        assert said is not None
    with store.read() as tx:
        assert tx.promoted_with(third) == {SUBJECT, OTHER}
        assert tx.promoted_with(SUBJECT) == {OTHER, third}
        assert tx.promoted_with(SUSPECT) == frozenset()
    with store.write() as tx:
        tx.questions.undo(said.number, "ann@example.com")
        assert tx.promoted_with(third) == frozenset()


def test_of_many_people_who_answer_at_once_one_counts(store: SqlStore) -> None:
    put(store)
    together = threading.Barrier(6)
    counted: list[str] = []

    def press(who: str) -> None:
        together.wait()
        with store.write() as tx:
            if tx.questions.answer(ASKED.key, "yes", "", who):
                counted.append(who)

    people = [threading.Thread(target=press, args=(f"person{number}",)) for number in range(6)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert len(counted) == 1


def test_an_answer_for_a_while_rests_and_the_question_comes_again_in_a_new_round(
    store: SqlStore, clock: FakeClock
) -> None:
    put(store)
    with store.write() as tx:
        tx.questions.carry([ASKED.key], "m1")
        tx.questions.answer(ASKED.key, "not_now", "", "ann", rests_until=clock.now() + timedelta(days=3))
    clock.sleep(86_400)
    assert put(store) == []
    clock.sleep(3 * 86_400)
    assert put(store) == [ASKED.key]
    with store.read() as tx:
        (row,) = tx.questions.unasked()
        assert (row.round, row.message, row.answer, row.answered_at) == (2, "", "", None)


def test_what_was_withdrawn_and_fits_again_is_open_in_the_same_message(store: SqlStore) -> None:
    put(store)
    with store.write() as tx:
        tx.questions.carry([ASKED.key], "m1")
        assert tx.questions.close(ASKED.key, "withdrawn", "the incident was cancelled")
        assert not tx.questions.close(ASKED.key, "withdrawn", "once more")
        assert not tx.questions.waits("made", SUBJECT)
    assert put(store) == [ASKED.key]
    with store.read() as tx:
        (row,) = tx.questions.carried("m1")
        assert (row.state, row.round, row.why) == ("open", 1, "")
        assert tx.questions.waits("made", SUBJECT)


def test_reminders_are_due_once_and_the_end_comes_by_itself(store: SqlStore, clock: FakeClock) -> None:
    put(store)
    clock.sleep(3600)
    with store.write() as tx:
        assert not tx.questions.due(tx.now()), "what no message asks yet needs no reminder"
        tx.questions.carry([ASKED.key], "m1")
        assert [row.key for row in tx.questions.due(tx.now())] == [ASKED.key]
        tx.questions.remind(ASKED.key)
        assert not tx.questions.due(tx.now())
    clock.sleep(15 * 86_400)
    with store.write() as tx:
        assert [row.key for row in tx.questions.due(tx.now() - timedelta(days=99))] == [ASKED.key]


def test_an_answer_that_is_undone_opens_the_question_again_and_only_once(store: SqlStore) -> None:
    put(store)
    with store.write() as tx:
        given = tx.questions.answer(ASKED.key, "yes", "", "ann")
        assert given is not None
        assert tx.questions.undo(given.number, "bob")
        assert not tx.questions.undo(given.number, "bob")
    with store.read() as tx:
        (one,) = tx.questions.answers(ASKED.key)
        assert (one.undone_by, one.undone_at is not None) == ("bob", True)
        assert [row.key for row in tx.questions.open()] == [ASKED.key]


def lesson(**fields: object) -> Lesson:
    given = {"kind": "cause", "subject": SUBJECT, "other": str(SUSPECT), "verdict": "yes", "by": "ann", "at": at(0)}
    return Lesson(**{**given, **fields})  # type: ignore[arg-type]


def test_a_later_lesson_about_the_same_pair_stands_instead_of_the_earlier_one(store: SqlStore) -> None:
    with store.write() as tx:
        tx.lessons.add([lesson(answer=1), lesson(other=str(OTHER), verdict="no", answer=1)])
        tx.lessons.add([lesson(verdict="no", by="bob", answer=2)])
        assert [(one.other, one.verdict) for one in tx.lessons.all("cause")] == [
            (str(OTHER), "no"),
            (str(SUSPECT), "no"),
        ]
        tx.lessons.add([lesson(kind="topic", other="bug"), lesson(kind="topic", other="feature")])
        assert [one.other for one in tx.lessons.of("topic", [SUBJECT])] == ["feature"]


def test_lessons_are_taken_back_by_the_answer_they_followed_from(store: SqlStore, clock: FakeClock) -> None:
    with store.write() as tx:
        tx.lessons.add([lesson(answer=7), lesson(other=str(OTHER), answer=8)])
    clock.sleep(60)
    moment = clock.now()
    with store.write() as tx:
        assert [one.answer for one in tx.lessons.undo(7)] == [7]
        assert tx.lessons.undo(7) == []
    with store.read() as tx:
        assert [one.answer for one in tx.lessons.all()] == [8]
        assert [(one.answer, one.undone_at) for one in tx.lessons.since(moment)] == [(7, moment)]


def test_what_is_not_the_same_is_known_from_both_sides(store: SqlStore) -> None:
    one, two = incident(1).ref, incident(2).ref
    with store.write() as tx:
        tx.lessons.add([lesson(kind="same", subject=one, other=str(two), verdict="no")])
        assert tx.apart(one) == {two}
        assert tx.apart(two) == {one}
        assert tx.apart(SUSPECT) == frozenset()


def test_a_persons_word_taken_back_leaves_what_the_system_itself_states(store: SqlStore) -> None:
    stated = replace(incident(), links=(Link(SUBJECT, "caused_by", SUSPECT, by="system:servicenow"),))
    with store.write() as tx:
        tx.links.state([stated])
        tx.links.put(
            [Link(SUBJECT, "caused_by", SUSPECT, by="person:ann"), Link(SUBJECT, "caused_by", OTHER, by="rule:r")]
        )
        tx.links.reject(SUBJECT, "caused_by", OTHER, "person:ann")
        assert tx.refused(SUBJECT, "caused_by") == {OTHER}
        assert tx.refused(OTHER, "caused_by") == {SUBJECT}
        assert tx.links.take_back(SUBJECT, "caused_by", SUSPECT)
        assert tx.links.take_back(SUBJECT, "caused_by", OTHER)
        assert not tx.links.take_back(SUBJECT, "caused_by", OTHER)
        assert [(one.target, one.by) for one in tx.links.of(SUBJECT)] == [(SUSPECT, "system:servicenow")]
        assert tx.refused(SUBJECT, "caused_by") == frozenset()
