"""Reading a table without loss: keyset order (sys_updated_on, sys_id), an overlap, and no trust in short pages.

Why pages end where they do: the limit applies before access rules thin a page, so a short or empty page says nothing.
X-Total-Count (counted before the rules as well) says how many rows are left in the window. From a page with visible rows
the next one starts after the last of them. A page with none is stepped over by offset, half a page at a time, so that
rows that slide forward while others move out of the window are still met.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import orjson

from connectors.servicenow.articles import ROWS_A_CALL, ArticleShape
from connectors.servicenow.dictionary import Dictionary
from connectors.servicenow.instance import Instance, Row, Rows
from connectors.servicenow.mapping import Shape
from connectors.servicenow.query import Filter, stamp, where, window
from connectors.servicenow.rows import UnmappableError, key_of, value
from loopbot.domain.errors import BrokenAnswer, ConfigError, Rejected
from loopbot.domain.records import Record
from loopbot.domain.texts import clean
from loopbot.ports import Cursor, Page, Unmapped

Key = tuple[str, str]
_BEGINNING: Key = ("", "")


@dataclass(frozen=True, slots=True)
class Pace:
    """How a table is read: seconds of overlap, rows a call."""

    overlap: float
    page_size: int


class TableSource:
    """One table as a stream."""

    def __init__(self, instance: Instance, dictionary: Dictionary, shape: Shape | ArticleShape, pace: Pace) -> None:
        self._instance, self._dictionary, self._shape = instance, dictionary, shape
        most = ROWS_A_CALL if shape.kind == "article" else pace.page_size
        self._pace = replace(pace, page_size=min(pace.page_size, most))
        name = shape.table.table if shape.kind == "feedback" else shape.kind
        self._stream = f"{shape.system}:{name}"
        self._filter = Filter.parse(f"{self._stream}, query", shape.table.query)
        self._fields: tuple[str, ...] = ()

    @property
    def stream(self) -> str:
        """Its name."""
        return self._stream

    def read(self, cursor: Cursor) -> Iterator[Page]:
        """Pages from the cursor (less the overlap) to what the table held when the first page was asked for."""
        self._prepare()
        newest = self._position(cursor)
        since = _earlier(newest[0], self._pace.overlap) if newest[0] else ""
        after: Key | None = None
        offset, visible, there = 0, 0, None
        while True:
            asked = self._ask(after, since, offset)
            keys = self._keys(asked, after, since)
            there = asked.total if there is None else there
            visible += len(asked.rows)
            newest = max(newest, keys[-1]) if keys else newest
            ended = self._ended(asked, offset) or (there is not None and visible >= there)
            page = self._page(asked, newest, there)
            del asked  # the rows themselves: not held while the page is committed and the next one is read
            yield page
            del page
            if ended:
                return
            if keys:
                after, offset = keys[-1], 0
            else:
                offset += self._pace.page_size // 2

    def count(self) -> int | None:
        """How many rows fit the filter now; like all counts of the instance, before access rules."""
        self._prepare()
        return self._instance.rows(self._shape.table.table, str(self._filter), ("sys_id",), limit=1).total

    def look(self, record: Record) -> Record | None:
        """The row itself, by its sys_id; None where the table holds none, also none that access rules hide.

        Raises Rejected where it is there and may not be seen. An article that may not be seen is none: nobody is shown it.
        """
        self._prepare()
        shape = self._shape
        system, table = shape.system, shape.table.table
        found = self._instance.rows(table, where(system, "sys_id", "=", record.ident), self._fields, limit=1)
        if found.rows:
            try:
                return shape.record(found.rows[0])
            except UnmappableError as error:
                raise BrokenAnswer(system, f"{record.ref.key} can not be read: {error}") from error
        if found.total == 0 or shape.kind == "article":
            return None
        raise Rejected(system, f"{record.ref.key} is in {table} and the account may not see it", "give it read access")

    def _prepare(self) -> None:
        """Look the fields up once: what the filter or the record needs must exist, the rest is left out."""
        if self._fields:
            return
        table, shape = self._shape.table.table, self._shape
        known = self._dictionary.of(table)
        if self._filter.fields and not known.readable:
            raise ConfigError(
                f"{self._stream}, query",
                "its fields can not be checked: the account may not read sys_dictionary",
                "let it read sys_dictionary, or remove the query",
            )
        self._dictionary.require(table, self._filter.fields, f"query of {self._stream}")
        self._dictionary.require(table, shape.essential, self._stream)
        self._shape = self._dictionary.fit(shape)
        self._fields = tuple(dict.fromkeys((*self._shape.fields, *self._filter.fields)))

    def _position(self, cursor: Cursor) -> Key:
        if not cursor.position:
            return _BEGINNING
        try:
            kept = orjson.loads(cursor.position)
            at, ident, mark = str(kept["at"]), str(kept["id"]), str(kept.get("of", ""))
            datetime.fromisoformat(at)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise BrokenAnswer(
                self._shape.system, f"the kept position of {self._stream} can not be read", "reset the stream"
            ) from error
        return (at, ident) if mark == self._shape.mark else _BEGINNING

    def _ask(self, after: Key | None, since: str, offset: int) -> Rows:
        query = window(self._filter, after, since)
        return self._instance.rows(
            self._shape.table.table, query, self._fields, limit=self._pace.page_size, offset=offset
        )

    def _keys(self, asked: Rows, after: Key | None, since: str) -> list[Key]:
        """The places of the rows, each checked: what lies outside the window, or backwards, is no answer to the query."""
        keys = [key for key in map(key_of, asked.rows) if key is not None]
        if asked.rows and not keys:
            raise BrokenAnswer(
                self._shape.system,
                f"the account may not see sys_updated_on and sys_id of {self._shape.table.table}",
                "give it read access to both fields",
            )
        floor = after or (since, "")
        for key in keys:
            if key < floor or key == after:
                why = "repeats rows" if after else "holds rows from before the time that was asked for"
                raise BrokenAnswer(
                    self._shape.system,
                    f"a page of {self._stream} {why} ({key[0]})",
                    "is the account's time zone UTC, and its query not rewritten on the way?",
                )
            floor = key
        return keys

    def _ended(self, asked: Rows, offset: int) -> bool:
        if asked.total is None:
            return not asked.rows and not asked.more
        return asked.total <= offset + self._pace.page_size

    def _page(self, asked: Rows, newest: Key, there: int | None) -> Page:
        records, unmapped = [], []
        for row in asked.rows:
            found = self._mapped(row)
            if isinstance(found, Unmapped):
                unmapped.append(found)
            elif found is not None:
                records.append(found)
        return Page(tuple(records), Cursor(self._kept(newest)), len(asked.rows), tuple(unmapped), there=there)

    def _kept(self, newest: Key) -> str:
        if not newest[0]:
            return ""
        mark = {"of": self._shape.mark} if self._shape.mark else {}
        return orjson.dumps({"at": newest[0], "id": newest[1]} | mark).decode()

    def _mapped(self, row: Row) -> Record | Unmapped | None:
        hidden = [name for name in self._filter.fields if name not in row]
        if not hidden and not self._filter.holds(row):
            return None
        try:
            if not hidden:
                return self._shape.record(row)
            why = f"the account may not see {', '.join(hidden)}, which the query needs"
        except UnmappableError as error:
            why = str(error)
        ident = value(row, self._shape.number) or value(row, "sys_id") or "?"
        return Unmapped(clean(ident, 200), why, clean(value(row, self._shape.title) or "", 80))


def _earlier(at: str, seconds: float) -> str:
    return stamp(datetime.fromisoformat(at).replace(tzinfo=UTC) - timedelta(seconds=seconds))
