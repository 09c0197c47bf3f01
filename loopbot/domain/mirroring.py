"""Mirrored pairs: two records that say the same. For each field, who changed it since both last agreed, and what follows.

Pure: a baseline and the two records in, what to write, to note and to keep out. `it` is the record that is mirrored,
`other` its mirror. Values are canonical words as text; "" says nothing, and nothing is never a change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from loopbot.domain.records import Record, Ref
from loopbot.domain.texts import clean, shorten
from loopbot.domain.words import Kind

Name = Literal["title", "state", "priority"]
Side = Literal["it", "other"]
Wins = Literal["it", "other", "newest"]
NAMES: tuple[Name, ...] = ("title", "state", "priority")
TITLE_LIMIT = 160
"""What every system holds of a title; the rest of a longer one is not compared."""
MOST_WRITES = 6
WRITES_SPAN = timedelta(minutes=10)
LATEST = timedelta(minutes=15)
"""So late what is mirrored of a record may be; what it says after that, it says."""
ON_ITS_WAY = frozenset({"planned", "sending", "uncertain", "held", "shadow"})

# A ticket's words -> an issue's, and back; what leads into one another is one step (see `steps`).
_OUT: Mapping[Kind, Mapping[str, str]] = {
    "incident": {
        "new": "todo",
        "in_progress": "in_progress",
        "on_hold": "in_progress",
        "resolved": "done",
        "closed": "done",
        "cancelled": "wont_do",
    },
    "problem": {
        "new": "todo",
        "investigating": "in_progress",
        "known_error": "in_progress",
        "fix_in_progress": "in_progress",
        "resolved": "done",
        "closed": "done",
        "cancelled": "wont_do",
    },
}
_BACK: Mapping[Kind, Mapping[str, str]] = {
    "incident": {
        "todo": "new",
        "in_progress": "in_progress",
        "in_review": "in_progress",
        "done": "resolved",
        "wont_do": "resolved",
    },
    "problem": {
        "todo": "new",
        "in_progress": "fix_in_progress",
        "in_review": "fix_in_progress",
        "done": "resolved",
        "wont_do": "resolved",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """The last write of a field: its effect, what it writes where, and the two values it was decided by.

    `seen` and `stamp` are what the written record said and when it was last changed, as mirrored then; `state` is what has
    become of the effect; `landed` when its end was heard of.
    """

    key: str
    to: Side
    value: str
    here: str
    there: str
    seen: str
    stamp: datetime
    landed: datetime | None = None
    state: str = "planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What both sides last agreed on in one field ("": not known), and how often it was written, ever and since `since`."""

    here: str = ""
    there: str = ""
    writes: int = 0
    recent: int = 0
    since: datetime | None = None
    flight: Flight | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What a pair agrees on now, to be kept: `source` mirrors `target`."""

    source: Ref
    target: Ref
    field: Name
    agreed: Agreed


@dataclass(frozen=True, slots=True)
class Conflict:
    """Both sides of a pair changed one field, or somebody and loopbot at once: `lost` is what `loser` said ("": not known), `kept` what was written over it."""

    source: Ref
    target: Ref
    field: str
    loser: Ref
    lost: str
    kept: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One mirrored field. `out` leads words of `it` to words of the other side, `back` the other way; empty: same words."""

    name: Name
    wins: Wins
    out: Mapping[str, str]
    back: Mapping[str, str]
    step: Mapping[tuple[Side, str], int]

    def says(self, record: Record, side: Side) -> str:
        """What the record says, or "" where that is nothing, or nothing the other side has a word for."""
        value = said(record, self.name)
        return value if not self.step or (side, value) in self.step else ""

    def same(self, here: str, there: str) -> bool:
        """Whether the two say the same."""
        if not self.step:
            return here == there
        place = self.step.get(("it", here))
        return place is not None and place == self.step.get(("other", there))

    def passed(self, value: str, to: Side) -> str:
        """The value in the words of the other side; "" where it has none."""
        if not self.step:
            return value
        return (self.out if to == "other" else self.back).get(value, "")


def field_of(name: Name, wins: Wins, out: Mapping[str, str], back: Mapping[str, str]) -> Field:
    """A field by its maps of words; words that lead into each other are one step."""
    return Field(name=name, wins=wins, out=out, back=back, step=steps(out, back))


def steps(out: Mapping[str, str], back: Mapping[str, str]) -> dict[tuple[Side, str], int]:
    """The number of the step each word belongs to."""
    pairs: list[tuple[tuple[Side, str], tuple[Side, str]]] = [(("it", a), ("other", b)) for a, b in out.items()]
    pairs += [(("other", b), ("it", a)) for b, a in back.items()]
    found: dict[tuple[Side, str], int] = {}
    for number, (one, other) in enumerate(pairs):
        first, second = found.get(one, number), found.get(other, number)
        found |= {one: first, other: first}
        found = {word: first if place == second else place for word, place in found.items()}
    return found


def default_states(it: Kind, other: Kind) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The words of a state out and back between two kinds; empty where they are the same, or nobody has said how they fit."""
    if other == "issue" and it in _OUT:
        return _OUT[it], _BACK[it]
    if it == "issue" and other in _OUT:
        return _BACK[other], _OUT[other]
    return {}, {}


def said(record: Record, name: Name) -> str:
    """What a record says in a field, in the form in which the two sides are compared."""
    if name == "title":
        return shorten(" ".join(clean(record.title).split()), TITLE_LIMIT)
    if name == "state":
        return record.state
    priority = getattr(record, "priority", None)
    return "" if priority is None else str(priority)


def standing(record: Record, name: Name, value: str, was: str) -> Literal["done", "clear", "overtaken"]:
    """Whether a write that replaces `was` by `value` is done, may be done, or comes after someone else's change."""
    there = said(record, name)
    return "done" if there == value else "clear" if there == was else "overtaken"
