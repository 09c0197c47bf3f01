"""A problem's root cause seen from ITIL's four dimensions: what loopbot knows of each, and what people say."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from loopbot.domain.records import Change, Deployment, Incident, Problem, Record, Ref
from loopbot.domain.texts import listed, shorten
from loopbot.domain.views import View

DIMENSIONS: Mapping[str, str] = MappingProxyType(
    {
        "organisations": "Organisations and people",
        "information": "Information and technology",
        "partners": "Partners and suppliers",
        "value_streams": "Value streams and processes",
    }
)
_MOST = 5
_SUPPLIERS = ("vendor", "supplier", "partner", "third party", "third-party", "provider", "external", "isp", "carrier")


def evidence(problem: Problem, view: View) -> Mapping[str, tuple[str, ...]]:
    """What the mirror and the graph hold for each dimension, in words; nothing is guessed."""
    incidents = [one for one in _far(problem.ref, "problem_of", view) if isinstance(one, Incident)]
    causes = list({one.ref: one for incident in incidents for one in _far(incident.ref, "caused_by", view)}.values())
    return MappingProxyType(
        {
            "organisations": tuple(_organisations(problem, incidents)),
            "information": tuple(_information(problem, incidents, causes)),
            "partners": tuple(_partners([problem, *incidents])),
            "value_streams": tuple(_value_streams(incidents, causes)),
        }
    )


def written(answers: Mapping[str, str]) -> str:
    """What people said, as it is kept."""
    return json.dumps({name: answers.get(name, "").strip() for name in DIMENSIONS}, ensure_ascii=False)


def read(kept: str) -> Mapping[str, str]:
    """What people said, by dimension; empty where it can not be read."""
    try:
        told = json.loads(kept)
    except ValueError:
        told = {}
    found = told if isinstance(told, dict) else {}
    return MappingProxyType({name: str(found.get(name) or "") for name in DIMENSIONS})


def report(answers: Mapping[str, str]) -> str:
    """The root cause as it is written to the problem."""
    lines = [f"{label}:\n{answers[name].strip() or 'not looked at yet'}" for name, label in DIMENSIONS.items()]
    return "\n\n".join(["Root cause, by ITIL's four dimensions", *lines])


def _organisations(problem: Problem, incidents: list[Incident]) -> Iterator[str]:
    groups = Counter(one.group for one in incidents if one.group)
    if groups:
        yield "worked on by " + listed(f"{name} ({count})" for name, count in groups.most_common(_MOST))
    if problem.group:
        yield f"looked into by {problem.group}"
    reporters = {one.reporter for one in incidents if one.reporter}
    if reporters:
        yield f"reported by {len(reporters)} {'person' if len(reporters) == 1 else 'people'}"


def _information(problem: Problem, incidents: list[Incident], causes: list[Record]) -> Iterator[str]:
    services = sorted({service for one in (problem, *incidents) for service in one.services})
    if services:
        yield "concerns " + listed(services[:_MOST])
    if incidents:
        first, last = (pick(one.occurred_at for one in incidents) for pick in (min, max))
        when = f"on {first:%d %b %Y}" if first.date() == last.date() else f"{first:%d %b} to {last:%d %b %Y}"
        yield f"{len(incidents)} incident{'s' if len(incidents) != 1 else ''}, {when}: {_keys(incidents)}"
    if causes:
        yield "caused by " + listed(f"{one.key} “{shorten(one.title, 60)}”" for one in causes[:_MOST])


def _partners(records: Iterable[Record]) -> Iterator[str]:
    said = {
        value
        for one in records
        for value in (*one.labels, getattr(one, "category", None) or "", getattr(one, "close_code", None) or "")
        if any(word in value.casefold() for word in _SUPPLIERS)
    }
    if said:
        yield "filed under " + listed(sorted(said)[:_MOST])


def _value_streams(incidents: list[Incident], causes: list[Record]) -> Iterator[str]:
    kinds = Counter(one.type for one in causes if isinstance(one, Change) and one.type)
    if kinds:
        yield listed(f"{count} {name} change{'s' if count != 1 else ''}" for name, count in kinds.most_common(_MOST))
    bad = [one for one in causes if getattr(one, "outcome", None) in {"failed", "rolled_back"} or _failed(one)]
    if bad:
        yield f"failed or rolled back: {_keys(bad)}"
    reopened = [one for one in incidents if one.reopened]
    if reopened:
        yield f"reopened after they were resolved: {_keys(reopened)}"


def _failed(one: Record) -> bool:
    return isinstance(one, Deployment) and one.state in {"failed", "rolled_back"}


def _keys(records: Iterable[Record]) -> str:
    keys = sorted(one.key for one in records)
    return listed(keys[:_MOST]) + (f" and {len(keys) - _MOST} more" if len(keys) > _MOST else "")


def _far(ref: Ref, relation: str, view: View) -> list[Record]:
    ends = {
        link.target if link.source == ref else link.source for link in view.linked(ref) if link.relation == relation
    }
    return [record for end in sorted(ends) if (record := view.record(end)) is not None]
