"""Training on a team's labels: one model of all of them, one for each project with enough, and how good they are, measured honestly.

What is measured, and how sure to sound, comes from labels that were left out of the training.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from loopbot.judgement.calibration import Temperature, fit_temperature
from loopbot.judgement.topic import ENOUGH, Stack
from loopbot.judgement.topic_learning import Example, Recipe, learn
from loopbot.judgement.topic_model import Linear

ONE_PROJECT = Recipe(looseness=1.5, epochs=24)
SEVERAL = Recipe(looseness=0.15, epochs=12)
"""Labels of several projects teach what holds in all of them: weights stay smaller."""


@dataclass(frozen=True, slots=True)
class Label:
    """A text whose topic a person said, and the project it belongs to."""

    example: Example
    project: str = ""

    @property
    def topic(self) -> str:
        """The topic."""
        return self.example.topic


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was said of a text that was left out: the probability of each topic, and which one was true."""

    shares: Mapping[str, float]
    truth: str
    project: str = ""

    @property
    def said(self) -> str:
        """The likeliest topic."""
        return max(self.shares, key=lambda each: (self.shares[each], each))


Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Training:
    """How a stack is made: what it stands on, and the two recipes."""

    base: Linear
    base_temperature: Temperature = field(default_factory=Temperature)
    own: Recipe = ONE_PROJECT
    shared: Recipe = SEVERAL

    def stack(self, labels: Sequence[Label], version: str) -> Stack:
        """A stack of these labels that sounds as sure as it is right on labels that were left out."""
        bare = self._bare(labels, version)
        held: list[tuple[list[float], int]] = []
        for kept, left in split(labels, 3)[:1]:
            trial = self._bare(kept, version)
            held += [_scored(trial, one) for one in left]
        if len(held) < ENOUGH // 3:
            return bare
        return replace(bare, temperature=fit_temperature([s for s, _ in held], [truth for _, truth in held]))

    def _bare(self, labels: Sequence[Label], version: str) -> Stack:
        groups = by_project(labels)
        return self.joined(labels if can_learn(labels) else (), groups if len(groups) > 1 else {}, version)

    def joined(self, shared: Sequence[Label], groups: Mapping[str, Sequence[Label]], version: str) -> Stack:
        """A stack of one model of the shared labels, and of one for each group that has enough."""
        recipe = self.shared if len(by_project(shared)) > 1 else self.own
        learnt = learn([one.example for one in shared], recipe) if shared else None
        projects = {
            name: learn([one.example for one in own], self.own)
            for name, own in sorted(groups.items())
            if can_learn(own)
        }
        return Stack(self.base, self.base_temperature, learnt, projects, version=version)


def can_learn(labels: Sequence[Label]) -> bool:
    """Whether they are enough, and of at least two topics."""
    return len(labels) >= ENOUGH and len({one.topic for one in labels}) > 1


def by_project(labels: Sequence[Label]) -> dict[str, list[Label]]:
    """The labels of each project."""
    groups: dict[str, list[Label]] = defaultdict(list)
    for one in labels:
        groups[one.project].append(one)
    return dict(groups)


def split(labels: Sequence[Label], parts: int, seed: int = 0) -> list[tuple[list[Label], list[Label]]]:
    """The labels without and with each of so many parts; each part has its share of every topic of every project."""
    chance = random.Random(seed)
    places: dict[int, int] = {}
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, one in enumerate(labels):
        groups[one.project, one.topic].append(place)
    turn = 0
    for _, group in sorted(groups.items()):
        chance.shuffle(group)
        for place in group:
            places[place] = turn % parts
            turn += 1
    return [
        (
            [one for place, one in enumerate(labels) if places[place] != chosen],
            [one for place, one in enumerate(labels) if places[place] == chosen],
        )
        for chosen in range(parts)
    ]


def crossed(training: Training, labels: Sequence[Label], parts: int = 5) -> Iterator[Outcome]:
    """What a stack of the other labels says of each one."""
    for kept, left in split(labels, parts):
        yield from outcomes(training.stack(kept, "trial"), left)


def outcomes(stack: Stack, labels: Sequence[Label]) -> Iterator[Outcome]:
    """What the stack says of each."""
    for one in labels:
        yield Outcome(stack.shares(one.example.text, one.project), one.topic, one.project)


def macro_f1(found: Sequence[Outcome]) -> float:
    """The mean over the topics that occur of the harmonic mean of precision and recall (0..1)."""
    topics = sorted({one.truth for one in found})
    scores = []
    for topic in topics:
        right = sum(one.said == topic == one.truth for one in found)
        claimed = sum(one.said == topic for one in found)
        true = sum(one.truth == topic for one in found)
        scores.append(2 * right / (claimed + true) if claimed + true else 0.0)
    return sum(scores) / len(scores) if scores else 0.0


def _scored(stack: Stack, one: Label) -> tuple[list[float], int]:
    scores = stack.scores(one.example.text, one.project)
    return list(scores.values()), list(scores).index(one.topic)
