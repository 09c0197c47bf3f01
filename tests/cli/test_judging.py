"""`judgement` and `evaluate --from-mirror`: what somebody sees of what was learnt here, and how they go back."""

from typing import cast

import pytest

from loopbot.config import load_config
from loopbot.judgement.cause import JUDGEMENT
from loopbot.judgement.cause_model import shipped_model
from loopbot.judgement.versions import Learnt, in_use, keep, use
from loopbot.ports import Store
from loopbot.wiring import Outfit, open_configured_store
from tests.support.town import Town


@pytest.fixture
def learnt(town: Town) -> Town:
    """Something was learnt once, and is in use."""
    store = cast("Store", open_configured_store(load_config(town.config), Outfit()))
    with store.write() as tx:
        keep(
            tx, JUDGEMENT, Learnt("0123abcd", "2026-03-02T09:00:00+00:00", 41, "surprise .2"), shipped_model().dumped()
        )
        use(tx, JUDGEMENT, "0123abcd")
    store.close()
    return town


def _used(town: Town) -> str:
    store = cast("Store", open_configured_store(load_config(town.config), Outfit()))
    with store.read() as tx:
        found = in_use(tx, JUDGEMENT)
    store.close()
    return found


def test_the_list_shows_what_was_learnt_and_which_model_judges(learnt: Town) -> None:
    said = learnt.says("judgement", "list")
    assert said.code == 0
    line = next(line for line in said.out.splitlines() if "0123abcd" in line)
    assert line.startswith("→")
    assert "41 answers" in line


def test_one_can_go_back_and_forth_between_models(learnt: Town) -> None:
    assert learnt.says("judgement", "reset").code == 0
    assert _used(learnt) == "shipped"
    assert learnt.says("judgement", "use", "0123abcd").code == 0
    assert _used(learnt) == "0123abcd"


def test_what_a_person_chose_is_said_to_stay_and_how_to_let_it_go(learnt: Town) -> None:
    assert "chose" not in learnt.says("judgement", "list").out
    assert "loopbot judgement follow --of cause" in learnt.says("judgement", "reset").out
    shown = learnt.says("judgement", "list")
    assert "cause: a person chose shipped. What is learnt is kept and not used." in " ".join(shown.out.split())
    assert learnt.says("judgement", "list", "--json").json["cause"]["chosen"] is True
    followed = learnt.says("judgement", "follow", "--of", "cause")
    assert followed.code == 0
    assert "Suspects are judged by shipped until something is learnt that does no worse." in " ".join(
        followed.out.split()
    )
    assert learnt.says("judgement", "list", "--json").json["cause"]["chosen"] is False
    assert learnt.says("judgement", "follow", "--of", "topic").code == 2


def test_kinds_of_feedback_are_listed_and_chosen_by_the_same_commands(learnt: Town) -> None:
    store = cast("Store", open_configured_store(load_config(learnt.config), Outfit()))
    with store.write() as tx:
        row = Learnt("1-beef", "2026-03-02T09:00:00+00:00", 80, "84% right")
        keep(tx, "topic", row, '{"learnt": null, "projects": {}, "temperature": 1.0}')
    store.close()

    listed = learnt.says("judgement", "list").out
    assert "80 labels" in next(line for line in listed.splitlines() if "1-beef" in line)
    assert learnt.says("judgement", "use", "1-beef").code == 0
    told = learnt.says("judgement", "list", "--json").json
    assert (told["topic"]["in_use"], told["cause"]["in_use"]) == ("1-beef", "0123abcd")
    assert learnt.says("judgement", "reset", "--of", "topic").code == 0
    old = learnt.says("labels", "use", "1-beef")
    assert old.code == 0
    assert "loopbot judgement use 1-beef --of topic" in old.err
    wrong = learnt.says("judgement", "use", "1-beef", "--of", "cause")
    assert wrong.code == 2
    assert "known: cause: shipped, 0123abcd" in wrong.err


def test_a_model_that_is_not_there_is_a_mistake_that_names_those_that_are(learnt: Town) -> None:
    said = learnt.says("judgement", "use", "nonsense")
    assert said.code == 2
    assert "shipped, 0123abcd" in said.err
    assert _used(learnt) == "0123abcd"


def test_without_enough_answers_nothing_is_learnt_and_nothing_measured(town: Town) -> None:
    said = town.says("judgement", "learn")
    assert said.code == 1
    assert (
        "cause: Nothing was learnt: 0 incidents have a known cause, or are known to have none; 30 are needed"
        in said.out
    )
    assert "recurrence: Nothing was learnt: people called 0 pairs of tickets the same; 30 are needed" in said.out
    measured = town.says("evaluate", "--from-mirror")
    assert measured.code == 1
    assert "cause: not measured: 0 incidents here have a cause" in measured.out
    assert "recurrence: not measured: 0 incidents here repeat an earlier one" in measured.out
    assert "feedback: not measured: 0 pieces of feedback here, of 0 kinds, are labelled" in measured.out
    assert "item: not measured: 0 pieces of feedback here are tied" in measured.out
