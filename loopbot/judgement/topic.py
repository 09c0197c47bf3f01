"""What kind of feedback somebody gives: explicit fields first, then signs and words, as a probability with its reasons.

The shipped model reads hand-written signs alone. A team's labels add a model of their own words and forms, and, where labels
name projects, one for each project with enough of them; the more labels, the more it counts against the model before it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from loopbot.domain.records import Feedback, TopicGuess
from loopbot.domain.words import TOPICS
from loopbot.judgement.calibration import Temperature, softmax
from loopbot.judgement.topic_meaning import meant
from loopbot.judgement.topic_model import Linear, Read, read
from loopbot.judgement.topic_reasons import reasons
from loopbot.ports.encoding import Encoder

ENOUGH = 30
"""From so many labels on a model of one's own counts; with fewer it would mislead."""
_HALF = 60
_HALF_OF_PROJECT = 100
"""With so many labels a model counts half: against what ships; a project's against one of all projects' labels, which knows more."""
_NONE: Mapping[str, Linear] = {}


@dataclass(frozen=True, slots=True)
class Stack:
    """Models from the most general to the most particular, each with its weight against those before it, and how sure to sound.

    `encoder`: whose vectors the models were learnt with; "" where they read signs and words alone.
    """

    base: Linear
    base_temperature: Temperature = field(default_factory=Temperature)
    learnt: Linear | None = None
    projects: Mapping[str, Linear] = field(default_factory=lambda: _NONE)
    temperature: Temperature = field(default_factory=Temperature)
    version: str = "shipped"
    encoder: str = ""

    def heard(self, text: Read, project: str = "") -> "Heard":
        """What each of the models makes of a text."""
        models = [(self.base, 1.0), *self._own(project)]
        return Heard(self, [(model, weight, model.parts(text)) for model, weight in models])

    def scores(self, text: Read, project: str = "") -> dict[str, float]:
        """A score for each topic; their softmax are the probabilities."""
        return self.heard(text, project).scores()

    def shares(self, text: Read, project: str = "") -> dict[str, float]:
        """The probability of each topic."""
        return self.heard(text, project).shares()

    def _own(self, project: str) -> Iterator[tuple[Linear, float]]:
        if self.learnt is not None:
            yield self.learnt, weight_of(self.learnt.labels)
        if project in self.projects:
            model = self.projects[project]
            yield model, weight_of(model.labels, _HALF if self.learnt is None else _HALF_OF_PROJECT)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the models of a stack make of one text: each with its weight against those before it and what each feature adds.

    A text is gone through once, for how probable each topic is and for why.
    """

    stack: Stack
    each: Sequence[tuple[Linear, float, Mapping[str, tuple[float, ...]]]]

    def scores(self) -> dict[str, float]:
        """A score for each topic; their softmax are the probabilities."""
        (base, _, parts), *own = self.each
        known = dict(zip(base.topics, base.sums(parts), strict=True))
        sure = self.stack.base_temperature.value
        scored = {topic: known[topic] / sure for topic in TOPICS if topic in known}
        for model, weight, adds in own:
            scored = _mixed(scored, model, weight, model.sums(adds))
        return {topic: score / self.stack.temperature.value for topic, score in scored.items()}

    def shares(self) -> dict[str, float]:
        """The probability of each topic."""
        scored = self.scores()
        return dict(zip(scored, softmax(list(scored.values())), strict=True))

    def parts(self, topic: str) -> dict[str, float]:
        """How much each feature speaks for the topic against the others."""
        found: dict[str, float] = {}
        share = 1.0
        for model, weight, parts in reversed(self.each):
            own = share * weight
            share -= own
            if topic not in model.topics:
                continue
            place = model.topics.index(topic)
            for name, adds in parts.items():
                others = (sum(adds) - adds[place]) / (len(adds) - 1)
                found[name] = found.get(name, 0.0) + own * (adds[place] - others)
        return found


def weight_of(labels: int, half: int = _HALF) -> float:
    """How much (0..1) a model learnt from so many labels counts against the more general one."""
    return labels / (labels + half) if labels >= ENOUGH else 0.0


def _mixed(before: Mapping[str, float], model: Linear, weight: float, scores: Sequence[float]) -> dict[str, float]:
    """The more general scores moved towards the model's; topics it never saw a label of keep their share."""
    own = dict(zip(model.topics, scores, strict=True))
    seen = [topic for topic in before if topic in own]
    if not seen or not weight:
        return dict(before)
    level = _log_sum([before[topic] for topic in seen])
    moved = {topic: (1 - weight) * before[topic] + weight * own[topic] for topic in seen}
    shift = level - _log_sum(list(moved.values()))
    return {topic: moved[topic] + shift if topic in moved else before[topic] for topic in before}


def _log_sum(scores: Sequence[float]) -> float:
    top = max(scores)
    return top + math.log(sum(math.exp(score - top) for score in scores))


@dataclass(frozen=True, slots=True)
class TopicJudge:
    """Judges feedback. `words` are values of labels, categories and types that say the topic outright, in small letters.

    `encoder` makes the vectors that the stack was learnt with; without it the stack has to be one that needs none.
    """

    stack: Stack
    words: Mapping[str, str] = field(default_factory=dict)
    encoder: Encoder | None = None

    @property
    def version(self) -> str:
        """Which model judges; a guess of another one is judged again."""
        return f"{self.stack.version}+{self.stack.encoder}" if self.stack.encoder else self.stack.version

    def read(self, texts: Sequence[Read]) -> list[Read]:
        """The texts as the stack reads them."""
        return meant(texts, self.encoder) if self.encoder is not None and self.stack.encoder else list(texts)

    def guess(self, feedback: Feedback) -> TopicGuess | None:
        """What kind it is by its labels, else by its words; None where it says nothing at all."""
        for label in sorted(feedback.labels):
            topic = self.words.get(label.strip().lower())
            if topic is not None:
                return TopicGuess(topic, 1.0, f'it is labelled "{label}"', self.version, ((topic, 1.0),))
        text = read(feedback.title, feedback.text)
        said = text.said
        if not said.title and not said.text.strip():
            return None
        (text,) = self.read([text])
        heard = self.stack.heard(text, project_of(feedback))
        shares = heard.shares()
        topic = max(shares, key=lambda each: (shares[each], each))
        parts = heard.parts(topic)
        ranked = sorted(shares.items(), key=lambda each: (-each[1], each[0]))
        return TopicGuess(
            topic,
            round(shares[topic], 3),
            ", ".join(reasons(said, parts)) or "none of its words tells clearly",
            self.version,
            tuple((name, round(share, 3)) for name, share in ranked),
        )


def project_of(feedback: Feedback) -> str:
    """Where labels and feedback meet: the service it is about, else the channel it came through."""
    return min(feedback.services, default=feedback.channel or "")
