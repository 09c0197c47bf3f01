"""What a stream remembers of each repository between two readings: its cursor."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from loopbot.ci.successes import Successes, successes_of

Json = Mapping[str, Any]

# GitHub numbers what is made in order, but shows it a little later on some of its hosts: so many are remembered one by one.
_KEPT: Final = 200


@dataclass(slots=True)
class Memory:
    """One repository as last read. `seen` are ids with a mark that changes when the row does; below `floor` all is old.

    `pending` are those that may still change without showing it in the list, `live` the last successes an environment.
    """

    etag: str = ""
    floor: int = 0
    seen: dict[int, str] = field(default_factory=dict)
    pending: dict[int, str] = field(default_factory=dict)
    live: Successes = field(default_factory=Successes)

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
        successes_of(told.get("live", {})),
    )


def _shown(one: Memory) -> Json:
    return {
        "etag": one.etag,
        "floor": one.floor,
        "seen": {str(ident): mark for ident, mark in one.seen.items()},
        "pending": {str(ident): mark for ident, mark in one.pending.items()},
        "live": one.live.dumped(),
    }
