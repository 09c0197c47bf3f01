"""Engines and transactions: what differs between SQLite and Postgres stands here and nowhere else.

SQLite: one writer at a time in this process (a lock) and over all processes (`BEGIN IMMEDIATE`), in WAL mode, so that
readers never wait. SQLAlchemy's defaults would let two transactions read the same value and both write it back.

Postgres: READ COMMITTED and row locks for writing, one REPEATABLE READ snapshot for reading.
"""

import contextlib
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from sqlalchemy import (
    Connection,
    Engine,
    event,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import QueuePool

from loopbot.domain.errors import ConfigError, StoreTrouble
from loopbot.ports import Clock
from loopbot.store import backups
from loopbot.store.engines import engine_like, keep
from loopbot.store.work import Work

BUSY_SECONDS = 30.0
ROOM = 64_000_000
REMEDY = "stop loopbot, then: loopbot db restore BACKUP, or without one: loopbot db rebuild"
# Our own transactions pause for as long as rules take to judge a page. Where the server or the URL sets a limit, that one holds.
_LIMIT_IDLENESS = """
SELECT set_config('idle_in_transaction_session_timeout', '60s', false)
WHERE current_setting('idle_in_transaction_session_timeout') = '0'
"""
SHAPES = "sqlite:///path/to/loopbot.db or postgresql+psycopg://user@host/database"


@dataclass(slots=True)
class Database:
    """The engines of one database and the way to open a transaction on them."""

    url: URL
    writer: Engine
    reader: Engine
    clock: Clock | None
    lock: AbstractContextManager[object]
    _inside: threading.local = field(default_factory=threading.local)

    @contextmanager
    def writing(self, *, keep: bool = True) -> Iterator[Work]:
        """A transaction that is committed at the end, or rolled back (an exception, or keep=False)."""
        if getattr(self._inside, "writing", False):
            message = "a write transaction was begun inside another one of the same thread"
            raise RuntimeError(message)
        self._inside.writing = True
        try:
            with self.lock, self.writer.connect() as connection, connection.begin() as transaction:
                yield Work(connection, self.clock)
                if not keep:
                    transaction.rollback()
        except DBAPIError as trouble:
            if known := known_trouble(trouble, self.url):
                raise known from trouble
            raise
        finally:
            self._inside.writing = False

    @contextmanager
    def reading(self) -> Iterator[Work]:
        """One consistent view; the database itself refuses writes."""
        with self.reader.connect() as connection, connection.begin() as transaction:
            yield Work(connection, self.clock, looking=True)
            transaction.rollback()

    def short_of_room(self) -> str:
        """Why nothing should be sent now: little is left of the disk that holds a SQLite database; else ""."""
        if self.url.get_backend_name() != "sqlite":
            return ""
        free = shutil.disk_usage(Path(str(self.url.database)).parent).free
        if free >= ROOM:
            return ""
        return f"only {free // 1_000_000} MB are free where {self.url.database} is; make room ({ROOM // 1_000_000} MB)"

    def backup(self, path: Path) -> None:
        """A consistent copy of a SQLite database while it is in use; there whole, or not at all."""
        if self.url.get_backend_name() != "sqlite":
            raise ConfigError(shown(self.url), "a Postgres database is not copied by loopbot", "use pg_dump")
        raw = self.reader.raw_connection()
        try:
            backups.copy(cast("sqlite3.Connection", raw.driver_connection), path)
        finally:
            raw.close()

    def close(self) -> None:
        """Let go of all connections."""
        self.writer.dispose()
        self.reader.dispose()


def known_trouble(trouble: DBAPIError, url: URL) -> StoreTrouble | None:
    """What is told about a SQLite database that can not be written: the disk, damage, or whoever holds it."""
    if url.get_backend_name() != "sqlite":
        return None
    said, where = str(trouble.orig), str(url.database)
    if "disk is full" in said or "disk I/O error" in said:
        return StoreTrouble(
            where, f"nothing can be written: {said}", "make room on the disk; loopbot goes on by itself"
        )
    if "malformed" in said or "not a database" in said:
        return StoreTrouble(where, f"the file is damaged: {said}", REMEDY)
    if "locked" in said or "busy" in said:
        why = f"someone else held it for more than {BUSY_SECONDS:.0f} s"
        return StoreTrouble(where, why, "nothing was lost; it is tried again")
    return None


def connect(url: str, clock: Clock | None, holder: str) -> Database:
    """The database at that URL, reached once; raises ConfigError where it can not be used."""
    parsed = _parse(url)
    database = _sqlite(parsed, clock) if parsed.get_backend_name() == "sqlite" else _postgres(parsed, clock, holder)
    try:
        with database.writing():
            pass
    except StoreTrouble as trouble:
        database.close()
        raise ConfigError(trouble.where, trouble.why, trouble.hint) from trouble
    except DBAPIError as trouble:
        database.close()
        why = str(trouble.orig).strip().splitlines()[0]
        raise ConfigError(shown(parsed), f"the database can not be used: {why}", _remedy(parsed)) from trouble
    keep(database.writer)
    return database


def shown(url: URL) -> str:
    """The URL as people may see it."""
    return url.render_as_string(hide_password=True)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as trouble:
        # Not the text itself: a mistyped URL may hold a password.
        raise ConfigError("store url", "this is not a database loopbot can use", f"write {SHAPES}") from trouble
    if parsed.get_backend_name() == "sqlite" and parsed.database not in {None, "", ":memory:"}:
        return parsed
    if parsed.drivername == "postgresql+psycopg":
        return parsed
    raise ConfigError("store url", f"{shown(parsed)} is not a database loopbot can use", f"write {SHAPES}")


def _remedy(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return "look whether the folder exists and may be written to, and whether the file is loopbot's"
    return "look whether the server runs, and whether the user may connect and create tables"


def _sqlite(url: URL, clock: Clock | None) -> Database:
    with contextlib.suppress(OSError):  # told when it is opened
        # What tickets say is not for every user of the machine; the files beside it follow its mode.
        Path(str(url.database)).touch(mode=0o600, exist_ok=True)

    def engine(size: int, model: Engine | None = None) -> Engine:
        return engine_like(
            model,
            url,
            poolclass=QueuePool,
            pool_size=size,
            max_overflow=0 if size == 1 else 8,
            pool_use_lifo=True,  # one reader after another finds its pages and statements in one cache
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        )

    writer = engine(1)
    reader = engine(2, writer)

    @event.listens_for(writer, "connect")
    def prepare_writer(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # or the driver begins transactions of its own, too late
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL, although NORMAL is the usual choice for WAL: a power cut may not undo the commit that marked an effect
        # as on its way, or it would be sent a second time. It costs one fsync a commit, and commits are few.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(reader, "connect")
    def prepare_reader(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA cache_size = -512")  # KiB; the system holds the file's pages anyway

    @event.listens_for(writer, "begin")
    def begin_writing(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(reader, "begin")
    def begin_reading(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return Database(url, writer, reader, clock, threading.Lock())


def _postgres(url: URL, clock: Clock | None, holder: str) -> Database:
    options: dict[str, Any] = {"application_name": f"loopbot {holder}"[:63], "connect_timeout": 10}
    options = {name: value for name, value in options.items() if name not in url.query}
    engine = engine_like(
        None,
        url,
        isolation_level="READ COMMITTED",
        pool_size=2,
        max_overflow=8,
        pool_pre_ping=True,  # the server may have been restarted since
        connect_args=options,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        # A process that is paused inside a transaction, or whose host is gone, would keep its locks from all others.
        with connection.cursor() as cursor:
            cursor.execute(_LIMIT_IDLENESS)
        connection.commit()

    reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Database(url, engine, reader, clock, nullcontext())
