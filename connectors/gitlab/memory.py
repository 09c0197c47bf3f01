"""What the streams remember of each project between two readings: their cursors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from loopbot.ci.successes import Successes, successes_of

Json = Mapping[str, Any]

OVERLAP: Final = timedelta(seconds=300)
"""So far before the newest row a reading begins: rows become visible late. By the server's own stamps."""
# Deployments that were told as unfinished, and releases: so many are remembered one by one.
_KEPT: Final = 1_000
_KEPT_RELEASES: Final = 200
_KEPT_ENVIRONMENTS: Final = 500


@dataclass(slots=True)
class Deployed:
    """The deployments of a project as last read.

    `seen` are those within the overlap, each with when and how it stood; `unfinished` those that were told as not ended;
    `live` the last successes an environment.
    """

    newest: datetime | None = None
    seen: dict[int, tuple[str, str]] = field(default_factory=dict)
    unfinished: set[int] = field(default_factory=set)
    live: Successes = field(default_factory=Successes)

    def saw(self, ident: int, at: datetime, status: str) -> None:
        """Note a row as it is now."""
        self.newest = max(self.newest, at) if self.newest else at
        self.seen[ident] = (at.isoformat(), status)

    def trim(self) -> None:
        """Forget what is not read again."""
        if self.newest is not None:
            since = self.newest - OVERLAP
            self.seen = {ident: one for ident, one in self.seen.items() if datetime.fromisoformat(one[0]) >= since}
        self.unfinished = set(sorted(self.unfinished)[-_KEPT:])
        self.live.keep(_KEPT_ENVIRONMENTS)

    def shown(self) -> Json:
        """For a cursor."""
        return {
            "newest": self.newest.isoformat() if self.newest else "",
            "seen": {str(ident): list(one) for ident, one in self.seen.items()},
            "unfinished": sorted(self.unfinished),
            "live": self.live.dumped(),
        }


def deployed_of(told: Json) -> Deployed:
    """What a cursor holds."""
    newest = told.get("newest")
    return Deployed(
        datetime.fromisoformat(newest) if newest else None,
        {int(ident): (at, status) for ident, (at, status) in told.get("seen", {}).items()},
        set(told.get("unfinished", [])),
        successes_of(told.get("live", {})),
    )


@dataclass(slots=True)
class Released:
    """The releases of a project as last read: when each was made, and a mark of how it stood. Up to `floor` all is old."""

    floor: datetime | None = None
    seen: dict[str, tuple[str, str]] = field(default_factory=dict)

    def trim(self) -> None:
        """Keep the newest, and all within the overlap before the very newest."""
        made = sorted(((datetime.fromisoformat(at), tag) for tag, (at, _) in self.seen.items()), reverse=True)
        for at, tag in made[_KEPT_RELEASES:]:
            if at < made[0][0] - OVERLAP:
                self.floor = max(self.floor, at) if self.floor else at
                del self.seen[tag]

    def shown(self) -> Json:
        """For a cursor."""
        return {
            "floor": self.floor.isoformat() if self.floor else "",
            "seen": {tag: list(one) for tag, one in self.seen.items()},
        }


def released_of(told: Json) -> Released:
    """What a cursor holds."""
    floor = told.get("floor")
    seen = {str(tag): (at, mark) for tag, (at, mark) in told.get("seen", {}).items()}
    return Released(datetime.fromisoformat(floor) if floor else None, seen)
