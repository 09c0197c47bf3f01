"""What the instance does by itself when a row is written: priorities, states, stamps, and what it insists on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Row = dict[str, str]


class RefusedError(Exception):
    """The instance says no: an HTTP status with the vendor's `message` and `detail`."""

    def __init__(
        self, status: int, message: str, detail: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.detail, self.headers = status, message, detail, dict(headers or {})


@dataclass(slots=True)
class Policy:
    """Fields that must be filled once a table's row has one of the states; data, so that tests can ask for more or less."""

    required: dict[tuple[str, str], tuple[str, ...]] = field(
        default_factory=lambda: {
            ("incident", "6"): ("close_code", "close_notes"),
            ("incident", "7"): ("close_code", "close_notes"),
        },
    )
    on_insert: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def check(self, table: str, row: Row, *, new: bool, changed: frozenset[str]) -> None:
        """Refuse what lacks a mandatory field; a row that was like that before and is not moved stays welcome."""
        wanted = self.on_insert.get(table, ()) if new else ()
        if new or changed & {"state", *self.required.get((table, row.get("state", "")), ())}:
            wanted += self.required.get((table, row.get("state", "")), ())
        missing = [one for one in wanted if not row.get(one)]
        if missing:
            labels = ", ".join(one.replace("_", " ").capitalize() for one in missing)
            raise RefusedError(
                403,
                "Operation Failed",
                f"Data Policy Exception: The following fields are mandatory: {labels}",
            )


_CLOSED = {
    "incident": frozenset({"7", "8"}),
    "problem": frozenset({"107"}),
    "change_request": frozenset({"3", "4"}),
    "sc_req_item": frozenset({"3", "4", "7"}),
}
_RESOLVED = {"incident": "6", "problem": "106"}


def apply(table: str, before: Row, row: Row, actor_id: str, at: str) -> None:
    """Change `row` as the business rules of the table would, `before` being {} for a new one."""
    if row.get("impact", "").isdigit() and row.get("urgency", "").isdigit():
        row["priority"] = priority(int(row["impact"]), int(row["urgency"]))
    if table == "incident":
        _mirror(before, row, "state", "incident_state")
    elif table == "problem":
        _mirror(before, row, "state", "problem_state")
    elif table == "kb_knowledge":
        _workflow(before, row, at)
    group = before.get("assignment_group", "")
    if group and row.get("assignment_group", "") not in {"", group}:
        row["reassignment_count"] = str(int(row.get("reassignment_count") or 0) + 1)
    if table in _CLOSED and row.get("state") != before.get("state"):
        _moved(table, before, row, actor_id, at)


def priority(impact: int, urgency: int) -> str:
    """The default lookup: high and high is critical, each step down in one of them is one less."""
    return str(min(5, max(1, impact + urgency - 1)))


def _mirror(before: Row, row: Row, one: str, other: str) -> None:
    """The two state fields follow each other; the one that was written leads."""
    if row.get(other) != before.get(other) and row.get(one) == before.get(one):
        row[one] = row.get(other, "")
    elif one in row:
        row[other] = row[one]


def _workflow(before: Row, row: Row, at: str) -> None:
    """An article is stamped with the day it was published and the day it was retired."""
    state = row.get("workflow_state", "")
    if state == before.get("workflow_state"):
        return
    if state == "published":
        row["published"] = row.get("published") or at[:10]
        row.pop("retired", None)
    elif state == "retired":
        row["retired"] = at[:10]


def _moved(table: str, before: Row, row: Row, actor_id: str, at: str) -> None:
    state, was = row.get("state", ""), before.get("state", "")
    over = {*_CLOSED[table], _RESOLVED.get(table, "")}
    row["active"] = "false" if state in _CLOSED[table] else "true"
    if state in over and _RESOLVED.get(table) and not row.get("resolved_at"):
        row |= {"resolved_at": at, "resolved_by": actor_id}
    if state in _CLOSED[table]:
        row |= {"closed_at": at, "closed_by": actor_id}
    if was in over and state not in over:
        if table == "incident":
            row["reopen_count"] = str(int(row.get("reopen_count") or 0) + 1)
            row |= {"reopened_time": at, "reopened_by": actor_id}
        for one in ("resolved_at", "resolved_by", "closed_at", "closed_by"):
            row.pop(one, None)
