"""The Table and Aggregate APIs: lists, pages, single rows, writes, counts."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.servicenow.access import Access
from loopbot.sandbox.servicenow.asking import Answer, Ask
from loopbot.sandbox.servicenow.behaviour import RefusedError
from loopbot.sandbox.servicenow.records import Records, Written
from loopbot.sandbox.servicenow.rendering import Look, Rendering
from loopbot.sandbox.servicenow.rows import Row
from loopbot.sandbox.servicenow.scripts import Asker
from loopbot.sandbox.servicenow.search import Search

MOST = 10_000
SYSTEM = "servicenow"
_CANCELLED = "Transaction cancelled: maximum execution time exceeded"


@dataclass(slots=True)
class TableApi:
    """Answers for one instance. `finished` is told the table whenever a list in order of sys_updated_on was read to its end."""

    records: Records
    search: Search
    rendering: Rendering
    access: Access
    ledger: Ledger
    finished: Callable[[str], None]
    cancels: int = 0
    """How many of the next lists are cut off: status 200, with `result` and `error`."""
    _kinds: Mapping[str, str] = field(default_factory=lambda: {"comments": "comment", "work_notes": "work_note"})

    def many(self, ask: Ask, table: str) -> Answer:
        """GET on a table. The limit is applied before ACLs: rows that may not be seen thin the page."""
        self._known(table)
        self.access.allow(table, "read")
        found = self.search.matching(table, self._query(ask, table), self._asker(ask))
        limit = _number(ask.param("sysparm_limit"), MOST)
        offset = _number(ask.param("sysparm_offset"), 0)
        page = [row for row in found[offset : offset + limit] if row["sys_id"] not in self.access.hidden_rows]
        shown = self.rendering.rows(table, page, _look(ask), ask.origin)
        headers: dict[str, str] = {}
        if ask.param("sysparm_no_count") != "true":
            headers["X-Total-Count"] = str(len(found))
            if ask.param("sysparm_suppress_pagination_header") != "true":
                headers["Link"] = _links(ask, offset, limit, len(found))
        if self.cancels > 0:
            self.cancels -= 1
            why = {"message": _CANCELLED, "detail": _CANCELLED + " Check logs for error trace"}
            return Answer(200, {"result": shown[: len(shown) // 2], "error": why, "status": "failure"}, headers)
        if offset + limit >= len(found) and "ORDERBYsys_updated_on" in ask.param("sysparm_query"):
            self.finished(table)
        return Answer(200, {"result": shown}, headers)

    def one(self, ask: Ask, table: str, sys_id: str) -> Answer:
        """GET on a row."""
        self._known(table)
        self.access.allow(table, "read")
        home, row = self._seen(table, sys_id)
        return Answer(200, {"result": self.shown(ask, home, row)})

    def create(self, ask: Ask, table: str) -> Answer:
        """POST on a table."""
        written = self.created(ask, table, self.values(ask, table, ask.json()))
        link = f"{ask.origin}/api/now/table/{table}/{written.row['sys_id']}"
        return Answer(201, {"result": self.shown(ask, table, written.row)}, {"Location": link})

    def change(self, ask: Ask, table: str, sys_id: str) -> Answer:
        """PATCH or PUT on a row: both write the fields given."""
        written = self.changed(ask, table, sys_id, self.values(ask, table, ask.json()))
        return Answer(200, {"result": self.shown(ask, written.table, written.row)})

    def remove(self, ask: Ask, table: str, sys_id: str) -> Answer:
        """DELETE on a row."""
        self._known(table)
        self.access.allow(table, "delete")
        self._seen(table, sys_id)
        self.access.allow_row(sys_id)
        written = self.records.delete(table, sys_id)
        self.ledger.write(SYSTEM, "delete", written.table, _key(written.row), ask.user, {})
        return Answer(204)

    def count(self, ask: Ask, table: str) -> Answer:
        """The Aggregate API: counts, also by groups. It counts what ACLs hide."""
        self._known(table)
        self.access.allow(table, "read")
        found = self.search.matching(table, self._query(ask, table), self._asker(ask))
        grouped = [one for one in ask.param("sysparm_group_by").split(",") if one]
        if not grouped:
            stats = {"count": str(len(found))} if ask.param("sysparm_count") == "true" else {}
            return Answer(200, {"result": {"stats": stats}})
        getters = [self.search.getter(table, one) for one in grouped]
        counts = Counter(tuple(read(row) for read in getters) for row in found)
        result = [
            {
                "stats": {"count": str(count)},
                "groupby_fields": [
                    {"field": name, "value": value} for name, value in zip(grouped, values, strict=True)
                ],
            }
            for values, count in counts.items()
        ]
        return Answer(200, {"result": result})

    def created(self, ask: Ask, table: str, values: Mapping[str, str]) -> Written:
        """Insert for the asking user, and tell the ledger."""
        self._known(table)
        self.access.allow(table, "create")
        written = self.records.insert(table, values, ask.user)
        self.ledger.write(SYSTEM, "create", table, _key(written.row), ask.user, written.changed)
        self._note_journals(ask, written)
        return written

    def changed(self, ask: Ask, table: str, sys_id: str, values: Mapping[str, str]) -> Written:
        """Update for the asking user, and tell the ledger what really changed."""
        self._known(table)
        self.access.allow(table, "write")
        self._seen(table, sys_id)
        self.access.allow_row(sys_id)
        written = self.records.update(table, sys_id, values, ask.user)
        self._note_journals(ask, written)
        if written.changed:
            self.ledger.write(SYSTEM, "update", written.table, _key(written.row), ask.user, written.changed)
        return written

    def shown(self, ask: Ask, table: str, row: Row) -> dict[str, object]:
        """One row as the request wants it."""
        return self.rendering.rows(table, [row], _look(ask), ask.origin)[0]

    def values(self, ask: Ask, table: str, body: Mapping[str, object]) -> dict[str, str]:
        """The body's values as text; with sysparm_input_display_value, labels are looked up."""
        self._known(table)
        displayed = ask.param("sysparm_input_display_value") == "true"
        made = {}
        for name, value in body.items():
            text = _text(value)
            made[name] = self._looked_up(table, name, text) if displayed else text
        return made

    def _looked_up(self, table: str, name: str, text: str) -> str:
        found = self.search.rows.schema.field(table, name)
        if found is None or not text:
            return text
        if found.reference in self.search.rows.schema.tables:
            display = self.search.rows.schema.tables[found.reference].display
            rows = self.search.rows.all(found.reference)
            return next((row["sys_id"] for row in rows if row.get(display) == text), text)
        options = self.search.rows.schema.options(table, name)
        return next((value for value, label in options.items() if label == text), text)

    def _note_journals(self, ask: Ask, written: Written) -> None:
        for element, value in written.journals:
            action = self._kinds.get(element, element)
            self.ledger.write(SYSTEM, action, written.table, _key(written.row), ask.user, {"value": value})

    def _query(self, ask: Ask, table: str) -> str:
        """sysparm_query, and the plain parameters that name fields."""
        plain = [
            f"{name}={value}"
            for name, value in ask.params
            if not name.startswith("sysparm_") and self.search.rows.schema.path(table, name)
        ]
        return "^".join([*plain, ask.param("sysparm_query")] if plain else [ask.param("sysparm_query")])

    def _seen(self, table: str, sys_id: str) -> tuple[str, Row]:
        home, row = self.records.existing(table, sys_id)
        if row["sys_id"] != sys_id or sys_id in self.access.hidden_rows:
            raise RefusedError(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")
        return home, row

    def _asker(self, ask: Ask) -> Asker:
        return Asker(ask.user, self.records.user_id(ask.user))

    def _known(self, table: str) -> None:
        if table not in self.search.rows.schema.tables:
            raise RefusedError(400, f"Invalid table {table}")


def _look(ask: Ask) -> Look:
    fields = tuple(one.strip() for one in ask.param("sysparm_fields").split(",") if one.strip())
    return Look(
        ask.param("sysparm_display_value", "false"),
        ask.param("sysparm_exclude_reference_link") == "true",
        fields,
    )


def _number(text: str, default: int) -> int:
    return int(text) if text.isdigit() else default


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return _text(value.get("value", value.get("display_value")))
    return "" if value is None else str(value)


def _key(row: Row) -> str:
    return row.get("number") or row["sys_id"]


def _links(ask: Ask, offset: int, limit: int, total: int) -> str:
    def link(at: int, rel: str) -> str:
        rest = [(name, value) for name, value in ask.params if name != "sysparm_offset"]
        return f'<{ask.origin}{ask.path}?{urlencode([*rest, ("sysparm_offset", str(at))])}>;rel="{rel}"'

    last = (total - 1) // limit * limit if limit and total else 0
    parts = [link(0, "first")]
    if offset > 0:
        parts.append(link(max(0, offset - limit), "prev"))
    if offset + limit < total:
        parts.append(link(offset + limit, "next"))
    return ",".join([*parts, link(last, "last")])
