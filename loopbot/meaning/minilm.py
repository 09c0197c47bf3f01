"""all-MiniLM-L6-v2 (Apache-2.0) on numpy: six layers of attention, the mean of what they say of each piece, length one.

Only the first 128 pieces of a text are read, as the model was trained. A text of 128 takes about 40 ms of one processor, a
sentence of 15 about 14, and 3 to 4 among many; the weights take 45 MB once the first text was read, numpy and the vocabulary 20.
"""

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from loopbot.domain.wordings import Vector
from loopbot.meaning.finding import VERSION
from loopbot.meaning.tensors import Numbers, tensors
from loopbot.meaning.wordpieces import WordPieces

PIECES = 128
_TOGETHER = 256
"""So many pieces are taken at once: more take more memory and are hardly faster."""
_HEADS = 12
_TINY = np.float32(1e-12)
_GELU = np.float32(math.sqrt(2 / math.pi)), np.float32(0.044715)


class MiniLM:
    """The model over weights and a vocabulary; any number of threads may ask it."""

    version = VERSION

    def __init__(self, weights: dict[str, Numbers], pieces: WordPieces) -> None:
        self._weights = weights
        self._pieces = pieces
        self._layers = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer."))

    @classmethod
    def read(cls, folder: Path) -> "MiniLM":
        """From the model's own files; raises OSError, ValueError and KeyError."""
        return cls(tensors(folder / "model.safetensors"), WordPieces.read(folder / "vocab.txt", PIECES))

    def encode(self, texts: Sequence[str]) -> list[Vector]:
        """A vector of 384 numbers for each text. Several at once cost less than one after the other: weights are read once."""
        found: list[Vector] = []
        some: list[list[int]] = []
        for numbers in map(self._pieces.numbers, texts):
            if some and sum(map(len, some)) + len(numbers) > _TOGETHER:
                found.extend(self._vectors(some))
                some = []
            some.append(numbers)
        return [*found, *self._vectors(some)]

    def _vectors(self, texts: Sequence[Sequence[int]]) -> list[Vector]:
        if not texts:
            return []
        ends = list(itertools.accumulate(map(len, texts)))
        spans = [slice(end - len(one), end) for one, end in zip(texts, ends, strict=True)]
        said = np.concatenate([self._embedded(one) for one in texts])
        for layer in range(self._layers):
            said = self._layer(said, spans, f"encoder.layer.{layer}")
        means = (said[span].mean(axis=0) for span in spans)
        return [tuple((mean / np.sqrt((mean * mean).sum())).tolist()) for mean in means]

    def _embedded(self, numbers: Sequence[int]) -> Numbers:
        kinds = self._weights["embeddings.token_type_embeddings.weight"]
        places = self._weights["embeddings.position_embeddings.weight"]
        words = self._weights["embeddings.word_embeddings.weight"]
        return self._evened(words[list(numbers)] + places[: len(numbers)] + kinds[0], "embeddings.LayerNorm")

    def _layer(self, said: Numbers, spans: Sequence[slice], name: str) -> Numbers:
        asked, kept, given = (self._linear(said, f"{name}.attention.self.{part}") for part in ("query", "key", "value"))
        heard = np.concatenate([_attended(asked[span], kept[span], given[span]) for span in spans])
        attended = self._linear(heard, f"{name}.attention.output.dense")
        said = self._evened(attended + said, f"{name}.attention.output.LayerNorm")
        wide = _gelu(self._linear(said, f"{name}.intermediate.dense"))
        return self._evened(self._linear(wide, f"{name}.output.dense") + said, f"{name}.output.LayerNorm")

    def _linear(self, said: Numbers, name: str) -> Numbers:
        moved: Numbers = said @ self._weights[f"{name}.weight"].T
        moved += self._weights[f"{name}.bias"]
        return moved

    def _evened(self, said: Numbers, name: str) -> Numbers:
        """Each row with mean 0 and spread 1, then scaled."""
        said = said - said.mean(axis=-1, keepdims=True)
        said /= np.sqrt((said * said).mean(axis=-1, keepdims=True) + _TINY)
        said *= self._weights[f"{name}.weight"]
        said += self._weights[f"{name}.bias"]
        return said


def _attended(asked: Numbers, kept: Numbers, given: Numbers) -> Numbers:
    """What each piece of one text hears of the others."""
    length, width = asked.shape
    query, key, value = (part.reshape(length, _HEADS, -1).transpose(1, 0, 2) for part in (asked, kept, given))
    heard: Numbers = query @ key.transpose(0, 2, 1)
    heard *= np.float32(1 / math.sqrt(width / _HEADS))
    heard -= heard.max(axis=-1, keepdims=True)
    np.exp(heard, out=heard)
    heard /= heard.sum(axis=-1, keepdims=True)
    return (heard @ value).transpose(1, 0, 2).reshape(length, width)


def _gelu(values: Numbers) -> Numbers:
    """Nearly nothing below zero, nearly the value above; the usual formula by tanh, which differs from the exact one by at most 0.0005.

    (1 + tanh x) / 2 is 1 / (1 + e^-2x), and that is faster.
    """
    root, cubed = _GELU
    bent = values * values
    bent *= cubed
    bent += 1
    bent *= values
    bent *= -2 * root
    # Far below zero e^-2x is more than a number holds; the value divided by it is nothing all the same.
    with np.errstate(over="ignore"):
        np.exp(bent, out=bent)
    bent += 1
    divided: Numbers = np.divide(values, bent, out=bent)
    return divided
