"""`loopbot labels`: kinds of feedback, taught by a team."""

from pathlib import Path
from typing import Annotated

import typer

from loopbot.cli.options import CONFIG, ConfigOption, JsonOption

group = typer.Typer(
    help="Teach loopbot what kinds of feedback there are.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
LabelsFile = Annotated[Path, typer.Argument(help="A CSV file: text, topic and, if you like, title and project.")]


@group.command("import")
def labels_import(file: LabelsFile, config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Take in labels from a CSV file: the whole file, or nothing where a row is wrong.

    Topics: bug, feature, question, praise, complaint.
    """
    from loopbot.cli.labelling import import_labels

    raise typer.Exit(import_labels(config, file, as_json=as_json))


@group.command("train")
def labels_train(
    config: ConfigOption = CONFIG,
    use: Annotated[
        bool | None,
        typer.Option(
            "--use/--no-use", help="Put it in force, or not; by default where it does better than what ships."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Learn a new version from imported labels, people's answers and the systems' own fields."""
    from loopbot.cli.labelling import train_labels

    raise typer.Exit(train_labels(config, use=use, as_json=as_json))


@group.command("evaluate")
def labels_evaluate(
    file: Annotated[
        Path | None, typer.Argument(help="A CSV file of labels; without one, all labels by leaving parts out.")
    ] = None,
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Say how well each version tells kinds of feedback apart."""
    from loopbot.cli.labelling import evaluate_labels

    raise typer.Exit(evaluate_labels(config, file, as_json=as_json))


@group.command("list")
def labels_list(config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Show how many labels there are, and the versions learnt from them."""
    from loopbot.cli.labelling import list_labels

    raise typer.Exit(list_labels(config, as_json=as_json))


@group.command("use")
def labels_use(
    version: Annotated[str, typer.Argument(help="A version that `labels list` shows, or: shipped.")],
    config: ConfigOption = CONFIG,
) -> None:
    """Judge by this version from now on, and judge again what is mirrored. The same as: judgement use VERSION --of topic."""
    from loopbot.cli.labelling import use_version

    raise typer.Exit(use_version(config, version))
