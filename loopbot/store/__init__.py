"""The store: SQLite or Postgres behind the ports, through the same SQLAlchemy Core statements.

A transaction is short and holds nothing remote. On SQLite writers queue and readers never wait; on Postgres rows are
locked where two hosts could disagree.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loopbot.ports import Clock
from loopbot.store.database import Database, connect
from loopbot.store.transaction import SqlTx
from loopbot.store.upgrade import Progress, silent, upgrade

__all__ = ["SqlStore", "SqlTx", "open_store"]


class SqlStore:
    """Where everything durable lives."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def shared(self) -> bool:
        """Whether nodes on several hosts may be at work on it: on Postgres."""
        return self._database.url.get_backend_name() == "postgresql"

    @contextmanager
    def write(self, *, keep: bool = True) -> Iterator[SqlTx]:
        """A transaction that commits at the end of the block; with keep=False it is rolled back (the dry run)."""
        with self._database.writing(keep=keep) as work:
            yield SqlTx(work)

    @contextmanager
    def read(self) -> Iterator[SqlTx]:
        """A transaction for looking: a consistent view, no writing."""
        with self._database.reading() as work:
            yield SqlTx(work)

    def backup(self, path: Path) -> None:
        """A consistent copy of a SQLite store while it is in use; raises ConfigError on Postgres."""
        self._database.backup(path)

    def short_of_room(self) -> str:
        """Why nothing should be sent now; "" while there is room on the disk."""
        return self._database.short_of_room()

    def close(self) -> None:
        """Let go of all connections."""
        self._database.close()


def open_store(url: str, *, clock: Clock | None = None, holder: str = "", progress: Progress = silent) -> SqlStore:
    """Open the store at `sqlite:///path` or `postgresql+psycopg://...`, brought to the schema of this code.

    Without a clock, time is the database's where several hosts share it, else this machine's; `holder` names this process
    to whoever looks at the server's connections; `progress` is told when an upgrade reads the mirror once more. Raises ConfigError for a database that can not be used or is newer.
    """
    database = connect(url, clock, holder or f"{socket.gethostname()}:{os.getpid()}")
    try:
        upgrade(database, progress)
    except BaseException:
        database.close()
        raise
    return SqlStore(database)
