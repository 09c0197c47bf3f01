"""How people type, and what they mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopbot.usecases.conversation.reading import asked, slips, tickets_in, unescaped
from loopbot.usecases.conversation.vocabulary import VERBS


@pytest.mark.parametrize(
    ("text", "verb", "key"),
    [
        ("status INC0012345", "status", "INC0012345"),
        ("INC 12345 status", "status", "INC0012345"),
        ("Status: inc0012345", "status", "INC0012345"),
        ("what is the status of #inc12345, please?", "status", "INC0012345"),
        ("wo steht denn INC0012345 bitte", "status", "INC0012345"),
        ("INC0012345", "status", "INC0012345"),
        ("warum loop-42", "why", "LOOP-42"),
        ("why LOOP_42", "why", "LOOP-42"),
        ("status <https://x.atlassian.net/browse/LOOP-42|LOOP-42>", "status", "LOOP-42"),
        ("https://x.atlassian.net/browse/LOOP-42?focusedId=7", "status", "LOOP-42"),
        ("FOLLOW inc-0012345", "follow", "INC0012345"),
        ("ack inc 0012345 we look into it", "ack", "INC0012345"),
        ("status servicenow:incident:INC0012345", "status", "servicenow:incident:INC0012345"),
    ],
)
def test_a_ticket_is_named_in_many_ways(text: str, verb: str, key: str) -> None:
    said = asked(text)
    assert said.verb == verb
    assert key in said.tickets[0].keys


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("my queue", "queue"),
        ("zeige meine fragen bitte", "queue"),
        ("show my reports", "mine"),
        ("hilfe", "help"),
        ("?", "help"),
        ("dora production last 30 days", "dora"),
        ("loop 90", "loop"),
        ("releases", "release"),
        ("wiederkehrende", "recurring"),
    ],
)
def test_words_are_read_in_english_and_german(text: str, verb: str) -> None:
    said = asked(text)
    assert (said.verb, said.tickets) == (verb, ())


@pytest.mark.parametrize(
    ("text", "guess", "words"),
    [("staus INC1", "status", "INC1"), ("feedbck it hangs", "feedback", "it hangs"), ("relase", "release", "")],
)
def test_a_misspelt_verb_is_guessed_and_not_taken(text: str, guess: str, words: str) -> None:
    said = asked(text)
    assert (said.verb, said.guess, said.words) == ("", guess, words)


def test_words_that_mean_nothing_here_are_told_back() -> None:
    said = asked("flibbertigibbet")
    assert (said.verb, said.guess, said.typed) == ("", "", "flibbertigibbet")
    assert asked("").verb == asked("   ").guess == ""


def test_the_words_of_feedback_are_kept_as_they_were_typed() -> None:
    assert (
        asked("feedback The *Status* page is slow, <!channel> &amp; sad").words
        == "The *Status* page is slow, !channel & sad"
    )


def test_a_row_is_found_by_the_address_of_its_form() -> None:
    ident = "0123456789abcdef0123456789abcdef"
    [named] = tickets_in(f"https://it.example.com/nav_to.do?uri=incident.do%3Fsys_id%3D{ident}")
    assert named.idents == (ident,)


def test_slips_of_the_finger_are_few() -> None:
    assert "INC0012354" in slips("INC0012345")
    assert "INC001245" in slips("INC0012345")
    assert len(slips("INC0012345")) < 30


def test_what_slack_wraps_is_unwrapped_and_what_looks_like_it_stays_text() -> None:
    assert unescaped("see <https://x.example/a?b=1&amp;c|here> <#C1|ops> <mailto:a@b.example|a@b.example>") == (
        "see https://x.example/a?b=1&c #ops a@b.example"
    )


@given(st.text(max_size=300))
def test_nothing_that_is_typed_breaks_it(text: str) -> None:
    said = asked(text)
    assert said.verb in {"", *VERBS}
