"""Schemas of a Postgres that tests use one after the other: making the tables anew takes longer than most tests do."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, TextClause, create_engine, text
from sqlalchemy.engine import make_url

from loopbot.store.schema import metadata

# What names a row of another table comes before that one.
_TABLES = [table.name for table in reversed(metadata.sorted_tables)]
_HELD = text(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in _TABLES))  # noqa: S608 - our own names
# Nothing but its rows may have changed since it was made; what a table is called, holds and is found by is its shape.
_SHAPE = text(
    """
SELECT md5(string_agg(one, ' ' ORDER BY one)) || (SELECT version_num FROM alembic_version) FROM (
 SELECT format('%s %s %s', relname, relkind, relnatts) AS one FROM pg_class WHERE relnamespace = current_schema()::regnamespace
) AS every
"""
)
_NUMBERS = text("SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'S'")
_LOCKS = "2s"


def leading_to(server: str, schema: str) -> str:
    """The URL of a schema. No test cuts the power: there is nothing to wait for at each commit."""
    options = f"-csearch_path={schema} -csynchronous_commit=off"
    return make_url(server).update_query_dict({"options": options}).render_as_string(hide_password=False)


@contextmanager
def made(server: str) -> Iterator[str]:
    """The name of a new schema with nothing in it; it is dropped at the end."""
    schema = f"loopbot_test_{uuid.uuid4().hex[:12]}"
    with _administering(server) as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    try:
        yield schema
    finally:
        with _administering(server) as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))


@dataclass
class _Kept:
    """A schema, and a connection that stays: a new one would first have to learn of every table again."""

    name: str
    engine: Engine
    connection: Connection
    anew: TextClause

    def empty(self) -> None:
        """Remove all rows, and number new ones from one again."""
        held = set(self.connection.scalars(_HELD))
        for name in _TABLES:
            if name in held:
                self.connection.execute(text(f"DELETE FROM {name}"))  # noqa: S608 - our own names
        self.connection.execute(self.anew)

    def drop(self) -> None:
        self.connection.execute(text(f"DROP SCHEMA {self.name} CASCADE"))
        self.connection.close()
        self.engine.dispose()


@dataclass
class Schemas:
    """Schemas with all tables and nothing in them; what one test left is removed before the next one is lent it."""

    server: str
    tables: str
    _free: list[_Kept] = field(default_factory=list)
    _shape: str = ""

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The URL of one that nobody else uses."""
        kept = self._used() or self._new()
        try:
            yield leading_to(self.server, kept.name)
        finally:
            self._free.append(kept)

    def close(self) -> None:
        """Drop them all."""
        while self._free:
            self._free.pop().drop()

    def _used(self) -> _Kept | None:
        """One that was lent before, emptied; None where there is none, or where a test changed more of it than its rows."""
        if not self._free:
            return None
        kept = self._free.pop()
        if kept.connection.scalar(_SHAPE) != self._shape:
            kept.drop()
            return None
        kept.empty()
        return kept

    def _new(self) -> _Kept:
        name = f"loopbot_test_{uuid.uuid4().hex[:12]}"
        engine = create_engine(leading_to(self.server, name), isolation_level="AUTOCOMMIT")
        connection = engine.connect()
        connection.execute(text(f"CREATE SCHEMA {name}"))
        connection.exec_driver_sql(self.tables.replace("%", "%%"))
        connection.execute(text(f"SET lock_timeout = '{_LOCKS}'"))
        self._shape = self._shape or str(connection.scalar(_SHAPE))
        numbers = (f"setval('{one}', 1, false)" for one in connection.scalars(_NUMBERS))
        return _Kept(name, engine, connection, text(f"SELECT {', '.join(numbers)}"))


@contextmanager
def _administering(server: str) -> Iterator[Connection]:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
