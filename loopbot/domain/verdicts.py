"""Judging one field of a mirrored pair: who changed it since both last agreed, and what is written where."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from loopbot.domain.mirroring import LATEST, MOST_WRITES, ON_ITS_WAY, WRITES_SPAN, Agreed, Field, Flight, Side, said
from loopbot.domain.records import Record


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
