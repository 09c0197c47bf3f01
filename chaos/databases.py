"""Stores for short runs: a prepared file copied to memory, or one schema of a Postgres that is emptied between runs.

`python -m chaos.databases` exits with 1 where no Postgres answers.
"""

import os
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal, Protocol

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from loopbot.store import open_store
from loopbot.store.schema import metadata

Kind = Literal["sqlite", "postgres"]
POSTGRES = os.environ.get("LOOPBOT_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of ours is made in it


class Databases(Protocol):
    """Gives out empty databases, one after the other."""

    def fresh(self) -> str:
        """The URL of an empty, migrated database; the one before is gone."""

    def words(self) -> Iterator[bytes]:
        """Everything the present one holds, in pieces."""


@contextmanager
def databases(kind: Kind) -> Iterator[Databases]:
    """Databases of a kind for the length of a block."""
    if kind == "postgres":
        with _schema() as one:
            yield one
    else:
        with tempfile.TemporaryDirectory(dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None) as folder:
            yield _Files(Path(folder))


@cache
def _with_tables() -> bytes:
    """A file with all tables, and nothing in them: made once, as a run may be short."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        open_store(f"sqlite:///{path}").close()
        return path.read_bytes()


class _Files:
    def __init__(self, folder: Path) -> None:
        self._folder, self._number = folder, 0

    def fresh(self) -> str:
        for old in self._folder.glob("run-*"):
            old.unlink()
        self._number += 1
        path = self._folder / f"run-{self._number}.db"
        path.write_bytes(_with_tables())
        return f"sqlite:///{path}"

    def words(self) -> Iterator[bytes]:
        for path in self._folder.glob("run-*"):
            yield path.read_bytes()


class _Tables:
    def __init__(self, url: str) -> None:
        self._url = url
        self._engine = create_engine(url, isolation_level="AUTOCOMMIT")
        self._names = ", ".join(metadata.tables)

    def fresh(self) -> str:
        with self._engine.connect() as connection:
            connection.execute(text(f"TRUNCATE {self._names} RESTART IDENTITY CASCADE"))
        return self._url

    def words(self) -> Iterator[bytes]:
        with self._engine.connect() as connection:
            for name in metadata.tables:
                for row in connection.execute(text(f"SELECT to_jsonb(one)::text FROM {name} AS one")):  # noqa: S608
                    yield str(row[0]).encode()

    def close(self) -> None:
        """Let go of the connection."""
        self._engine.dispose()


@contextmanager
def _schema() -> Iterator[_Tables]:
    name = f"loopbot_chaos_{uuid.uuid4().hex[:12]}"
    engine = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    # Nobody cuts the power here: there is nothing to wait for at each commit.
    options = f"-csearch_path={name} -csynchronous_commit=off"
    url = make_url(POSTGRES).update_query_dict({"options": options}).render_as_string(hide_password=False)
    open_store(url).close()
    tables = _Tables(url)
    try:
        yield tables
    finally:
        tables.close()
        with engine.connect() as connection:
            # Daemons keep their jobs in a schema beside it.
            query = text("SELECT nspname FROM pg_namespace WHERE nspname = :name OR starts_with(nspname, :jobs)")
            for found in connection.scalars(query, {"name": name, "jobs": f"{name}_jobs_"}).all():
                connection.execute(text(f'DROP SCHEMA "{found}" CASCADE'))
        engine.dispose()


def answering() -> bool:
    """Whether a Postgres answers where it is looked for."""
    engine = create_engine(POSTGRES, connect_args={"connect_timeout": 3})
    try:
        with engine.connect():
            return True
    except OperationalError:
        return False
    finally:
        engine.dispose()


if __name__ == "__main__":
    sys.exit(not answering())
