"""Why two tickets are taken for the same, in words: what both mention, the service, the time between. What is told stands in both."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property

from loopbot.domain.records import Record
from loopbot.domain.scoring import Ranked, distance
from loopbot.domain.texts import listed
from loopbot.domain.wordings import Neighbour, Neighbourhood
from loopbot.judgement.error_codes import is_error
from loopbot.judgement.likeness import Likeness, Measures, compared, weight_of
from loopbot.judgement.wording import as_written, is_unspaced, widest

_MOST_WORDS = 4
_READ = 4_000
_LONGEST_RUN = 24


def ranked(it: Record, near: Neighbourhood, model: Likeness) -> Iterator[Ranked]:
    """The neighbours as candidates, the surest first, their evidence in words made as they are asked for."""
    reasons = Reasons(it, near)
    for score, one, measures in compared(it, near, model):
        yield Ranked(one.record, round(score, 4), reasons.of(one, measures))


class Reasons:
    """Why others are alike to a record, in words: what both mention, the error, the service, the time between."""

    def __init__(self, it: Record, near: Neighbourhood) -> None:
        self._it, self._near = it, near
        self._told: dict[tuple[int, frozenset[str], bool], tuple[str, ...]] = {}

    def of(self, one: Neighbour, measures: Measures) -> tuple[str, ...]:
        """The reasons for one of the neighbours."""
        # In a storm many say the same of the same service: only the time between is another one.
        place = id(one.wording), one.record.services, measures.titles > 0.95
        told = self._told.get(place)
        if told is None:
            told = self._told[place] = tuple(self._but_time(one, measures))
        return (*told, distance(self._it, one.record))

    def _but_time(self, one: Neighbour, measures: Measures) -> Iterator[str]:
        shared = self._near.asked.terms & one.wording.terms & self._writing.keys()
        errors = {term for term in shared if is_error(term)}
        words = listed(self._telling(shared - errors, one.record))
        if measures.titles > 0.95:
            yield "the same title"
        if errors:
            named = sorted(f"error {self._writing[term].removeprefix('error ')}" for term in errors)
            yield f"both have {listed(named[:_MOST_WORDS])}"
        if words:
            yield f"both mention {words}"
        if measures.same_service:
            yield f"same service ({listed(sorted(self._it.services & one.record.services))})"

    @cached_property
    def _writing(self) -> Mapping[str, str]:
        return as_written(_text(self._it))

    def _telling(self, shared: AbstractSet[str], other: Record) -> list[str]:
        """The most telling words of both, as the record writes them: people read words, not stems."""
        ordered = sorted(shared, key=lambda term: (-weight_of(term, self._near), term))
        return widest((self._as_read(term, other) for term in ordered), _MOST_WORDS)

    def _as_read(self, term: str, other: Record) -> str:
        if is_unspaced(term):
            return _run_of_both(term, _text(self._it), _text(other))
        return self._writing[term]


def _text(record: Record) -> str:
    return f"{record.title}\n{record.text[:_READ]}"


def _run_of_both(pair: str, own: str, other: str) -> str:
    """The longest piece around a pair of characters that both texts hold: where no spaces are written, a pair is no word."""
    start = own.find(pair)
    end = start + len(pair)
    if start < 0 or pair not in other:
        return pair
    while end - start < _LONGEST_RUN and is_unspaced(own[end : end + 1]) and own[start : end + 1] in other:
        end += 1
    while start > 0 and end - start < _LONGEST_RUN and is_unspaced(own[start - 1]) and own[start - 1 : end] in other:
        start -= 1
    return own[start:end]
