"""Brings a database to the schema of this code, or refuses one that is newer.

An empty one gets all tables at once: to load Alembic and go through every migration takes a second of each first start.
"""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, inspect, text

from loopbot.domain.errors import ConfigError
from loopbot.store.database import Database, shown
from loopbot.store.indexing import fill
from loopbot.store.schema import REVISIONS, metadata
from loopbot.thrift import without

MIGRATIONS = Path(__file__).parent / "migrations"
# Any number will do, as long as every version of loopbot uses the same: one process migrates, the others wait.
ADVISORY_LOCK = 7_307_199_501
VERSION = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Where Alembic keeps which migration was the last, as it makes it itself."""


Progress = Callable[[int, int], None]
"""Is told how many of how many records were read again."""


def silent(done: int, of: int) -> None:
    """Nobody watches."""


def upgrade(database: Database, progress: Progress = silent) -> None:
    """Migrate where that is due; raises ConfigError for a schema this code does not know."""
    with database.writing() as work:
        if not _due(work.connection, shown(database.url)):
            return
        if work.connection.dialect.name == "postgresql":
            work.connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
            if not _due(work.connection, shown(database.url)):
                return
        if _empty(work.connection):
            _make(work.connection)
            return
        _migrate(work.connection)
        fill(work, progress)


def _due(connection: Connection, where: str) -> bool:
    if not inspect(connection).has_table("alembic_version"):
        return True
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if found is not None and found not in REVISIONS:
        why = f"its schema is {found}, and this loopbot knows no later one than {REVISIONS[-1]}"
        raise ConfigError(where, why, "run the newer loopbot that wrote it, or restore the backup made before it ran")
    return bool(found != REVISIONS[-1])


def _empty(connection: Connection) -> bool:
    """Whether nothing of ours is there, and nothing that is called as ours would be."""
    there = inspect(connection)
    return not there.has_table(VERSION.name) and not metadata.tables.keys() & set(there.get_table_names())


def _make(connection: Connection) -> None:
    metadata.create_all(connection, checkfirst=False)
    VERSION.create(connection, checkfirst=False)
    connection.execute(VERSION.insert().values(version_num=REVISIONS[-1]))


def _migrate(connection: Connection) -> None:
    # Alembic is slow to import and a migration is rare; it could colour its templates' errors, for 4 MB.
    with without("pygments"):
        from alembic import command
        from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
