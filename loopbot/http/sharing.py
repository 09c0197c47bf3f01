"""One node's part of what a fleet shares of calls: a slice of the budget an hour, and what the server closed to any node.

The store is asked once a slice and every few seconds while calls are made, never once a call. A slice is used for two minutes
at most, by the clock that never jumps and by the one that knows of a suspended machine; what is left of it then goes back.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from loopbot.ports import Allotment, Allotments, Clock, Slice, Spent, Word

NEWS = 10.0
"""Seconds after which what the server closed to others is asked for again, while calls are made."""
_AGAIN = 5.0


@dataclass(slots=True)
class _Held:
    """A slice, how much of it is used, and until when more may be."""

    slice: Slice
    ends: float
    ends_at: datetime
    used: int = 0


@dataclass(slots=True)
class Share:
    """What this node may spend of the fleet's calls to one system; `per_hour` 0: there is no budget, only news."""

    system: str
    clock: Clock
    allotments: Allotments
    per_hour: int = 0
    _held: _Held | None = None
    _left: int | None = None
    _told: float | None = None
    _dry: float = 0.0
    _state: threading.Lock = field(default_factory=threading.Lock)
    _asking: threading.Lock = field(default_factory=threading.Lock)

    @property
    def stale(self) -> bool:
        """Whether the fleet was not heard of lately."""
        return self._told is None or self.clock.monotonic() - self._told >= NEWS

    @property
    def left(self) -> int | None:
        """The fleet's calls that are left, as it said last, less those of this node since; None without a budget."""
        return self._left if self.per_hour else None

    @property
    def ready(self) -> bool:
        """Whether a call can be taken of the slice."""
        with self._state:
            return not self.per_hour or (self._held is not None and not self._over(self._held))

    def spend(self) -> bool:
        """Take one call of the slice; False where there is none left in it."""
        if not self.per_hour:
            return True
        with self._state:
            held = self._held
            if held is None or self._over(held):
                return False
            held.used += 1
            self._left = max((self._left or 0) - 1, 0)
            return True

    def wait(self) -> float:
        """Seconds until it is worth asking for a slice again: the whole budget is out."""
        return max(self._dry - self.clock.monotonic(), 0.0) if self.per_hour else 0.0

    def refresh(self, closed: Mapping[str, float] | None = None) -> Mapping[str, float]:
        """Tell the fleet what was spent, and what the server `closed` (endpoints, seconds); ask it for the same.

        What is not needed any more goes back. Raises StoreTrouble where the fleet can not be asked.
        """
        return self._exchange(closed or {}, wants=False)

    def replenish(self) -> Mapping[str, float]:
        """Ask for another slice, and for news. Raises StoreTrouble where the fleet can not be asked."""
        return self._exchange({}, wants=True)

    def leave(self) -> None:
        """Give back what is left. Raises StoreTrouble."""
        with self._asking:
            with self._state:
                held, self._held = self._held, None
            if held is not None:
                self._say(Word(self.per_hour, Spent(held.slice.number, held.used, over=True)))

    def _exchange(self, closed: Mapping[str, float], *, wants: bool) -> Mapping[str, float]:
        with self._asking:
            with self._state:
                held = self._held
                over = held is not None and self._over(held)
                spent = Spent(held.slice.number, held.used, over) if held is not None else None
                wants = wants and (held is None or over)
            # Taken before the fleet's clock is read, so that by that clock, too, no call is made after the slice was over.
            began, began_at = self.clock.monotonic(), self.clock.now()
            said = self._say(Word(self.per_hour, spent, wants, closed))
            with self._state:
                since = held.used - spent.used if held is not None and spent is not None else 0
                self._left = None if said.left is None else max(said.left - since, 0)
                if over:
                    self._held = None
                if said.slice is not None:
                    seconds = said.slice.seconds
                    self._held = _Held(said.slice, began + seconds, began_at + timedelta(seconds=seconds))
                if wants:
                    self._dry = began + said.wait
            return said.closed

    def _say(self, word: Word) -> Allotment:
        now = self.clock.monotonic()
        # Where it can not be asked it is not asked at each call.
        self._told = now - NEWS + _AGAIN
        said = self.allotments.exchange(self.system, word)
        self._told = now
        return said

    def _over(self, held: _Held) -> bool:
        now, now_at = self.clock.monotonic(), self.clock.now()
        return held.used >= held.slice.calls or now >= held.ends or now_at >= held.ends_at


def shared(system: str, clock: Clock, allotments: Allotments | None, per_hour: int) -> Share | None:
    """A node's share, where there is a fleet; or a budget, of which a node that is started anew has to know what is spent."""
    if allotments is None or not (per_hour or allotments.shared):
        return None
    return Share(system, clock, allotments, per_hour)
