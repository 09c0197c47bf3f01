"""Labels: taken in from files and answers, learnt from, put in force and back out of it, on both databases."""

from dataclasses import replace
from pathlib import Path

import pytest

from loopbot.cli.labelling import read_labels
from loopbot.domain.errors import UserError
from loopbot.domain.questions import Lesson
from loopbot.domain.records import Feedback, Ref
from loopbot.domain.rulebook import Rulebook
from loopbot.judgement.shipped import shipped_judgement, shipped_topics
from loopbot.judgement.topic_answers import known_labels
from loopbot.ports import LabelRow
from loopbot.store import SqlStore
from loopbot.usecases.absorb import absorb
from loopbot.usecases.loop import Loop
from loopbot.usecases.topics import TopicShelf, judged_again, put_in_force, train
from tests.support.clock import FakeClock

WORDS = {"bug": ["zorp", "quux"], "feature": ["blim", "frob"]}


@pytest.fixture
def loop(store: SqlStore, clock: FakeClock) -> Loop:
    shelf = TopicShelf(shipped_topics())
    return Loop(store, Rulebook([]), {}, clock, "test", judgement=shipped_judgement(), shelf=shelf)


def rows(count: int) -> list[LabelRow]:
    found = []
    for number in range(count):
        topic = ("bug", "feature")[number % 2]
        found.append(
            LabelRow(f"{WORDS[topic][number // 2 % 2]} on page {number}", "as seen today", topic, source="x.csv")
        )
    return found


def feedback(key: str, title: str, clock: FakeClock, topic: str | None = None) -> Feedback:
    ref = Ref("servicenow", "feedback", key)
    return Feedback(ref=ref, ident=key, title=title, state="new", updated_at=clock.now(), topic=topic)


def mirrored(loop: Loop, ref: Ref) -> Feedback:
    with loop.store.read() as tx:
        record = tx.mirror.get(ref)
    assert isinstance(record, Feedback)
    return record


def taken_in(loop: Loop, *records: Feedback) -> None:
    with loop.store.write() as tx:
        absorb(loop, tx, records)


def test_the_same_file_twice_adds_nothing_and_a_changed_topic_replaces_the_old_one(loop: Loop) -> None:
    with loop.store.write() as tx:
        assert tx.labels.put(rows(10)) == (10, 0)
    with loop.store.write() as tx:
        assert tx.labels.put(rows(10)) == (0, 0)
        assert tx.labels.put([replace(rows(1)[0], topic="praise")]) == (0, 1)
        assert len(tx.labels.all()) == 10


def test_what_comes_in_is_judged_with_its_reason_and_kept(loop: Loop, clock: FakeClock) -> None:
    taken_in(loop, feedback("FB1", "It would be nice to have a dark theme", clock))

    kept = mirrored(loop, Ref("servicenow", "feedback", "FB1"))
    assert kept.likely_topic == "feature"
    assert kept.topic is None
    assert '"would be nice"' in kept.topic_because
    assert kept.guess is not None
    assert kept.guess.by == "shipped"


def test_a_team_s_words_are_learnt_and_what_is_mirrored_is_judged_again(loop: Loop, clock: FakeClock) -> None:
    taken_in(loop, feedback("FB1", "zorp on my page", clock))
    before = mirrored(loop, Ref("servicenow", "feedback", "FB1"))
    with loop.store.write() as tx:
        tx.labels.put(rows(120))

    done = train(loop, lambda _: None)

    assert done.better
    after = mirrored(loop, before.ref)
    assert after.likely_topic == "bug"
    assert after.guess is not None
    assert after.guess.by == done.version
    assert '"zorp"' in after.topic_because
    put_in_force(loop, "shipped")
    assert mirrored(loop, before.ref).guess == before.guess


def test_the_same_labels_make_the_same_version(loop: Loop) -> None:
    with loop.store.write() as tx:
        tx.labels.put(rows(60))

    assert train(loop, lambda _: None).version == train(loop, lambda _: None, at_once=False).version
    with loop.store.read() as tx:
        assert len(tx.models.all("topic")) == 1


def test_answers_and_a_system_s_own_fields_are_labels_too(loop: Loop, clock: FakeClock) -> None:
    taken_in(loop, feedback("FB1", "Quite something", clock), feedback("FB2", "The button", clock, topic="bug"))
    ref = Ref("servicenow", "feedback", "FB1")
    with loop.store.write() as tx:
        tx.lessons.add([Lesson(kind="topic", subject=ref, other="praise", verdict="yes", by="ann", at=tx.now())])
        found = {(one.title, one.topic, one.source) for one in known_labels(tx)}

    assert found == {("Quite something", "praise", "an answer"), ("The button", "bug", "servicenow's own field")}


def test_a_person_s_word_stands_over_every_model(loop: Loop, clock: FakeClock) -> None:
    record = feedback("FB1", "It crashes with an error", clock)
    taken_in(loop, record)
    with loop.store.write() as tx:
        tx.lessons.add([Lesson(kind="topic", subject=record.ref, other="praise", verdict="yes", by="ann", at=tx.now())])
        absorb(loop, tx, [record])
    judged_again(loop)

    assert (mirrored(loop, record.ref).likely_topic, mirrored(loop, record.ref).topic_confidence) == ("praise", 1.0)


def test_too_few_labels_are_said_and_an_unknown_version_is_refused(loop: Loop) -> None:
    with loop.store.write() as tx:
        tx.labels.put(rows(5))
    with pytest.raises(UserError, match="there are 5"):
        train(loop, lambda _: None)
    with pytest.raises(UserError, match="known: shipped"):
        put_in_force(loop, "7-abc")


def test_a_model_that_can_not_be_read_any_more_leaves_the_shipped_one_in_force(loop: Loop) -> None:
    from loopbot.ports import ModelRow

    with loop.store.write() as tx:
        tx.models.put("topic", ModelRow("1-x", tx.now(), 40), '{"form": "of the future"}')
        tx.remember("judgement:topic:version", "1-x")
    with loop.store.read() as tx:
        assert loop.shelf is not None
        assert loop.shelf.in_force(tx).version == "shipped"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"text,topic\nfine,bug\nwrong,bgu\n", r"row 3, column topic: \"bgu\" is no topic"),
        (b"text,topic\n,bug\n", "row 2, column text: is empty"),
        (b"text,topic\na,b,c\n", "row 2: has 3 cells, the header has 2"),
        (b"texts,topic\na,bug\n", 'row 1: has no column "text"'),
        (b"text,text,topic\na,b,bug\n", 'row 1: has the column "text" twice'),
        (b'text,topic\n"open,bug\n', "is not CSV"),
        (b"\xff\xfe\x00", "byte 0: is not UTF-8"),
        (b"text,topic\n", "holds no labels"),
        (b"", "holds no labels"),
        (b"text,topic\n" + b"x" * 100_001 + b",bug\n", "more than 100,000 characters"),
    ],
)
def test_a_mistake_in_a_file_is_told_by_row_and_column_and_nothing_is_taken_in(
    tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "labels.csv"
    file.write_bytes(content)

    with pytest.raises(UserError, match=said):
        read_labels(file, {})


def test_foreign_text_is_kept_as_text_without_controls_and_secrets(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    text = "\ufefftext,topic,title\n\"=cmd()|'x'\x07 <b>, {it.title}\",Enhancement,\u202eok\n"
    file.write_text(text, encoding="utf-8")

    (row,) = read_labels(file, {"enhancement": "feature"})

    assert (row.text, row.title, row.topic) == ("=cmd()|'x' <b>, {it.title}", "ok", "feature")


def test_all_mistakes_are_told_at_once_but_not_thousands(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("text,topic\n" + "a,nonsense\n" * 500, encoding="utf-8")

    with pytest.raises(ExceptionGroup) as told:
        read_labels(file, {})

    assert len(told.value.exceptions) == 21
    assert "480 more mistakes" in str(told.value.exceptions[-1])
