"""What feedback means as a whole, beside its signs and words: where its title and its sentences lie together.

The title alone says most of what it is about, the sentences what is asked for; logs, forms and code are left out.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from loopbot.domain.wordings import Vector
from loopbot.judgement.topic_model import Read
from loopbot.ports.encoding import Encoder

_MOST = 350
"""How many characters are told to the encoder."""


def meant(texts: Sequence[Read], encoder: Encoder) -> list[Read]:
    """The texts with their vectors."""
    vectors = encoder.encode([part for one in texts for part in _parts(one)])
    pairs = zip(texts, vectors[::2], vectors[1::2], strict=True)
    return [replace(one, vector=_between(title, whole)) for one, title, whole in pairs]


def _parts(text: Read) -> tuple[str, str]:
    return text.said.title, f"{text.said.title}. {text.said.prose}"[:_MOST]


def _between(one: Vector, other: Vector) -> Vector:
    """The vector of length one in the middle of both."""
    both = [first + second for first, second in zip(one, other, strict=True)]
    length = math.sqrt(math.fsum(value * value for value in both)) or 1.0
    return tuple(round(value / length, 6) for value in both)
