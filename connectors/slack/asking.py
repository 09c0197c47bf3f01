"""A message that asks: each question with its own buttons under it, so that one can be answered without the others."""

import re
from collections.abc import Iterator

from loopbot.domain.effects import Ask, AskPart
from loopbot.domain.speech import (
    Address,
    Block,
    Bullets,
    Button,
    Buttons,
    Context,
    Divider,
    Lead,
    Message,
    Moment,
    Paragraph,
    Said,
    Span,
    Words,
    say,
)
from loopbot.domain.telling import moment


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
            yield from (_timed(one, part) for one in say(rest.strip("\n")).blocks)
        if part.places:
            yield Paragraph(tuple(_places(part)))
        if part.note:
            yield Context(part.note)
        if part.buttons:
            yield Buttons(part.key, tuple(Button(answer, label) for answer, label in part.buttons))


def _timed(block: Block, part: AskPart) -> Block:
    """The block with the points in time that it names, in each reader's own zone."""
    named = {moment(at): at for at in part.moments}
    if not named:
        return block
    apart = re.compile("(" + "|".join(map(re.escape, named)) + ")")

    def worded(words: Words) -> Words:
        if not isinstance(words, str):
            return words
        pieces = (one for one in apart.split(words) if one)
        return tuple(Moment(named[one], by_date=True) if one in named else one for one in pieces)

    match block:
        case Paragraph(words):
            return Paragraph(worded(words))
        case Bullets(items, numbered):
            return Bullets(tuple(map(worded, items)), numbered)
        case _:
            return block


def _places(part: AskPart) -> Iterator[Span]:
    for number, (name, url) in enumerate(part.places):
        if number:
            yield Said("  ·  ")
        yield Address(url, name)
