"""Which fields the tables have, asked once: the instance ignores names it does not know, in queries as in writes."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from connectors.servicenow.articles import ArticleShape
from connectors.servicenow.instance import Instance, Refused, Row
from connectors.servicenow.mapping import Shape
from connectors.servicenow.query import among
from loopbot.domain.errors import ConfigError

_Shape = TypeVar("_Shape", bound=Shape | ArticleShape)
_ABOVE = ("name", "super_class.name", "super_class.super_class.name", "super_class.super_class.super_class.name")
_MOST = 10_000
# What every table has, so that a table can be read where the dictionary is closed to the account.
_ALWAYS = frozenset({"sys_id", "sys_updated_on", "sys_created_on", "sys_mod_count", "sys_updated_by", "sys_created_by"})


@dataclass(frozen=True, slots=True)
class TableFields:
    """The fields of one table, inherited ones too, with the longest text each takes (0: not said).

    `readable` is False where the account may not see the dictionary: then nothing is known, and every name passes.
    """

    table: str
    lengths: Mapping[str, int]
    readable: bool = True

    def has(self, path: str) -> bool:
        """Whether the (first step of a dot-walked) field exists, as far as is known."""
        return not self.readable or path.partition(".")[0] in self.lengths

    def unknown(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Those the table does not have."""
        return tuple(path for path in paths if not self.has(path))

    def length(self, name: str, otherwise: int) -> int:
        """How long a text the field takes."""
        return self.lengths.get(name) or otherwise


class Dictionary:
    """The fields of the configured tables; two calls for all of them, at first use. Safe for threads."""

    def __init__(self, instance: Instance, tables: Sequence[str]) -> None:
        self._instance = instance
        self._tables = tuple(dict.fromkeys(tables))
        self._known: dict[str, TableFields] = {}
        self._doubted: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def of(self, table: str) -> TableFields:
        """The fields of a table; one that is not configured is asked for by itself."""
        with self._lock:
            if table not in self._known:
                self._known.update(self._asked(self._tables if table in self._tables else (table,)))
            return self._known[table]

    def doubt(self, table: str, names: Iterable[str]) -> None:
        """Ask again about fields that a row did not show: once for each, since those that are hidden stay so."""
        with self._lock:
            new = {(table, name) for name in names} - self._doubted
            if new:
                self._known.update(self._asked((table,)))
                self._doubted |= new

    def ready(self) -> None:
        """Ask now, so that nothing later has to. Raises what reading raises."""
        for table in self._tables:
            self.of(table)

    def fit(self, shape: _Shape) -> _Shape:
        """The shape with only the fields its table has; only these can be hidden."""
        known = self.of(shape.table.table)
        return replace(
            shape,
            fields=tuple(name for name in shape.fields if known.has(name)),
            own=frozenset(name for name in shape.own if known.has(name)),
        )

    def require(self, table: str, paths: Iterable[str], about: str) -> None:
        """Raise ConfigError where one of the fields does not exist."""
        fields = self.of(table)
        unknown = fields.unknown(paths)
        if unknown:
            raise ConfigError(
                f"{self._instance.system}, {about}",
                f"the table {table} has no field {', '.join(unknown)}",
                "the instance would ignore it without a word; correct the name",
            )

    def _asked(self, tables: Sequence[str]) -> dict[str, TableFields]:
        system = self._instance.system
        try:
            rows = self._instance.rows("sys_db_object", among(system, "name", tables), _ABOVE, limit=_MOST).rows
            families = {str(row.get("name")): _family(row) for row in rows}
            for table in tables:
                # Without the chain of parents the usual one is taken: tickets extend task.
                families.setdefault(table, (table, "task"))
            names = sorted({name for family in families.values() for name in family})
            query = f"{among(system, 'name', names)}^elementISNOTEMPTY"
            found = self._instance.rows("sys_dictionary", query, ("name", "element", "max_length"), limit=_MOST).rows
        except Refused:
            return {table: TableFields(table, {}, readable=False) for table in tables}
        return {table: _fields(table, families[table], found) for table in tables}


def _family(row: Row) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in _ABOVE if row.get(name))


def _fields(table: str, family: Sequence[str], found: Sequence[Row]) -> TableFields:
    lengths = {
        str(row["element"]): int(row["max_length"]) if str(row.get("max_length", "")).isdecimal() else 0
        for row in found
        if row.get("name") in family and row.get("element")
    }
    if not lengths:
        return TableFields(table, {}, readable=False)
    return TableFields(table, {**dict.fromkeys(_ALWAYS, 0), **lengths})
