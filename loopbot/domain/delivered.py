"""What a deployment still delivers, and whether what was fixed stays quiet. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from types import MappingProxyType
from typing import Literal, Self

from loopbot.domain.records import Deployment, Problem, Record, Ref
from loopbot.domain.rules import Watch
from loopbot.domain.views import View

Way = Literal["delivers", "withdraws"]
WAYS: Mapping[str, Way] = MappingProxyType({"delivers": "delivers", "withdraws": "withdraws"})
"""What a deployment can do to an issue."""
_UNDONE_BY: Mapping[Way, Way] = MappingProxyType({"delivers": "withdraws", "withdraws": "delivers"})


@dataclass(frozen=True, slots=True)
class Undone:
    """What later deployments did the other way round to these issues: roll-backs of deliveries, deliveries after roll-backs."""

    way: Way
    issues: frozenset[Ref] = frozenset()
    by: tuple[tuple[Ref, Deployment], ...] = ()

    @classmethod
    def of(cls, way: Way, issues: frozenset[Ref], view: View) -> Self:
        """What came about."""
        found = []
        for issue in sorted(issues):
            for link in view.linked(issue, _UNDONE_BY[way]):
                by = view.record(link.source)
                if link.target == issue and isinstance(by, Deployment) and by.state == "succeeded":
                    found.append((issue, by))
        return cls(way, issues, tuple(found))

    def stands(self, one: Record, view: View) -> bool:
        """Whether what a deployment did to these issues still holds for one of them at least."""
        if not isinstance(one, Deployment) or not self.by:
            return True
        touched = {link.target for link in view.linked(one.ref, self.way) if link.source == one.ref} & self.issues
        undone = {
            issue for issue, by in self.by if by.environment == one.environment and by.occurred_at > one.occurred_at
        }
        return not touched or not touched <= undone

    def before(self, one: Record) -> int:
        """How many of them, in its environment, came before a deployment: what it does is done once more."""
        if not isinstance(one, Deployment):
            return 0
        earlier = (by for _, by in self.by if by.environment == one.environment and by.occurred_at < one.occurred_at)
        return len({by.ref for by in earlier})


@dataclass(frozen=True, slots=True)
class Quietness:
    """How long a fixed problem is watched: since when, how often it used to come back, until when, and what came back."""

    since: datetime
    usual: timedelta | None
    until: datetime
    back: tuple[Record, ...] = ()


def quietness(problem: Record, watch: Watch, view: View) -> Quietness:
    """Watch a problem for the usual interval between its incidents, within the bounds; seen from what it holds now."""
    since = (problem.resolved_at if isinstance(problem, Problem) else None) or problem.updated_at
    ends = (link.target for link in view.linked(problem.ref, "problem_of") if link.source == problem.ref)
    incidents = [one for one in map(view.record, ends) if one is not None]
    usual = _usual([one.occurred_at for one in incidents if one.occurred_at <= since])
    span = min(max(usual or watch.least, watch.least), watch.most)
    back = sorted((one for one in incidents if one.occurred_at > since), key=lambda one: one.occurred_at)
    return Quietness(since, usual, since + span, tuple(back))


def _usual(moments: Sequence[datetime]) -> timedelta | None:
    """The median of the gaps; None where there are fewer than two moments."""
    ordered = sorted(moments)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(ordered)]
    return timedelta(seconds=median(gaps)) if gaps else None
