"""Time as the simulation holds it: one true time, and clocks that are set wrong against it."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Implements ports.Clock: shows the true time plus `off` seconds; sleeping lets the true time pass."""

    def __init__(self, true: "Clock | None" = None, off: float = 0.0) -> None:
        self._true = true
        self._elapsed = 0.0
        self.off = off

    def now(self) -> datetime:
        """The time this clock shows, in UTC."""
        return datetime(2026, 3, 2, 9, 0, tzinfo=UTC) + timedelta(seconds=self.monotonic() + self.off)

    def monotonic(self) -> float:
        """Seconds since the simulation began."""
        return self._true.monotonic() if self._true else self._elapsed

    def sleep(self, seconds: float) -> None:
        """Let time pass, for everybody."""
        if self._true:
            self._true.sleep(seconds)
        else:
            self._elapsed += max(seconds, 0.0)

    def shown(self) -> datetime:
        """The time in milliseconds, as Jira keeps it."""
        now = self.now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)
