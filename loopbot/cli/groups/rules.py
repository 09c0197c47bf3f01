"""`loopbot rules`: check and test the rule files."""

from pathlib import Path
from typing import Annotated

import typer

from loopbot.cli.options import CONFIG, ConfigOption, VerboseOption

group = typer.Typer(help="Check and test the rule files.", no_args_is_help=True, rich_markup_mode=None)


@group.command("check")
def rules_check(
    config: ConfigOption = CONFIG,
    folder: Annotated[Path | None, typer.Option(help="Check this folder instead of the configured one.")] = None,
) -> None:
    """Check every rule file: keys, names, types, words, systems."""
    from loopbot.cli.ruling import check_folder

    raise typer.Exit(check_folder(config, folder))


@group.command("test")
def rules_test(
    config: ConfigOption = CONFIG,
    folder: Annotated[Path | None, typer.Option(help="Test this folder instead of the configured one.")] = None,
    name: Annotated[str, typer.Argument(help="Only this rule.")] = "",
    verbose: VerboseOption = False,
) -> None:
    """Run the cases in the rules' tests/ folder."""
    from loopbot.cli.ruling import test_folder

    raise typer.Exit(test_folder(config, folder, name, verbose=verbose))


@group.command("schema")
def rules_schema() -> None:
    """Print the JSON Schema of a rule file, for editors."""
    from loopbot.cli.ruling import print_schema

    print_schema()
