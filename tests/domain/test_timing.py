"""Points in time that a text names become moments; all else stays as it was."""

from datetime import UTC, datetime

from loopbot.domain.speech import Bullets, Lead, Message, Moment, Paragraph, say
from loopbot.domain.telling import moment
from loopbot.domain.timing import timed

AT = datetime(2026, 11, 28, 14, 5, tzinfo=UTC)


def test_a_point_in_time_is_shown_as_one_wherever_paragraphs_and_lists_name_it() -> None:
    named = moment(AT)
    made = timed(say(f"Sent {named}.\n• again {named}"), [AT])
    assert made == Message(
        (Paragraph(("Sent ", Moment(AT, by_date=True), ".")), Bullets((("again ", Moment(AT, by_date=True)),)))
    )


def test_what_is_not_named_and_what_is_no_running_text_stays() -> None:
    message = Message((Lead(moment(AT)), Paragraph("Sent long ago.")))
    assert timed(message, [AT]) == Message((Lead(moment(AT)), Paragraph(("Sent long ago.",))))
    assert timed(message, []) is message
