"""Who somebody is in a chat: looked up once, kept for a week, and listed where nobody there is certainly this person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast

from loopbot.domain.effects import Effect, Tell
from loopbot.domain.errors import SystemTrouble
from loopbot.domain.people import named_by, who
from loopbot.domain.receipts import Delivery
from loopbot.domain.records import Person
from loopbot.ports import Acquaintance, Introduces, Sink, Tx
from loopbot.usecases.loop import Loop

KNOWN_FOR = timedelta(days=7)
UNKNOWN_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody who is to be told something, and is not certainly anybody in the chat: how many messages wait or were parked."""

    acquaintance: Acquaintance
    waiting: int


def is_stale(one: Acquaintance, now: datetime) -> bool:
    """Whether they should be looked for again."""
    return now - one.checked_at >= (KNOWN_FOR if one.standing == "known" else UNKNOWN_FOR)


def introduces(sink: Sink | None) -> Introduces | None:
    """The sink as one that can tell who its people are; None where it can not."""
    return cast("Introduces", sink) if hasattr(sink, "meet") else None


def acquaint(loop: Loop, system: str, persons: Iterable[Person], *, again: bool = False) -> list[Acquaintance]:
    """Find out who these people are in a chat, each with one call, those that are known not at all.

    Where the chat does not answer, they stay as they are. `again`: also those that were looked for a moment ago.
    """
    introducer = introduces(loop.sinks.get(system))
    if introducer is None:
        return []
    wanted = {who(same): same for same in map(loop.roster.same, persons)}
    with loop.store.read() as tx:
        known, now = tx.people.known(system, list(wanted)), tx.now()
    met: list[Acquaintance] = []
    for name, person in wanted.items():
        one = known.get(name)
        if one is not None and not again and not is_stale(one, now):
            continue
        try:
            found = introducer.meet(person, loop.roster.ident(person, system))
        except SystemTrouble as trouble:
            loop.witness.noted("people could not be looked up", system=system, why=loop.redacted(str(trouble)))
            break
        met.append(replace(found, who=name, checked_at=now))
    if met:
        with loop.store.write() as tx:
            tx.people.keep(met)
    return met


def addressed(loop: Loop, tx: Tx, delivery: Delivery) -> Delivery:
    """The delivery with everybody it is for named by their id in the chat, where that is known."""
    persons = [effect.person for effect in delivery.effects if isinstance(effect, Tell)]
    if not persons:
        return delivery
    system = delivery.effect.system
    names = {who(loop.roster.same(person)) for person in persons}
    known = tx.people.known(system, names)

    def named(effect: Effect) -> Effect:
        if not isinstance(effect, Tell):
            return effect
        one = known.get(who(loop.roster.same(effect.person)))
        if one is None or one.standing != "known":
            return effect
        return replace(effect, person=replace(effect.person, system=system, key=one.ident))

    return replace(delivery, effect=named(delivery.effect), also=tuple(map(named, delivery.also)))


def strangers(loop: Loop) -> Sequence[Stranger]:
    """Everybody who was to be told something, and whom nobody could find, with what waits for them."""
    with loop.store.read() as tx:
        unknown = [one for one in tx.people.all_known() if one.standing != "known"]
        rows = tx.outbox.rows({"parked", "planned", "held"}, limit=5_000) if unknown else []
    waiting: dict[tuple[str, str], int] = {}
    for row in rows:
        if isinstance(row.effect, Tell):
            at = (row.effect.system, who(loop.roster.same(row.effect.person)))
            waiting[at] = waiting.get(at, 0) + 1
    return [Stranger(one, waiting.get((one.system, one.who), 0)) for one in unknown]


@dataclass(frozen=True, slots=True)
class LookedAgain:
    """What looking for strangers again brought."""

    looked_for: int = 0
    met: int = 0
    released: int = 0


def look_again_for_strangers(loop: Loop) -> LookedAgain:
    """Look for everybody who was not found, now that perhaps somebody wrote down who they are; what was parked for them goes out."""
    looked_for = met = released = 0
    with loop.store.read() as tx:
        unknown = [one for one in tx.people.all_known() if one.standing != "known"]
    for system in sorted({one.system for one in unknown} & set(loop.sinks)):
        here = [one for one in unknown if one.system == system]
        found = acquaint(loop, system, [named_by(one.who) for one in here], again=True)
        now_known = {one.who for one in found if one.standing == "known"}
        # Whoever the alias file calls otherwise now is not looked for under the former name any more.
        with loop.store.write() as tx:
            tx.people.forget(system, {one.who for one in here if who(loop.roster.same(named_by(one.who))) != one.who})
        looked_for, met = looked_for + len(here), met + len(now_known)
        released += _release(loop, system, now_known)
    return LookedAgain(looked_for, met, released)


def _release(loop: Loop, system: str, names: set[str]) -> int:
    """Plan again what was parked because nobody knew these people."""
    released = 0
    with loop.store.write() as tx:
        for row in tx.outbox.rows({"parked"}, system, limit=5_000):
            effect = row.effect
            if isinstance(effect, Tell) and who(loop.roster.same(effect.person)) in names:
                released += tx.outbox.retry(effect.key, "the person is known now")
    return released
