"""What feedback means as a whole, beside its signs and words: where its title and the beginning of its text lie together.

The title alone says most of what it is about, the text what is asked for; logs, forms and code are left out.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from loopbot.domain.wordings import Vector
from loopbot.judgement.gist import beginning
from loopbot.judgement.topic_model import Read
from loopbot.ports.encoding import Encoder


def meant(texts: Sequence[Read], encoder: Encoder) -> list[Read]:
    """The texts with their vectors."""
    parts = [_parts(one) for one in texts]
    vectors = iter(encoder.encode([part for each in parts for part in each]))
    return [
        replace(one, vector=_between([next(vectors) for _ in each])) for one, each in zip(texts, parts, strict=True)
    ]


def _parts(text: Read) -> list[str]:
    return [part for part in (text.said.title, beginning(text.said)) if part] or [""]


def _between(vectors: Sequence[Vector]) -> Vector:
    """The vector of length one in the middle of them."""
    both = [math.fsum(values) for values in zip(*vectors, strict=True)]
    length = math.sqrt(math.fsum(value * value for value in both)) or 1.0
    return tuple(round(value / length, 6) for value in both)
