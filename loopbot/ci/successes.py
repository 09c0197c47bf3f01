"""What took effect in each environment lately: what a deployment is compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_KEPT: Final = 20


@dataclass(frozen=True, slots=True, order=True)
class Success:
    """A deployment that took effect: when (ISO, UTC), which, and the commit it brought."""

    at: str
    ident: int
    sha: str


_NEVER: Final = Success("", 0, "")


@dataclass(slots=True)
class Successes:
    """The last few of each environment, by the name that the build system has for it."""

    live: dict[str, list[Success]] = field(default_factory=dict)

    def base(self, environment: str, at: str, ident: int) -> Success | None:
        """The success this one followed there."""
        before = [one for one in self.live.get(environment, []) if one.at <= at and one.ident != ident]
        return max(before, default=None)

    def noted(self, environment: str, ident: int, sha: str) -> bool:
        """Whether that success is among those kept."""
        return any((one.ident, one.sha) == (ident, sha) for one in self.live.get(environment, []))

    def forgotten(self, environment: str, at: str) -> bool:
        """Whether that is so long ago that what took effect before it is not kept any more."""
        known = self.live.get(environment, [])
        return len(known) == _KEPT and at < known[0].at

    def succeeded(self, environment: str, one: Success) -> None:
        """Note a success; only the last few matter."""
        known = [other for other in self.live.get(environment, []) if other.ident != one.ident]
        self.live[environment] = sorted([*known, one])[-_KEPT:]

    def failed(self, environment: str, ident: int) -> None:
        """What was reported as a success failed after all: nothing follows it."""
        self.live[environment] = [one for one in self.live.get(environment, []) if one.ident != ident]

    def keep(self, most: int) -> None:
        """Forget all but so many environments, those in which something took effect last: some are made for one branch."""
        latest = sorted(self.live, key=lambda name: max(self.live[name], default=_NEVER), reverse=True)
        self.live = {name: self.live[name] for name in latest[:most]}

    def dumped(self) -> dict[str, list[list[str | int]]]:
        """For a cursor."""
        return {name: [[one.at, one.ident, one.sha] for one in rows] for name, rows in self.live.items()}


def successes_of(told: Mapping[str, Sequence[Any]]) -> Successes:
    """What a cursor holds."""
    return Successes({name: [Success(*one) for one in rows] for name, rows in told.items()})
