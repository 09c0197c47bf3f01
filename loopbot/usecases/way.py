"""The way of one matter: what was reported, the problem behind it, the issue that mends it, what was shipped, where it runs.

The graph is walked towards the fix alone: the hundred other incidents of a problem are counted, not visited.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from loopbot.domain.effects import Tell
from loopbot.domain.records import Change, Deployment, Feedback, Incident, Issue, Link, Problem, Record, Ref, Release
from loopbot.domain.words import Relation
from loopbot.ports import OutboxRow, Tx

_MOST = 25
# From a record of the first kind along the relation to one of the second: towards the fix.
_STEPS: tuple[tuple[str, Relation, str], ...] = (
    ("incident", "problem_of", "problem"),
    ("incident", "caused_by", "change"),
    ("incident", "caused_by", "deployment"),
    ("incident", "fixes", "issue"),
    ("incident", "mirrors", "issue"),
    ("problem", "fixes", "issue"),
    ("problem", "mirrors", "issue"),
    ("feedback", "fixes", "issue"),
    ("feedback", "mirrors", "issue"),
    ("issue", "delivers", "deployment"),
    ("issue", "withdraws", "deployment"),
    ("issue", "includes", "release"),
    ("deployment", "mirrors", "change"),
    ("change", "mirrors", "deployment"),
)
_ONWARD: frozenset[tuple[str, str, str]] = frozenset(_STEPS)


@dataclass(slots=True)
class Way:
    """Everything on the way from what was asked about to where the fix runs.

    `beside` counts further reports of the same matter; `told` are the messages to reporters about it.
    """

    asked: Record
    reports: list[Incident | Feedback] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    causes: dict[Ref, Link] = field(default_factory=dict)
    withdrawn: set[Ref] = field(default_factory=set)
    beside: int = 0
    told: list[OutboxRow] = field(default_factory=list)

    @property
    def records(self) -> list[Record]:
        """All of them, in the order of the loop."""
        return [*self.reports, *self.problems, *self.issues, *self.releases, *self.deployments, *self.changes]

    @property
    def shipped(self) -> list[Deployment]:
        """The deployments that brought it and were not taken back, the latest first."""
        good = [one for one in self.deployments if one.state == "succeeded" and one.ref not in self.withdrawn]
        return sorted(good, key=lambda one: one.occurred_at, reverse=True)

    @property
    def environment(self) -> str:
        """Where whoever asked uses it."""
        own = (one.environment for one in self.reports if one.environment)
        return next(own, "production")

    @property
    def arrived(self) -> Deployment | None:
        """The first deployment that brought it to where it is used, and still holds it."""
        where = self.environment
        if self.issues and not any(where in one.deployed_to for one in self.issues):
            return None
        there = [one for one in self.shipped if one.environment == where]
        return min(there, key=lambda one: one.occurred_at, default=None)


def way_of(tx: Tx, start: Record) -> Way:
    """Walk from a record towards its fix; from a problem, an issue or a deployment also to what was reported."""
    way = Way(start)
    seen = {start.ref}
    _place(way, start)
    waiting = [start]
    while waiting and len(seen) <= _MOST * 4:
        record = waiting.pop(0)
        onward = [link for link in tx.linked(record.ref) if _leads_on(record, link, seen)][: _MOST * 2]
        found = tx.mirror.many([_other(link, record.ref) for link in onward])
        for link in onward:
            far = found.get(_other(link, record.ref))
            if far is None or far.ref in seen:
                continue
            if link.relation == "caused_by":
                way.causes[far.ref] = link
            if link.relation == "withdraws":
                way.withdrawn.add(far.ref)
            seen.add(far.ref)
            _place(way, far)
            # What caused it is told, and is no part of the way to the fix.
            if link.relation != "caused_by" and len(seen) < _MOST * 4:
                waiting.append(far)
    _look_back(tx, way, seen)
    way.told = [row for one in way.reports[:3] for row in tx.outbox.about(one.ref) if isinstance(row.effect, Tell)]
    return way


def _leads_on(record: Record, link: Link, seen: set[Ref]) -> bool:
    """Whether it is a step towards the fix; told by the kinds, so that nothing is fetched that is not needed."""
    far = _other(link, record.ref)
    return far not in seen and (record.kind, link.relation, far.kind) in _ONWARD


def _look_back(tx: Tx, way: Way, seen: set[Ref]) -> None:
    """The reports of the same matter: named where the question was about their problem or issue, counted where it was about one."""
    behind: dict[Ref, None] = {}
    for record in (*way.problems, *way.issues) if way.asked.kind != "change" else ():
        for link in tx.linked(record.ref):
            far = _other(link, record.ref)
            if far.kind in {"incident", "feedback"} and link.relation in {"problem_of", "fixes", "mirrors"}:
                behind.setdefault(far)
    others = [ref for ref in behind if ref not in seen]
    way.beside = len(others)
    if way.asked.kind not in {"incident", "feedback"}:
        for record in tx.mirror.many(others[:_MOST]).values():
            _place(way, record)


def _other(link: Link, ref: Ref) -> Ref:
    return link.target if link.source == ref else link.source


def _place(way: Way, record: Record) -> None:
    match record:
        case Incident() | Feedback():
            way.reports.append(record)
        case Problem():
            way.problems.append(record)
        case Issue():
            way.issues.append(record)
        case Deployment():
            way.deployments.append(record)
        case Release():
            way.releases.append(record)
        case Change():
            way.changes.append(record)


def delivered(tx: Tx, deployment: Record, relations: Iterable[Relation] = ("delivers", "includes")) -> list[Record]:
    """What a deployment or a release holds, as far as it is mirrored."""
    wanted = set(relations)
    refs = [
        link.target for link in tx.linked(deployment.ref) if link.relation in wanted and link.source == deployment.ref
    ]
    return sorted(tx.mirror.many(refs[: _MOST * 4]).values(), key=lambda one: one.ref)
