"""`loopbot questions`: what people are asked and answered."""

from typing import Annotated

import typer

from loopbot.cli.options import CONFIG, ConfigOption, JsonOption

group = typer.Typer(
    help="See what people are asked and answered; answer, take back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

QuestionArgument = Annotated[str, typer.Argument(help="The question's key, or its first characters.")]


@group.command("list")
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


@group.command("show")
def questions_show(key: QuestionArgument, config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Show one question: its words, its answers, who gave them."""
    from loopbot.cli.questioning import show_question

    show_question(config, key, as_json=as_json)


@group.command("answer")
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


@group.command("undo")
def questions_undo(key: QuestionArgument, config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Take back the last answer; what is written already is named."""
    from loopbot.cli.questioning import undo_answer

    undo_answer(config, key, as_json=as_json)
