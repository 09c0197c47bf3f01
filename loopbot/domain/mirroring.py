"""Mirrored pairs: two records that say the same. For each field, who changed it since both last agreed, and what follows.

Pure: a baseline and the two records in, what to write, to note and to keep out. `it` is the record that is mirrored,
`other` its mirror. Values are canonical words as text; "" says nothing, and nothing is never a change.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
    """Both sides of a pair changed one field: `lost` is what `loser` said, `kept` what was written over it."""

    source: Ref
    target: Ref
    field: Name
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


# ---------------------------------------------------------------------------------------------- judging a field


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What follows for one field.

    `agreed` is to be noted where it is there; with `to`, `value` is written on that side over `was`; `lost` is the value
    that this overrules, of the side written to; `withdraws` a refused write that is no longer wanted; `saw` is for explaining.
    """

    saw: str
    agreed: Agreed | None = None
    to: Side | None = None
    value: str = ""
    was: str = ""
    lost: str = ""
    withdraws: str = ""
    again_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One field of a pair as it stands: what both sides say (their last agreed word where they say nothing), and said raw."""

    base: Agreed
    known: bool
    here: str
    there: str
    raw: Mapping[Side, str]

    @property
    def moved(self) -> tuple[bool, bool]:
        """Which sides have changed since they agreed; a side of which nothing was known has not."""
        if not self.known:
            return bool(self.here), bool(self.there)
        base = self.base
        return self.here != base.here and bool(base.here), self.there != base.there and bool(base.there)


def judged(field: Field, it: Record, other: Record, agreed: Agreed | None, now: datetime) -> Verdict:
    """What follows for one field of a pair."""
    flight = agreed.flight if agreed else None
    if flight is not None and flight.state in ON_ITS_WAY:
        target = it if flight.to == "it" else other
        return Verdict(saw=f"waits: {flight.value!r} is on its way to {target.key} ({flight.state})")
    landed = flight is not None and flight.state == "settled"
    base = _base(agreed or Agreed(), landed=landed)
    raw: dict[Side, str] = {"it": said(it, field.name), "other": said(other, field.name)}
    late = None
    if flight is not None and _unseen(flight, it, other, raw, now):
        target = it if flight.to == "it" else other
        first = flight.landed is None
        late = replace(flight, landed=now, stamp=target.updated_at) if landed and first else flight if landed else None
        raw[flight.to] = flight.value if landed else flight.here if flight.to == "it" else flight.there
    sight = Sight(
        base=base,
        known=agreed is not None,
        here=_word(field, "it", raw["it"]) or base.here,
        there=_word(field, "other", raw["other"]) or base.there,
        raw=raw,
    )
    refused = flight.key if flight is not None and not landed else ""
    if field.same(sight.here, sight.there):
        if late is not None:
            note = replace(base, flight=late) if late != flight else None
            again = (late.landed or now) + LATEST
            return Verdict(saw=f"{late.value!r} is written, and not seen there yet", agreed=note, again_at=again)
        now_agreed = replace(base, here=sight.here, there=sight.there, flight=None)
        note = now_agreed if now_agreed != agreed else None
        return Verdict(saw=f"both say {_both(sight)}", agreed=note, withdraws=refused)
    if flight is not None and not landed and (flight.here, flight.there) == (sight.here, sight.there):
        return Verdict(saw=f"{flight.value!r} was refused ({flight.state}); waits until one side changes")
    return replace(_decided(field, sight, flight, (it, other), now), withdraws=refused)


def _decided(field: Field, sight: Sight, flight: Flight | None, pair: tuple[Record, Record], now: datetime) -> Verdict:
    """The two sides differ: which one is written to the other."""
    here, there = sight.moved
    contest = here and there
    source: Side = _winner(field, sight, flight) if contest else "other" if there or not sight.here else "it"
    to: Side = "other" if source == "it" else "it"
    value = field.passed(sight.here if source == "it" else sight.there, to)
    if not value:
        return Verdict(saw=f"{_both(sight)}: nothing that can be passed on")
    base = sight.base
    fresh = base.since is None or now - base.since >= WRITES_SPAN or now < base.since
    since, recent = (now, 0) if fresh or base.since is None else (base.since, base.recent)
    if recent >= MOST_WRITES:
        until = since + WRITES_SPAN
        return Verdict(saw=f"held back until {until:%H:%M:%S} UTC: written {recent} times already", again_at=until)
    target = pair[0] if to == "it" else pair[1]
    flown = Flight(
        key="",
        to=to,
        value=value,
        here=sight.here,
        there=sight.there,
        seen=said(target, field.name),
        stamp=target.updated_at,
    )
    why = "both changed" if contest else "it changed" if here else "its mirror changed" if there else "they differ"
    return Verdict(
        saw=f"{why}: {_both(sight)}; {value!r} goes to {target.key}",
        agreed=replace(base, writes=base.writes + 1, recent=recent + 1, since=since, flight=flown),
        to=to,
        value=value,
        was=sight.raw[to],
        lost=sight.raw[to] if contest else "",
    )


def _winner(field: Field, sight: Sight, flight: Flight | None) -> Side:
    """Whose value stands where both changed. `newest`: the one heard of after the write that was refused was decided."""
    if field.wins != "newest":
        return field.wins
    if flight is not None and flight.here == sight.here and flight.there != sight.there:
        return "other"
    return "it"


def _base(agreed: Agreed, *, landed: bool) -> Agreed:
    """The baseline after the write has come about, or was refused: then what stood there is at least known."""
    flight = agreed.flight
    if flight is None:
        return agreed
    if not landed:
        return replace(agreed, here=agreed.here or flight.here, there=agreed.there or flight.there)
    here, there = (flight.value, flight.there) if flight.to == "it" else (flight.here, flight.value)
    return replace(agreed, here=here, there=there)


def _unseen(flight: Flight, it: Record, other: Record, raw: Mapping[Side, str], now: datetime) -> bool:
    """Whether what is mirrored of the written side is still from before the write: a system's search lags behind it.

    Where nobody said when it landed, this is the moment, and what is seen is from before. Later looks go by the stamp that
    the record had then, and not for ever: somebody may have put back what stood there.
    """
    if raw[flight.to] != flight.seen:
        return False
    same = (it if flight.to == "it" else other).updated_at == flight.stamp
    if flight.state != "settled" or flight.landed is None:
        return same or flight.state == "settled"
    return same and now < flight.landed + LATEST


def _word(field: Field, side: Side, value: str) -> str:
    return value if not field.step or (side, value) in field.step else ""


def _both(sight: Sight) -> str:
    return " and ".join(dict.fromkeys(repr(each) for each in (sight.here, sight.there)))
