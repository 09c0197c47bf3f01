"""Rows as answers show them: raw or displayed, references with links, dot-walked fields, what ACLs hide left out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from loopbot.sandbox.servicenow.access import Access
from loopbot.sandbox.servicenow.dictionary import Field
from loopbot.sandbox.servicenow.records import JOURNALS
from loopbot.sandbox.servicenow.rows import STAMP, Row
from loopbot.sandbox.servicenow.search import Search

Shown = dict[str, Any]
_JOURNAL_TITLES = {"comments": "Additional comments", "work_notes": "Work notes"}


@dataclass(frozen=True, slots=True)
class Look:
    """How an answer is wanted: `display` is false, true or all; no `fields` means all of them."""

    display: str = "false"
    exclude_link: bool = False
    fields: tuple[str, ...] = ()


class Rendering:
    """Makes answers of rows."""

    def __init__(self, search: Search, access: Access, time_zone: Callable[[], str]) -> None:
        self.search, self.access = search, access
        self._time_zone = time_zone

    def rows(self, table: str, rows: Sequence[Row], look: Look, origin: str) -> list[Shown]:
        """The rows as JSON objects; `origin` is the beginning of links."""
        columns = [(name, self._column(table, name, look, origin)) for name in self._names(table, look)]
        return [{name: column(row) for name, column in columns} for row in rows]

    def label(self, table: str, field: Field, value: str, row: Row) -> str:
        """What people see instead of the value."""
        if field.type in JOURNALS:
            return self._journal(field.name, row)
        if not value:
            return ""
        if field.reference:
            found = self.search.rows.find(field.reference, value) if field.reference in self._tables else None
            return found[1].get(self._tables[field.reference].display, "") if found else value
        if field.type == "glide_date_time":
            return self._local(value)
        return self.search.rows.schema.options(table, field.name).get(value, value)

    @property
    def _tables(self) -> dict[str, Any]:
        return self.search.rows.schema.tables

    def _names(self, table: str, look: Look) -> list[str]:
        """The fields to show; unknown ones and those that the user may not read are absent."""
        schema = self.search.rows.schema
        hidden = self.access.hidden_fields
        names = look.fields or tuple(sorted(schema.fields(table)))
        kept = []
        for name in names:
            path = schema.path(table, name)
            if path and not any((one, step.name) in hidden for step in path for one in (step.table, table)):
                kept.append(name)
        return kept

    def _column(self, table: str, name: str, look: Look, origin: str) -> Callable[[Row], Any]:
        field = (self.search.rows.schema.path(table, name) or ())[-1]
        read = self.search.getter(table, name)
        if look.display == "false" and (look.exclude_link or not field.reference):
            return read
        home = table if "." not in name else field.table
        link = f"{origin}/api/now/table/{field.reference}/" if field.reference and not look.exclude_link else ""

        def shown(row: Row) -> Any:
            value = read(row)
            if look.display == "false":
                return {"link": link + value, "value": value} if value else ""
            label = self.label(home, field, value, row)
            if look.display == "all":
                linked = {"link": link + value} if link and value else {}
                return {"display_value": label, "value": value} | linked
            return {"display_value": label, "link": link + value} if link and value else label

        return shown

    def _journal(self, element: str, row: Row) -> str:
        entries = [
            one
            for one in self.search.rows.all("sys_journal_field")
            if one.get("element_id") == row.get("sys_id") and one.get("element") == element
        ]
        title = _JOURNAL_TITLES.get(element, element)
        return "".join(
            f"{self._local(one['sys_created_on'])} - {one['sys_created_by']} ({title})\n{one['value']}\n\n"
            for one in reversed(entries)
        )

    def _local(self, value: str) -> str:
        zone = self._time_zone()
        if zone in {"", "UTC", "Etc/UTC", "GMT"}:
            return value
        moment = datetime.strptime(value, STAMP).replace(tzinfo=UTC)
        return moment.astimezone(ZoneInfo(zone)).strftime(STAMP)
