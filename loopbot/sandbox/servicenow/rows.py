"""The rows of all tables in memory, with an index by (sys_updated_on, sys_id) and rows that become visible later."""

import heapq
import threading
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from loopbot.sandbox.servicenow.schema import Schema

Row = dict[str, str]
Place = tuple[str, str]
"""sys_updated_on and sys_id."""
STAMP = "%Y-%m-%d %H:%M:%S"


def stamp(moment: datetime) -> str:
    """A moment as the instance writes it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime(STAMP)


class Seen(dict[str, str]):
    """A row as people see it: a field that holds nothing reads "", one that does not exist is a KeyError."""

    def __init__(self, row: Row, known: Mapping[str, object]) -> None:
        super().__init__(row)
        self._known = known

    def __missing__(self, field: str) -> str:
        if field in self._known:
            return ""
        raise KeyError(field)


class Rows:
    """Storage; a row is never changed in place, only replaced. Hold `lock` over anything that takes several steps."""

    def __init__(self, schema: Schema, now: Callable[[], datetime]) -> None:
        self.schema, self.now = schema, now
        self.lock = threading.RLock()
        self._tables: dict[str, dict[str, Row]] = {}
        self._places: dict[str, list[Place]] = {}
        self._numbers: dict[tuple[str, str], str] = {}
        self._late: list[tuple[datetime, int, str, Row]] = []
        self._counter = 0

    def put(self, table: str, row: Row) -> None:
        """Insert or replace, at once."""
        with self.lock:
            self._unplace(table, row["sys_id"])
            self._tables.setdefault(table, {})[row["sys_id"]] = row
            insort(self._places.setdefault(table, []), _place(row))
            if "number" in row:
                self._numbers[table, row["number"]] = row["sys_id"]

    def put_late(self, table: str, row: Row, seconds: float) -> None:
        """Insert or replace with the stamps it has now, to be seen only in `seconds`: a long transaction."""
        with self.lock:
            self._counter += 1
            heapq.heappush(self._late, (self.now() + timedelta(seconds=seconds), self._counter, table, row))

    def remove(self, table: str, sys_id: str) -> None:
        """Delete a row for good."""
        with self.lock:
            row = self._tables[table][sys_id]
            self._unplace(table, sys_id)
            del self._tables[table][sys_id]
            self._numbers.pop((table, row.get("number", "")), None)

    def settle(self) -> None:
        """Let rows appear whose time has come."""
        with self.lock:
            while self._late and self._late[0][0] <= self.now():
                _, _, table, row = heapq.heappop(self._late)
                self.put(table, row)

    def find(self, table: str, key: str) -> tuple[str, Row] | None:
        """The row by sys_id or number, in the table or one that extends it, and the table it lives in."""
        with self.lock:
            for one in self.schema.family(table):
                rows = self._tables.get(one)
                if rows is None:
                    continue
                row = rows.get(key) or rows.get(self._numbers.get((one, key), ""))
                if row is not None:
                    return one, row
        return None

    def unseen(self, table: str, key: str) -> tuple[str, Row] | None:
        """A row that is still to appear."""
        with self.lock:
            family = self.schema.family(table)
            for _, _, one, row in sorted(self._late, key=lambda late: late[1], reverse=True):
                if one in family and key in {row["sys_id"], row.get("number")}:
                    return one, row
        return None

    def all(self, table: str) -> Iterator[Row]:
        """The rows of a table and of those that extend it, oldest insert first."""
        for one in self.schema.family(table):
            yield from self._tables.get(one, {}).values()

    def span(self, table: str, low: str, high: str) -> list[Row]:
        """Rows stamped from `low` to `high` (both included; "" is open), in order of sys_updated_on and sys_id."""
        parts = []
        for one in self.schema.family(table):
            rows, places = self._tables.get(one), self._places.get(one)
            if rows and places:
                start = bisect_left(places, (low, ""))
                # "~" sorts after every stamp's and every sys_id's characters.
                end = bisect_left(places, (high or "~", "~"))
                parts.append([(place, rows[place[1]]) for place in places[start:end]])
        if len(parts) == 1:
            return [row for _, row in parts[0]]
        return [row for _, row in heapq.merge(*parts, key=lambda pair: pair[0])]

    def _unplace(self, table: str, sys_id: str) -> None:
        old = self._tables.get(table, {}).get(sys_id)
        if old is not None:
            places = self._places[table]
            del places[bisect_left(places, _place(old))]


def _place(row: Row) -> Place:
    return row.get("sys_updated_on", ""), row["sys_id"]
