"""A linear model of topics, as frozen numbers: what it reads in a text, how it scores it, and which parts weighed most."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from loopbot.domain.wordings import Vector
from loopbot.judgement.topic_signs import signs
from loopbot.judgement.topic_text import Parted, part, tokens

_VECTOR_WEIGHT = 2.0
"""How long a vector is among the other features, whose blocks are of length 1."""
_ENDINGS = ("ing", "ed", "es", "s")
_NOT_WORDS = re.compile(r"\W+", re.UNICODE)


class Block(StrEnum):
    """What the name of a feature begins with: where it comes from."""

    SIGN = "s:"
    WORD = "w:"
    TITLE = "t:"
    FORM = "f:"
    MEANING = "m:"


@dataclass(frozen=True, slots=True)
class Read:
    """A text taken apart, and its signs: read once, whatever looks at it. `vector`: what it means, where there is an encoder."""

    said: Parted
    signs: Mapping[str, float]
    vector: Vector = ()


def read(title: str, text: str) -> Read:
    """Take a text apart and look for signs."""
    said = part(title, text)
    return Read(said, {f"{Block.SIGN}{name}": value for name, value in signs(said).items()})


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words and lines a model knows: how rare each is, and which lines are a form's. Empty in what ships."""

    rarity: Mapping[str, float] = field(default_factory=dict)
    forms: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Linear:
    """Scores for each topic: a bias, and a weight for each feature that is known. `labels`: how many it was learnt from."""

    topics: tuple[str, ...]
    bias: tuple[float, ...]
    weights: Mapping[str, tuple[float, ...]]
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    labels: int = 0

    def parts(self, text: Read) -> dict[str, tuple[float, ...]]:
        """What each feature of the text adds to each topic's score."""
        known = self.weights
        return {
            name: tuple(value * weight for weight in known[name])
            for name, value in features(text, self.vocabulary).items()
            if name in known
        }

    def sums(self, parts: Mapping[str, tuple[float, ...]]) -> tuple[float, ...]:
        """The score of each topic, before it is a probability, of what the features add."""
        return tuple(map(sum, zip(self.bias, *parts.values(), strict=True)))

    def scores(self, text: Read) -> tuple[float, ...]:
        """The same of a text."""
        return self.sums(self.parts(text))


def features(text: Read, vocabulary: Vocabulary) -> dict[str, float]:
    """The signs of a text, what it means and, where there is a vocabulary, its words, each block of about length 1."""
    found = dict(text.signs)
    found.update((f"{Block.MEANING}{place}", _VECTOR_WEIGHT * value) for place, value in enumerate(text.vector))
    if vocabulary.rarity:
        for counted in raw_tokens(text.said, vocabulary).values():
            found.update(_unit(counted, vocabulary.rarity))
    return found


def _unit(counted: Counter[str], rarity: Mapping[str, float]) -> dict[str, float]:
    weighed = {name: (1 + math.log(count)) * rarity[name] for name, count in counted.items() if name in rarity}
    whole = math.sqrt(sum(value * value for value in weighed.values())) or 1.0
    return {name: value / whole for name, value in weighed.items()}


def raw_tokens(said: Parted, vocabulary: Vocabulary) -> dict[Block, Counter[str]]:
    """How often each word stands in the text, in the title (pairs, too), and which lines of a form and answers to them."""
    own: list[str] = [said.title]
    formed: Counter[str] = Counter()
    before = ""
    for line in said.lines:
        key = line_key(line)
        if key in vocabulary.forms:
            formed[f"{Block.FORM}{key}"] = 1
            before = key
            continue
        own.append(line)
        if before and len(key) < 40:
            formed[f"{Block.FORM}{before}={key}"] = 1
        before = ""
    titled = [stem(word) for word in tokens(said.title)]
    pairs = [f"{one} {two}" for one, two in zip(["^", *titled], titled, strict=False)]
    text = " ".join(own)[:5000]
    return {
        Block.WORD: Counter(f"{Block.WORD}{stem(word)}" for word in tokens(text) if len(word) <= 30),
        Block.TITLE: Counter(f"{Block.TITLE}{each}" for each in (*titled, *pairs)),
        Block.FORM: formed,
    }


def stem(word: str) -> str:
    """The word without a plain ending; only ever compared with other such words."""
    if not word.endswith(_ENDINGS):  # most have none
        return word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def line_key(line: str) -> str:
    """A line as it is compared with others: small letters, no signs, at most 80 characters."""
    return _NOT_WORDS.sub(" ", line.lower()).strip()[:80]
