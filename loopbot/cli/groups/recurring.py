"""`loopbot recurring`: what keeps coming back."""

from typing import Annotated

import typer

from loopbot.cli.options import CONFIG, ConfigOption, JsonOption

group = typer.Typer(
    help="See what keeps coming back; say what is the same, and what not.",
    rich_markup_mode=None,
)
DaysOption = Annotated[
    float | None, typer.Option("--days", help="How far to look back; else as the rule in force says.")
]

TicketsArgument = Annotated[list[str], typer.Argument(help="The tickets' keys.")]


@group.command("list")
def recurring_list(
    config: ConfigOption = CONFIG,
    days: DaysOption = None,
    service: Annotated[str, typer.Option(help="Only what concerns this service.")] = "",
    at_least: Annotated[int | None, typer.Option(help="Only what came at least so often.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List what came back, the biggest first."""
    from loopbot.cli.recurring import list_clusters

    list_clusters(config, days=days, service=service, at_least=at_least, as_json=as_json)


@group.command("show")
def recurring_show(
    ticket: Annotated[str, typer.Argument(help="A ticket's key.")],
    config: ConfigOption = CONFIG,
    days: DaysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a ticket with the earlier ones that tell of the same pain: how sure, and why."""
    from loopbot.cli.recurring import show_cluster

    show_cluster(config, ticket, days=days, as_json=as_json)


@group.command("merge")
def recurring_merge(tickets: TicketsArgument, config: ConfigOption = CONFIG) -> None:
    """Say that these tickets are the same pain. It stays said, whatever the words."""
    from loopbot.cli.recurring import merge_tickets

    merge_tickets(config, tickets)


@group.command("split")
def recurring_split(
    tickets: TicketsArgument,
    source: Annotated[list[str], typer.Option("--from", help="The tickets they are not the same as.")],
    config: ConfigOption = CONFIG,
) -> None:
    """Say that these tickets are another pain than those. It stays said, whatever the words."""
    from loopbot.cli.recurring import split_tickets

    split_tickets(config, tickets, source)
