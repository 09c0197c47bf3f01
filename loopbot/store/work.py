"""One open transaction: its connection, its moment, and how the two databases say the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import orjson
from sqlalchemy import ARRAY, ColumnElement, Connection, Table, Text, bindparam, func, literal, select
from sqlalchemy.dialects import sqlite

from loopbot.ports import Clock
from loopbot.store import schema
from loopbot.store.codec import clean

_TURN = select(schema.turn.c.name).where(schema.turn.c.name == bindparam("mine", type_=Text)).with_for_update()


@dataclass(slots=True)
class Work:
    """One open transaction: its connection and its moment."""

    connection: Connection
    clock: Clock | None
    moment: datetime | None = None
    looking: bool = False
    """Whether nothing may be written."""

    def now(self) -> datetime:
        """The time of this transaction, the same to its end.

        The injected clock's; else the database's where several hosts share it, else this machine's.
        """
        if self.moment is None:
            self.moment = self._ask().astimezone(UTC)
        return self.moment

    def _ask(self) -> datetime:
        if self.clock is not None:
            return self.clock.now()
        if self.shared:
            return cast("datetime", self.connection.scalar(select(func.clock_timestamp())))
        return datetime.now(UTC)

    def insert(self, table: Table) -> sqlite.Insert:
        """An INSERT that knows ON CONFLICT."""
        return inserting(self.shared, table)

    @property
    def shared(self) -> bool:
        """Whether other hosts may write to the same database at the same time."""
        return self.connection.dialect.name == "postgresql"

    def among(self, column: ColumnElement[Any], values: Iterable[str]) -> ColumnElement[bool]:
        """`column IN (values)` with all of them in one parameter: a parameter each is slow to compile."""
        return column.in_(select(self.each(values)))

    def each(self, values: Iterable[str]) -> ColumnElement[str]:
        """A column that holds the values, one a row."""
        if self.shared:
            return func.unnest(literal(self.several(values), ARRAY(Text)))
        return func.json_each(literal(self.several(values))).table_valued("value").c.value

    def several(self, values: Iterable[str]) -> list[str] | str:
        """What stands for all of the values in one parameter."""
        texts = [clean(value) for value in values]
        return texts if self.shared else orjson.dumps(texts).decode()

    def take_turn(self, name: str) -> None:
        """Wait until no other transaction has this turn, and keep it to the end of ours."""
        mine = {"mine": name}
        if self.connection.scalar(_TURN, mine) is None:
            self.connection.execute(self.insert(schema.turn).values(name=name).on_conflict_do_nothing())
            self.connection.execute(_TURN, mine)


def among_those(shared: bool, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:  # noqa: FBT001 - which database it is
    """The same as `Work.among` for a statement that is made once and run often: `name` is given `Work.several(values)`."""
    return column.in_(select(each_of(shared, name)))


def each_of(shared: bool, name: str) -> ColumnElement[Any]:  # noqa: FBT001 - which database it is
    """The same as `Work.each` for such a statement."""
    if shared:
        return func.unnest(bindparam(name, type_=ARRAY(Text)))
    return func.json_each(bindparam(name, type_=Text())).table_valued("value").c.value


def inserting(shared: bool, table: Table) -> sqlite.Insert:  # noqa: FBT001 - which database it is
    """An INSERT that knows ON CONFLICT. Both dialects have one, with the same methods and no common class."""
    if shared:
        from sqlalchemy.dialects import postgresql

        return cast("sqlite.Insert", postgresql.insert(table))
    return sqlite.insert(table)
