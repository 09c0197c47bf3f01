"""Delivering effects: claimed in one transaction, sent outside any, settled in another. A lost answer is never sent again blindly."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from loopbot.domain.errors import Rejected, SystemTrouble, Transient, Trouble, Unauthorized, Uncertain, shut_out
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.permits import permitted_unless
from loopbot.ports import EffectState, Guarded, Sink, Timed, Tx
from loopbot.usecases.absorb import proven
from loopbot.usecases.brakes import braked
from loopbot.usecases.enact import Enacted, look_again
from loopbot.usecases.loop import Loop
from loopbot.usecases.overruling import note_overruled
from loopbot.usecases.telling.gate import admitted, spoke, strangers_among
from loopbot.usecases.telling.identity import acquaint, introduces


@dataclass(slots=True)
class Delivered:
    """What became of a round of deliveries."""

    settled: int = 0
    failed: int = 0
    uncertain: int = 0
    parked: int = 0
    systems: set[str] = field(default_factory=set)
    pause: float = 0.0

    def note(self, enacted: Iterable[Enacted]) -> None:
        """Something new is to be written in these systems."""
        self.systems.update(effect.system for one in enacted for effect in one.new)


def deliver(loop: Loop, system: str, enough: Callable[[], bool] = lambda: False) -> Delivered:
    """Send what is due in one system until nothing is, it is `enough`, or the system asks to be left alone for `pause` seconds."""
    total = Delivered()
    with loop.store.write() as tx:
        if tx.outbox.abandon():
            loop.witness.noted("deliveries of a stopped process are uncertain now", system=system)
    if short := loop.store.short_of_room():
        # A send that can not be noted would be lost or doubled: sending stops first, and goes on once there is room.
        loop.witness.noted("nothing is sent: the disk is nearly full", system=system, why=short)
        total.pause = loop.waits.look
        return total
    sink = loop.sinks.get(system)
    total.pause = _time_learnt(loop, sink, system)
    while not total.pause and not enough():
        claimed = _Claimed(loop, loop.clock.monotonic(), loop.clock.now(), enough)
        with loop.store.write() as tx:
            there = _time_there(loop)
            found = tx.outbox.claim(system, loop.holder, loop.waits.claim, sink.batch if sink else 50, there)
            batch = braked(loop, tx, found)
            unmet = strangers_among(loop, tx, system, batch) if introduces(sink) else []
            gated = None if unmet else admitted(loop, tx, sink, batch)
        if not found:
            break
        if gated is None:
            acquaint(loop, system, unmet)
            with loop.store.write() as tx:
                gated = admitted(loop, tx, sink, batch)
        batch = gated.deliveries
        total.systems |= gated.systems
        with permitted_unless(claimed.why_not):
            outcomes = _applied(sink, system, batch)
        for delivery, outcome in zip(batch, outcomes, strict=True):
            _settle(loop, delivery, outcome, total)
    if total.settled:
        total.systems |= _due(loop)
    return total


def _timed(sink: Sink | None) -> Timed | None:
    """The sink as one that can tell what time it is there; None where it can not."""
    return cast("Timed", sink) if hasattr(sink, "ask_the_time") else None


def _time_learnt(loop: Loop, sink: Sink | None, system: str) -> float:
    """Learn what time it is there before the first write of a process; for how long to leave it alone where it does not answer."""
    timed = _timed(sink)
    if timed is None or timed.now_there is not None:
        return 0.0
    with loop.store.read() as tx:
        due = tx.outbox.next_due(system)
        if due is None or due > tx.now():
            return 0.0
    try:
        timed.ask_the_time()
    except SystemTrouble as trouble:
        # A refusal says what time it is, too; what it means for each effect is for the sending to find out.
        if timed.now_there is None:
            loop.witness.noted(
                "nothing is sent: the system does not answer", system=system, why=loop.redacted(str(trouble))
            )
            return (trouble.after if isinstance(trouble, Transient) else None) or loop.waits.look
    return 0.0


def _not_let_in(sink: Sink, system: str) -> Trouble | None:
    """Why nothing is to be sent, where our credentials were refused and are so still.

    A write that is refused may have been done, so each that is tried while a system is shut has to be looked for: a read asks first.
    """
    guarded = cast("Guarded", sink) if hasattr(sink, "knock") else None
    if guarded is None or not guarded.shut:
        return None
    try:
        guarded.knock()
    except (Transient, Unauthorized) as trouble:
        return trouble
    except SystemTrouble as trouble:
        return Transient(system, trouble.why, trouble.hint)
    return None


def _time_there(loop: Loop) -> datetime | None:
    """What time it is by the slowest clock of all systems that have answered yet; None where none says so.

    Kept with a sending before it begins. A clock of ours that is wrong is ahead of all of them; when it is set right while
    nobody is at work here, what was sent would be taken for younger than it is, and not be found.
    """
    told = [timed.now_there for sink in loop.sinks.values() if (timed := _timed(sink)) is not None]
    return min((there for there in told if there is not None), default=None)


def _due(loop: Loop) -> set[str]:
    """Where something may go out now: perhaps it waited for a ticket that has just been opened."""
    with loop.store.read() as tx:
        moments = {name: tx.outbox.next_due(name) for name in loop.sinks}
        return {name for name, moment in moments.items() if moment is not None and moment <= tx.now()}


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A batch claimed at that time, by the clock that counts on and by the one that knows of a suspended machine."""

    loop: Loop
    monotonic: float
    at: datetime
    enough: Callable[[], bool]

    def why_not(self) -> str:
        """Why no write of the batch may begin now; those that do not are planned still."""
        if self.enough():
            return "loopbot is stopping"
        clock = self.loop.clock
        passed = max(clock.monotonic() - self.monotonic, (clock.now() - self.at).total_seconds())
        return "" if passed < self.loop.waits.begin else f"it was claimed {passed:.0f} s ago"


def _applied(sink: Sink | None, system: str, batch: Sequence[Delivery]) -> Sequence[Receipt | Trouble]:
    """The outcomes, one for each delivery; whatever a sink does wrong, nothing counts as undone that may be done."""
    if sink is None:
        return [
            Rejected(system, "is not configured, or can only be read", "add it to the config, or drop the effect")
        ] * len(batch)
    if (refused := _not_let_in(sink, system)) is not None:
        return [refused] * len(batch)
    possible = [delivery for delivery in batch if delivery.effect.verb in sink.verbs]
    done: dict[str, Receipt | Trouble] = {
        one.effect.key: Rejected(system, f"can not do {one.effect.verb!r}", "see its README for what it can")
        for one in batch
        if one not in possible
    }
    try:
        answers = list(sink.apply(possible)) if possible else []
    except SystemTrouble as trouble:
        answers = [
            trouble
            if isinstance(trouble, Transient | Uncertain | Rejected | Unauthorized)
            else Uncertain(system, str(trouble))
        ]
        answers *= len(possible)
    except Exception as error:  # noqa: BLE001 - a defect in a connector: what was sent is not known, so a person is shown
        answers = [Uncertain(system, f"failed while sending: {type(error).__name__}: {error}") for _ in possible]
    missing = len(possible) - len(answers)
    answers.extend(Uncertain(system, "gave no answer for this one") for _ in range(missing))
    done.update((delivery.effect.key, answer) for delivery, answer in zip(possible, answers, strict=False))
    return [done[delivery.effect.key] for delivery in batch]


def _settle(loop: Loop, delivery: Delivery, outcome: Receipt | Trouble, total: Delivered) -> None:
    with loop.store.write() as tx:
        if isinstance(outcome, Receipt):
            if settled(loop, tx, delivery, outcome, total):
                total.settled += len(delivery.effects)
            return
        if delivery.also and isinstance(outcome, Rejected):
            # One of them may be what is refused: by itself, it is the only one that is.
            why = f"refused in one message with others, so sent by itself: {loop.redacted(str(outcome))}"
            tx.outbox.scatter(loop.holder, delivery, why)
            return
        state, wait = _next(loop, delivery, outcome)
        due = tx.now() + timedelta(seconds=wait)
        if not tx.outbox.fail(loop.holder, delivery, state, loop.redacted(str(outcome)), due):
            return
        if state == "parked":
            total.note(look_again(loop, tx, delivery.effect))
    total.uncertain += state == "uncertain"
    total.parked += state == "parked"
    total.failed += state == "planned"
    if shut_out(outcome) or (isinstance(outcome, Transient) and outcome.scope == "host"):
        total.pause = max(total.pause, wait)
    loop.witness.noted(
        "effect not delivered",
        effect=delivery.effect.key,
        system=delivery.effect.system,
        verb=delivery.effect.verb,
        state=state,
        why=loop.redacted(str(outcome)),
    )


def _next(loop: Loop, delivery: Delivery, trouble: Trouble) -> tuple[EffectState, float]:
    """Where an effect goes after trouble, and for how long (seconds)."""
    waits = loop.waits
    if isinstance(trouble, Uncertain):
        return "uncertain", waits.pause if trouble.shut else waits.look
    if isinstance(trouble, Unauthorized):
        return "planned", waits.pause
    if isinstance(trouble, Transient):
        return "planned", trouble.after or waits.again(delivery.attempt)
    return "parked", 0.0


def settled(loop: Loop, tx: Tx, delivery: Delivery, receipt: Receipt, total: Delivered) -> bool:
    """Note the proof, mirror what the answer showed (our own echo), and let rules go on from there."""
    if not tx.outbox.settle(loop.holder, delivery, receipt):
        loop.witness.noted("a late answer was fenced off", effect=delivery.effect.key, system=delivery.effect.system)
        return False
    loop.witness.noted(
        "effect delivered",
        effect=delivery.effect.key,
        system=delivery.effect.system,
        verb=delivery.effect.verb,
        receipt=str(receipt.ref),
    )
    note_overruled(loop, tx, delivery.effect, receipt)
    spoke(loop, tx, delivery)
    total.note(proven(loop, tx, delivery.effect, receipt))
    return True
