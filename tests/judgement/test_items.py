"""Which existing item says it already: by words, and by what both mean where there is a sentence model."""

from datetime import UTC, datetime

import pytest

from loopbot.domain.records import Feedback, Issue, Ref
from loopbot.domain.rules import Match
from loopbot.domain.scoring import Ranked
from loopbot.domain.wordings import Sought
from loopbot.judgement.items import ITEM, MEANT, across, dumped, shipped, told
from loopbot.judgement.nearness import Memory
from loopbot.judgement.recurrence import Similars, recalled
from loopbot.judgement.topic_meaning import meant
from loopbot.judgement.topic_model import read
from loopbot.language.scene import Scene
from loopbot.meaning.remembering import Remembering
from tests.support.encoding import WordEncoder

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def item(key: str, title: str) -> Issue:
    return Issue(ref=Ref("jira", "issue", key), ident=key, title=title, state="todo", updated_at=NOW)


def wish(title: str, text: str = "") -> Feedback:
    ref = Ref("portal", "feedback", "1")
    return Feedback(ref=ref, ident="1", title=title, text=text, state="new", updated_at=NOW)


ITEMS = (
    item("L-1", "Power consumption of the sync page is high"),
    item("L-2", "Sync page shows the wrong phone number"),
    *(item(f"L-{number}", f"Something else about page {number}") for number in range(3, 30)),
)
SAID = wish("Since the update the sync page drains my battery on the phone")


def found(encoder: WordEncoder | None) -> list[Ranked]:
    scene = Scene(NOW, {one.ref: one for one in ITEMS})
    return list(Similars(encoder=encoder).rank(SAID, scene, Match(kind="issue", rank="similar")))


def words() -> WordEncoder:
    encoder = WordEncoder(("battery", "power"), ("number",))
    encoder.version = MEANT.encoder
    return encoder


def test_what_is_meant_counts_beside_the_words_and_is_told() -> None:
    assert found(None)[0].record.key == "L-2"

    best = found(words())[0]

    assert best.record.key == "L-1"
    assert best.because[0] == "it means much the same"
    assert 0 < best.score < 1


def test_an_encoder_that_the_numbers_were_not_made_with_is_not_asked() -> None:
    other = words()
    other.version = "words-2"

    assert [(one.record.key, one.score) for one in found(other)] == [(one.record.key, one.score) for one in found(None)]
    assert other.asked == []


def test_every_neighbour_is_ranked_though_only_the_best_by_words_are_compared_by_meaning() -> None:
    many = [item(f"L-{number}", f"Sync page {number}") for number in range(60)]
    near = Memory(many).neighbours(SAID, Sought(kinds=frozenset({"issue"}), limit=100))
    encoder = words()
    scene = Scene(NOW, {})

    ranked = list(across(SAID, near, recalled(scene, encoder)))

    assert len(ranked) == 60
    assert len(encoder.asked) == 1 + 30
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (wish("It crashes. The export is empty."), ["The export is empty."]),
        (wish("Export of invoices", "It is empty. Why?"), ["Export of invoices", "It is empty. Why?"]),
        (wish("Help", "The export is empty\n```\nTraceback of many words\n```"), ["The export is empty"]),
        (wish("Help"), ["Help"]),
        (wish(""), [""]),
    ],
)
def test_of_a_report_the_sentences_of_its_title_and_the_beginning_of_its_text_are_told(
    record: Feedback, said: list[str]
) -> None:
    assert told(record) == said


def test_a_long_report_is_not_read_to_its_end() -> None:
    many = " ".join(f"This is sentence number {number}." for number in range(50))
    assert len(told(wish(many))) == 8
    assert [len(one) for one in told(wish("x", many))] == [250]
    assert all(len(one) <= 300 for one in told(wish("word " * 90)))


def test_what_feedback_means_is_read_once_for_its_kind_and_for_the_item_that_says_it() -> None:
    model = words()
    encoder = Remembering(model)
    report = wish("The battery is empty by noon", "It was full this morning.")
    near = Memory([item("L-1", "Battery drain")]).neighbours(report, Sought(kinds=frozenset({"issue"})))

    meant([read(report.title, report.text)], encoder)
    list(across(report, near, recalled(Scene(NOW, {}), encoder)))

    assert model.asked == [*told(report), "Battery drain"]


def test_the_shipped_numbers_are_read_as_they_are_written() -> None:
    assert shipped() == (ITEM, MEANT)
    assert '"encoder": "minilm-l6-v2"' in dumped(ITEM, MEANT)
