"""`loopbot outbox`: what is to be written, was written or is stuck."""

from typing import Annotated

import typer

from loopbot.cli.options import CONFIG, ConfigOption, JsonOption

group = typer.Typer(
    help="See what is to be written, was written or is stuck; decide.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
KeyArgument = Annotated[str, typer.Argument(help="The effect's key, or its first characters.")]

WhyOption = Annotated[str, typer.Option(help="Why, for the record.")]


@group.command("list")
def outbox_list(
    config: ConfigOption = CONFIG,
    state: Annotated[
        list[str] | None,
        typer.Option(help="Only these: planned, sending, settled, uncertain, parked, held, shadow, dropped."),
    ] = None,
    system: Annotated[str | None, typer.Option(help="Only this system.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List the latest effects, those that need a person first."""
    from loopbot.cli.outboxing import list_effects

    list_effects(config, state or [], system, limit=limit, as_json=as_json)


@group.command("show")
def outbox_show(key: KeyArgument, config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Show one effect: what it writes, why, and what became of it."""
    from loopbot.cli.outboxing import show_effect

    show_effect(config, key, as_json=as_json)


@group.command("retry")
def outbox_retry(key: KeyArgument, config: ConfigOption = CONFIG, why: WhyOption = "") -> None:
    """Send it (again): you say that it is not there. For parked, held, shadow, dropped and uncertain effects."""
    from loopbot.cli.outboxing import decide_effect

    decide_effect(config, key, "retry", why)


@group.command("confirm")
def outbox_confirm(key: KeyArgument, config: ConfigOption = CONFIG, why: WhyOption = "") -> None:
    """Count an uncertain effect as done: you say that it is there."""
    from loopbot.cli.outboxing import decide_effect

    decide_effect(config, key, "confirm", why)


@group.command("drop")
def outbox_drop(key: KeyArgument, config: ConfigOption = CONFIG, why: WhyOption = "") -> None:
    """Never send it."""
    from loopbot.cli.outboxing import decide_effect

    decide_effect(config, key, "drop", why)
