"""What a stream remembers of each repository between two readings: its cursor."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

Json = Mapping[str, Any]

# GitHub numbers what is made in order, but shows it a little later on some of its hosts: so many are remembered one by one.
_KEPT: Final = 200
_SUCCESSES: Final = 20


@dataclass(frozen=True, slots=True, order=True)
class Success:
    """A deployment that took effect: when (ISO, UTC), which, and the commit it brought."""

    at: str
    ident: int
    sha: str


@dataclass(slots=True)
class Memory:
    """One repository as last read. `seen` are ids with a mark that changes when the row does; below `floor` all is old.

    `pending` are those that may still change without showing it in the list, `live` the last successes an environment.
    """

    etag: str = ""
    floor: int = 0
    seen: dict[int, str] = field(default_factory=dict)
    pending: dict[int, str] = field(default_factory=dict)
    live: dict[str, list[Success]] = field(default_factory=dict)

    def base(self, environment: str, at: str, ident: int) -> Success | None:
        """The success this one followed there."""
        before = [one for one in self.live.get(environment, []) if one.at <= at and one.ident != ident]
        return max(before, default=None)

    def succeeded(self, environment: str, one: Success) -> None:
        """Note a success; only the last few matter."""
        known = [other for other in self.live.get(environment, []) if other.ident != one.ident]
        self.live[environment] = sorted([*known, one])[-_SUCCESSES:]

    def failed(self, environment: str, ident: int) -> None:
        """What was reported as a success failed after all: nothing follows it."""
        self.live[environment] = [one for one in self.live.get(environment, []) if one.ident != ident]

    def trim(self) -> None:
        """Forget what is long past."""
        for ident in sorted(self.seen)[:-_KEPT]:
            if ident not in self.pending:
                self.floor = max(self.floor, ident)
        self.seen = {ident: mark for ident, mark in self.seen.items() if ident > self.floor or ident in self.pending}


def loaded(position: str, repositories: Iterable[str]) -> dict[str, Memory]:
    """The memory of each repository, empty for those never read."""
    told = orjson.loads(position) if position else {}
    return {name: _memory(told.get(name, {})) for name in repositories}


def dumped(memories: dict[str, Memory]) -> str:
    """The cursor."""
    return orjson.dumps({name: _shown(one) for name, one in memories.items()}).decode()


def _memory(told: Json) -> Memory:
    return Memory(
        told.get("etag", ""),
        told.get("floor", 0),
        {int(ident): mark for ident, mark in told.get("seen", {}).items()},
        {int(ident): mark for ident, mark in told.get("pending", {}).items()},
        {name: [Success(*one) for one in rows] for name, rows in told.get("live", {}).items()},
    )


def _shown(one: Memory) -> Json:
    return {
        "etag": one.etag,
        "floor": one.floor,
        "seen": {str(ident): mark for ident, mark in one.seen.items()},
        "pending": {str(ident): mark for ident, mark in one.pending.items()},
        "live": {name: [[row.at, row.ident, row.sha] for row in rows] for name, rows in one.live.items()},
    }
