"""Everything that a SQLite file holds, as text: what it was before and after, and what may not be in it."""

import sqlite3
from contextlib import closing
from pathlib import Path


def dumped(file: Path) -> list[str]:
    """Each row of each table, in order. An index over texts keeps its terms in tables of its own, which are among them."""
    with closing(sqlite3.connect(file)) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
        ).fetchall()
        return [f"{name}: {row!r}" for (name,) in tables for row in connection.execute(f'SELECT * FROM "{name}"')]  # noqa: S608
