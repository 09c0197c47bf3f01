"""What a field of ServiceNow holds of a record, so that the mirror keeps what it knows of one that is hidden, not empty."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from connectors.servicenow.settings import FeedbackTable, TicketTable

_MEANINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "priority": ("priority",),
        "category": ("category",),
        "type": ("type",),
        "risk": ("risk",),
        "assignment_group": ("group",),
        "opened_at": ("opened_at",),
        "resolved_at": ("resolved_at",),
        "closed_at": ("closed_at",),
        "close_code": ("close_code", "outcome"),
        "reopen_count": ("reopened",),
        "correlation_id": ("correlation",),
        "workaround": ("workaround",),
        "work_start": ("started_at",),
        "work_end": ("finished_at",),
        "caused_by": ("link:caused_by",),
        "problem_id": ("link:problem_of",),
    }
)


def meanings(field: str, table: TicketTable, text: str, people: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The attributes, roles and `link:RELATION`s of a record that this field of the table is read as."""
    yield from _MEANINGS.get(field, ())
    yield from (role for role, name in people if name == field)
    if field == text:
        yield "text"
    if field == table.environment_field:
        yield "environment"
    if field == table.reason_field:
        yield "reason"
    if isinstance(table, FeedbackTable) and field == table.topic:
        yield "topic"
    if any(name.partition(".")[0] == field for name in table.service_fields):
        yield "services"
