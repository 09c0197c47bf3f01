"""What of a text is told to a sentence model: its title, and the beginning of what was written in sentences.

Every judgement that asks what a ticket means tells the model the same texts, so that each of them is read once. Code, headings and
what is too short to mean anything are left out; a word of a text costs about half a millisecond.
"""

import re

from loopbot.judgement.topic_text import Parted

LONGEST = 300
"""So many characters of a sentence."""
_SENTENCES, _PROSE = 8, 250
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


def beginning(said: Parted) -> str:
    """The first characters of the sentences below the title; "" where there are none."""
    return said.prose[:_PROSE].strip()


def titled(said: Parted) -> list[str]:
    """The sentences of the title, of which a report that has no text below it may have several; none that are too short."""
    found = [one.strip()[:LONGEST] for one in _SENTENCE.split(said.title)]
    return [one for one in found if len(one.split()) > 2][:_SENTENCES]
