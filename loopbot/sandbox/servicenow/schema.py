"""The tables the twin has at the moment: what the dictionary says, plus custom tables and fields, with inheritance."""

from collections.abc import Iterable, Iterator, Mapping

from loopbot.sandbox.servicenow.choices import CHOICES, DEFAULTS
from loopbot.sandbox.servicenow.dictionary import SYSTEM_FIELDS, TABLES, Field, TableSpec, fields_of

Path = tuple[Field, ...]
"""The fields of a dot-walk, from the table's own to the last."""


class Schema:
    """Tables and fields; may change at run time, as an administrator would change them."""

    def __init__(self) -> None:
        self.tables: dict[str, TableSpec] = {}
        self.choices: dict[tuple[str, str], dict[str, str]] = {key: dict(one) for key, one in CHOICES.items()}
        self._fields: dict[str, dict[str, Field]] = {}
        self._paths: dict[tuple[str, str], Path | None] = {}
        self._families: dict[str, tuple[str, ...]] = {}
        for spec in TABLES:
            self.tables[spec.name] = spec

    def add_table(self, name: str, fields: Mapping[str, str], *, extends: str = "", prefix: str = "") -> TableSpec:
        """Add a custom table; `fields` maps a name to its type, `reference:TABLE` or `string:LENGTH`."""
        display = "number" if extends == "task" or "number" in fields else "name"
        own = () if extends else fields_of(name, SYSTEM_FIELDS)
        added = tuple(_field(name, field, kind) for field, kind in fields.items())
        self.tables[name] = TableSpec(name, name, own + added, extends, prefix, display)
        self._forget()
        return self.tables[name]

    def add_field(self, table: str, field: str, kind: str = "string") -> Field:
        """Add a field to a table."""
        made = _field(table, field, kind)
        self._replace(table, [*(one for one in self.tables[table].fields if one.name != field), made])
        return made

    def drop_field(self, table: str, field: str) -> None:
        """Remove a field from the table that defines it."""
        spec = self.tables[table]
        owner = next(
            one for one in (spec.name, *self.ancestors(table)) if field in {f.name for f in self.tables[one].fields}
        )
        self._replace(owner, [one for one in self.tables[owner].fields if one.name != field])

    def fields(self, table: str) -> dict[str, Field]:
        """The fields of a table, inherited ones first."""
        found = self._fields.get(table)
        if found is None:
            spec = self.tables[table]
            found = dict(self.fields(spec.extends)) if spec.extends else {}
            found.update({one.name: one for one in spec.fields})
            self._fields[table] = found
        return found

    def field(self, table: str, name: str) -> Field | None:
        """The field of that name, or None."""
        return self.fields(table).get(name)

    def path(self, table: str, dotted: str) -> Path | None:
        """The fields that a (dot-walked) name leads along; None when a step of it does not exist."""
        key = (table, dotted)
        if key not in self._paths:
            self._paths[key] = self._walk(table, dotted)
        return self._paths[key]

    def ancestors(self, table: str) -> Iterator[str]:
        """The tables this one extends, nearest first."""
        above = self.tables[table].extends
        while above:
            yield above
            above = self.tables[above].extends

    def family(self, table: str) -> tuple[str, ...]:
        """The table and all that extend it."""
        found = self._families.get(table)
        if found is None:
            found = tuple(one for one in self.tables if one == table or table in self.ancestors(one))
            self._families[table] = found
        return found

    def defaults(self, table: str) -> dict[str, str]:
        """What a new row holds before anybody says anything."""
        made: dict[str, str] = {}
        for one in reversed([table, *self.ancestors(table)]):
            made.update(DEFAULTS.get(one, {}))
        return made

    def options(self, table: str, field: str) -> Mapping[str, str]:
        """The choices of a field, value to label."""
        for one in (table, *self.ancestors(table)):
            if (one, field) in self.choices:
                return self.choices[one, field]
        return {}

    def _walk(self, table: str, dotted: str) -> Path | None:
        walked: list[Field] = []
        at = table
        for name in dotted.split("."):
            field = self.field(at, name) if at in self.tables else None
            if field is None:
                return None
            walked.append(field)
            at = field.reference
        return tuple(walked)

    def _replace(self, table: str, fields: Iterable[Field]) -> None:
        old = self.tables[table]
        self.tables[table] = TableSpec(old.name, old.label, tuple(fields), old.extends, old.prefix, old.display)
        self._forget()

    def _forget(self) -> None:
        self._fields.clear()
        self._paths.clear()
        self._families.clear()


def _field(table: str, name: str, kind: str) -> Field:
    kind, _, extra = kind.partition(":")
    if kind == "reference":
        return Field(name, kind, extra, 32, table)
    return Field(name, kind, "", int(extra or 40), table)


def described(schema: Schema) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of sys_db_object, sys_dictionary and sys_choice that describe the schema, without sys_ids for fields."""
    for spec in schema.tables.values():
        yield "sys_db_object", {"name": spec.name, "label": spec.label, "super_class": spec.extends}
        yield "sys_dictionary", {"name": spec.name, "element": "", "internal_type": "collection", "active": "true"}
        for field in spec.fields:
            yield "sys_dictionary", described_field(schema, field)
    for (table, element), options in schema.choices.items():
        for sequence, (value, label) in enumerate(options.items()):
            yield "sys_choice", described_choice(table, element, value, label, sequence)


def described_choice(table: str, element: str, value: str, label: str, sequence: int) -> dict[str, str]:
    """The sys_choice row of one choice of a field."""
    return {
        "name": table,
        "element": element,
        "value": value,
        "label": label,
        "language": "en",
        "inactive": "false",
        "sequence": str(sequence),
    }


def described_field(schema: Schema, field: Field) -> dict[str, str]:
    """The sys_dictionary row of a field."""
    return {
        "name": field.table,
        "element": field.name,
        "column_label": field.label,
        "internal_type": field.type,
        "reference": field.reference,
        "max_length": str(field.max_length),
        "mandatory": "false",
        "read_only": "false",
        "active": "true",
        "choice": "1" if schema.options(field.table, field.name) else "0",
    }
