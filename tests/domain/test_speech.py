"""What loopbot says, before a channel gives it a shape."""

from datetime import UTC, datetime

from loopbot.domain.forms import Filled
from loopbot.domain.speech import (
    Address,
    Bullets,
    Button,
    Buttons,
    Fields,
    Heard,
    Lead,
    Message,
    Moment,
    Option,
    Paragraph,
    Quote,
    Said,
    Select,
    plain,
    say,
    spans,
)


def test_a_message_reads_from_what_matters_to_what_can_be_done() -> None:
    said = Message(
        (
            Lead("The export works again."),
            Quote("The export hangs\nsince Tuesday"),
            Fields((("Ticket", Address("https://sn.example/INC1", "INC1")), ("Since", Moment(datetime(2026, 5, 4, 9, 5, tzinfo=UTC))))),
            Bullets(("one", ("two ", Said("three", strong=True))), numbered=True),
            Buttons("k", (Button("yes", "It works"), Button("no", "Not yet"))),
            Select("k", "Or", (Option("a", "Something else"),)),
        )
    )  # fmt: skip
    assert plain(said).splitlines() == [
        "The export works again.",
        "> The export hangs",
        "> since Tuesday",
        "Ticket: INC1 (https://sn.example/INC1)",
        "Since: 2026-05-04 09:05 UTC",
        "1. one",
        "2. two three",
        "[It works] [Not yet]",
        "Or: Something else",
    ]


def test_an_address_never_passes_for_another_one() -> None:
    assert Address("https://evil.example", "https://bank.example").shown == "https://evil.example"
    assert Address("https://evil.example", "bank.com").shown == "https://evil.example"
    assert Address("https://sn.example/1", "INC0012345").shown == "INC0012345"
    assert not Address("javascript:alert(1)", "INC1").leads


def test_a_plain_text_becomes_paragraphs_lists_and_addresses_that_show_themselves() -> None:
    said = say("Two things:\n• one\n• https://sn.example/x.\n\nThat is all.")
    assert [type(one) for one in said.blocks] == [Paragraph, Bullets, Paragraph]
    assert list(spans("see https://sn.example/x.")) == [Said("see "), Address("https://sn.example/x"), Said(".")]
    assert plain(said) == "Two things:\n• one\n• https://sn.example/x.\nThat is all."


def test_an_address_that_was_cut_leads_nowhere() -> None:
    for cut in (
        "https://bank.exam…",
        "https://bank.exam… (cut here)",
        "“https://bank.exam…”",
        "https://bank.exam\n… (cut here)",
    ):
        assert list(spans(cut)) == [Said(cut)]
    assert Address("https://bank.example") in list(spans("https://bank.example and …"))


def test_a_heard_message_has_one_name_and_a_field_its_words() -> None:
    assert Heard("slack", "T1/C1", "17.5", "words").ident == "slack/T1/C1/17.5"
    assert Filled("feedback", {"words": "  it hangs "}).value("words") == "it hangs"
    assert Filled("feedback", {}).value("words") == ""
