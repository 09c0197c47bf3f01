"""Which service depends on which: cmdb_rel_ci, read whole once in a while, as rows that go leave no trace in it.

In a relation the parent needs the child ("Depends on::Used by", "Runs on::Runs"): what is done to the child can hurt the parent.
"""

from collections.abc import Iterator
from datetime import datetime

from connectors.servicenow.instance import Instance, Rows
from connectors.servicenow.query import Filter, joined, where
from connectors.servicenow.rows import value
from connectors.servicenow.settings import DependencyTable
from loopbot.domain.errors import BrokenAnswer
from loopbot.ports import Clock, Cursor, Page

FIELDS = ("sys_id", "parent.name", "child.name")
STREAM = "dependency"


class DependencySource:
    """The relations as a stream of one page; between two readings it costs no call."""

    def __init__(self, instance: Instance, settings: DependencyTable, clock: Clock, page_size: int) -> None:
        self._instance, self._settings, self._clock, self._size = instance, settings, clock, page_size
        self._filter = Filter.parse(f"{self.stream}, query", settings.query)

    @property
    def stream(self) -> str:
        """Its name."""
        return f"{self._instance.system}:{STREAM}"

    def read(self, cursor: Cursor) -> Iterator[Page]:
        """All of them, where the last reading is older than `every`. Raises what reading rows raises."""
        now = self._clock.now()
        if cursor.position and now - _moment(cursor, self.stream) < self._settings.every:
            return
        found: dict[str, set[str]] = {}
        rows = calls = offset = 0
        after, there = "", None
        while True:
            asked = self._ask(after, offset)
            there = asked.total if not calls else there
            calls += 1
            rows += len(asked.rows)
            for row in asked.rows:
                parent, child = value(row, "parent.name"), value(row, "child.name")
                if parent and child and parent != child:
                    found.setdefault(parent, set()).add(child)
            if self._ended(asked, offset) or rows >= self._settings.most:
                break
            idents = [ident for row in asked.rows if (ident := value(row, "sys_id"))]
            if idents and idents[-1] <= after:
                raise BrokenAnswer(self._instance.system, f"a page of {self.stream} repeats rows", "it is read again")
            after, offset = (idents[-1], 0) if idents else (after, offset + max(self._size // 2, 1))
        depends = {service: tuple(sorted(on)) for service, on in sorted(found.items())}
        yield Page((), Cursor(now.isoformat()), rows, calls=calls, depends=depends, there=there)

    def count(self) -> int | None:
        """Not asked: relations are no records."""
        return None

    def _ask(self, after: str, offset: int) -> Rows:
        beyond = where(self._instance.system, "sys_id", ">", after) if after else ""
        query = joined(beyond, str(self._filter), "ORDERBYsys_id")
        return self._instance.rows(self._settings.table, query, FIELDS, limit=self._size, offset=offset)

    def _ended(self, asked: Rows, offset: int) -> bool:
        """A short page says nothing, as access rules thin it; what is left is told by the total."""
        if asked.total is None:
            return not asked.rows and not asked.more
        return asked.total <= offset + self._size


def _moment(cursor: Cursor, stream: str) -> datetime:
    try:
        return datetime.fromisoformat(cursor.position)
    except ValueError as error:
        system = stream.partition(":")[0]
        raise BrokenAnswer(system, f"the kept position of {stream} can not be read", "reset the stream") from error
