"""The gate: what is claimed for people goes out now, goes out with others in one message, waits, or is dropped; always with a reason.

It stands between claiming and sending, in a transaction of its own work, so that what was decided is written down before
anything is sent.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from loopbot.domain.effects import Ask, Cause, Comment, Effect, Post, Tell
from loopbot.domain.events import SILENT, Timer
from loopbot.domain.people import who
from loopbot.domain.receipts import Delivery
from loopbot.domain.records import Person
from loopbot.domain.telling import FOR_GOOD, Wishes, zone_named
from loopbot.ports import Acquaintance, EffectState, JournalEntry, Sink, Tx
from loopbot.usecases.loop import Loop
from loopbot.usecases.telling.identity import addressed, is_stale

_HOUR = timedelta(hours=1)
_AROUND = 400
_ANSWER_HERE = "Please answer here if it does not."


@dataclass(frozen=True, slots=True)
class Later:
    """Not now, nor what stands behind it."""

    due: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Never:
    """Not at all; `instead` is written where there is another way. Shown as stuck: a person has to mend the reason."""

    why: str
    instead: Comment | None = None
    stuck: bool = False


@dataclass(slots=True)
class Gated:
    """What may go out, and in which systems something else is to be written instead."""

    deliveries: list[Delivery] = field(default_factory=list)
    systems: set[str] = field(default_factory=set)


def strangers_among(loop: Loop, tx: Tx, system: str, claimed: Sequence[Delivery]) -> list[Person]:
    """The people these are for who were never looked for in this chat, or too long ago."""
    same = [loop.roster.same(one.effect.person) for one in claimed if isinstance(one.effect, Tell)]
    persons = {who(person): person for person in same}
    known, now = tx.people.known(system, list(persons)), tx.now()
    return [person for name, person in persons.items() if name not in known or is_stale(known[name], now)]


def spoke(loop: Loop, tx: Tx, delivery: Delivery) -> None:
    """Note when people and channels were written to, where anything goes by that, and until when an answer is waited for."""
    effect = delivery.effect
    if delivery.receipt is not None or delivery.under is not None:
        return
    for each in delivery.effects:
        if isinstance(each, Tell) and each.silent_after:
            due = tx.now() + timedelta(seconds=each.silent_after)
            tx.timers.set(Timer(each.cause.rule, each.about, f"{SILENT}{each.key}", due))
    if isinstance(effect, Tell) or (isinstance(effect, Post) and loop.manners.channel_per_hour and not effect.thread):
        tx.people.spoke(effect.lane)


def in_its_thread(loop: Loop, tx: Tx, delivery: Delivery) -> Delivery:
    """A post about a ticket that its channel has heard of goes to the thread of the first message."""
    effect = delivery.effect
    if isinstance(effect, Ask):
        starts_one = len(effect.parts) > 1
    else:
        starts_one = not isinstance(effect, Post) or bool(effect.thread)
    if starts_one or delivery.receipt is not None or not loop.manners.threads:
        return delivery
    return replace(delivery, under=tx.outbox.first_about(effect))


def admitted(loop: Loop, tx: Tx, sink: Sink | None, claimed: Sequence[Delivery]) -> Gated:
    """Those of the claimed deliveries that go out now, each with what goes out in the same message."""
    gate = _Gate(loop, tx, _most_together(sink), _longest_together(sink))
    for delivery in claimed:
        verdict: Delivery | Later | Never = delivery
        if delivery.receipt is None and isinstance(delivery.effect, Tell):
            verdict = gate.tell(delivery, delivery.effect)
        elif delivery.receipt is None and isinstance(delivery.effect, Post):
            verdict = gate.post(delivery, delivery.effect)
        elif delivery.receipt is None and isinstance(delivery.effect, Ask):
            verdict = in_its_thread(loop, tx, delivery)
        match verdict:
            case Delivery():
                gate.out.deliveries.append(addressed(loop, tx, verdict))
            case Later():
                gate.defer(delivery, verdict)
            case Never():
                gate.refuse(delivery, verdict)
    return gate.out


@dataclass(slots=True)
class _Gate:
    loop: Loop
    tx: Tx
    most: int
    longest: int
    out: Gated = field(default_factory=Gated)

    def tell(self, delivery: Delivery, effect: Tell) -> Delivery | Later | Never:
        """One person's next message."""
        loop, now = self.loop, self.tx.now()
        person = loop.roster.same(effect.person)
        acquaintance = self.tx.people.known(effect.system, [who(person)]).get(who(person))
        if acquaintance is not None and acquaintance.standing != "known":
            return self._stranger(effect, acquaintance)
        wishes = self._wishes(person, effect.system, acquaintance)
        called = person.name or who(person)
        if why := _muted(wishes, effect, called, now):
            return Never(why)
        zone = wishes.zone or (acquaintance.zone if acquaintance else "") or loop.manners.zone
        quiet = None if wishes.never_quiet else wishes.quiet or loop.manners.quiet
        until = quiet.until(now, zone) if quiet else None
        if until is not None:
            why = f"it is quiet for {called} ({quiet}, {zone}) until {_clock(until, zone)}"
            return Later(until, why)
        window = wishes.digest if wishes.digest is not None else loop.manners.digest
        if window is None:
            return delivery
        last = self.tx.people.spoken(effect.lane, now - window).last if window else None
        if last is not None:
            why = f"{called} was written to at {_clock(last, zone)}; gathered with what else comes until {_clock(last + window, zone)}"
            return Later(last + window, why)
        beside = self.tx.outbox.beside(delivery, self.most - 1) if self.most > 1 else []
        return self._gathered(delivery, (one for one in beside if not self._dropped_as_muted(one, wishes, called)))

    def post(self, delivery: Delivery, effect: Post) -> Delivery | Later:
        """A channel's next message."""
        manners, now = self.loop.manners, self.tx.now()
        if effect.thread:
            return delivery
        in_thread = in_its_thread(self.loop, self.tx, delivery)
        if in_thread.under is not None:
            return in_thread
        spoken = self.tx.people.spoken(effect.lane, now - _HOUR) if manners.channel_per_hour else None
        if spoken is not None and spoken.first is not None and spoken.count >= manners.channel_per_hour:
            due = spoken.first + _HOUR
            why = f"#{effect.channel} had {spoken.count} messages within an hour; gathered until {due:%H:%M} UTC"
            return Later(due, why)
        if effect.keep_current or not (manners.burst or manners.channel_per_hour) or self.most < 2:
            return delivery
        beside = [
            one
            for one in self.tx.outbox.beside(delivery, self.most - 1)
            if isinstance(one, Post) and not one.keep_current and not one.thread
        ]
        last_one = spoken is not None and spoken.count + 1 >= manners.channel_per_hour
        if last_one or (manners.burst and len(beside) + 1 >= manners.burst):
            return self._gathered(delivery, beside)
        return delivery

    def _gathered(self, delivery: Delivery, beside: Iterable[Effect]) -> Delivery:
        """As many as fit into one message."""
        left = self.longest - _size(delivery.effect)
        chosen: list[Effect] = []
        for one in beside:
            left -= _size(one)
            if left < 0:
                break
            chosen.append(one)
        return self.tx.outbox.gather(delivery, chosen)

    def _wishes(self, person: Person, system: str, known: Acquaintance | None) -> Wishes:
        """What they said, as whoever they are known."""
        names = [f"{system}:{known.ident}"] if known and known.ident else []
        names.append(who(person))
        found = self.tx.people.wishes(names)
        return Wishes.of({name: value for one in names for name, value in found[one].items()})

    def _dropped_as_muted(self, effect: Effect, wishes: Wishes, called: str) -> bool:
        why = _muted(wishes, effect, called, self.tx.now()) if isinstance(effect, Tell) else ""
        if why:
            self.tx.outbox.drop(effect.key, why)
            self._note(effect, f"not told: {why}")
        return bool(why)

    def _stranger(self, effect: Tell, one: Acquaintance) -> Never:
        """Nobody in the chat is certainly this person: told on their own ticket where the rule says so, else shown."""
        comment = self._comment_instead(effect)
        if comment is None:
            return Never(one.why, stuck=True)
        return Never(f"{one.why}; told by a comment on {effect.about.key}", comment)

    def _comment_instead(self, effect: Tell) -> Comment | None:
        """What they read on the ticket they reported, where that is the one it is about, and can be written to."""
        record = self.tx.record(effect.about)
        sink = self.loop.sinks.get(effect.about.system)
        if not effect.comment_instead or record is None or sink is None or Comment.verb not in sink.verbs:
            return None
        theirs = {who(self.loop.roster.same(one.person)) for one in record.people if one.role == "reporter"}
        if who(self.loop.roster.same(effect.person)) not in theirs:
            return None
        cause = effect.cause
        text = f"{effect.text}\n{_ANSWER_HERE}" if effect.question else effect.text
        return Comment(
            system=effect.about.system,
            cause=Cause(cause.rule, cause.subject, f"{cause.slot}|instead", cause.once, cause.because),
            target=effect.about,
            text=text,
            audience="public",
        )

    def defer(self, delivery: Delivery, verdict: Later) -> None:
        """It waits."""
        if self.tx.outbox.defer(self.loop.holder, delivery, verdict.due, verdict.why):
            self.loop.witness.noted("told later", effect=delivery.effect.key, why=verdict.why)

    def refuse(self, delivery: Delivery, verdict: Never) -> None:
        """It does not go out."""
        state: EffectState = "parked" if verdict.stuck else "dropped"
        if not self.tx.outbox.fail(self.loop.holder, delivery, state, verdict.why, self.tx.now()):
            return
        self._note(delivery.effect, f"not told: {verdict.why}")
        if verdict.instead is not None:
            self.tx.outbox.plan([verdict.instead])
            self.out.systems.add(verdict.instead.system)

    def _note(self, effect: Effect, what: str) -> None:
        cause = effect.cause
        self.tx.journal([JournalEntry(self.tx.now(), cause.rule, cause.subject, what, cause.because)])
        self.loop.witness.noted("not told", effect=effect.key, why=what)


def _muted(wishes: Wishes, effect: Tell, called: str, now: datetime) -> str:
    """Why they do not want to hear of it; "" where they do."""
    if wishes.muted_until is not None and wishes.muted_until > now:
        until = "" if wishes.muted_until == FOR_GOOD else f" until {wishes.muted_until:%Y-%m-%d %H:%M} UTC"
        return f"{called} has muted loopbot{until}"
    for ref in (effect.about, effect.cause.subject):
        if ref in wishes.muted_about:
            return f"{called} has muted {ref.key}"
    return ""


def _size(effect: Effect) -> int:
    """How much of a message it takes, with its buttons and what holds it together."""
    shared = effect.shared if isinstance(effect, Tell) else None
    beside = len(shared.lead) + len(shared.line) if shared is not None else 0
    return max(len(getattr(effect, "text", "")), beside) + _AROUND


def _clock(at: datetime, zone: str) -> str:
    return f"{at.astimezone(zone_named(zone)):%H:%M}"


def _most_together(sink: Sink | None) -> int:
    """How many effects fit in one message of this system; 1: it merges none."""
    return int(getattr(sink, "most_together", 1))


def _longest_together(sink: Sink | None) -> int:
    """How many characters of text fit in one message of this system."""
    return int(getattr(sink, "longest_together", 0))
