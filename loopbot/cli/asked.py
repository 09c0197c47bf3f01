"""`loopbot questions` and what its commands are called; each is imported when it is used."""

from pathlib import Path
from typing import Annotated

import typer

questions = typer.Typer(
    help="See what people are asked and answered; answer, take back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

ConfigOption = Annotated[Path, typer.Option("--config", "-c", envvar="LOOPBOT_CONFIG", help="The configuration file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
QuestionArgument = Annotated[str, typer.Argument(help="The question's key, or its first characters.")]
CONFIG = Path("config.toml")


@questions.command("list")
def questions_list(
    config: ConfigOption = CONFIG,
    state: Annotated[
        list[str] | None, typer.Option(help="Those that are open, answered, expired or withdrawn; else the open ones.")
    ] = None,
    audience: Annotated[str | None, typer.Option(help="Only those for agents, problem_managers ...")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List what waits for an answer, the longest waiting first."""
    from loopbot.cli.questioning import list_questions

    list_questions(config, state or [], audience, limit=limit, as_json=as_json)


@questions.command("show")
def questions_show(key: QuestionArgument, config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Show one question: its words, its answers, who gave them."""
    from loopbot.cli.questioning import show_question

    show_question(config, key, as_json=as_json)


@questions.command("answer")
def questions_answer(
    key: QuestionArgument,
    answer: Annotated[str, typer.Argument(help="One of the answers that `show` lists.")],
    words: Annotated[
        str, typer.Argument(help="What the answer needs besides: a ticket, the ones that do not belong.")
    ] = "",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Answer a question, as if in the chat."""
    from loopbot.cli.questioning import answer_question

    answer_question(config, key, answer, words, as_json=as_json)


@questions.command("undo")
def questions_undo(key: QuestionArgument, config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Take back the last answer; what is written already is named."""
    from loopbot.cli.questioning import undo_answer

    undo_answer(config, key, as_json=as_json)
