"""Learning topics from a team's own labels: a linear model over signs, words and recurring lines, in plain Python.

A few hundred labels train in about a second. The same labels give the same model: the order is drawn from a fixed seed.
What is learnt is kept as text in the installation's own store, and never leaves it.
"""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from loopbot.judgement.calibration import softmax
from loopbot.judgement.topic_model import Block, Linear, Read, Vocabulary, features, line_key, raw_tokens
from loopbot.judgement.topic_text import Parted

_BOILERPLATE = 3
"""A line that stands in so many texts is a form's, not a person's."""
_SIGN_WEIGHT = 0.12
_LEAST_SPREAD = 0.15


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled text, taken apart. `weight` counts it less or more than one."""

    text: Read
    topic: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to learn. `looseness` is how far weights may go (the C of logistic regression), `epochs` how often all are seen."""

    looseness: float = 1.0
    epochs: int = 30
    words: bool = True
    strengths: Mapping[str, float] = field(default_factory=dict)


def learn(examples: Sequence[Example], recipe: Recipe = Recipe()) -> Linear:
    """A model of these examples' topics; raises ValueError where they have fewer than two topics."""
    topics = tuple(sorted({one.topic for one in examples}))
    if len(topics) < 2:
        message = "there is nothing to tell apart: all examples have the same topic"
        raise ValueError(message)
    vocabulary = learnt_vocabulary([one.text.said for one in examples]) if recipe.words else Vocabulary()
    rows = [features(one.text, vocabulary) for one in examples]
    scales = _scales(rows)
    columns = {name: place for place, name in enumerate(sorted({name for row in rows for name in row}))}
    inputs = [
        ([columns[name] for name in row], [value * scales.get(name, 1.0) for name, value in row.items()])
        for row in rows
    ]
    targets = [topics.index(one.topic) for one in examples]
    weights, bias = _descend(inputs, targets, [one.weight for one in examples], len(topics), len(columns), recipe)
    kept = {
        name: tuple(round(weights[topic][column] * scales.get(name, 1.0), 5) for topic in range(len(topics)))
        for name, column in columns.items()
    }
    return Linear(topics, tuple(round(each, 5) for each in bias), kept, vocabulary, len(examples))


def learnt_vocabulary(texts: Sequence[Parted]) -> Vocabulary:
    """The words that stand in at least two of the texts, how rare each is, and the lines that are a form's."""
    lines = Counter(key for said in texts for key in {line_key(line) for line in said.lines})
    forms = frozenset(key for key, count in lines.items() if count >= _BOILERPLATE and key)
    known = Vocabulary(forms=forms)
    counts: Counter[str] = Counter()
    for said in texts:
        counts.update({name for block in raw_tokens(said, known).values() for name in block})
    rarity = {
        name: round(math.log((1 + len(texts)) / (1 + count)) + 1, 4)
        for name, count in sorted(counts.items())
        if count >= (1 if name.startswith(Block.TITLE) else 2)
    }
    return Vocabulary(rarity, forms)


def _scales(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """What each sign is multiplied with, so that all vary alike; words come scaled already."""
    sums: dict[str, float] = defaultdict(float)
    squares: dict[str, float] = defaultdict(float)
    for row in rows:
        for name, value in row.items():
            if name.startswith(Block.SIGN):
                sums[name] += value
                squares[name] += value * value
    count = len(rows)
    return {
        name: _SIGN_WEIGHT / max(math.sqrt(max(squares[name] / count - (sums[name] / count) ** 2, 0.0)), _LEAST_SPREAD)
        for name in sums
    }


def _descend(
    inputs: Sequence[tuple[list[int], list[float]]],
    targets: Sequence[int],
    weights: Sequence[float],
    classes: int,
    width: int,
    recipe: Recipe,
) -> tuple[list[list[float]], list[float]]:
    """Multinomial logistic regression by stochastic descent with a falling step; weights shrink by a common factor.

    The answer is the mean over the last half of the epochs, which is steadier than where the last step led.
    """
    count = len(inputs)
    shrink = 1.0 / (recipe.looseness * count)
    table = [[0.0] * width for _ in range(classes)]
    bias = [0.0] * classes
    scale, step, chance = 1.0, 0, random.Random(7)
    order = list(range(count))
    later = recipe.epochs // 2
    means, mean_bias = [[0.0] * width for _ in range(classes)], [0.0] * classes
    for epoch in range(recipe.epochs):
        chance.shuffle(order)
        for each in order:
            rate = 0.4 / (1 + 0.4 * shrink * step)
            step += 1
            places, values = inputs[each]
            scores = [
                bias[topic] + scale * sum([row[place] * value for place, value in zip(places, values, strict=True)])
                for topic, row in enumerate(table)
            ]
            shares = softmax(scores)
            scale *= 1 - rate * shrink
            for topic, row in enumerate(table):
                off = rate * weights[each] * (shares[topic] - (1.0 if topic == targets[each] else 0.0))
                if abs(off) > 1e-7:
                    bias[topic] -= 0.1 * off
                    move = off / scale
                    for place, value in zip(places, values, strict=True):
                        row[place] -= move * value
        if epoch >= later:
            share = 1.0 / (recipe.epochs - later)
            means = [
                [mean + share * scale * each for mean, each in zip(kept, row, strict=True)]
                for kept, row in zip(means, table, strict=True)
            ]
            mean_bias = [mean + share * each for mean, each in zip(mean_bias, bias, strict=True)]
    return means, mean_bias
