import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from loopbot.domain.ranking import classified
from loopbot.domain.records import Feedback, Ref, TopicGuess
from loopbot.judgement.shipped import shipped_topics
from loopbot.judgement.topic import Stack, weight_of
from loopbot.judgement.topic_learning import Example, learn
from loopbot.judgement.topic_model import Block, read
from loopbot.judgement.topic_shipped import decoded, encoded, shipped
from loopbot.judgement.topic_training import Label, Training, crossed, macro_f1, split

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def said(title: str, text: str = "", **more: object) -> Feedback:
    ref = Ref("servicenow", "feedback", "FB1")
    made = Feedback(ref=ref, ident="1", title=title, text=text, state="new", updated_at=NOW)
    return replace(made, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("title", "topic"),
    [
        ("It would be great to have a dark theme", "feature"),
        ("The page crashes with an error when I save", "bug"),
        ("How can I change my address?", "question"),
        ("I love it, great work", "praise"),
        ("Terrible, I am so disappointed", "complaint"),
        ("Bitte eine Möglichkeit zum Sortieren einbauen", "feature"),
        ("Die App stürzt ab und meldet einen Fehler", "bug"),
        ("Où trouver la notice ?", "question"),
        ("La aplicación se cierra con un error", "bug"),
        ("Gostaria de uma opção para exportar", "feature"),
    ],
)
def test_plain_words_in_several_languages_tell_the_topic_without_any_labels(title: str, topic: str) -> None:
    guess = shipped_topics().guess(said(title))

    assert guess is not None
    assert guess.topic == topic
    assert guess.confidence == max(share for _, share in guess.shares)
    assert sum(share for _, share in guess.shares) == pytest.approx(1, abs=0.005)


def test_the_reason_quotes_the_words_that_weighed_most() -> None:
    guess = shipped_topics().guess(said("Export", "It would be nice if there was an option to choose the columns."))

    assert guess is not None
    assert '"would be nice" (words a wish)' in guess.because


def test_words_that_tell_nothing_leave_doubt() -> None:
    guess = shipped_topics().guess(said("Regarding the reports page"))

    assert guess is not None
    assert guess.confidence < 0.5
    assert shipped_topics().guess(said("", " ")) is None


def test_a_label_that_says_the_topic_comes_before_words() -> None:
    judge = shipped_topics({"enhancement": "feature"})
    guess = judge.guess(said("It crashes with an error", labels=frozenset({"Enhancement", "ui"})))

    assert guess is not None
    assert (guess.topic, guess.confidence, guess.because) == ("feature", 1.0, 'it is labelled "Enhancement"')


def test_what_people_say_it_is_counts_for_certain() -> None:
    record = classified(said("It crashes", topic="praise"), shipped_topics())

    assert isinstance(record, Feedback)
    assert (record.likely_topic, record.topic_confidence, record.backlog_confidence) == ("praise", 1.0, 0.0)


def test_something_for_the_backlog_is_a_bug_or_a_wish_whichever() -> None:
    record = classified(said("Please fix the export, it would be nice if it did not crash"), shipped_topics())

    assert isinstance(record, Feedback)
    assert record.backlog_confidence > (record.topic_confidence or 0)


def test_the_same_words_are_not_judged_twice_by_the_same_model() -> None:
    class Counting:
        version = "1"
        asked = 0

        def guess(self, feedback: Feedback) -> TopicGuess | None:
            Counting.asked += 1
            guess = shipped_topics().guess(feedback)
            return guess and replace(guess, by=self.version)

    known = classified(said("It crashes"), Counting())
    again = classified(said("It crashes", state="acknowledged"), Counting(), known)
    assert Counting.asked == 1
    assert isinstance(again, Feedback)
    assert isinstance(known, Feedback)
    assert again.guess == known.guess
    classified(said("It crashes often"), Counting(), known)
    newer = Counting()
    newer.version = "2"
    classified(said("It crashes"), newer, known)
    assert Counting.asked == 3


def test_what_ships_holds_signs_alone() -> None:
    model, _ = shipped()

    assert all(name.startswith(Block.SIGN) for name in model.weights)
    assert not model.vocabulary.rarity
    assert not model.vocabulary.forms


@pytest.mark.parametrize("text", ["<!--" * 5000, "![" * 9000, "`" * 20_000, "a" * 20_000, "```\n" * 5000, "/a" * 9000])
def test_no_text_can_make_it_slow(text: str) -> None:
    assert shipped_topics().guess(said("x", text)) is not None


def made(count: int, project: str = "", seed: int = 1) -> list[Label]:
    """Labels of a team that calls a certain form a bug and another one a wish, in words of its own."""
    chance = random.Random(seed)
    labels = []
    for _ in range(count):
        topic = chance.choice(["bug", "feature"])
        word = chance.choice(["zorp", "quux"] if topic == "bug" else ["blim", "frob"])
        filler = " ".join(chance.choice(["alpha", "beta", "gamma", "delta", "page", "list"]) for _ in range(12))
        labels.append(Label(Example(read(f"{word} in {filler[:10]}", filler), topic), project))
    return labels


def test_a_team_s_own_words_are_learnt_from_its_labels() -> None:
    model, temperature = shipped()
    training = Training(model, temperature)
    found = list(crossed(training, made(150)))

    assert macro_f1(found) > 0.9
    stack = training.stack(made(150), "1")
    assert stack.shares(read("zorp in the list", ""))["bug"] > 0.8
    assert stack.shares(read("frob in the list", ""))["feature"] > 0.8


def test_topics_without_labels_keep_their_share() -> None:
    model, temperature = shipped()
    before = Stack(model, temperature).shares(read("How can I do that?", ""))
    after = Training(model, temperature).stack(made(150), "1").shares(read("How can I do that?", ""))

    assert after["question"] > before["question"] / 2


def test_a_few_labels_change_nothing() -> None:
    model, temperature = shipped()
    stack = Training(model, temperature).stack(made(20), "1")

    assert stack.learnt is None
    assert weight_of(29) == 0.0
    assert weight_of(60) == 0.5


def test_the_same_labels_make_the_same_model_and_a_model_survives_being_kept_as_text() -> None:
    one, two = (learn([label.example for label in made(60)]) for _ in range(2))

    assert one == two
    again, _ = decoded(encoded(one, shipped()[1]))
    assert again == one


def test_parts_hold_a_share_of_every_topic() -> None:
    labels = made(100)

    for kept, left in split(labels, 5):
        assert len(left) in {19, 20, 21}
        assert len(kept) + len(left) == 100
        assert {one.topic for one in left} == {"bug", "feature"}
