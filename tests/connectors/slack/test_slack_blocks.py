"""Texts as blocks: nothing in them calls anybody, nothing is hidden, every limit holds."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.slack import blocks, speaking
from loopbot.domain.messages import Shared
from loopbot.domain.speech import say
from loopbot.sandbox.slack import Message, links, notified, seen
from loopbot.sandbox.slack.blocks import faults
from tests.connectors.slack.stage import read_aloud

HOSTILE = "<!channel> <!here> <@U012AB3CD> <!subteam^S123> <http://evil.example|your bank> @channel @here & *b* ~x~"


def as_message(said: dict[str, Any]) -> Message:
    return Message("1.0", "C1", "U1", said["text"], said["blocks"])


@pytest.mark.parametrize("text", [HOSTILE, f"• {HOSTILE}", f"a\n{HOSTILE}\n• x", "```<!channel>```", "> <!everyone>"])
def test_markup_in_a_foreign_text_arrives_literally_and_calls_nobody(text: str) -> None:
    said = blocks.message(text, key="k")
    assert notified(as_message(said)) == set()
    assert read_aloud(said["blocks"]) == text
    assert ("http://evil.example", "your bank") not in links(as_message(said))


def test_every_link_shows_the_address_it_leads_to() -> None:
    said = blocks.message("see https://example.com/browse/LOOP-1, or (http://example.com/x).")
    assert links(as_message(said)) == {(a, a) for a in ("https://example.com/browse/LOOP-1", "http://example.com/x")}


def test_other_schemes_do_not_become_links() -> None:
    assert links(as_message(blocks.message("javascript:alert(1) file:///etc/passwd slack://x"))) == set()


def test_lines_with_a_bullet_become_a_list() -> None:
    kinds = [one["type"] for one in blocks.text_blocks("What changed:\n• one\n• two\nThat is all.")[0]["elements"]]
    assert kinds == ["rich_text_section", "rich_text_list", "rich_text_section"]


@pytest.mark.parametrize("text", ["x" * 40_000, "ab cd\n" * 7_000, "https://example.com/" + "y" * 30_000])
def test_a_very_long_text_is_cut_and_says_so(text: str) -> None:
    said = blocks.message(text, key="k")
    assert not faults(said["blocks"])
    assert "cut here: the text has" in read_aloud(said["blocks"])
    assert len(read_aloud(said["blocks"])) <= blocks.LONGEST
    assert len(said["text"]) <= blocks.LONGEST_FALLBACK


def test_controls_and_text_that_runs_backwards_are_taken_out() -> None:
    said = read_aloud(blocks.message("pay \u202e001$\u202c now\x00\x1b[31m")["blocks"])
    assert said == "pay 001$ now[31m"


def test_an_empty_text_still_makes_a_message() -> None:
    assert seen(as_message(blocks.message(" \n "))) == "(no text)"


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400))
def test_any_text_makes_blocks_that_slack_takes_and_that_call_nobody(text: str) -> None:
    said = blocks.message(text, key="k", buttons=(("yes", text[:100]), ("no", "No")))
    assert not faults(said["blocks"])
    assert notified(as_message(said)) == set()
    assert all(span["text"] for span in _spans(said["blocks"]))


def test_a_button_carries_the_effect_and_the_answer() -> None:
    action = blocks.message("Fixed?", key="abc", buttons=(("yes", "Yes"), ("no", "No")))["blocks"][-1]["elements"][1]
    assert action["action_id"] == "loopbot:no"
    assert blocks.pressed(action["value"]) == blocks.Pressed("abc", "no")


@pytest.mark.parametrize("value", ["", "LOOP-1", "[1]", '{"key": 1, "answer": "x"}', "{"])
def test_a_strange_button_value_is_not_ours(value: str) -> None:
    assert blocks.pressed(value) is None


def test_an_answer_replaces_the_buttons_and_leaves_the_text() -> None:
    before = blocks.message("Fixed?", key="k", buttons=(("yes", "Yes"),))["blocks"]
    after = blocks.answered(before, blocks.ANSWERS, speaking.note(say("Thank you, <!channel>")))
    assert [one["type"] for one in after] == ["rich_text", "context"]
    assert notified(Message("1.0", "C1", "U1", "", after)) == set()


BUTTONS = (("yes", "Yes, it works"), ("no", "Still broken"))


def fix(key: str, lead: str = "Fixed in production, of what you reported:") -> blocks.Part:
    return blocks.Part(key, f"Export {key} is fixed.", BUTTONS, shared=Shared(lead, f"Export {key}"))


def asked_for(block: dict[str, Any]) -> str:
    told = blocks.pressed(block["elements"][0]["value"])
    return told.key if told else ""


def rows(message: list[dict[str, Any]]) -> list[str]:
    """Whose answer each row of buttons is."""
    return [asked_for(block) for block in message if block["type"] == "actions"]


def test_what_several_share_is_said_once_above_their_lines_and_their_buttons() -> None:
    said = blocks.together([fix("a"), blocks.Part("x", "Something else"), fix("b")], "News about 3 things:")
    shown = read_aloud(said["blocks"])
    assert shown.count("Fixed in production, of what you reported:") == 1
    assert [shown.index(words) for words in ("Export a", "Export b", "Something else")] == sorted(
        shown.index(words) for words in ("Export a", "Export b", "Something else")
    )
    assert "is fixed." not in shown, "by itself it would say more"
    assert rows(said["blocks"]) == ["a", "b", "a,b"]
    assert blocks.keys_of(said) == {"a", "b", "x"}
    assert blocks.keys_of({"blocks": said["blocks"]}) == {"a", "b", "x"}
    assert not faults(said["blocks"])
    assert "Fixed in production, of what you reported:\n• Export a\n• Export b" in said["text"]


def test_what_is_shared_by_nobody_else_stands_by_itself() -> None:
    said = blocks.together([fix("a"), fix("b", "Fixed in staging, of what you reported:")], "News about 2 things:")
    assert read_aloud(said["blocks"]).count("is fixed.") == 2
    assert rows(said["blocks"]) == ["a", "b"]


def test_a_yes_for_all_takes_all_buttons_away_and_an_answer_for_one_leaves_the_rest() -> None:
    before = blocks.together([fix("a"), fix("b"), fix("c")], "News about 3 things:")["blocks"]
    note = speaking.note(say("Good."))
    ids = [block["block_id"] for block in before if block["type"] == "actions"]
    assert rows(blocks.answered(before, ids[3], note)) == []
    one_left = blocks.answered(before, ids[1], note)
    assert rows(one_left) == ["a", "c", "a,c"]
    assert one_left[-1]["elements"][0]["text"]["text"] == "All 2: Yes, it works"
    assert rows(blocks.answered(one_left, ids[0], note)) == ["c"], "nothing is left to answer at once"


def _spans(message: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for block in message:
        for part in block["elements"] if block["type"] == "rich_text" else []:
            sections = part["elements"] if part["type"] == "rich_text_list" else [part]
            found += [span for section in sections for span in section["elements"]]
    return found
