"""`loopbot db`: copies of the store."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from loopbot.cli.options import CONFIG, ConfigOption

group = typer.Typer(
    help="Copy the store, put a copy back, begin anew.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("backup")
def db_backup(
    path: Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.")],
    config: ConfigOption = CONFIG,
) -> None:
    """Copy a SQLite store, also while a daemon works on it."""
    from loopbot.cli.keeping import back_up

    back_up(config, path)


@group.command("restore")
def db_restore(
    path: Annotated[Path, typer.Argument(help="The file that `db backup` wrote.")], config: ConfigOption = CONFIG
) -> None:
    """Put a copy back. What was sent since it was made is found by its marks and not sent again."""
    from loopbot.cli.keeping import restore

    restore(config, path)


@group.command("restored")
def db_restored(
    since: Annotated[datetime, typer.Option(help="When the backup was made, in UTC: 2026-03-02T09:00:00.")],
    config: ConfigOption = CONFIG,
) -> None:
    """Say that the store was put back by other means. For Postgres: so nothing is sent twice."""
    from loopbot.cli.keeping import restored

    restored(config, since)


@group.command("upgrade")
def db_upgrade(config: ConfigOption = CONFIG) -> None:
    """Bring the store to this version. A copy of a SQLite store is made first."""
    from loopbot.cli.keeping import upgrade

    upgrade(config)


@group.command("rebuild")
def db_rebuild(config: ConfigOption = CONFIG) -> None:
    """Begin with an empty store and read everything again. What was done before is found by its marks."""
    from loopbot.cli.keeping import rebuild

    rebuild(config)
