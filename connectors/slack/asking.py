"""A message that asks: each question with its own buttons under it, so that one can be answered without the others."""

from collections.abc import Iterator

from loopbot.domain.effects import Ask
from loopbot.domain.messages import AskPart
from loopbot.domain.speech import (
    Address,
    Block,
    Button,
    Buttons,
    Context,
    Divider,
    Lead,
    Message,
    Paragraph,
    Said,
    Span,
    say,
)
from loopbot.domain.timing import timed


def asked(effect: Ask) -> Message:
    """The blocks of a message that asks."""
    return Message(tuple(_blocks(effect)))


def _blocks(effect: Ask) -> Iterator[Block]:
    for number, part in enumerate(effect.parts):
        if number:
            yield Divider()
        first, _, rest = part.text.partition("\n")
        yield Lead(first)
        if rest.strip():
            yield from timed(say(rest.strip("\n")), part.moments).blocks
        if part.places:
            yield Paragraph(tuple(_places(part)))
        if part.note:
            yield Context(part.note)
        if part.buttons:
            yield Buttons(part.key, tuple(Button(answer, label) for answer, label in part.buttons))


def _places(part: AskPart) -> Iterator[Span]:
    for number, (name, url) in enumerate(part.places):
        if number:
            yield Said("  ·  ")
        yield Address(url, name)
