"""An encoder that knows a few words: texts with the same of them lie together, whatever else they say."""

import math
from collections.abc import Sequence

from loopbot.domain.wordings import Vector


class WordEncoder:
    """A number for each meaning; `asked` is every text that it was given."""

    version = "words-1"

    def __init__(self, *meanings: Sequence[str]) -> None:
        self._meanings = meanings
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> list[Vector]:
        self.asked.extend(texts)
        return [self._vector(text.lower()) for text in texts]

    def _vector(self, text: str) -> Vector:
        found = [0.1, *(float(any(word in text for word in words)) for words in self._meanings)]
        length = math.sqrt(sum(value * value for value in found))
        return tuple(value / length for value in found)
