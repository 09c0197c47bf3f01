"""The part of a long text that answers a question: articles say much, and of one only a little is quoted."""

from typing import Final

from loopbot.domain.texts import shorten
from loopbot.domain.wordings import Neighbourhood
from loopbot.judgement.likeness import weight_of
from loopbot.judgement.wording import LONGEST, wording

_LINES: Final = 1_000


def passage(text: str, near: Neighbourhood, limit: int) -> str:
    """What `text` says from the line on where most of what was asked for stands together, at most `limit` characters.

    A text that is short enough is quoted whole, and one that says none of it from its beginning.
    """
    text = text.strip()
    if len(text) <= limit:
        return text
    lines = [line.strip() for line in text[:LONGEST].split("\n") if line.strip()][:_LINES]
    held = [near.asked.terms & wording("", line).terms for line in lines]
    best, begins = 0.0, 0
    for start in range(len(lines)):
        if not held[start]:
            continue
        found: set[str] = set()
        length = 0
        for place in range(start, len(lines)):
            length += len(lines[place]) + 1
            if length > limit and place > start:
                break
            found |= held[place]
        told = sum(weight_of(term, near) for term in found)
        if told > best:
            best, begins = told, start
    return shorten("\n".join(lines[begins:]), limit)
