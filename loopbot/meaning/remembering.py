"""Remembers what the last texts mean: whoever judges a ticket asks for the same sentences as the judgement before."""

import threading
from array import array
from collections import OrderedDict
from collections.abc import Sequence

from loopbot.domain.wordings import Vector
from loopbot.ports.encoding import Encoder

MOST = 256
"""So many texts are remembered, the last ones asked for: some 600 KB."""


class Remembering:
    """Implements Encoder over another one; any number of threads may ask it."""

    def __init__(self, encoder: Encoder, most: int = MOST) -> None:
        self._encoder = encoder
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Vector] = OrderedDict()

    @property
    def version(self) -> str:
        """That of the encoder."""
        return self._encoder.version

    def encode(self, texts: Sequence[str]) -> list[Vector]:
        """A vector for each text, made where it was not asked for lately; raises what the encoder raises."""
        with self._lock:
            found = {text: self._known[text] for text in texts if text in self._known}
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing:
            made = (array("f", vector) for vector in self._encoder.encode(missing))
            found.update(zip(missing, made, strict=True))
        with self._lock:
            for text in texts:
                self._known[text] = found[text]
                self._known.move_to_end(text)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return [found[text] for text in texts]
