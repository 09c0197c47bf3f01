"""What a sentence model is to the rest: texts in, vectors out; the nearer in meaning, the greater their product."""

from collections.abc import Sequence
from typing import Protocol

from loopbot.domain.wordings import Vector


class Encoder(Protocol):
    """Turns texts into vectors of length one, the same text always into the same one."""

    @property
    def version(self) -> str:
        """Which model, and which way of reading texts: vectors of different versions are not compared."""

    def encode(self, texts: Sequence[str]) -> list[Vector]:
        """A vector for each text, in their order."""
