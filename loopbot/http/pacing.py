"""Pacing: what the servers ask for (Retry-After), a floor between calls and a budget an hour, for each host and endpoint."""

import math
import random
import re
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from loopbot.domain.errors import Transient
from loopbot.ports import Clock

SHORTEST, LONGEST = 1.0, 3600.0
_HOUR = 3600.0
# Numbers, sys_ids, keys like LOOP-42 and encoded parts differ from call to call; the endpoint is what stays.
_VARIABLE = re.compile(r"/(?:\d+|[0-9a-f]{32}|[0-9a-f]{40}|[A-Z][A-Z0-9_]+-\d+|[^/]*%[^/]*)(?=/|$)")


def endpoint_of(method: str, path: str) -> str:
    """The endpoint a limit belongs to: the method and the path without its variable parts."""
    return f"{method} {_VARIABLE.sub('/*', path)}"


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds the server asks to wait, within [1 s, 1 h]; None where it does not say anything usable.

    Reads both forms of RFC 9110, section 10.2.3, and `X-RateLimit-Reset` (GitHub: epoch seconds).
    """
    raw = headers.get("Retry-After")
    if raw is None:
        reset = headers.get("X-RateLimit-Reset")
        if reset is None or headers.get("X-RateLimit-Remaining") != "0" or not reset.isdecimal():
            return None
        return _clamp(float(reset) - now.timestamp())
    raw = raw.strip()
    try:
        return _clamp(float(raw))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(raw)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return _clamp((when - now).total_seconds())


def _clamp(seconds: float) -> float:
    if math.isnan(seconds):
        return SHORTEST
    return min(max(seconds, SHORTEST), LONGEST)


@dataclass(slots=True)
class Pacing:
    """When the next call may go out. Short waits are waited, long ones are raised, so that no thread is kept for them.

    `interval` seconds lie between two calls at least, at most `per_hour` calls are made in any hour (0: no limit).
    """

    system: str
    clock: Clock
    chance: random.Random
    interval: float = 0.0
    per_hour: int = 0
    patience: float = 2.0
    _closed: dict[str, float] = field(default_factory=dict)
    _recent: deque[float] = field(default_factory=deque)
    _last: float = -math.inf
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def before(self, method: str, path: str) -> None:
        """Wait for this call's turn; raises Transient when that is further away than the patience."""
        while True:
            with self._lock:
                now = self.clock.monotonic()
                wait = self._wait(endpoint_of(method, path), now)
                if wait <= 0:
                    self._last = now
                    self._recent.append(now)
                    return
            if wait > self.patience:
                raise Transient(self.system, f"waits {math.ceil(wait)} s before the next {method} {path}", after=wait)
            self.clock.sleep(wait)

    def closed(self, method: str, path: str, seconds: float) -> None:
        """The server asked to leave this endpoint alone for so long; a little jitter keeps a fleet from returning at once."""
        with self._lock:
            until = self.clock.monotonic() + seconds + self.chance.uniform(0, min(seconds * 0.1, 5))
            endpoint = endpoint_of(method, path)
            self._closed[endpoint] = max(until, self._closed.get(endpoint, -math.inf))

    def left(self) -> int | None:
        """How many calls of this hour's budget are left; None without a budget."""
        with self._lock:
            self._forget(self.clock.monotonic())
            return self.per_hour - len(self._recent) if self.per_hour else None

    def _wait(self, endpoint: str, now: float) -> float:
        self._forget(now)
        waits = [self._closed.get(endpoint, -math.inf) - now, self._last + self.interval - now]
        if self.per_hour and len(self._recent) >= self.per_hour:
            waits.append(self._recent[0] + _HOUR - now)
        return max(waits)

    def _forget(self, now: float) -> None:
        while self._recent and self._recent[0] <= now - _HOUR:
            self._recent.popleft()
        for endpoint in [name for name, until in self._closed.items() if until <= now]:
            del self._closed[endpoint]
