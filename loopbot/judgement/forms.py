"""What people wrote into a form, where many file the same one under the same title.

"Request for help" with a dozen labels and what was chosen below them reads alike whatever it is about. So of such tickets only
what was written freely is compared, and its beginning stands for the title. Which fields these are shows in the tickets that are
near: most have the label, many words stand behind it, and hardly two the same.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from loopbot.domain.wordings import Neighbour, Neighbourhood, Wording
from loopbot.judgement.wording import LONGEST, wording

MANY = 5
"""So many others of one title and its labels make a form; fewer do where they are a good part of what is near."""
_PART = 0.2
_LABELS = 3
_WORDY = 3.0
"""So many terms stand on average in a field that people write into; of what they choose or are called there are fewer."""
_CHOICES = 10
"""A field of which more is known than so many different fillings, or in which most are different, is no list to choose from."""
_LOOKED_AT = 40
_TITLE = 15
_LABEL = re.compile(
    r"^[\s#*_=>|-]{0,10}([^\W\d_][\w '/()&,.?-]{1,60}?)\s{0,3}\*{0,2}[:\uff1a]\*{0,2}(?:\s+(\S.*))?$|^#{1,6} (.{1,60})$"
)


def as_filled_in(text: str, near: Neighbourhood) -> Neighbourhood:
    """The neighbourhood of a ticket with that text, where it is a form's: with what people wrote into it instead of all that it says."""
    mine = _fields(text)
    if len(mine) < _LABELS:
        return near
    title = frozenset(near.asked.title)
    forms = {
        place: fields
        for place, one in enumerate(near.found)
        if frozenset(one.wording.title) == title and _same_form(mine, fields := _fields(one.record.text))
    }
    if not forms or len(forms) < min(MANY, _PART * len(near.found)):
        return near
    written = _written_into(mine, [*list(forms.values())[:_LOOKED_AT], mine])
    asked = _filled(mine, written, near.asked)
    if not asked.title:
        return near
    found = tuple(
        Neighbour(one.record, _filled(forms[place], written, one.wording)) if place in forms else one
        for place, one in enumerate(near.found)
    )
    return replace(near, asked=asked, found=found)


def _same_form(mine: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether most of the labels of both are the same."""
    return 2 * len(mine.keys() & other.keys()) >= max(len(mine), len(other), _LABELS)


def _written_into(mine: Mapping[str, str], forms: Sequence[Mapping[str, str]]) -> frozenset[str]:
    """The labels of the fields that people write into."""
    return frozenset(label for label in mine if _is_written([form[label] for form in forms if form.get(label)]))


def _is_written(values: Sequence[str]) -> bool:
    said = [frozenset(_terms(value)) for value in values]
    varied = len(set(said)) > _CHOICES or 2 * len(set(said)) >= len(said)
    return bool(said) and varied and sum(map(len, said)) >= _WORDY * len(said)


def _filled(fields: Mapping[str, str], written: frozenset[str], said: Wording) -> Wording:
    """The terms of what was written, of those that the ticket has in the index."""
    terms = said.terms
    body = [term for label, value in fields.items() if label in written for term in _terms(value) if term in terms]
    return Wording(tuple(body[:_TITLE]), tuple(body))


# Forms are near to one another, and the same ones near to each that comes: they are read once.
@lru_cache(maxsize=2_048)
def _terms(value: str) -> tuple[str, ...]:
    return wording("", value).body


@lru_cache(maxsize=512)
def _fields(text: str) -> Mapping[str, str]:
    """What stands behind each label; what stands before the first is behind none."""
    fields: dict[str, list[str]] = {}
    for label, value in _lines(text[:LONGEST]):
        fields.setdefault(label, []).append(value)
    return {label: "\n".join(values).strip() for label, values in fields.items()}


def _lines(text: str) -> Iterator[tuple[str, str]]:
    label = ""
    for line in text.splitlines():
        found = _LABEL.match(line[:1_000])
        if found:
            label = " ".join((found[1] or found[3]).lower().split())
        yield label, (found[2] or "") if found else line
