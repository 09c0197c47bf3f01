"""Writing rows as the instance does: numbers, stamps, counters, journals; what it does not know it ignores in silence."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from loopbot.sandbox.servicenow import behaviour
from loopbot.sandbox.servicenow.behaviour import Policy, RefusedError
from loopbot.sandbox.servicenow.dictionary import Field
from loopbot.sandbox.servicenow.matching import NUMBERS
from loopbot.sandbox.servicenow.rows import Row, Rows, stamp
from loopbot.sandbox.servicenow.schema import Schema, described, described_choice, described_field

JOURNALS = frozenset({"journal_input"})
_LOCKED = frozenset(
    {
        "sys_id",
        "sys_created_on",
        "sys_created_by",
        "sys_updated_on",
        "sys_updated_by",
        "sys_mod_count",
        "sys_class_name",
    },
)
_BUILT = frozenset({"journal", "journal_list"})


@dataclass(frozen=True, slots=True)
class Written:
    """What a write came to: the row, the fields that really changed, the journal entries that were added."""

    table: str
    row: Row
    changed: Mapping[str, str] = field(default_factory=dict)
    journals: tuple[tuple[str, str], ...] = ()


class Records:
    """The one way that rows are inserted, updated and deleted, by people and by API alike."""

    def __init__(self, rows: Rows, policy: Policy, seed: int = 0) -> None:
        self.rows, self.policy = rows, policy
        self._chance = random.Random(seed)
        self._counters: dict[str, int] = {}
        self._people: dict[str, str] = {}
        for table, values in described(rows.schema):
            self._plain(table, values)
        self._link_tables()

    @property
    def schema(self) -> Schema:
        """The tables there are."""
        return self.rows.schema

    def sys_id(self) -> str:
        """A fresh one; they do not sort in the order of their making."""
        return f"{self._chance.getrandbits(128):032x}"

    def insert(self, table: str, values: Mapping[str, str], actor: str, visible_after: float = 0.0) -> Written:
        """Add a row; raises RefusedError when a policy forbids it."""
        with self.rows.lock:
            given, journals = self._sorted_out(table, values)
            at = stamp(self.rows.now())
            row = self.schema.defaults(table) | given
            row["sys_id"] = values.get("sys_id") or self.sys_id()
            if self.rows.find(table, row["sys_id"]):
                raise RefusedError(
                    403, "Operation Failed", "Error during insert: unique key violation detected on sys_id"
                )
            row |= {"sys_created_on": at, "sys_created_by": actor}
            fields = self.schema.fields(table)
            if "sys_updated_on" in fields:
                row |= {"sys_updated_on": at, "sys_updated_by": actor, "sys_mod_count": "0"}
            if "sys_class_name" in fields:
                row["sys_class_name"] = table
            if "number" in fields:
                row["number"] = given.get("number") or self._number(table)
            if "opened_at" in fields:
                row.setdefault("opened_at", at)
                row.setdefault("opened_by", self.user_id(actor))
            behaviour.apply(table, {}, row, self.user_id(actor), at)
            self.policy.check(table, row, new=True, changed=frozenset(row))
            self._keep(table, row, visible_after)
            self._write_journals(table, row, journals, actor, visible_after)
            return Written(table, row, given, journals)

    def update(
        self, table: str, key: str, values: Mapping[str, str], actor: str, visible_after: float = 0.0
    ) -> Written:
        """Change a row by sys_id or number; an update that changes nothing leaves stamp and counter alone."""
        with self.rows.lock:
            home, before = self.existing(table, key)
            given, journals = self._sorted_out(home, values)
            at = stamp(self.rows.now())
            row = before | given
            behaviour.apply(home, before, row, self.user_id(actor), at)
            changed = {name: row.get(name, "") for name in (row | before) if row.get(name, "") != before.get(name, "")}
            if not changed and not journals:
                return Written(home, before)
            self.policy.check(home, row, new=False, changed=frozenset(changed))
            count = int(before.get("sys_mod_count") or 0) + 1
            row |= {"sys_updated_on": at, "sys_updated_by": actor, "sys_mod_count": str(count)}
            self._keep(home, row, visible_after)
            self._write_journals(home, row, journals, actor, visible_after)
            self._audit(home, before, row, changed, actor)
            return Written(home, row, changed, journals)

    def delete(self, table: str, key: str) -> Written:
        """Remove a row for good."""
        with self.rows.lock:
            home, row = self.existing(table, key)
            self.rows.remove(home, row["sys_id"])
            return Written(home, row)

    def existing(self, table: str, key: str) -> tuple[str, Row]:
        """The row and the table it lives in, or the vendor's 404."""
        found = self.rows.find(table, key)
        if found is None:
            raise RefusedError(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")
        return found

    def user_id(self, user_name: str) -> str:
        """The sys_id of a user by user name; "" for people who have no row (system)."""
        if user_name == "system":
            return ""
        with self.rows.lock:
            known = self.rows.find("sys_user", self._people.get(user_name, ""))
            if known is None or known[1].get("user_name") != user_name:
                found = (one["sys_id"] for one in self.rows.all("sys_user") if one.get("user_name") == user_name)
                self._people[user_name] = next(found, "")
            return self._people[user_name]

    def add_table(self, name: str, fields: Mapping[str, str], *, extends: str = "", prefix: str = "") -> None:
        """Add a custom table, and describe it in the dictionary."""
        with self.rows.lock:
            self.schema.add_table(name, fields, extends=extends, prefix=prefix)
            for table, values in described(self.schema):
                if values["name"] == name:
                    self._plain(table, values)
            self._link_tables()

    def add_field(self, table: str, name: str, kind: str = "string") -> None:
        """Add a custom field, and describe it in the dictionary."""
        with self.rows.lock:
            self._plain("sys_dictionary", described_field(self.schema, self.schema.add_field(table, name, kind)))

    def drop_field(self, table: str, name: str) -> None:
        """Remove a field (an administrator renamed it): queries for it are ignored from now on."""
        with self.rows.lock:
            found = self.schema.field(table, name)
            self.schema.drop_field(table, name)
            for row in list(self.rows.all("sys_dictionary")):
                if found and (row["name"], row["element"]) == (found.table, name):
                    self.rows.remove("sys_dictionary", row["sys_id"])

    def add_choice(self, table: str, name: str, value: str, label: str) -> None:
        """Add a choice to a field, and describe it."""
        with self.rows.lock:
            options = self.schema.choices.setdefault((table, name), {})
            options[value] = label
            self._plain("sys_choice", described_choice(table, name, value, label, len(options)))

    def _sorted_out(self, table: str, values: Mapping[str, str]) -> tuple[Row, tuple[tuple[str, str], ...]]:
        """The values that the table knows, cut to length as the database does, and the journal entries among them."""
        given: Row = {}
        journals = []
        for name, value in values.items():
            known = self.schema.field(table, name)
            if known is None or name in _LOCKED or known.type in _BUILT:
                continue
            if known.type in JOURNALS:
                if value:
                    journals.append((name, value))
            else:
                given[name] = _held(known, value)
        return given, tuple(journals)

    def _write_journals(
        self, table: str, row: Row, journals: tuple[tuple[str, str], ...], actor: str, visible_after: float
    ) -> None:
        for element, value in journals:
            said = {"name": table, "element": element, "element_id": row["sys_id"], "value": value}
            self._plain("sys_journal_field", said, actor, visible_after)

    def _audit(self, table: str, before: Row, row: Row, changed: Mapping[str, str], actor: str) -> None:
        """The history of a row: one entry for each field that really changed, with what it replaced."""
        for name in sorted(set(changed) - _LOCKED):
            said = {"tablename": table, "documentkey": row["sys_id"], "fieldname": name, "user": actor}
            self._plain("sys_audit", {**said, "oldvalue": before.get(name, ""), "newvalue": row.get(name, "")}, actor)

    def _keep(self, table: str, row: Row, visible_after: float) -> None:
        if visible_after > 0:
            self.rows.put_late(table, row, visible_after)
        else:
            self.rows.put(table, row)

    def _plain(self, table: str, values: Mapping[str, str], actor: str = "system", visible_after: float = 0.0) -> None:
        """A row of a table without behaviour."""
        at = stamp(self.rows.now())
        row = {**values, "sys_id": self.sys_id(), "sys_created_on": at, "sys_created_by": actor}
        if self.schema.field(table, "sys_updated_on"):
            row |= {"sys_updated_on": at, "sys_updated_by": actor, "sys_mod_count": "0"}
        self._keep(table, row, visible_after)

    def _number(self, table: str) -> str:
        prefix = self.schema.tables[table].prefix or table.removeprefix("u_")[:3].upper()
        self._counters[prefix] = self._counters.get(prefix, 10000) + 1
        return f"{prefix}{self._counters[prefix]:07d}"

    def _link_tables(self) -> None:
        """Let super_class point to rows, as a reference does; it was described by name."""
        ids = {row["name"]: row["sys_id"] for row in self.rows.all("sys_db_object")}
        for row in list(self.rows.all("sys_db_object")):
            if row["super_class"] in ids:
                self.rows.put("sys_db_object", row | {"super_class": ids[row["super_class"]]})


def _held(field: Field, value: str) -> str:
    """What is left of a value in a field of its type: texts are cut, and what is no number is nothing in a field of numbers."""
    if field.type in {"string", "html"}:
        return value[: field.max_length]
    if field.type in NUMBERS and not re.fullmatch(r"-?\d+(\.\d+)?", value):
        return ""
    return value
