"""Rows of the Table API to records, without input or output. An absent field is one the account may not see, not an empty one."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from connectors.servicenow.hidden import meanings
from connectors.servicenow.rows import Row, UnmappableError, moment, plain, value, whole
from connectors.servicenow.settings import FeedbackTable, ReadKind, TicketTable
from loopbot.domain import markup
from loopbot.domain.records import Change, Feedback, Incident, Involved, Link, Person, Problem, Record, Ref
from loopbot.domain.texts import clean
from loopbot.domain.words import RISKS, Kind, Relation, Role

_RESOLUTION = 4_000
_MARKED = re.compile(r"</?(?:p|div|br|span|ul|ol|li|strong|em|b|i|a|h[1-6]|table|font)\b[^<>]{0,2000}>", re.IGNORECASE)
"""A tag that an editor of the vendor's writes: without one, a text is no HTML."""
SYSTEM_FIELDS = ("sys_id", "sys_updated_on", "sys_mod_count", "sys_created_on")
_TASK = ("number", "short_description", "description", "state", "opened_at", "priority", "correlation_id")
_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "incident": (
            *_TASK,
            "assignment_group.name",
            "category",
            "resolved_at",
            "closed_at",
            "close_code",
            "reopen_count",
            "caused_by",
            "caused_by.number",
            "rfc.number",
            "problem_id",
            "problem_id.number",
        ),
        "problem": (*_TASK, "assignment_group.name", "workaround", "resolved_at", "known_error", "rfc.number"),
        "change": (
            *_TASK,
            "assignment_group.name",
            "type",
            "risk",
            "close_code",
            "work_start",
            "work_end",
            "start_date",
            "closed_at",
        ),
    },
)
_PEOPLE: Mapping[str, tuple[tuple[Role, str], ...]] = MappingProxyType(
    {
        "incident": (("reporter", "caller_id"), ("assignee", "assigned_to"), ("opener", "opened_by")),
        "problem": (("assignee", "assigned_to"), ("opener", "opened_by")),
        "change": (("assignee", "assigned_to"), ("opener", "opened_by")),
    },
)
_RISKS: Mapping[str, str] = MappingProxyType(dict(zip("54321", RISKS, strict=True)))


@dataclass(frozen=True, slots=True)
class Shape:
    """What one table's rows are read as: the fields asked for and where each goes."""

    system: str
    kind: ReadKind
    table: TicketTable
    url: Callable[[str, str], str]
    states: Mapping[str, str]
    number: str
    title: str
    text: str
    state: str
    people: tuple[tuple[Role, str], ...]
    fields: tuple[str, ...]
    own: frozenset[str]

    @property
    def mark(self) -> str:
        """Tickets are read on from where the reading came to, whatever the configuration says by now."""
        return ""

    @property
    def essential(self) -> tuple[str, ...]:
        """Fields without which no row of this table can be read."""
        return tuple(name for name in (self.number, self.title, self.state) if name)

    def record(self, row: Row) -> Record:
        """The record; raises UnmappableError with the reason."""
        return _BUILDERS[self.kind](self, row)


def shape(system: str, kind: ReadKind, table: TicketTable, url: Callable[[str, str, str], str]) -> Shape:
    """How rows of a configured table become records."""
    if isinstance(table, FeedbackTable):
        people: tuple[tuple[Role, str], ...] = (("reporter", table.reporter),) if table.reporter else ()
        named = (table.number, table.title, table.text, table.state)
        own = tuple(name for name in (*named, table.topic, "opened_at", "correlation_id") if name)
    else:
        people, named, own = _PEOPLE[kind], ("number", "short_description", "description", "state"), _FIELDS[kind]
    walked = tuple(f"{field}{part}" for _, field in people for part in ("", ".name", ".email", ".user_name"))
    further = tuple(name for name in (table.environment_field, table.reason_field, table.resolution_field) if name)
    fields = tuple(dict.fromkeys((*SYSTEM_FIELDS, *own, *walked, *table.service_fields, *further)))
    return Shape(
        system,
        kind,
        table,
        lambda sys_id, key: url(table.table, sys_id, key),
        table.kind_states(kind),
        *named,
        people,
        fields,
        frozenset(name for name in fields if "." not in name),
    )


def canonical(shape: Shape, row: Row) -> str:
    """The state in canonical words; raises UnmappableError for one no map has."""
    if not shape.state:
        return "new"
    raw = value(row, shape.state)
    if raw is None:
        raise UnmappableError(f"the account may not see {shape.state}")
    word = shape.states.get(raw)
    if word is None:
        raise UnmappableError(
            f"{shape.state} {clean(raw, 40)!r} is not in the map; add it to states of {shape.table.table}"
        )
    if shape.kind == "problem" and word in {"new", "investigating"} and value(row, "known_error") == "true":
        return "known_error"
    return word


def _common(shape: Shape, row: Row) -> dict[str, Any]:
    """What all records have, as keyword arguments."""
    number, title, updated = value(row, shape.number), value(row, shape.title), moment(row, "sys_updated_on")
    ident = value(row, "sys_id")
    if not number or not ident or updated is None:
        missing = next(name for name in (shape.number, "sys_id", "sys_updated_on") if not value(row, name))
        raise UnmappableError(f"{missing} is empty, or the account may not see it")
    if title is None:
        raise UnmappableError(f"the account may not see {shape.title}")
    key = clean(number, 200)
    return {
        "ref": Ref(shape.system, shape.kind, key),
        "ident": ident,
        "title": clean(title, 1000),
        "text": clean(value(row, shape.text) or "") if shape.text else "",
        "state": canonical(shape, row),
        "updated_at": updated,
        "opened_at": moment(row, "opened_at") or moment(row, "sys_created_on"),
        "version": whole(row, "sys_mod_count"),
        "url": shape.url(ident, key),
        "services": frozenset(name for name in (plain(row, field) for field in shape.table.service_fields) if name),
        "people": _people(shape, row),
        "extra": _extra(shape, row),
    }


def _people(shape: Shape, row: Row) -> tuple[Involved, ...]:
    found = []
    for role, field in shape.people:
        ident = value(row, field)
        if ident:
            name = plain(row, f"{field}.name") or plain(row, f"{field}.user_name") or ""
            person = Person(shape.system, ident, name, plain(row, f"{field}.email"))
            found.append(Involved(role, person))
    return tuple(found)


def _extra(shape: Shape, row: Row) -> Mapping[str, str]:
    """What has no place of its own: the change that is to fix it (not the one that caused it), and what is hidden."""
    extra = {"table": shape.table.table}
    fix = plain(row, "rfc.number")
    if fix:
        extra["rfc"] = fix
    if resolution := _resolution(shape.table, row):
        extra["resolution"] = resolution
    if not shape.own <= row.keys():
        hidden = shape.own - row.keys()
        extra["unreadable"] = ", ".join(sorted(hidden))
        if withheld := {word for name in hidden for word in meanings(name, shape.table, shape.text, shape.people)}:
            extra["withheld"] = ",".join(sorted(withheld))
    return MappingProxyType(extra)


def _resolution(table: TicketTable, row: Row) -> str:
    """What everybody may read of how it was resolved; what is only written so that a state can be set says nothing."""
    said = clean(value(row, table.resolution_field) or "", _RESOLUTION).strip() if table.resolution_field else ""
    formal = {fields.get(table.resolution_field) for fields in table.on_state.values()}
    return "" if said in formal else said


def _stated(shape: Shape, source: Ref, relation: Relation, target: Ref, field: str) -> Link:
    return Link(source, relation, target, 1.0, f"the field {field} says so", f"system:{shape.system}")


def _incident(shape: Shape, row: Row) -> Incident:
    common = _common(shape, row)
    ref, links = common["ref"], []
    change, problem = plain(row, "caused_by.number"), plain(row, "problem_id.number")
    if change:
        links.append(_stated(shape, ref, "caused_by", Ref(shape.system, "change", change), "caused_by"))
    if problem:
        links.append(_stated(shape, Ref(shape.system, "problem", problem), "problem_of", ref, "problem_id"))
    return Incident(
        **common,
        links=tuple(links),
        priority=_priority(row),
        category=plain(row, "category"),
        group=plain(row, "assignment_group.name"),
        reason=plain(row, shape.table.reason_field),
        environment=plain(row, shape.table.environment_field),
        resolved_at=moment(row, "resolved_at"),
        closed_at=moment(row, "closed_at"),
        close_code=plain(row, "close_code"),
        reopened=whole(row, "reopen_count") or 0,
        correlation=plain(row, "correlation_id"),
    )


def _problem(shape: Shape, row: Row) -> Problem:
    return Problem(
        **_common(shape, row),
        priority=_priority(row),
        group=plain(row, "assignment_group.name"),
        workaround=clean(_readable(value(row, "workaround") or "")) or None,
        resolved_at=moment(row, "resolved_at"),
        correlation=plain(row, "correlation_id"),
    )


def _readable(text: str) -> str:
    """What a person reads of it: out of the box the field holds HTML, and plain text where its type was changed."""
    return markup.plain(text) if _MARKED.search(text) else text.strip()


def _change(shape: Shape, row: Row) -> Change:
    common = _common(shape, row)
    over = common["state"] in {"closed", "cancelled"}
    risk = plain(row, "risk")
    return Change(
        **common,
        priority=_priority(row),
        type=plain(row, "type"),
        risk=_RISKS.get(risk, risk) if risk else None,
        outcome=shape.table.outcomes.get(plain(row, "close_code") or "") if over else None,
        environment=plain(row, shape.table.environment_field),
        group=plain(row, "assignment_group.name"),
        started_at=moment(row, "work_start") or moment(row, "start_date"),
        finished_at=moment(row, "work_end") or (moment(row, "closed_at") if over else None),
        correlation=plain(row, "correlation_id"),
    )


def _feedback(shape: Shape, row: Row) -> Feedback:
    table = shape.table
    if not isinstance(table, FeedbackTable):
        raise UnmappableError(f"{table.table} is not configured as a table of feedback")
    return Feedback(
        **_common(shape, row),
        topic=table.topics.get(plain(row, table.topic) or ""),
        environment=plain(row, table.environment_field),
        reason=plain(row, table.reason_field),
        channel=table.channel or table.table,
    )


def _priority(row: Row) -> int | None:
    number = whole(row, "priority")
    return number if number is not None and 1 <= number <= 5 else None


_BUILDERS: Mapping[Kind, Callable[[Shape, Row], Record]] = MappingProxyType(
    {"incident": _incident, "problem": _problem, "change": _change, "feedback": _feedback},
)


def hidden(rows: Sequence[Row], fields: Sequence[str]) -> tuple[str, ...]:
    """The fields that no row shows: hidden by access rules, or not there."""
    return tuple(name for name in fields if not any(name in row for row in rows)) if rows else ()
