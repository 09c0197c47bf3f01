"""Opens an installation for a command."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from loopbot.domain.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from loopbot.domain.records import Record
    from loopbot.usecases.loop import Loop
    from loopbot.wiring import Installation, Outfit

_UNWRAPPED = 10_000


def console(*, errors: bool = False) -> "Console":
    """Where a command prints: in the terminal's width, colour only on a terminal; into a pipe or file nothing is wrapped."""
    from rich.console import Console

    stream = sys.stderr if errors else sys.stdout
    wrapped = stream.isatty() or "COLUMNS" in os.environ
    return Console(highlight=False, soft_wrap=False, stderr=errors, width=None if wrapped else _UNWRAPPED)


def print_table(out: "Console", table: "Table") -> None:
    """Print a table without the spaces that fill its last column."""
    with out.capture() as captured:
        out.print(table)
    out.file.write("\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n")


@contextmanager
def opened(config: Path, outfit: "Outfit | None" = None, *, remote: bool = True) -> "Iterator[Installation]":
    """The installation of a configuration file; without `remote` its systems are left alone."""
    from loopbot.config import load_config
    from loopbot.wiring import installed

    with installed(load_config(config), outfit, systems=None if remote else lambda _name: False) as installation:
        yield installation


def the_record(loop: "Loop", reference: str) -> "Record":
    """The one record a person means; raises UserError when there is none or more than one."""
    from loopbot.usecases.inspect import named

    found = named(loop, reference)
    if not found:
        raise UserError(reference, "is not mirrored here", "is the key right? `loopbot once` reads what is new")
    if len(found) > 1:
        raise UserError(reference, "names several records", "use one of: " + ", ".join(str(one.ref) for one in found))
    return found[0]
