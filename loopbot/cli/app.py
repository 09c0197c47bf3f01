"""The commands and what they are called; each is imported when it is used."""

from pathlib import Path
from typing import Annotated

import typer

from loopbot.cli.groups import db, judgement, labels, outbox, questions, recurring, rules
from loopbot.cli.options import CONFIG, ConfigOption, JsonOption, VerboseOption

app = typer.Typer(
    name="loopbot",
    help="Closes the loop between the people who use a service, those who run it and those who build it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
app.add_typer(rules.group, name="rules")
app.add_typer(outbox.group, name="outbox")
app.add_typer(questions.group, name="questions")
app.add_typer(recurring.group, name="recurring")
app.add_typer(db.group, name="db")
app.add_typer(judgement.group, name="judgement")
app.add_typer(labels.group, name="labels")


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        from loopbot import __version__

        typer.echo(f"loopbot {__version__}")
        raise typer.Exit


@app.command()
def demo(
    fast: Annotated[bool, typer.Option("--fast", help="Do not pause between the steps of the story.")] = False,
    hold: Annotated[bool, typer.Option("--hold", help="Keep everything running afterwards, until Ctrl-C.")] = False,
) -> None:
    """Watch a ticket become a fix and an answer to its reporter. Needs no keys and no network."""
    from loopbot.cli.demo import tell_story

    tell_story(pause=0.0 if fast else 0.6, hold=hold)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write config.toml and rules/.")] = Path(),
    systems: Annotated[
        str, typer.Option(help="The systems you have, separated by commas.")
    ] = "servicenow,jira,github,slack",
) -> None:
    """Write a configuration and the starter rules, to be adapted."""
    from loopbot.cli.init import write_files

    write_files(folder, [name.strip() for name in systems.split(",") if name.strip()])


@app.command()
def run(
    context: typer.Context,
    config: ConfigOption = CONFIG,
    role: Annotated[
        str, typer.Option(help="With Postgres, what this node does: all, scheduler, worker or web (it only listens).")
    ] = "all",
    verbose: VerboseOption = False,
) -> None:
    """Run the daemon until it is told to stop (Ctrl-C, SIGTERM). With Postgres any number of them share the work."""
    if context.obj:
        from loopbot.cli.daemon import become_daemon

        become_daemon(config, role=role, verbose=verbose)
    from loopbot.cli.running import run_daemon

    run_daemon(config, role=role, verbose=verbose)


@app.command()
def once(config: ConfigOption = CONFIG, as_json: JsonOption = False, verbose: VerboseOption = False) -> None:
    """Read every stream once and deliver what the rules want. Exits 1 where something needs a look."""
    from loopbot.cli.rounds import run_once

    raise typer.Exit(run_once(config, as_json=as_json, verbose=verbose))


@app.command()
def plan(
    config: ConfigOption = CONFIG,
    local: Annotated[
        bool, typer.Option("--local", help="Judge what is mirrored already; read nothing remotely.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Name every write that `once` would do now, and why. Reads the systems, writes nothing anywhere.

    What follows from those writes (a ticket that is opened may wake further rules) is judged when they are done.
    """
    from loopbot.cli.planning import show_plan

    raise typer.Exit(show_plan(config, local=local, as_json=as_json))


@app.command()
def explain(
    reference: Annotated[
        str, typer.Argument(help="A ticket's key (INC0012345) or its full reference (servicenow:incident:INC0012345).")
    ],
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Say what each rule sees in one record, and what came of it."""
    from loopbot.cli.explaining import show_explanation

    show_explanation(config, reference, as_json=as_json)


@app.command()
def evaluate(
    data: Annotated[Path, typer.Option(help="The folder of the files with known answers.")] = Path("../shared/data"),
    history: Annotated[
        Path | None, typer.Option(help="The earlier part of the same files: to learn and draw candidates from.")
    ] = None,
    only: Annotated[str, typer.Option(help="Some of: cause, recurrence, feedback, item; separated by commas.")] = "",
    from_mirror: Annotated[
        bool, typer.Option("--from-mirror", help="Measure on what is mirrored here, by the links people made.")
    ] = False,
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Measure how good the judgements are.

    On files with known answers, or on your own history: then also which bars to choose in the rules. Exits 1 where nothing
    could be measured.
    """
    from loopbot.cli.evaluating import show_evaluation, show_own_evaluation

    if from_mirror:
        raise typer.Exit(show_own_evaluation(config, only, as_json=as_json))
    raise typer.Exit(show_evaluation(data, history, only, as_json=as_json))


@app.command()
def backlog(
    config: ConfigOption = CONFIG,
    kind: Annotated[str, typer.Option(help="Only these: problem or issue.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 30,
    as_json: JsonOption = False,
) -> None:
    """List what is open, what matters most first.

    Who asked for it, its incidents, its age, whether it grows: in one number, with its parts in words.
    """
    from loopbot.cli.ordering import show_backlog

    raise typer.Exit(show_backlog(config, kind, limit, as_json=as_json))


@app.command()
def check(config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Find what is wrong before the first write, and what is stuck.

    Looks at the configuration, the rules, credentials, permissions, fields and clocks. Exits 2 for a mistake in the files,
    1 for trouble with a system.
    """
    from loopbot.cli.checking import show_findings

    raise typer.Exit(show_findings(config, as_json=as_json))


@app.command()
def sweep(
    streams: Annotated[
        list[str] | None, typer.Argument(help="Only these streams, such as servicenow:incident.")
    ] = None,
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Read everything again now, and account for every record.

    Says what is there, what is here, and what became of the difference.
    """
    from loopbot.cli.sweeping import sweep_now

    raise typer.Exit(sweep_now(config, streams or [], as_json=as_json))


@app.command()
def alive(config: ConfigOption = CONFIG) -> None:
    """Exit 0 while a daemon is at work on this store, else 1. For health checks."""
    from loopbot.cli.running import say_alive

    raise typer.Exit(say_alive(config))


@app.command()
def sandbox(
    replay: Annotated[
        Path | None, typer.Option(help="Serve this ServiceNow log (CSV, gzip) from the ServiceNow twin.")
    ] = None,
    speed: Annotated[
        float, typer.Option(help="How many times faster than life the log is played; 0: as fast as it can be mirrored.")
    ] = 0,
    verify: Annotated[
        bool, typer.Option("--verify", help="Mirror the log with a daemon and compare every incident.")
    ] = False,
    port: Annotated[int, typer.Option(help="The first port to listen on; 0: any free ones.")] = 0,
) -> None:
    """Serve twins of the systems here, to rehearse rules against.

    ServiceNow, Jira, GitHub and Slack answer on this machine, with a small company in them; or a real log is replayed.
    """
    from loopbot.cli.sandbox import serve_sandbox

    raise typer.Exit(serve_sandbox(replay, speed=speed, verify=verify, port=port))


@app.command()
def people(
    config: ConfigOption = CONFIG,
    unknown: Annotated[bool, typer.Option("--unknown", help="Only those whom nobody could find.")] = False,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Look for them again now; what waited for them is sent.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show who people are in the chat, and who was not found."""
    from loopbot.cli.people import list_people

    list_people(config, unknown=unknown, refresh=refresh, as_json=as_json)


@app.command()
def answers(
    config: ConfigOption = CONFIG,
    days: Annotated[int, typer.Option(help="Of so many days.", min=1)] = 30,
    as_json: JsonOption = False,
) -> None:
    """Count what people answered to what they were told."""
    from loopbot.cli.answers import list_answers

    list_answers(config, days, as_json=as_json)
