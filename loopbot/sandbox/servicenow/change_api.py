"""The Change Management API: change requests by type; every value comes as value and display value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from loopbot.sandbox.servicenow.asking import Answer, Ask
from loopbot.sandbox.servicenow.behaviour import RefusedError
from loopbot.sandbox.servicenow.records import Written
from loopbot.sandbox.servicenow.rendering import Look
from loopbot.sandbox.servicenow.rows import Row
from loopbot.sandbox.servicenow.table_api import TableApi

TABLE = "change_request"
_PATH = re.compile(
    r"/api/sn_chg_rest(?:/v\d+)?/change"
    r"(?:/(?P<type>normal|standard|emergency))?(?:/(?P<sys_id>[0-9a-f]{32}))?(?P<next>/nextstates)?"
)
_STEPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "normal": ("-5", "-4", "-3", "-2", "-1", "0", "3"),
        "standard": ("-5", "-2", "-1", "0", "3"),
        "emergency": ("-5", "-3", "-2", "-1", "0", "3"),
    },
)
_CANCELLED = "4"


@dataclass(frozen=True, slots=True)
class ChangeApi:
    """Answers on top of the Table API's rows and ACLs."""

    tables: TableApi

    def answer(self, ask: Ask) -> Answer | None:
        """The answer, or None when the path is not one of this API's."""
        found = _PATH.fullmatch(ask.path)
        if found is None:
            return None
        kind, sys_id = found["type"] or "", found["sys_id"] or ""
        if found["next"]:
            return self._next(sys_id)
        if ask.method == "POST" and (kind or not sys_id):
            return self._create(ask, kind or "normal")
        if ask.method == "PATCH" and sys_id:
            values = self._given(ask)
            return self._shown(ask, self.tables.changed(ask, TABLE, sys_id, values), values, 200)
        if ask.method == "GET":
            return self._read(ask, kind, sys_id)
        raise RefusedError(405, "Method not supported")

    def _read(self, ask: Ask, kind: str, sys_id: str) -> Answer:
        params = [*ask.params, ("sysparm_display_value", "all"), ("sysparm_exclude_reference_link", "true")]
        if kind and not sys_id:
            params.append(("type", kind))
        wanted = Ask(ask.method, ask.path, params, ask.headers, b"", ask.origin, ask.user)
        if sys_id:
            return self.tables.one(wanted, TABLE, sys_id)
        return self.tables.many(wanted, TABLE)

    def _create(self, ask: Ask, kind: str) -> Answer:
        values = self._given(ask) | {"type": kind}
        return self._shown(ask, self.tables.created(ask, TABLE, values), values, 200)

    def _given(self, ask: Ask) -> dict[str, str]:
        """Fields may come in the body and in the address."""
        plain = {name: value for name, value in ask.params if not name.startswith("sysparm_")}
        return plain | self.tables.values(ask, TABLE, ask.json())

    def _shown(self, ask: Ask, written: Written, values: Mapping[str, str], status: int) -> Answer:
        look = Look("all", exclude_link=True)
        shown = self.tables.rendering.rows(TABLE, [written.row], look, ask.origin)[0]
        ignored = [name for name in values if self.tables.search.rows.schema.field(TABLE, name) is None]
        return Answer(status, {"result": shown | {"__meta": {"ignoredFields": ignored}}})

    def _next(self, sys_id: str) -> Answer:
        _, row = self.tables.records.existing(TABLE, sys_id)
        labels = self.tables.search.rows.schema.options(TABLE, "state")
        states = next_states(row)
        labelled = {one: labels.get(one, one) for one in states}
        return Answer(200, {"result": {"available_states": states, "state_transitions": [], "state_label": labelled}})


def next_states(row: Row) -> list[str]:
    """The present state and those that may follow it; closed and cancelled are the end."""
    steps, state = _STEPS.get(row.get("type", ""), _STEPS["normal"]), row.get("state", "")
    if state not in steps or state == steps[-1]:
        return [state]
    return [state, steps[steps.index(state) + 1], _CANCELLED]
