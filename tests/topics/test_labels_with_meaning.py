"""What is learnt with the sentence model: used where the model is, and what was learnt beside it without, where it is not."""

import pytest

from loopbot.domain.records import Feedback, Ref
from loopbot.domain.rulebook import Rulebook
from loopbot.judgement.shipped import shipped_judgement, shipped_topics
from loopbot.ports import LabelRow
from loopbot.store import SqlStore
from loopbot.usecases.absorb import absorb
from loopbot.usecases.loop import Loop
from loopbot.usecases.topics import TopicShelf, evaluated, left_out, train
from tests.support.clock import FakeClock
from tests.support.encoding import WordEncoder

LOST, WANTED = ("vanished", "swallowed", "evaporated"), ("desire", "crave", "yearning")
MEANINGS = WordEncoder(LOST, WANTED)


def loop_with(store: SqlStore, clock: FakeClock, encoder: WordEncoder | None) -> Loop:
    shelf = TopicShelf(shipped_topics(encoder=encoder))
    return Loop(store, Rulebook([]), {}, clock, "test", judgement=shipped_judgement(encoder=encoder), shelf=shelf)


def rows() -> list[LabelRow]:
    """Only what words mean tells the topics apart: the third word of each meaning is in no label."""
    found = []
    for number in range(80):
        topic, word = (("bug", LOST), ("feature", WANTED))[number % 2][0], (LOST, WANTED)[number % 2][number // 2 % 2]
        found.append(LabelRow(f"{word} page {number}", "as seen today", topic, source="x.csv"))
    return found


def guess(loop: Loop, title: str, clock: FakeClock) -> Feedback:
    ref = Ref("servicenow", "feedback", "FB1")
    record = Feedback(ref=ref, ident="FB1", title=title, state="new", updated_at=clock.now())
    with loop.store.write() as tx:
        absorb(loop, tx, [record])
        kept = tx.mirror.get(ref)
    assert isinstance(kept, Feedback)
    assert kept.guess is not None
    return kept


def trained(loop: Loop) -> str:
    with loop.store.write() as tx:
        tx.labels.put(rows())
    return train(loop, lambda _: None, at_once=True).version


def test_a_word_that_no_label_holds_is_known_by_what_it_means(store: SqlStore, clock: FakeClock) -> None:
    loop = loop_with(store, clock, MEANINGS)
    version = trained(loop)

    for title, topic in (("evaporated page", "bug"), ("yearning page", "feature")):
        kept = guess(loop, title, clock)
        assert kept.likely_topic == topic
        assert kept.guess is not None
        assert kept.guess.by == f"{version}+words-1"
        assert "it means the like of others that people labelled so" in kept.topic_because


def test_without_the_model_the_same_version_judges_by_words_and_that_is_told(store: SqlStore, clock: FakeClock) -> None:
    version = trained(loop_with(store, clock, MEANINGS))
    other = WordEncoder(LOST, WANTED)
    other.version = "words-2"

    for encoder in (None, other):
        lean = loop_with(store, clock, encoder)
        with lean.store.read() as tx:
            assert lean.shelf is not None
            assert lean.shelf.missing(tx) == "words-1"
        kept = guess(lean, "vanished page", clock)
        assert kept.guess is not None
        assert kept.guess.by == version
        assert kept.likely_topic == "bug"
    assert other.asked == []


def test_labels_learnt_without_the_model_stay_without_it_until_they_are_learnt_anew(
    store: SqlStore, clock: FakeClock
) -> None:
    before = trained(loop_with(store, clock, None))
    loop = loop_with(store, clock, MEANINGS)

    kept = guess(loop, "vanished page", clock)
    assert kept.guess is not None
    assert kept.guess.by == before
    with store.read() as tx:
        assert loop.shelf is not None
        assert loop.shelf.missing(tx) == ""
    again = trained(loop)
    assert again != before


def test_both_ways_are_measured_on_labels_that_were_left_out(store: SqlStore, clock: FakeClock) -> None:
    loop = loop_with(store, clock, MEANINGS)
    version = trained(loop)

    told = dict(left_out(rows(), MEANINGS))
    assert list(told) == ["shipped", "learnt", "learnt with words-1"]
    assert told["learnt with words-1"].macro_f1 == pytest.approx(1.0)
    unknown = [LabelRow("evaporated page", "", "bug"), LabelRow("yearning page", "", "feature")]
    assert dict(evaluated(loop, unknown))[version].right == pytest.approx(1.0)
