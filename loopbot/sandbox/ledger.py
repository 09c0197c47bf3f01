"""The ledger: every write a twin accepted, in order. Tests judge effects by it, never by loopbot's own database."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted write: `action` is create, update, delete, comment, transition, link, post, amend ..."""

    number: int
    system: str
    action: str
    kind: str
    key: str
    actor: str
    payload: Mapping[str, object]
    at: datetime


@dataclass(slots=True)
class Ledger:
    """All entries of one sandbox, and how many requests each twin answered, by `METHOD /path`."""

    _entries: list[Entry] = field(default_factory=list)
    _requests: list[tuple[str, str, str, int]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, system: str, action: str, kind: str, key: str, actor: str, payload: Mapping[str, object]) -> Entry:
        """Note an accepted write; called by a twin after the write took effect and before it answers."""
        with self._lock:
            entry = Entry(len(self._entries) + 1, system, action, kind, key, actor, dict(payload), datetime.now(UTC))
            self._entries.append(entry)
            return entry

    def requested(self, system: str, method: str, path: str, status: int) -> None:
        """Note an answered request (status 0: cut off by a fault)."""
        with self._lock:
            self._requests.append((system, method, path, status))

    def entries(self, system: str | None = None, action: str | None = None, kind: str | None = None) -> list[Entry]:
        """The entries that fit, oldest first."""
        with self._lock:
            found = list(self._entries)
        return [
            one
            for one in found
            if system in (None, one.system) and action in (None, one.action) and kind in (None, one.kind)
        ]

    def requests(self, system: str | None = None) -> list[tuple[str, str, str, int]]:
        """The requests answered: system, method, path, status."""
        with self._lock:
            found = list(self._requests)
        return [one for one in found if system in (None, one[0])]

    def calls(self, system: str | None = None) -> int:
        """How many requests were answered."""
        return len(self.requests(system))
