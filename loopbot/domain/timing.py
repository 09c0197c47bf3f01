"""Points in time that a text names, made into moments that a channel can show in each reader's own zone."""

import re
from collections.abc import Iterable
from datetime import datetime

from loopbot.domain.speech import Block, Bullets, Message, Moment, Paragraph, Words
from loopbot.domain.telling import moment


def timed(message: Message, moments: Iterable[datetime]) -> Message:
    """The message with these points in time, where its paragraphs and lists name them as `telling.moment` writes them."""
    named = {moment(at): at for at in moments}
    if not named:
        return message
    apart = re.compile("(" + "|".join(map(re.escape, named)) + ")")

    def worded(words: Words) -> Words:
        if not isinstance(words, str):
            return words
        pieces = (one for one in apart.split(words) if one)
        return tuple(Moment(named[one], by_date=True) if one in named else one for one in pieces)

    def of(block: Block) -> Block:
        match block:
            case Paragraph(words):
                return Paragraph(worded(words))
            case Bullets(items, numbered):
                return Bullets(tuple(map(worded, items)), numbered)
            case _:
                return block

    return Message(tuple(map(of, message.blocks)))
