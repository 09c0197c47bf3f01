"""How the columns of a recorded incident log become fields of the table `incident`."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from loopbot.sandbox.servicenow.log import UNKNOWN

Translation = Callable[[str], str]

STATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "New": ("1", ""),
        "Active": ("2", ""),
        "Awaiting User Info": ("3", "1"),
        "Awaiting Problem": ("3", "3"),
        "Awaiting Vendor": ("3", "4"),
        "Awaiting Evidence": ("3", "6"),
        "Resolved": ("6", ""),
        "Closed": ("7", ""),
    },
)
"""The log's words as state and hold_reason; a word that is not here (-100) is its own state."""
HOLD_REASONS: Mapping[str, str] = MappingProxyType({"6": "Awaiting Evidence"})
"""What an instance does not have by itself."""
LOG_STATE = "u_log_state"
LOG_FIELDS: Mapping[str, str] = MappingProxyType(
    {LOG_STATE: "string", "u_symptom": "string", "u_priority_confirmation": "boolean", "u_vendor": "string"},
)

_COPIED = (
    "active",
    "reassignment_count",
    "reopen_count",
    "sys_mod_count",
    "made_sla",
    "knowledge",
    "u_priority_confirmation",
    "impact",
    "urgency",
    "priority",
)
_STAMPS: Mapping[str, str] = MappingProxyType(
    {
        "opened_at": "opened_at",
        "sys_created_on": "sys_created_at",
        "sys_updated_on": "sys_updated_at",
        "resolved_at": "resolved_at",
        "closed_at": "closed_at",
    },
)
_TITLED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "category": ("category", "Category"),
        "subcategory": ("subcategory", "Subcategory"),
        "u_symptom": ("u_symptom", "Symptom"),
        "close_code": ("closed_code", "Code"),
        "sys_created_by": ("sys_created_by", "User"),
        "sys_updated_by": ("sys_updated_by", "User"),
    },
)
_REFERENCES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "caller_id": ("sys_user", "Caller"),
        "opened_by": ("sys_user", "Opener"),
        "assigned_to": ("sys_user", "Resolver"),
        "resolved_by": ("sys_user", "Resolver"),
        "assignment_group": ("sys_user_group", "Group"),
        "location": ("cmn_location", "Location"),
        "cmdb_ci": ("cmdb_ci", ""),
        "problem_id": ("problem", "Problem"),
        "rfc": ("change_request", "Change"),
        "caused_by": ("change_request", "Change"),
    },
)


def translations(reference: Callable[[str, str], str]) -> Iterator[tuple[str, str, Translation]]:
    """Field, column, and how a value of the column reads in the field; `reference` finds a row's sys_id by table and name."""
    yield "sys_id", "number", lambda value: stable_id("incident", value)
    yield "number", "number", lambda value: f"INC{value}"
    yield "short_description", "number", lambda value: f"Incident {value}"
    for field in ("state", "incident_state"):
        yield field, "incident_state", lambda value: STATES.get(value, (value, ""))[0]
    yield "hold_reason", "incident_state", lambda value: STATES.get(value, ("", ""))[1]
    yield LOG_STATE, "incident_state", str
    yield "notify", "notify", lambda value: "2" if value == "Send Email" else "1"
    yield "contact_type", "contact_type", _known(str.lower)
    yield "u_vendor", "vendor", _known(str)
    for field in _COPIED:
        yield field, field, _known(str)
    for field, column in _STAMPS.items():
        yield field, column, _known(lambda value: f"{value.replace('T', ' ')}:00")
    for field, (column, title) in _TITLED.items():
        yield field, column, _known(_titled(title))
    for field, (table, title) in _REFERENCES.items():
        yield field, field, _known(_referring(table, title, reference))


def stable_id(kind: str, name: str) -> str:
    """The sys_id of a thing of the log: the same in every run."""
    return hashlib.md5(f"{kind}:{name}".encode(), usedforsecurity=False).hexdigest()


def described(table: str, name: str) -> dict[str, str]:
    """What is known of a thing that the log only gives a number."""
    if table == "sys_user":
        user = name.lower().replace(" ", ".")
        return {"name": name, "user_name": user, "email": f"{user}@example.com"}
    if table in {"problem", "change_request"}:
        prefix = "PRB" if table == "problem" else "CHG"
        return {"short_description": name, "number": prefix + name.rpartition(" ")[2].zfill(7)}
    return {"name": name}


def _known(translated: Translation) -> Translation:
    return lambda value: "" if value in UNKNOWN else translated(value)


def _titled(title: str) -> Translation:
    return lambda value: f"{title} {value}"


def _referring(table: str, title: str, reference: Callable[[str, str], str]) -> Translation:
    return lambda value: reference(table, f"{title} {value}".lstrip())
