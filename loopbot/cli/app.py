"""The commands and what they are called; each is imported when it is used."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from loopbot.cli.asked import questions

app = typer.Typer(
    name="loopbot",
    help="Closes the loop between the people who use a service, those who run it and those who build it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
rules = typer.Typer(help="Check and test the rule files.", no_args_is_help=True, rich_markup_mode=None)
outbox = typer.Typer(
    help="See what is to be written, was written or is stuck; decide.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(rules, name="rules")
app.add_typer(outbox, name="outbox")
app.add_typer(questions, name="questions")
recurring = typer.Typer(
    help="See what keeps coming back; say what is the same, and what not.",
    rich_markup_mode=None,
)
app.add_typer(recurring, name="recurring")
db = typer.Typer(
    help="Copy the store, put a copy back, begin anew.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(db, name="db")

judgement = typer.Typer(
    help="See what loopbot has learnt here, learn anew, go back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(judgement, name="judgement")


labels = typer.Typer(
    help="Teach loopbot what kinds of feedback there are.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(labels, name="labels")

ConfigOption = Annotated[Path, typer.Option("--config", "-c", envvar="LOOPBOT_CONFIG", help="The configuration file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Show more.")]
CONFIG = Path("config.toml")


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
    from loopbot.cli.running import run_once

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


@db.command("backup")
def db_backup(
    path: Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.")],
    config: ConfigOption = CONFIG,
) -> None:
    """Copy a SQLite store, also while a daemon works on it."""
    from loopbot.cli.keeping import back_up

    back_up(config, path)


@db.command("restore")
def db_restore(
    path: Annotated[Path, typer.Argument(help="The file that `db backup` wrote.")], config: ConfigOption = CONFIG
) -> None:
    """Put a copy back. What was sent since it was made is found by its marks and not sent again."""
    from loopbot.cli.keeping import restore

    restore(config, path)


@db.command("restored")
def db_restored(
    since: Annotated[datetime, typer.Option(help="When the backup was made, in UTC: 2026-03-02T09:00:00.")],
    config: ConfigOption = CONFIG,
) -> None:
    """Say that the store was put back by other means. For Postgres: so nothing is sent twice."""
    from loopbot.cli.keeping import restored

    restored(config, since)


@db.command("upgrade")
def db_upgrade(config: ConfigOption = CONFIG) -> None:
    """Bring the store to this version. A copy of a SQLite store is made first."""
    from loopbot.cli.keeping import upgrade

    upgrade(config)


@db.command("rebuild")
def db_rebuild(config: ConfigOption = CONFIG) -> None:
    """Begin with an empty store and read everything again. What was done before is found by its marks."""
    from loopbot.cli.keeping import rebuild

    rebuild(config)


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


@rules.command("check")
def rules_check(
    config: ConfigOption = CONFIG,
    folder: Annotated[Path | None, typer.Option(help="Check this folder instead of the configured one.")] = None,
) -> None:
    """Check every rule file: keys, names, types, words, systems."""
    from loopbot.cli.ruling import check_folder

    raise typer.Exit(check_folder(config, folder))


@rules.command("test")
def rules_test(
    config: ConfigOption = CONFIG,
    folder: Annotated[Path | None, typer.Option(help="Test this folder instead of the configured one.")] = None,
    name: Annotated[str, typer.Argument(help="Only this rule.")] = "",
    verbose: VerboseOption = False,
) -> None:
    """Run the cases in the rules' tests/ folder."""
    from loopbot.cli.ruling import test_folder

    raise typer.Exit(test_folder(config, folder, name, verbose=verbose))


@rules.command("schema")
def rules_schema() -> None:
    """Print the JSON Schema of a rule file, for editors."""
    from loopbot.cli.ruling import print_schema

    print_schema()


KeyArgument = Annotated[str, typer.Argument(help="The effect's key, or its first characters.")]
WhyOption = Annotated[str, typer.Option(help="Why, for the record.")]


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


@outbox.command("list")
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


@outbox.command("show")
def outbox_show(key: KeyArgument, config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Show one effect: what it writes, why, and what became of it."""
    from loopbot.cli.outboxing import show_effect

    show_effect(config, key, as_json=as_json)


@outbox.command("retry")
def outbox_retry(key: KeyArgument, config: ConfigOption = CONFIG, why: WhyOption = "") -> None:
    """Send it (again): you say that it is not there. For parked, held, shadow, dropped and uncertain effects."""
    from loopbot.cli.outboxing import decide_effect

    decide_effect(config, key, "retry", why)


@outbox.command("confirm")
def outbox_confirm(key: KeyArgument, config: ConfigOption = CONFIG, why: WhyOption = "") -> None:
    """Count an uncertain effect as done: you say that it is there."""
    from loopbot.cli.outboxing import decide_effect

    decide_effect(config, key, "confirm", why)


@outbox.command("drop")
def outbox_drop(key: KeyArgument, config: ConfigOption = CONFIG, why: WhyOption = "") -> None:
    """Never send it."""
    from loopbot.cli.outboxing import decide_effect

    decide_effect(config, key, "drop", why)


JudgementOption = Annotated[
    str, typer.Option("--of", help="Which judgement: cause or topic; else the one that learnt that version.")
]


@judgement.command("list")
def judgement_list(config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Show the models that were learnt here, and which one is in use."""
    from loopbot.cli.judging import show_models

    show_models(config, as_json=as_json)


@judgement.command("learn")
def judgement_learn(config: ConfigOption = CONFIG) -> None:
    """Learn which changes cause incidents here, from what people answered.

    The new model is used where it judges later answers no worse than the one in use. Exits 1 where it is not.
    """
    from loopbot.cli.judging import learn

    raise typer.Exit(learn(config))


@judgement.command("use")
def judgement_use(
    version: Annotated[str, typer.Argument(help="A version that `loopbot judgement list` shows.")],
    config: ConfigOption = CONFIG,
    of: JudgementOption = "",
) -> None:
    """Judge by another model that was learnt here, or by the one that came with loopbot: shipped."""
    from loopbot.cli.judging import use_model

    use_model(config, version, of)


@judgement.command("reset")
def judgement_reset(config: ConfigOption = CONFIG, of: JudgementOption = "") -> None:
    """Judge by the model that comes with loopbot: suspects, or with --of topic kinds of feedback."""
    from loopbot.cli.judging import use_model
    from loopbot.judgement.versions import SHIPPED

    use_model(config, SHIPPED, of)


LabelsFile = Annotated[Path, typer.Argument(help="A CSV file: text, topic and, if you like, title and project.")]


@labels.command("import")
def labels_import(file: LabelsFile, config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Take in labels from a CSV file: the whole file, or nothing where a row is wrong.

    Topics: bug, feature, question, praise, complaint.
    """
    from loopbot.cli.labelling import import_labels

    raise typer.Exit(import_labels(config, file, as_json=as_json))


@labels.command("train")
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


@labels.command("evaluate")
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


@labels.command("list")
def labels_list(config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Show how many labels there are, and the versions learnt from them."""
    from loopbot.cli.labelling import list_labels

    raise typer.Exit(list_labels(config, as_json=as_json))


@labels.command("use")
def labels_use(
    version: Annotated[str, typer.Argument(help="A version that `labels list` shows, or: shipped.")],
    config: ConfigOption = CONFIG,
) -> None:
    """Judge by this version from now on, and judge again what is mirrored. The same as: judgement use VERSION --of topic."""
    from loopbot.cli.labelling import use_version

    raise typer.Exit(use_version(config, version))


DaysOption = Annotated[
    float | None, typer.Option("--days", help="How far to look back; else as the rule in force says.")
]
TicketsArgument = Annotated[list[str], typer.Argument(help="The tickets' keys.")]


@recurring.command("list")
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


@recurring.command("show")
def recurring_show(
    ticket: Annotated[str, typer.Argument(help="A ticket's key.")],
    config: ConfigOption = CONFIG,
    days: DaysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a ticket with the earlier ones that tell of the same pain: how sure, and why."""
    from loopbot.cli.recurring import show_cluster

    show_cluster(config, ticket, days=days, as_json=as_json)


@recurring.command("merge")
def recurring_merge(tickets: TicketsArgument, config: ConfigOption = CONFIG) -> None:
    """Say that these tickets are the same pain. It stays said, whatever the words."""
    from loopbot.cli.recurring import merge_tickets

    merge_tickets(config, tickets)


@recurring.command("split")
def recurring_split(
    tickets: TicketsArgument,
    source: Annotated[list[str], typer.Option("--from", help="The tickets they are not the same as.")],
    config: ConfigOption = CONFIG,
) -> None:
    """Say that these tickets are another pain than those. It stays said, whatever the words."""
    from loopbot.cli.recurring import split_tickets

    split_tickets(config, tickets, source)
