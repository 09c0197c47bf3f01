"""`loopbot judgement`: what was learnt here."""

from typing import Annotated

import typer

from loopbot.cli.options import CONFIG, ConfigOption, JsonOption

group = typer.Typer(
    help="See what loopbot has learnt here, learn anew, go back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
JudgementOption = Annotated[
    str,
    typer.Option("--of", help="Which judgement: cause, recurrence or topic; else the one that learnt that version."),
]


@group.command("list")
def judgement_list(config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Show the models that were learnt here, and which one is in use."""
    from loopbot.cli.judging import show_models

    show_models(config, as_json=as_json)


@group.command("learn")
def judgement_learn(config: ConfigOption = CONFIG) -> None:
    """Learn from what people answered which changes cause incidents here, and which tickets are the same.

    A new model is used where it judges later answers no worse than the one in use. Exits 1 where none is.
    """
    from loopbot.cli.judging import learn

    raise typer.Exit(learn(config))


@group.command("use")
def judgement_use(
    version: Annotated[str, typer.Argument(help="A version that `loopbot judgement list` shows.")],
    config: ConfigOption = CONFIG,
    of: JudgementOption = "",
) -> None:
    """Judge by another model that was learnt here, or by the one that came with loopbot: shipped.

    It stays in use whatever is learnt afterwards, until `loopbot judgement follow`.
    """
    from loopbot.cli.judging import use_model

    use_model(config, version, of)


@group.command("reset")
def judgement_reset(config: ConfigOption = CONFIG, of: JudgementOption = "") -> None:
    """Judge by the model that comes with loopbot: suspects, or what --of says.

    It stays in use whatever is learnt afterwards, until `loopbot judgement follow`.
    """
    from loopbot.cli.judging import use_model
    from loopbot.judgement.versions import SHIPPED

    use_model(config, SHIPPED, of)


@group.command("follow")
def judgement_follow(
    config: ConfigOption = CONFIG,
    of: Annotated[str, typer.Option("--of", help="Which judgement: cause or recurrence.")] = "cause",
) -> None:
    """Let what is learnt from now on be used again where it does no worse: suspects, or what --of says."""
    from loopbot.cli.judging import follow

    follow(config, of)
