"""What judging asks of the four judgements, and the plain scores that stand in for a model.

A judgement is a pure function: it reads the record, the view and a frozen model, so that a dry run is the live run.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from loopbot.domain.records import Feedback, Record, TopicGuess
from loopbot.domain.rules import Match, Repeat
from loopbot.domain.scoring import Ranked, similarity, suspicion
from loopbot.domain.texts import likeness, topic_of, words
from loopbot.domain.views import View
from loopbot.domain.words import Kind


class Ranker(Protocol):
    """Finds and scores the records that a rule's `[match]` may mean."""

    def rank(self, it: Record, view: View, match: Match, among: Sequence[Record] | None = None) -> Iterable[Ranked]:
        """Candidates for a record, each with a probability (0..1) and its evidence in words, in any order.

        `among`: the rule follows links, and these are what they lead to; without it the ranker finds candidates itself.
        """

    def concerned(self, other: Record, view: View, match: Match, kind: Kind) -> Iterable[Record]:
        """The records of a kind that have to be judged again because `other`, a candidate, is new or has changed."""


class Gatherer(Protocol):
    """Finds the records that count as the same pain, for a rule's `[repeat]`."""

    def alike(self, it: Record, view: View, repeat: Repeat) -> Iterable[Ranked]:
        """Other records of its kind within the span, each with how sure it is (0..1) and why, in any order."""


class Classifier(Protocol):
    """Says what kind of feedback something is."""

    @property
    def version(self) -> str:
        """Which model judges: what another one said is judged again."""

    def guess(self, feedback: Feedback) -> TopicGuess | None:
        """What kind it seems to be; None where it says nothing."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """How much something matters (0..100; none where nobody weighs), and its parts in words, the largest first.

    `step`: what is shown of it is written anew only where it has moved by so much.
    """

    value: float | None
    because: tuple[str, ...] = ()
    step: float = 0.0


class Weigher(Protocol):
    """Says how much something matters."""

    def weigh(self, record: Record, view: View, others: Sequence[Record] = ()) -> Weighed:
        """By what is linked with it, `others` counting as if they were."""


@dataclass(frozen=True, slots=True)
class Weightless:
    """Nothing is weighed."""

    def weigh(self, record: Record, view: View, others: Sequence[Record] = ()) -> Weighed:  # noqa: ARG002
        """None."""
        return Weighed(None)


class Helper(Protocol):
    """Says what is known already that may help whoever reported something, in words that anybody may read."""

    def known(self, it: Record, view: View) -> str | None:
        """The text of what fits best; None where nothing is sure enough."""


@dataclass(frozen=True, slots=True)
class Helpless:
    """Nothing is known."""

    def known(self, it: Record, view: View) -> str | None:  # noqa: ARG002
        """None."""
        return None


@dataclass(frozen=True, slots=True)
class PlainSuspects:
    """Changes within the span, scored by what is named, the service, time and common words."""

    def rank(self, it: Record, view: View, match: Match, among: Sequence[Record] | None = None) -> Iterable[Ranked]:
        """Every candidate that began before the record."""
        if among is None:
            since = it.occurred_at - match.within
            among = [one for kind in match.kinds for one in view.between(kind, since, it.occurred_at)]
        for other in among:
            score = suspicion(it, other)
            yield Ranked(other, round(score.value, 4), (score.because,))

    def concerned(self, other: Record, view: View, match: Match, kind: Kind) -> Iterable[Record]:
        """What happened within the span after it."""
        until = min(view.now(), other.occurred_at + match.within)
        return view.between(kind, other.occurred_at, until)


@dataclass(frozen=True, slots=True)
class PlainSimilars:
    """Records within the span, scored by common words."""

    def rank(self, it: Record, view: View, match: Match, among: Sequence[Record] | None = None) -> Iterable[Ranked]:
        """Every candidate from the span before the record until now."""
        if among is None:
            among = view.between(match.kind, it.occurred_at - match.within, view.now())
        for other in among:
            score = similarity(it, other)
            yield Ranked(other, round(score.value, 4), (score.because,))

    def concerned(self, other: Record, view: View, match: Match, kind: Kind) -> Iterable[Record]:
        """What happened within the span on either side of it."""
        until = min(view.now(), other.occurred_at + match.within)
        return view.between(kind, other.occurred_at - match.within, until)


@dataclass(frozen=True, slots=True)
class PlainRepeats:
    """Records of the span that share a service and words."""

    def alike(self, it: Record, view: View, repeat: Repeat) -> Iterable[Ranked]:
        """The earlier records that are alike enough."""
        if repeat.same_service and not it.services:
            return
        services = it.services if repeat.same_service else frozenset()
        said = words(it.title, it.text)
        for other in view.between(it.kind, it.occurred_at - repeat.within, it.occurred_at, services):
            if other.ref == it.ref:
                continue
            alike = likeness(said, words(other.title, other.text)) if repeat.alike else 1.0
            if alike >= repeat.alike:
                yield Ranked(other, alike)


@dataclass(frozen=True, slots=True)
class PlainTopics:
    """A few patterns, for where nothing better is built."""

    version: str = "plain"

    def guess(self, feedback: Feedback) -> TopicGuess | None:
        """By the first pattern that fits."""
        topic = topic_of(feedback.title, feedback.text)
        return TopicGuess(topic, 0.75, "by its words", self.version, ((topic, 0.75),)) if topic else None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The judgements of one installation, as rules name them: `rank = "suspect"`, `rank = "similar"`, `[repeat]`."""

    suspect: Ranker = field(default_factory=PlainSuspects)
    similar: Ranker = field(default_factory=PlainSimilars)
    repeats: Gatherer = field(default_factory=PlainRepeats)
    topics: Classifier = field(default_factory=PlainTopics)
    weigher: Weigher = field(default_factory=Weightless)
    helper: Helper = field(default_factory=Helpless)

    def ranker(self, rank: str) -> Ranker | None:
        """The judgement a match asks for; None where it does not rank."""
        return {"suspect": self.suspect, "similar": self.similar}.get(rank)


def classified(record: Record, topics: Classifier, known: Record | None = None) -> Record:
    """The record, feedback with what kind it seems to be; `known` as it was seen before: the same words are not judged twice."""
    if not isinstance(record, Feedback):
        return record
    if isinstance(known, Feedback) and known.guess is not None and known.guess.by == topics.version:
        same = (known.title, known.text, known.labels, known.services) == (
            record.title,
            record.text,
            record.labels,
            record.services,
        )
        if same:
            return replace(record, guess=known.guess)
    return replace(record, guess=topics.guess(record))


PLAIN = Judgement()
