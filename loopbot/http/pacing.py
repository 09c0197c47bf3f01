"""Pacing: what the servers ask for and still allow, a floor between calls and a budget an hour, for each host and endpoint."""

import contextlib
import logging
import math
import random
import re
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from loopbot.domain.errors import StoreTrouble, Transient
from loopbot.http.allowance import Allowance, allowance, nothing_left, reset_in
from loopbot.http.breaker import Breaker
from loopbot.http.sharing import Share
from loopbot.ports import Budget, Clock

SHORTEST, LONGEST = 1.0, 3600.0
_HOUR = 3600.0
_JITTER = 5.0
_ASK_AGAIN = 5.0
log = logging.getLogger("loopbot.http")
# Numbers, sys_ids, keys like LOOP-42 and encoded parts differ from call to call; the endpoint is what stays.
_VARIABLE = re.compile(r"/(?:\d+|[0-9a-f]{32}|[0-9a-f]{40}|[A-Z][A-Z0-9_]+-\d+|[^/]*%[^/]*)(?=/|$)")


def endpoint_of(method: str, path: str) -> str:
    """The endpoint a limit belongs to: the method and the path without its variable parts."""
    return f"{method} {_VARIABLE.sub('/*', path)}"


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds the server asks to wait, within [1 s, 1 h]; None where it does not say anything usable.

    Reads both forms of RFC 9110, section 10.2.3, and `X-RateLimit-Reset` (GitLab: `RateLimit-Reset`). `now` is the server's time.
    """
    raw = headers.get("Retry-After")
    if raw is None:
        if not nothing_left(headers):
            return None
        seconds = reset_in(headers, now)
        return None if seconds is None else _clamp(seconds)
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

    `interval` seconds lie between two calls at least, at most `per_hour` calls are made in any hour (0: no limit). All
    times are monotonic: a clock that is set, or a machine that slept, changes nothing. With a `share` the budget and what the
    server closes are the fleet's.
    """

    system: str
    clock: Clock
    chance: random.Random
    interval: float = 0.0
    per_hour: int = 0
    patience: float = 2.0
    breaker: Breaker | None = None
    share: Share | None = None
    _closed: dict[str, float] = field(default_factory=dict)
    _allowed: dict[str, tuple[Allowance, float]] = field(default_factory=dict)
    _scopes: dict[str, str] = field(default_factory=dict)
    _passed: dict[str, float] = field(default_factory=dict)
    _recent: deque[float] = field(default_factory=deque)
    _last: float = -math.inf
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def before(self, method: str, path: str) -> None:
        """Wait for this call's turn; raises Transient when that is further away than the patience."""
        endpoint = endpoint_of(method, path)
        while True:
            self._hear_the_fleet()
            with self._lock:
                wait = self._wait(endpoint, self.clock.monotonic())
                if wait <= 0 and self._go(endpoint):
                    return
            if wait <= 0:
                wait = self._asked_for_more()
            if wait > self.patience:
                raise Transient(self.system, f"waits {math.ceil(wait)} s before the next {method} {path}", after=wait)
            if wait > 0:
                self.clock.sleep(wait)

    def closed(self, method: str, path: str, seconds: float) -> None:
        """The server asked to leave this endpoint alone for so long; a little jitter keeps a fleet from returning at once."""
        endpoint = endpoint_of(method, path)
        self._close({endpoint: seconds})
        if self.share is not None:
            self._refresh(self.share, {endpoint: seconds})

    def leave(self) -> None:
        """Give back to the fleet what is left of its budget; whatever is not given back comes back by itself, later."""
        if self.share is not None:
            with contextlib.suppress(StoreTrouble):
                self.share.leave()

    def heed(self, method: str, path: str, headers: Mapping[str, str], now: datetime) -> None:
        """Note what the answer says about the calls that are left; `now` is the server's time."""
        endpoint = endpoint_of(method, path)
        found = allowance(headers, endpoint, now)
        if found is None:
            return
        with self._lock:
            self._scopes[endpoint] = found.scope
            self._allowed[found.scope] = (found, self.clock.monotonic() + found.seconds)

    def left(self) -> int | None:
        """How many calls of this hour's budget are left, in a fleet as it was heard of last; None without a budget."""
        if self.share is not None:
            return self.share.left
        with self._lock:
            self._forget(self.clock.monotonic())
            return self.per_hour - len(self._recent) if self.per_hour else None

    def budget(self) -> Budget:
        """How it stands: what is left of the budgets, what is closed and for how long. A fleet is told and asked first."""
        if self.share is not None:
            self._refresh(self.share)
        left = self.left()
        with self._lock:
            now = self.clock.monotonic()
            self._forget(now)
            tightest = min(
                (one for one, _ in self._allowed.values()), key=lambda one: one.remaining / one.limit, default=None
            )
            closed = tuple((name, round(until - now, 1)) for name, until in sorted(self._closed.items()))
        state, seconds = self.breaker.state() if self.breaker else ("closed", 0.0)
        return Budget(
            system=self.system,
            hour_left=left,
            per_hour=self.per_hour,
            server_left=tightest.remaining if tightest else None,
            server_limit=tightest.limit if tightest else None,
            closed=closed,
            breaker=state,
            breaker_seconds=round(seconds, 1),
        )

    def _go(self, endpoint: str) -> bool:
        """Note that the call goes out now; False where the fleet has to be asked for more calls first."""
        if self.share is not None and not self.share.ready:
            return False
        wait = self.breaker.wait() if self.breaker else 0.0
        if wait > 0:
            raise Transient(self.system, f"does not answer; it is tried again in {math.ceil(wait)} s", after=wait)
        if self.share is not None and not self.share.spend():
            return False
        now = self.clock.monotonic()
        self._last = self._passed[self._scopes.get(endpoint, "")] = self._passed[""] = now
        self._recent.append(now)
        return True

    def _asked_for_more(self) -> float:
        """Seconds to wait until the fleet may have calls left; 0 where it has. Raises Transient where it can not be asked."""
        share = self.share
        if share is None or share.wait() > 0:
            return share.wait() if share else 0.0
        try:
            self._close(share.replenish())
        except StoreTrouble as trouble:
            why = f"waits until the fleet's budget of calls can be asked for: {trouble.why}"
            raise Transient(self.system, why, after=_ASK_AGAIN) from trouble
        return share.wait()

    def _hear_the_fleet(self) -> None:
        if self.share is not None and self.share.stale:
            self._refresh(self.share)

    def _refresh(self, share: Share, closed: Mapping[str, float] | None = None) -> None:
        try:
            self._close(share.refresh(closed))
        except StoreTrouble as trouble:
            # Budgets are kept all the same: without a slice no call goes out.
            log.warning("%s: the fleet was not told how calls stand: %s", self.system, trouble)

    def _close(self, closed: Mapping[str, float]) -> None:
        with self._lock:
            now = self.clock.monotonic()
            for endpoint, seconds in closed.items():
                if self._closed.get(endpoint, -math.inf) < now + seconds:
                    jitter = self.chance.uniform(0, min(seconds * 0.1, _JITTER))
                    self._closed[endpoint] = now + seconds + jitter

    def _wait(self, endpoint: str, now: float) -> float:
        self._forget(now)
        waits = [self._closed.get(endpoint, -math.inf) - now, self._last + self.interval - now]
        if self.per_hour and len(self._recent) >= self.per_hour:
            waits.append(self._recent[0] + _HOUR - now)
        for scope in {"", self._scopes.get(endpoint, endpoint)}:
            if scope in self._allowed:
                found, until = self._allowed[scope]
                # Nothing left: not before it is filled again; little left: spread out.
                turn = until if not found.remaining and found.scope else self._passed.get(scope, -math.inf) + found.gap
                waits.append(min(turn, until) - now)
        return max(waits)

    def _forget(self, now: float) -> None:
        while self._recent and self._recent[0] <= now - _HOUR:
            self._recent.popleft()
        for endpoint in [name for name, until in self._closed.items() if until <= now]:
            del self._closed[endpoint]
        for scope in [name for name, (_, until) in self._allowed.items() if until <= now]:
            del self._allowed[scope]
