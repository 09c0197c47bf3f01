"""What is to be written and to be woken for, as protocols."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal, Protocol

from loopbot.domain.effects import Effect
from loopbot.domain.events import Timer
from loopbot.domain.listening import Passed
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.domain.records import Ref
from loopbot.ports.rows import EffectState, Heap, OutboxRow


class Outbox(Protocol):
    """The effects and what became of them."""

    def plan(self, effects: Sequence[Effect], state: EffectState = "planned") -> list[tuple[Effect, bool]]:
        """Enter each under its key; the flag says whether it is new.

        A known key is left alone, except a `keep_current` post whose text changed: it is due again, with its receipt.
        """

    def claim(
        self, system: str, holder: str, seconds: float, limit: int, there: datetime | None = None
    ) -> list[Delivery]:
        """Mark the first due effect of each free lane as `sending` for `seconds`; effects whose needs are open wait.

        `there`: what time it is by the system's own clock, where it is known: if our clock is ahead of it, and set right
        before anybody looks for a lost write, what is written now is no older than that.
        """

    def settle(self, holder: str, delivery: Delivery, receipt: Receipt) -> bool:
        """Note the proof; false when holder and attempt no longer own it (fenced off).

        Also resolves the pending refs of links and later effects.
        """

    def fail(self, holder: str, delivery: Delivery, state: EffectState, why: str, due_at: datetime) -> bool:
        """Note what went wrong: back to `planned` (at due_at), `uncertain` or `parked`; false when fenced off."""

    def abandon(self, *, alone: bool = False, look_in: float = 0.0) -> int:
        """Make `sending` effects whose holder's time ran out `uncertain`; returns how many. To be looked for in so many seconds.

        `alone`: nobody else can be at work on this store, so whoever was sending is gone, its time run out or not.
        """

    def beside(self, delivery: Delivery, most: int) -> list[Effect]:
        """What is planned behind it in its lane and may share its message, at most so many, in order."""

    def gather(self, delivery: Delivery, effects: Sequence[Effect]) -> Delivery:
        """It goes out with these in one message: noted before it is sent, so that all of them settle with it."""

    def scatter(self, holder: str, delivery: Delivery, why: str) -> bool:
        """A message of several was refused: each is sent by itself now; false when fenced off."""

    def defer(self, holder: str, delivery: Delivery, due_at: datetime, why: str) -> bool:
        """Not now: it and what is behind it in its lane are due later, as if it had not been claimed; false when fenced off."""

    def first_about(self, effect: Effect) -> Receipt | None:
        """The first message of its lane about its subject that is out, other than itself."""

    def uncertain(self, system: str, limit: int) -> list[Delivery]:
        """Effects that may or may not be there and are due to be looked for."""

    def found(self, delivery: Delivery, receipt: Receipt | None, why: str, due_at: datetime) -> None:
        """What looking for an uncertain effect brought: its receipt, or (None) certainly not there: planned again."""

    def postpone(self, delivery: Delivery, why: str, due_at: datetime) -> None:
        """Look again for an uncertain effect at due_at; datetime.max: not by itself, a person decides."""

    def rows(
        self, states: Collection[EffectState] = (), system: str | None = None, limit: int = 100
    ) -> list[OutboxRow]:
        """The latest first; no states: all of them."""

    def about(self, ref: Ref) -> list[OutboxRow]:
        """Effects whose subject it is, or that mention it."""

    def get(self, key: str) -> OutboxRow | None:
        """By key, or by the beginning of one (None when it is not the beginning of exactly one)."""

    def retry(self, key: str, why: str) -> bool:
        """A person says: send (again). For parked, held, dropped, shadow and uncertain effects."""

    def confirm(self, key: str, why: str) -> bool:
        """A person says: it is there. For uncertain effects."""

    def drop(self, key: str, why: str) -> bool:
        """A person says: never send it."""

    def moved(self, old: Ref, new: Ref) -> None:
        """A ticket has another ref now: what is written about the old one is found under the new one, too."""

    def doubt(self, since: datetime) -> int:
        """The store was restored: what may have been sent since then is looked for first; returns how many are now."""

    def doubted(self) -> tuple[datetime, datetime] | None:
        """The time that a restore lost (from, to), while what is planned is looked for first."""

    def trust(self) -> None:
        """The end of doubt: what is planned from now on is certainly new."""

    def counts(self) -> dict[tuple[str, EffectState], int]:
        """How many effects each system has in each state."""

    def planned_since(self, rule: str, since: datetime) -> int:
        """How many effects the rule has planned since then, for its limit."""

    def restless(self, effects: Sequence[Effect], since: datetime, most: int) -> set[str]:
        """The keys of those whose rule acted on their subject at more than `most` moments since then, as far as was sent."""

    def refusals(self, rule: str, system: str, since: datetime, most: int) -> list[str]:
        """Why the last `most` effects that a rule planned there since then were refused, up to the last that was not."""

    def next_due(self, system: str) -> datetime | None:
        """When the next planned effect of the system is due."""


class Timers(Protocol):
    """What rules wait for."""

    def set(self, timer: Timer, *, keep: bool = False) -> None:
        """Set or move; with `keep`, a timer that is set already stays where it is."""

    def cancel(self, rule: str, subject: Ref, name: str) -> None:
        """Forget it, if it is set."""

    def is_set(self, rule: str, subject: Ref, name: str) -> bool:
        """Whether it is; asked for every change of every record, so it has to be cheap."""

    def take_due(self, limit: int) -> list[Timer]:
        """Remove and return those that have run out."""

    def pending(self, subject: Ref | None = None) -> list[Timer]:
        """Those that are set, of one record or of all."""


class Progress(Protocol):
    """How far things have come, over many records at once."""

    def passed(self, since: datetime) -> list[Passed]:
        """The reports since then and when each came to which stage, the latest last."""

    def caused(self, refs: Collection[Ref]) -> dict[Ref, list[Ref]]:
        """The incidents that each of these changes and deployments is linked with as their cause."""

    def paired(self, refs: Collection[Ref]) -> dict[Ref, list[Ref]]:
        """The records in other systems that each of these mirrors, or is mirrored by."""

    def helped_by(self, ref: Ref) -> tuple[int, int]:
        """How many said that what this record offers as an answer helped them, and how many that it did not."""

    def helped(self, since: datetime) -> tuple[int, int]:
        """How many said since then that what was offered to them helped, and how many said anything."""

    def open_problems(self, limit: int) -> list[tuple[Ref, int]]:
        """The problems that are not over with the number of incidents each explains, those with most first."""


class Stuck(Protocol):
    """Effects that wait for a person, by what one decision can be about."""

    def heaps(self, state: Literal["held", "parked"]) -> list[Heap]:
        """One a rule (and a system, for refused ones), with how many there are and a few of them."""

    def unknowable(self, limit: int = 200) -> list[OutboxRow]:
        """Uncertain ones that nobody but a person can find, the earliest first."""

    def keys(self, state: Literal["held", "parked"], rule: str, system: str, upto: int) -> list[str]:
        """Those of a heap that were in it when it was counted, in the order planned; no system: of all."""

    def revert(self, mark: str, state: EffectState) -> int:
        """Take back what a person decided with this mark, where nothing has come of it yet; returns how many."""
