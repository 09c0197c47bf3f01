"""Copies of a SQLite store: made while it is in use, checked before they are trusted, put back whole."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from loopbot.domain.errors import ConfigError
from loopbot.store.schema import REVISIONS

MADE_AT = "backup made at"
_BESIDE = ("", "-wal", "-shm")


def copy(source: sqlite3.Connection, path: Path) -> None:
    """A consistent copy that says when it was made; the file appears once it is whole."""
    if path.exists():
        raise ConfigError(str(path), "is there already", "name a file that is not there yet")
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(unfinished)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
            stamp = datetime.now(UTC).isoformat()
            target.execute("INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)", (MADE_AT, stamp))
            target.commit()
        unfinished.chmod(0o600)
        unfinished.replace(path)
    except (sqlite3.Error, OSError) as trouble:
        unfinished.unlink(missing_ok=True)
        raise ConfigError(
            str(path), f"the backup could not be written: {trouble}", "is there room for it?"
        ) from trouble


def inspected(path: Path) -> datetime:
    """When a backup was made; raises ConfigError where it can not be restored: damaged, not ours, newer than this code."""
    if not path.is_file():
        raise ConfigError(str(path), "there is no such backup", "name the file that `loopbot db backup` wrote")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as backup:
            problems = [row[0] for row in backup.execute("PRAGMA quick_check(3)")]
            if problems != ["ok"]:
                raise ConfigError(str(path), f"the backup is damaged: {problems[0]}", "use an older one")
            (revision,) = backup.execute("SELECT version_num FROM alembic_version").fetchone()
            made = backup.execute("SELECT value FROM fact WHERE name = ?", (MADE_AT,)).fetchone()
    except sqlite3.DatabaseError as trouble:
        raise ConfigError(str(path), f"is not a backup of loopbot: {trouble}", "name another file") from trouble
    if revision not in REVISIONS:
        why = f"its schema is {revision}, and this loopbot knows no later one than {REVISIONS[-1]}"
        raise ConfigError(str(path), why, "restore it with the newer loopbot that wrote it")
    if made is None:  # copied by other means: certainly not made after its last change
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return datetime.fromisoformat(made[0])


def put_back(backup: Path, database: Path) -> Path | None:
    """Put a copy of the backup in the database's place; returns where the former database went, if there was one."""
    unfinished = database.with_name(database.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(f"{backup.resolve().as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(unfinished)) as target,
    ):
        source.backup(target)
    unfinished.chmod(0o600)
    former = set_aside(database)
    unfinished.replace(database)
    return former


def set_aside(database: Path) -> Path | None:
    """Move a database and what belongs to it out of the way; nothing is deleted. None where there was none."""
    if not database.exists():
        return None
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    former = database.with_name(f"{database.name}.before-{stamp}")
    for end in _BESIDE:
        part = database.with_name(database.name + end)
        if part.exists():
            part.rename(former.with_name(former.name + end))
    return former


def check(database: Path) -> None:
    """Read the whole file once; raises ConfigError with the remedy where it is damaged."""
    try:
        with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as opened:
            problems = [row[0] for row in opened.execute("PRAGMA quick_check(3)")]
    except sqlite3.DatabaseError as trouble:
        problems = [str(trouble)]
    if problems != ["ok"]:
        remedy = "loopbot db restore BACKUP, or without one: loopbot db rebuild"
        raise ConfigError(str(database), f"the file is damaged: {problems[0]}", remedy)
