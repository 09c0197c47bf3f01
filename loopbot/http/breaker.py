"""The breaker: a system that does not answer is asked ever more rarely, so that it costs few calls and holds up nobody."""

import random
import threading
from dataclasses import dataclass, field
from typing import Literal

from loopbot.ports import Clock

State = Literal["closed", "open", "half-open"]


@dataclass(slots=True)
class Breaker:
    """Opens after `after` failures of the host in a row, for `first` seconds, doubling to `longest`, with jitter.

    Once that time is over a single call may try (half-open): its success closes, its failure opens again for longer.
    Time is monotonic: setting the clock neither opens nor closes anything.
    """

    clock: Clock
    chance: random.Random
    after: int = 5
    first: float = 5.0
    longest: float = 120.0
    probe: float = 90.0
    _failures: int = 0
    _rounds: int = 0
    _until: float = 0.0
    _probing_until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> float:
        """Seconds until a call may go out; 0: now. Who is told 0 while it is half-open is the one that tries."""
        with self._lock:
            now = self.clock.monotonic()
            if not self._rounds:
                return 0.0
            if now < self._until:
                return self._until - now
            if now < self._probing_until:
                # Someone is trying already; should they never come back, the next may after `probe` seconds.
                return min(self._probing_until - now, self.first)
            self._probing_until = now + self.probe
            return 0.0

    def succeeded(self) -> None:
        """The host answered."""
        with self._lock:
            self._failures = self._rounds = 0
            self._probing_until = 0.0

    def failed(self) -> bool:
        """The host did not answer, or only to say that it is down; true when that opened the breaker."""
        with self._lock:
            self._failures += 1
            now = self.clock.monotonic()
            if self._failures < self.after or (self._rounds and now < self._until):
                return False
            span = min(self.first * 2.0**self._rounds, self.longest)
            self._rounds = min(self._rounds + 1, 16)
            self._until = now + span * self.chance.uniform(0.8, 1.2)
            self._probing_until = 0.0
            return True

    def state(self) -> tuple[State, float]:
        """How it stands, and for how many more seconds nothing goes out."""
        with self._lock:
            left = self._until - self.clock.monotonic()
            if not self._rounds:
                return "closed", 0.0
            return ("open", left) if left > 0 else ("half-open", 0.0)
