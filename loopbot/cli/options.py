"""Options and arguments that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[Path, typer.Option("--config", "-c", envvar="LOOPBOT_CONFIG", help="The configuration file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Show more.")]
CONFIG = Path("config.toml")
