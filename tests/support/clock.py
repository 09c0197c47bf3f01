"""A clock that tests hold still and move by hand."""

import threading
from datetime import UTC, datetime, timedelta


class FakeClock:
    """Starts on a Monday morning; sleeping moves it, nothing else does."""

    def __init__(self, start: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) -> None:
        self._lock = threading.Lock()
        self._now = start
        self._monotonic = 1000.0

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        with self._lock:
            return self._monotonic

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._now += timedelta(seconds=seconds)
            self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """The wall clock is set (forward or back); monotonic time does not notice."""
        with self._lock:
            self._now += timedelta(seconds=seconds)
