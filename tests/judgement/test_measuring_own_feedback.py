"""Measuring kinds of feedback and existing items on one's own store, and the bars that suit there."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from loopbot.domain.questions import Lesson
from loopbot.domain.records import Feedback, Issue, Link, Ref
from loopbot.judgement import versions
from loopbot.judgement.evaluation import measure_mirror
from loopbot.judgement.evaluation.bars import lowest_bar
from loopbot.judgement.evaluation.figures import Measured
from loopbot.judgement.items import MEANT
from loopbot.ports import LabelRow
from loopbot.store import SqlStore

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
SAYS = {
    "bug": "The {} crashes with an error, it is broken",
    "feature": "It would be nice to have {}, please add it",
    "question": "How can I change {}? Where do I find it?",
}
WORDS = (
    "export",
    "login",
    "calendar",
    "printer",
    "search",
    "theme",
    "invoice",
    "upload",
    "report",
    "mail",
    "chart",
    "menu",
)


def feedback(number: int, title: str, topic: str | None = None) -> Feedback:
    at = BEGIN + timedelta(hours=number)
    ref = Ref("servicenow", "feedback", f"FB{number}")
    return Feedback(ref=ref, ident=ref.key, title=title, text="", state="new", opened_at=at, updated_at=at, topic=topic)


def item(number: int, title: str, hours: float = -100) -> Issue:
    at = BEGIN + timedelta(hours=hours)
    ref = Ref("jira", "issue", f"LOOP-{number}")
    return Issue(ref=ref, ident=ref.key, title=title, state="todo", opened_at=at, updated_at=at)


def measured(store: SqlStore, name: str) -> Measured:
    with store.read() as tx:
        (found,) = measure_mirror([name], tx, lambda _: None)
    return found


def labelled(store: SqlStore, count: int) -> None:
    """A third imported, a third said by people, a third by their system's own field."""
    rows, lessons, records = [], [], []
    for number in range(count):
        topic = list(SAYS)[number % 3]
        title = SAYS[topic].format(WORDS[number % 12]) + f" {number}"
        if number % 9 < 3:
            rows.append(LabelRow(title, "", topic, "", "a file"))
        elif number % 9 < 6:
            records.append(feedback(number, title))
            lessons.append(
                Lesson(kind="topic", subject=records[-1].ref, other=topic, verdict="yes", by="mara", at=BEGIN)
            )
        else:
            records.append(feedback(number, title, topic))
    with store.write() as tx:
        tx.labels.put(rows)
        tx.mirror.put(records)
        tx.lessons.add(lessons)


def test_kinds_of_feedback_are_measured_on_labels_answers_and_own_fields(store: SqlStore) -> None:
    labelled(store, 45)
    found = measured(store, "feedback")
    figures = {one.name: one for one in found.figures}
    assert figures["feedback.macro_f1"].note == "45 labels, as it ships"
    assert figures["feedback.right"].value > 0.8
    assert {"feedback.calibration_error", "feedback.backlog_calibration_error"} <= set(figures)
    assert found.advice[0].setting.startswith("it.backlog_confidence >= 0.")
    assert found.advice[1].setting.startswith("it.topic_confidence < 0.")


def test_where_a_learnt_model_judges_each_label_is_judged_by_what_the_others_teach(store: SqlStore) -> None:
    labelled(store, 45)
    with store.write() as tx:
        learnt = versions.Learnt("1-beef", BEGIN.isoformat(), 45)
        versions.keep(tx, "topic", learnt, "{}")
        versions.use(tx, "topic", "1-beef")
    notes = {one.name: one.note for one in measured(store, "feedback").figures}
    assert notes["feedback.macro_f1"] == "45 labels, each by what the others teach"


def test_few_labels_are_not_measured(store: SqlStore) -> None:
    labelled(store, 18)
    assert measured(store, "feedback").why_not.startswith("18 pieces of feedback here, of 3 kinds, are labelled")


def tied(store: SqlStore, by: str, hours: float = -100) -> Measured:
    """Twelve pieces of feedback, each tied to the item that says the same."""
    items = [item(number, f"The {word} is slow in the evening", hours) for number, word in enumerate(WORDS)]
    said = [feedback(number, f"{word.title()} takes forever, so slow") for number, word in enumerate(WORDS)]
    with store.write() as tx:
        tx.mirror.put([*items, *said])
        tx.links.put([Link(one.ref, "fixes", it.ref, by=by) for one, it in zip(items, said, strict=True)])
    return measured(store, "item")


def test_existing_items_are_measured_on_what_people_and_systems_tied(store: SqlStore) -> None:
    found = tied(store, "person:mara")
    figures = {one.name: one for one in found.figures}
    assert figures["existing_item.precision_at_1"].value == 1.0
    assert figures["existing_item.precision_at_1"].note == "12 pieces of feedback"
    assert figures["existing_item.precision_at_5"].value == 1.0
    assert "existing_item.calibration_error" in figures
    assert found.advice[0].setting.startswith("link_at = 0.")
    assert "12 of 12" in found.advice[0].why


class Counting:
    """An encoder that knows nothing and counts what it is asked to read."""

    version = MEANT.encoder

    def __init__(self) -> None:
        self.read: list[str] = []

    def encode(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        self.read += texts
        return [(1.0, 0.0) for _ in texts]


def test_with_the_sentence_model_in_use_each_text_is_read_once_and_nothing_is_kept(store: SqlStore) -> None:
    tied(store, "person:mara")
    counting = Counting()
    for _ in range(2):
        counting.read.clear()
        with store.read() as tx:
            (found,) = measure_mirror(["item"], tx, lambda _: None, counting)
        assert found.figures
        assert len(counting.read) == len(set(counting.read)) > 12


@pytest.mark.parametrize(("by", "hours"), [("rule:feedback-to-backlog", -100.0), ("person:mara", 100.0)])
def test_what_a_rule_tied_or_came_after_the_feedback_is_no_answer(store: SqlStore, by: str, hours: float) -> None:
    assert tied(store, by, hours).why_not.startswith("0 pieces of feedback here are tied")


def test_a_bar_is_the_lowest_from_which_on_enough_are_right() -> None:
    cases = [(0.9, True)] * 8 + [(0.8, True), (0.704, True), (0.704, False), (0.5, True), (0.3, False), (0.2, False)]
    assert lowest_bar(cases, 0.9) == 0.5
    assert lowest_bar(cases, 0.95) is None
    assert lowest_bar(cases, 0.5, below=0.6) is None
    assert lowest_bar(cases, 0.3, below=0.6) == 0.2
    assert lowest_bar([*cases[:11], *[(0.5, False)] * 5], 0.9) == 0.7
    assert lowest_bar([], 0.5) is None
