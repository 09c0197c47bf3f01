"""Where the store of an installation is kept, and what can happen to it there: a file of SQLite, a schema of Postgres."""

import contextlib
import dataclasses
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, create_engine, text

from loopbot.store.schema import metadata

Free = Callable[[], object]


class Shelf(Protocol):
    """One store, from outside."""

    @property
    def url(self) -> str:
        """Where it is."""

    def words(self) -> Iterator[bytes]:
        """All that it holds, in pieces."""

    def locked(self) -> contextlib.AbstractContextManager[Free]:
        """Held by somebody else, who lets whoever only reads go on; what is given frees it."""

    def set_version(self, version: str) -> None:
        """Say that a loopbot of this version wrote it."""


@dataclasses.dataclass(frozen=True)
class File:
    """A file of SQLite."""

    path: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def words(self) -> Iterator[bytes]:
        for path in sorted(self.path.parent.glob(f"{self.path.name}*")):
            yield path.read_bytes()

    @contextlib.contextmanager
    def locked(self) -> Iterator[Free]:
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield other.rollback

    def set_version(self, version: str) -> None:
        with contextlib.closing(sqlite3.connect(self.path)) as other, other:
            other.execute("UPDATE alembic_version SET version_num = ?", (version,))


@dataclasses.dataclass(frozen=True)
class Schema:
    """A schema of Postgres, whose server lets nobody wait for a lock longer than it says."""

    server: str
    lock_timeout: str = "30s"

    @property
    def url(self) -> str:
        return f"{self.server}+-clock_timeout%3D{self.lock_timeout}&application_name={self.name}"

    @property
    def name(self) -> str:
        (found,) = re.findall(r"search_path%3D(\w+)", self.server)
        return found

    def words(self) -> Iterator[bytes]:
        with self._beside() as other:
            for name in (*metadata.tables, "alembic_version"):
                for row in other.scalars(text(f"SELECT one::text FROM {name} AS one ORDER BY 1")):  # noqa: S608 - our own names
                    yield str(row).encode()

    @contextlib.contextmanager
    def locked(self) -> Iterator[Free]:
        with self._beside() as other:
            other.execute(text(f"LOCK TABLE {', '.join(metadata.tables)} IN EXCLUSIVE MODE"))
            yield other.rollback

    def set_version(self, version: str) -> None:
        with self._beside() as other:
            other.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
            other.commit()

    def hang_up(self) -> int:
        """End every connection that loopbot has to it, as a restart of the server does; how many there were."""
        query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = :name"
        with self._beside() as other:
            return int(other.scalar(text(query), {"name": self.name}) or 0)

    @contextlib.contextmanager
    def _beside(self) -> Iterator[Connection]:
        engine = create_engine(self.server)
        try:
            with engine.connect() as other:
                yield other
        finally:
            engine.dispose()
