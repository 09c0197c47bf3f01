"""DORA's four keys over one window, each with the list behind it. Pure.

Definitions (dora.dev/guides/dora-metrics-four-keys): deployment frequency, lead time for changes (from a commit to its running
in production, the median), change failure rate (the share of deployments that led to a failure in service: an incident
or a roll-back), time to restore (the median from such an incident to its end).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from loopbot.domain.records import Deployment, Incident, Ref

FIRST_COMMIT = "first_commit_at"
"""The name in a deployment's `extra` of when its oldest commit was made, ISO 8601."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The four keys of one service (or all) in one environment. None: nothing to measure it by.

    `failed` holds each deployment that led to a failure with the incidents it caused (none: it was rolled back).
    """

    deployments: tuple[Deployment, ...]
    span: timedelta
    lead_times: Mapping[Ref, timedelta] = field(default_factory=dict)
    failed: Mapping[Ref, tuple[Incident, ...]] = field(default_factory=dict)
    restored: Mapping[Ref, timedelta] = field(default_factory=dict)

    @property
    def a_week(self) -> float:
        """Deployments a week."""
        return len(self.deployments) / (self.span / timedelta(days=7))

    @property
    def lead_time(self) -> timedelta | None:
        """The median over the deployments whose commits are known."""
        return middle(self.lead_times.values())

    @property
    def failure_rate(self) -> float | None:
        """0..1."""
        return len(self.failed) / len(self.deployments) if self.deployments else None

    @property
    def time_to_restore(self) -> timedelta | None:
        """The median over the incidents that were caused and are over."""
        return middle(self.restored.values())


def keys(deployments: Iterable[Deployment], caused: Mapping[Ref, Sequence[Incident]], span: timedelta) -> Keys:
    """Measure deployments to one environment; `caused` are the incidents that each is linked with as their cause."""
    done = sorted(
        (one for one in deployments if one.state in {"succeeded", "rolled_back"}), key=lambda one: one.occurred_at
    )
    lead = {one.ref: time for one in done if (time := lead_time(one)) is not None}
    failed = {
        one.ref: tuple(caused.get(one.ref, ())) for one in done if caused.get(one.ref) or one.state == "rolled_back"
    }
    over: dict[Ref, timedelta] = {}
    for incidents in failed.values():
        for incident in incidents:
            if incident.resolved_at and incident.opened_at:
                over[incident.ref] = incident.resolved_at - incident.opened_at
    return Keys(tuple(done), span, lead, failed, over)


def lead_time(deployment: Deployment) -> timedelta | None:
    """From its oldest commit to its running; None where nobody says when that was made."""
    told = deployment.extra.get(FIRST_COMMIT, "")
    try:
        made = datetime.fromisoformat(told) if told else None
    except ValueError:
        return None
    if made is None or made.tzinfo is None or made > deployment.occurred_at:
        return None
    return deployment.occurred_at - made


def last_before(
    moment: datetime, deployments: Iterable[Deployment], environments: Collection[str]
) -> Deployment | None:
    """The last deployment that had reached one of the environments before a moment: what an incident is laid to by time alone."""
    there = (one for one in deployments if one.state == "succeeded" and one.environment in environments)
    return max((one for one in there if one.occurred_at <= moment), key=lambda one: one.occurred_at, default=None)


def middle(times: Iterable[timedelta]) -> timedelta | None:
    """The median of some times."""
    seconds = [one.total_seconds() for one in times]
    return timedelta(seconds=median(seconds)) if seconds else None
