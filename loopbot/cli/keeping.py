"""`loopbot db`: copies of the store, putting one back, beginning anew; none of it sends anything twice."""

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from loopbot.cli.opening import console, opened
from loopbot.cli.running import alone_on, progress
from loopbot.domain.errors import ConfigError
from loopbot.domain.phrasing import ago, counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopbot.store import SqlStore

_SQLITE = "sqlite:///"
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def back_up(config: Path, target: Path) -> None:
    """Copy a SQLite store, also while a daemon works on it."""
    with _store(_url(config)) as store:
        store.backup(target)
    console().print(f"{target}: a whole copy ({target.stat().st_size / 1e6:,.1f} MB).", markup=False)


def restore(config: Path, backup: Path) -> None:
    """Put a copy back; the former file is kept beside it."""
    from loopbot.store import backups

    database = _database(config, "psql and pg_restore put a Postgres database back; then: loopbot db restored")
    with alone_on(_url(config)):
        made = backups.inspected(backup)
        former = backups.put_back(backup, database)
        with _store(_url(config)) as store, store.write() as tx:
            doubtful = tx.outbox.doubt(made)
    out = console()
    out.print(f"Restored as it was {ago(made)}.", markup=False)
    if former is not None:
        out.print(f"The former store is kept: {former}", markup=False)
    _say_doubt(doubtful)


def restored(config: Path, since: datetime) -> None:
    """Say that the store was put back by other means, as it was at `since`."""
    if since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    with _store(_url(config)) as store, store.write() as tx:
        if since > tx.now():
            raise ConfigError(f"--since {since.isoformat()}", "lies in the future", "when was the backup made?")
        doubtful = tx.outbox.doubt(since)
    _say_doubt(doubtful)


def upgrade(config: Path) -> None:
    """Bring the store to the schema of this version, a copy being made first."""
    from loopbot.store import backups, schema

    url = _url(config)
    with alone_on(url):
        if url.startswith(_SQLITE):
            database = Path(url.removeprefix(_SQLITE))
            if database.exists():
                backups.check(database)
                _copy_before(database)
        with _store(url):
            pass
    console().print(f"The store has the schema of this version ({schema.REVISIONS[-1]}).", markup=False)


def rebuild(config: Path) -> None:
    """Begin with an empty store and read everything again; what was done is found by its marks."""
    from loopbot.store import backups
    from loopbot.usecases.ingest import ingest

    url = _url(config)
    with alone_on(url):
        if url.startswith(_SQLITE):
            former = backups.set_aside(Path(url.removeprefix(_SQLITE)))
            if former is not None:
                console().print(f"The former store is kept: {former}", markup=False)
        with opened(config) as here:
            with here.store.write() as tx:
                if tx.outbox.counts() or any(True for _ in tx.mirror.all()):
                    raise ConfigError(url.partition("@")[2] or url, "is not empty", "give loopbot an empty database")
                tx.outbox.doubt(_BEGINNING)
            read = []
            with progress(len(here.sources), "Reading", quiet=False) as step:
                for source in here.sources:
                    step(source.stream)
                    read.append(ingest(here.loop, source))
            with here.store.read() as tx:
                doubtful = sum(count for (_, state), count in tx.outbox.counts().items() if state == "uncertain")
    out = console()
    for one in read:
        if one is not None:
            out.print(f"{one.cycle.stream}: {counted(one.cycle.new, 'record')} {one.cycle.trouble}", markup=False)
    _say_doubt(doubtful)


def _say_doubt(doubtful: int) -> None:
    out = console()
    out.print(
        f"{counted(doubtful, 'effect')} may have been sent already. Each, and what the rules plan during the next day, is "
        "looked for before it is sent.",
        markup=False,
    )
    out.print("Go on with: loopbot run", markup=False)


def _copy_before(database: Path) -> None:
    import sqlite3
    from contextlib import closing

    from loopbot.store import backups
    from loopbot.store.schema import REVISIONS

    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as source:
        try:
            (revision,) = source.execute("SELECT version_num FROM alembic_version").fetchone()
        except (sqlite3.Error, TypeError):
            return
        if revision == REVISIONS[-1]:
            return
        target = database.with_name(f"{database.name}.schema-{revision}")
        if not target.exists():
            backups.copy(source, target)
            console().print(f"A copy from before is kept: {target}", markup=False)


def _url(config: Path) -> str:
    from loopbot.config import load_config
    from loopbot.wiring import Outfit, resolved_store_url

    return resolved_store_url(load_config(config), Outfit())


def _database(config: Path, otherwise: str) -> Path:
    url = _url(config)
    if not url.startswith(_SQLITE):
        raise ConfigError("store", "is a Postgres database, which loopbot neither copies nor replaces", otherwise)
    return Path(url.removeprefix(_SQLITE))


@contextmanager
def _store(url: str) -> "Iterator[SqlStore]":
    from loopbot.store import open_store

    store = open_store(url)
    try:
        yield store
    finally:
        store.close()
