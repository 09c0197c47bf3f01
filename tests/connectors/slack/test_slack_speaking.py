"""Whatever is said becomes Block Kit that Slack takes, and hostile text arrives as text."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.slack import speaking
from loopbot.domain.forms import ChoiceField, Form, PeopleField, TextField, TicketField
from loopbot.domain.speech import (
    Address,
    Block,
    Bullets,
    Button,
    Buttons,
    Confirm,
    Context,
    Divider,
    Fields,
    Lead,
    Message,
    Moment,
    Option,
    Paragraph,
    Quote,
    Said,
    Select,
    say,
)
from loopbot.sandbox.slack import views
from loopbot.sandbox.slack.blocks import faults

HOSTILE = [
    "<!channel> <@U123> <#C1|general> <https://evil.example|https://bank.example>",
    "*bold* _it_ ~gone~ `code` ```pre``` :rotating_light: &amp; &lt;!here&gt;",
    "\u202egnp.exe \u200f\u05e9\u05dc\u05d5\u05dd \ud83d\udca5".encode("utf-16", "surrogatepass").decode("utf-16"),
    "x" * 40_000,
    "",
    "\x00\x07",
]


def texts(block: Any) -> list[dict[str, Any]]:
    """Every object that holds words."""
    if isinstance(block, list):
        return [one for item in block for one in texts(item)]
    if not isinstance(block, dict):
        return []
    own = [block] if isinstance(block.get("text"), str) else []
    return own + [one for value in block.values() for one in texts(value)]


def blocks_of(text: str) -> list[Block]:
    words = (Said(text, strong=True), text, Address(text, text), Moment(datetime(2026, 1, 1, tzinfo=UTC)))
    return [
        Lead(text),
        Paragraph(words),
        Quote(text),
        Fields(((text, text), ("Ticket", Address("https://sn.example/1", text)))),
        Bullets((text, words)),
        Bullets((text,), numbered=True),
        Context(text),
        Divider(),
        Buttons("key", (Button("yes", text, "primary"), Button("no", text, "danger", Confirm(text, text, text, text)))),
        Select("key", text, (Option("a", text), Option("b", text))),
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_literal_in_every_block(text: str) -> None:
    said = speaking.message(Message(tuple(blocks_of(text))))
    assert faults(said["blocks"]) == []
    assert "<!" not in said["text"]
    assert all(one["type"] in {"text", "plain_text", "link"} for one in texts(said["blocks"]))
    links = [one for one in texts(said["blocks"]) if one["type"] == "link"]
    assert all(one["text"] == one["url"] or "." not in one["text"] for one in links)


def test_what_does_not_fit_is_cut_and_says_so() -> None:
    said = speaking.message(Message(tuple(Paragraph("word " * 400) for _ in range(80))))
    assert len(said["blocks"]) == 50
    assert "cut here" in str(said["blocks"][-1])
    assert sum(len(one["text"]) for one in texts(said["blocks"])) < 10_500
    listed = speaking.message(Message((Bullets(tuple("word " * 199 for _ in range(100))),)))
    assert "more" in str(listed["blocks"][-1])


@given(st.lists(st.sampled_from(blocks_of("a <!here> b") + blocks_of("y" * 5_000)), max_size=130))
def test_any_message_is_one_that_slack_takes(blocks: list[Block]) -> None:
    said = speaking.message(Message(tuple(blocks)))
    assert faults(said["blocks"]) == []
    assert said["text"]
    assert views.check(speaking.home(Message(tuple(blocks))))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_form_is_a_modal_that_slack_takes(text: str) -> None:
    many = tuple(Option(f"o{number}", text) for number in range(130))
    form = Form(
        "feedback",
        text,
        (
            TextField("words", text, hint=text, initial=text, lines=True),
            TicketField("ticket", text, initial=text, optional=True),
            ChoiceField("few", text, many[:3], initial="o1"),
            ChoiceField("many", text, many, initial="o129"),
            PeopleField("people", text),
        ),
        submit=text,
        before=(Lead(text), Quote(text)),
        context="C1/17.5",
    )
    view = speaking.modal(form)
    assert views.check(view) == view
    assert view["callback_id"] == "loopbot:form:feedback"
    bare = speaking.modal(Form("feedback", "F", (TextField("words", "W"),)))
    assert [one["type"] for one in bare["blocks"]] == ["input"]


def test_a_form_that_can_not_carry_its_context_is_a_defect() -> None:
    with pytest.raises(ValueError, match="longer than a view"):
        speaking.modal(Form("f", "F", (), context="x" * 3_001))


def test_a_plain_sentence_is_a_remark_where_buttons_were_and_more_is_blocks() -> None:
    assert [one["type"] for one in speaking.note(say("Noted."))] == ["context"]
    assert [one["type"] for one in speaking.note(Message((Lead("Noted."), Paragraph("More."))))] == ["rich_text"] * 2
