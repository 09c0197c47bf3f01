"""Finds the rows of an encoded query, in its order; a query bounded by sys_updated_on walks the index, not the table."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from loopbot.sandbox.servicenow import scripts
from loopbot.sandbox.servicenow.matching import Getter, Test, sort_key, tester
from loopbot.sandbox.servicenow.query import Condition, Group, Query, parse
from loopbot.sandbox.servicenow.rows import Row, Rows

STAMPED = "sys_updated_on"
_BOUNDS = frozenset({">=", ">", "<=", "<", "=", "BETWEEN"})


@dataclass(frozen=True, slots=True)
class _Plan:
    query: Query
    test: Test
    low: str
    high: str
    exact: bool
    """The bounds alone decide: no row between them needs to be tested."""


class Search:
    """Queries over the rows; remembers what it parsed, and what it was made to evaluate or ignored."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.evaluated: list[str] = []
        """Scripts that came in as `javascript:` values and were run, as the instance runs them."""
        self.ignored: list[tuple[str, str]] = []
        """Table and part of each query part that was ignored."""
        self._planned = lru_cache(maxsize=512)(self._plan)

    def forget(self) -> None:
        """The schema changed: what was parsed may mean something else now."""
        self._planned.cache_clear()

    def matching(self, table: str, text: str, user: scripts.Asker) -> list[Row]:
        """All rows that the query lets through, in order; visibility and ACLs are the caller's."""
        with self.rows.lock:
            plan = self._plan(table, text, user) if "javascript:" in text else self._planned(table, text, None)
            self.ignored.extend((table, part) for part in plan.query.ignored)
            if plan.query.ignored and self._strict():
                return []
            order = plan.query.order
            by_stamp = order[:1] == ((STAMPED, False),) and order[1:] in {(), (("sys_id", False),)}
            if by_stamp or plan.low or plan.high:
                found = self.rows.span(table, plan.low, plan.high)
            else:
                found = list(self._candidates(table, plan.query))
            if not plan.exact:
                found = [row for row in found if plan.test(row)]
            return found if by_stamp else self._sorted(table, found, order)

    def getter(self, table: str, dotted: str) -> Getter:
        """Reads a (dot-walked) field of a row; a broken reference reads as empty."""
        path = self.rows.schema.path(table, dotted) or ()
        if len(path) == 1:
            name = path[0].name
            return lambda row: row.get(name, "")

        def walk(row: Row | None) -> str:
            for field in path[:-1]:
                found = self.rows.find(field.reference, row.get(field.name, "")) if row else None
                row = found[1] if found else None
            return row.get(path[-1].name, "") if row and path else ""

        return walk  # type: ignore[return-value]  # a Row is a Mapping

    def shown(self, table: str, dotted: str) -> Callable[[Row], str]:
        """The value that rows are ordered by: what a reference shows, else the field's own."""
        path = self.rows.schema.path(table, dotted) or ()
        read = self.getter(table, dotted)
        target = path[-1].reference if path else ""
        if not target or target not in self.rows.schema.tables:
            return read
        display = self.rows.schema.tables[target].display

        def named(row: Row) -> str:
            found = self.rows.find(target, read(row))
            return found[1].get(display, "") if found else read(row)

        return named

    def kind(self, table: str, dotted: str) -> str:
        """The type of a (dot-walked) field."""
        path = self.rows.schema.path(table, dotted)
        return path[-1].type if path else "string"

    def _plan(self, table: str, text: str, user: scripts.Asker | None) -> _Plan:
        def script(source: str) -> str:
            self.evaluated.append(source)
            return scripts.run(source, user, self.rows.now())

        query = self._widened(parse(text, lambda name: self.rows.schema.path(table, name) is not None, script))
        test = tester(query, lambda name: self.getter(table, name), lambda name: self.kind(table, name))
        low, high = _bounds(query)
        exact = not query.groups or (len(query.groups) == 1 and all(_inclusive(clause) for clause in query.groups[0]))
        return _Plan(query, test, low, high, exact)

    def _widened(self, query: Query) -> Query:
        """INSTANCEOF spelt out: the class and all that extend it."""

        def spelt(one: Condition) -> Condition:
            if one.operator != "INSTANCEOF" or one.value not in self.rows.schema.tables:
                return one
            return replace(one, operator="IN", value=",".join(self.rows.schema.family(one.value)))

        groups = tuple(tuple(tuple(map(spelt, clause)) for clause in group) for group in query.groups)
        return replace(query, groups=groups)

    def _candidates(self, table: str, query: Query) -> list[Row]:
        """Rows worth testing: those named by sys_id or number where every group names some, else all."""
        named: dict[str, Row] = {}
        for group in query.groups:
            keys = next((_keys(clause) for clause in group if _keys(clause) is not None), None)
            if keys is None:
                return list(self.rows.all(table))
            for key in keys:
                found = self.rows.find(table, key)
                if found:
                    named[found[1]["sys_id"]] = found[1]
        return list(named.values()) if query.groups else list(self.rows.all(table))

    def _sorted(self, table: str, found: list[Row], order: tuple[tuple[str, bool], ...]) -> list[Row]:
        for field, descending in reversed(order):
            read, kind = self.shown(table, field), self.kind(table, field)
            found = sorted(
                found,
                key=lambda row, read=read, kind=kind: sort_key(read(row), kind),  # type: ignore[misc]
                reverse=descending,
            )
        return found

    def _strict(self) -> bool:
        return any(
            row.get("name") == "glide.invalid_query.returns_no_rows" and row.get("value") == "true"
            for row in self.rows.all("sys_properties")
        )


def _inclusive(clause: tuple[Condition, ...]) -> bool:
    return len(clause) == 1 and clause[0].field == STAMPED and clause[0].operator in {">=", "<=", "="}


def _keys(clause: tuple[Condition, ...]) -> list[str] | None:
    """The sys_ids or numbers that a clause asks for, if it asks for nothing else."""
    if len(clause) != 1 or clause[0].field not in {"sys_id", "number"} or clause[0].operator not in {"=", "IN"}:
        return None
    one = clause[0]
    if one.field == "number" and one.value != one.value.upper():
        return None
    return one.value.split(",") if one.operator == "IN" else [one.value]


def _bounds(query: Query) -> tuple[str, str]:
    """The stamps between which all rows of the query lie; "" where there is no bound."""
    if not query.groups:
        return "", ""
    lows, highs = zip(*(_group_bounds(group) for group in query.groups), strict=True)
    return ("" if "" in lows else min(lows)), ("" if "" in highs else max(highs))


def _group_bounds(group: Group) -> tuple[str, str]:
    low = high = ""
    for clause in group:
        if len(clause) != 1 or clause[0].field != STAMPED or clause[0].operator not in _BOUNDS or not clause[0].value:
            continue
        one = clause[0]
        first, _, last = one.value.partition("@") if one.operator == "BETWEEN" else (one.value, "", one.value)
        if one.operator in {">=", ">", "=", "BETWEEN"}:
            low = max(low, first)
        if one.operator in {"<=", "<", "=", "BETWEEN"}:
            high = min(high, last) if high else last
    return low, high
