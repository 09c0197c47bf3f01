"""How alike two tickets are: what each of them says compared in some twenty ways, weighed by a frozen model.

The measures are of words and times alone: no name of a system, a project or a person is among them. Everything is computed
from a neighbourhood (what the index found and how rare each term is), in plain Python: a ticket against two hundred others
takes about ten milliseconds.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain, pairwise
from operator import mul
from typing import NamedTuple

from loopbot.domain.records import Record
from loopbot.domain.wordings import Neighbour, Neighbourhood, Wording
from loopbot.judgement.error_codes import is_error
from loopbot.judgement.nearness import rarity

_DAY = 86_400.0
_TITLE = 3
_IN_TITLE = 1.5
_USUAL_LENGTH = 80
_SATURATION, _LENGTH = 1.2, 0.75
_BEFORE = 2_000
"""As if so many records were there that use none of the words: or in a young mirror every word would tell nothing."""
_SAME = 0.8
"""How rare it is that two who do not tell of the same use all the same words: in a storm of one message no word is rare."""
_ERRORS = ("exception", "error")
_NONE: frozenset[str] = frozenset()


class Measures(NamedTuple):
    """The ways in which one ticket is compared with another; each about 0..1."""

    relative: float
    """Weighed words in common (BM25), as a share of the nearest ticket's."""
    covered: float
    """The same as a share of all that the ticket says."""
    place: float
    """1 for the nearest, 1/2 for the next, 1/3 …"""
    lead: float
    """How far it is ahead of the next, or behind the nearest."""
    common: float
    """Weighed words in common, of both together."""
    titles: float
    """The same of the titles alone."""
    title_in_other: float
    """How much of this title the other ticket says somewhere."""
    other_title_in: float
    """How much of the other's title this ticket says somewhere."""
    texts: float
    rare: float
    """How many rare words they share."""
    rarest: float
    phrases: float
    """How many pairs of neighbouring words they share."""
    same_error: float
    other_error: float
    """Both name errors, and none in common."""
    length: float
    """How different the lengths are."""
    quarter: float
    """Nearly 1 when the other is of the same days, nearly 0 after a year."""
    year: float
    age: float
    same_service: float
    no_service: float
    """One of them names no service."""
    still_open: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """A frozen model: a weight for each measure, and where nothing is alike. The sum is the logarithm of the odds."""

    base: float
    weights: Measures

    def odds(self, measures: Measures) -> float:
        """The logarithm of the odds that both tickets tell of the same pain."""
        weighed: float = sum(map(mul, self.weights, measures))
        return self.base + weighed

    def probability(self, measures: Measures) -> float:
        """How probable it is, 0..1."""
        return 1 / (1 + math.exp(-max(min(self.odds(measures), 40.0), -40.0)))


def measured(it: Record, near: Neighbourhood) -> Iterator[tuple[Neighbour, Measures]]:
    """Each neighbour, in the order found, with its measures."""
    asked = _Asked.of(near)
    # In a storm many say the same: what is said is compared once, however many say it.
    # The store hands out one object for all who say the same: its identity is looked up quicker than its words.
    said: dict[Wording, tuple[float, partial[Measures]]] = {}
    same: dict[int, tuple[float, partial[Measures]]] = {}
    compared = []
    for one in near.found:
        known = same.get(id(one.wording))
        if known is None:
            known = said.get(one.wording)
            if known is None:
                known = said[one.wording] = asked.weighed(one.wording), _of_words(asked, one.wording)
            same[id(one.wording)] = known
        compared.append(known)
    order = sorted(range(len(compared)), key=lambda index: -compared[index][0])
    best = compared[order[0]][0] if order else 0.0
    second = compared[order[1]][0] if len(order) > 1 else 0.0
    places = {index: place for place, index in enumerate(order)}
    for index, (one, (raw, words)) in enumerate(zip(near.found, compared, strict=True)):
        rival = second if places[index] == 0 else best
        yield one, _measures(it, one, asked, words, (raw, best, rival, places[index]))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked for, with the weight of each of its terms and their sums."""

    wording: Wording
    terms: frozenset[str]
    title: frozenset[str]
    body: frozenset[str]
    weights: Mapping[str, float]
    rare: frozenset[str]
    errors: frozenset[str]
    phrases: frozenset[tuple[str, str]]
    usual: float
    most: float
    whole: float
    all_weight: float
    title_weight: float
    body_weight: float

    @classmethod
    def of(cls, near: Neighbourhood) -> "_Asked":
        asked = near.asked
        title, body = frozenset(asked.title), frozenset(asked.body)
        weights = {term: weight_of(term, near) for term in title | body}
        few = few_of(near.total)
        titled = sum(weight * (_IN_TITLE if term in title else 1.0) for term, weight in weights.items())
        return cls(
            wording=asked,
            terms=title | body,
            title=title,
            body=body,
            weights=weights,
            rare=frozenset(term for term in weights if 0 < near.docs.get(term, 0) <= few),
            errors=_errors(title | body),
            phrases=_phrases(asked.title) | _phrases(asked.body),
            usual=sum(weights.values()) / max(len(weights), 1),
            most=math.log(2 + near.total + _BEFORE),
            whole=titled * (_SATURATION + 1) or 1.0,
            all_weight=sum(weights.values()),
            title_weight=sum(map(weights.__getitem__, title)),
            body_weight=sum(map(weights.__getitem__, body)),
        )

    def weighed(self, other: Wording) -> float:
        """The words in common, rare ones and those of titles counting most (BM25)."""
        often = Counter(filter(self.weights.__contains__, other.body))
        for term in other.title:
            if term in self.weights:
                often[term] += _TITLE
        length = len(other.title) * _TITLE + len(other.body)
        damped = _SATURATION * (1 - _LENGTH + _LENGTH * length / _USUAL_LENGTH)
        return sum(
            self.weights[term]
            * (_IN_TITLE if term in self.title else 1.0)
            * count
            * (_SATURATION + 1)
            / (count + damped)
            for term, count in often.items()
        )

    def sum_of(self, terms: frozenset[str]) -> float:
        """The weight of terms, those that were not asked for at the usual weight."""
        known = self.terms & terms
        return sum(map(self.weights.__getitem__, known)) + self.usual * (len(terms) - len(known))


def _of_words(asked: _Asked, other: Wording) -> partial[Measures]:
    """What two wordings have in common: the measures that are of words alone, the others still to be given."""
    title, body = frozenset(other.title), frozenset(other.body)
    terms = title | body
    shared = asked.terms & terms
    # Only where the asked one names an error and the other not the same, the words of hundreds are looked through for another one.
    same = asked.errors & terms
    errors = _errors(terms) if asked.errors and not same else _NONE
    titles = asked.title_weight or 1.0
    rarest = max((asked.weights[term] for term in shared), default=0.0) / asked.most
    if _same_words(asked, title, body):
        rarest = max(rarest, _SAME)
    other_title = asked.sum_of(title) or 1.0
    pairs = chain(pairwise(other.title), pairwise(other.body))
    return partial(
        Measures,
        common=2 * asked.sum_of(shared) / ((asked.all_weight + asked.sum_of(terms)) or 1.0),
        titles=2 * asked.sum_of(asked.title & title) / (titles + other_title),
        title_in_other=asked.sum_of(asked.title & terms) / titles,
        other_title_in=asked.sum_of(title & asked.terms) / other_title,
        texts=asked.sum_of(asked.body & body) / (asked.body_weight or 1.0),
        rare=math.log1p(len(shared & asked.rare)) / 3,
        rarest=rarest,
        phrases=math.log1p(len(asked.phrases.intersection(pairs))) / 4,
        # The weight was learnt from names, which hundreds of tickets share; what a code in common tells is how rare it is.
        same_error=float(bool(same) and not any(map(is_error, same))),
        other_error=float(bool(errors)),
        length=abs(math.log((1 + len(asked.wording.body)) / (1 + len(other.body)))) / 3,
    )


def _measures(
    it: Record, one: Neighbour, asked: _Asked, words: partial[Measures], field: tuple[float, float, float, int]
) -> Measures:
    raw, best, rival, place = field
    other = one.record
    days = abs((it.occurred_at - other.occurred_at).total_seconds()) / _DAY
    return words(
        relative=raw / best if best else 0.0,
        covered=raw / asked.whole,
        place=1 / (1 + place),
        lead=(raw - rival) / asked.whole,
        quarter=math.exp(-days / 90),
        year=math.exp(-days / 365),
        age=math.log1p(days) / 8,
        same_service=float(not it.services.isdisjoint(other.services)),
        no_service=float(not it.services or not other.services),
        still_open=float(open_at(other, it.occurred_at)),
    )


def _same_words(asked: _Asked, title: frozenset[str], body: frozenset[str]) -> bool:
    """The same title of two terms or more, and mostly the same text: a form's title alone tells nothing."""
    if asked.title != title or len(title) < 2:
        return False
    return len(asked.body & body) >= 0.6 * max(len(asked.body), len(body))


def few_of(total: int) -> int:
    """In how many of so many records a word stands at most that is rare."""
    return max(5, total // 200)


def open_at(record: Record, moment: datetime) -> bool:
    """Whether it was not done yet at that moment, as far as its system says."""
    resolved: datetime | None = getattr(record, "resolved_at", None)
    if resolved is not None:
        return resolved > moment
    return not record.finished


def compared(it: Record, near: Neighbourhood, model: Likeness) -> list[tuple[float, Neighbour, Measures]]:
    """The neighbours with how probable it is that they tell of the same pain, the surest first."""
    scored = ((model.probability(measures), one, measures) for one, measures in measured(it, near))
    return sorted(scored, key=lambda each: (-each[0], each[1].record.ref))


def weight_of(term: str, near: Neighbourhood) -> float:
    """How much it tells that a record says a term, in a young mirror as in a full one."""
    return rarity(near.docs.get(term, 0), near.total + _BEFORE)


def _errors(terms: frozenset[str]) -> frozenset[str]:
    return frozenset([one for one in terms if (one.endswith(_ERRORS) and len(one) > 9) or is_error(one)])


def _phrases(terms: Sequence[str]) -> frozenset[tuple[str, str]]:
    return frozenset(pairwise(terms))
