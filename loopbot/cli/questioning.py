"""`loopbot questions`: what people are asked, what they answered, and answering from the terminal."""

from pathlib import Path
from typing import TYPE_CHECKING, get_args

from loopbot.cli.opening import console, opened, print_table
from loopbot.domain.errors import Declined, UserError
from loopbot.domain.phrasing import ago
from loopbot.domain.questions import QuestionState
from loopbot.domain.records import Person
from loopbot.ports import Answer, QuestionRow

if TYPE_CHECKING:
    from rich.console import Console

_STATES: tuple[QuestionState, ...] = get_args(QuestionState)
_COLOURS = {"open": "yellow", "answered": "green"}


def list_questions(config: Path, states: list[str], audience: str | None, *, limit: int, as_json: bool) -> None:
    """The open questions, the longest waiting first; or those in some states, the latest first."""
    for state in states:
        if state not in _STATES:
            raise UserError(f"--state {state}", "is not a state of a question", "one of: " + ", ".join(_STATES))
    wanted = tuple(state for state in _STATES if state in states)
    with opened(config, remote=False) as here, here.store.read() as tx:
        rows = tx.questions.rows(wanted, limit) if wanted else tx.questions.open(limit=limit)
    rows = [row for row in rows if audience in (None, row.question.audience)]
    if as_json:
        _print_json([as_fields(row) for row in rows])
        return
    out = console()
    if rows:
        _print_rows(out, rows)
        out.print("Answer one with: loopbot questions answer QUESTION ANSWER", markup=False)
    else:
        out.print("No question waits for an answer." if not (wanted or audience) else "No question is like that.")


def _print_rows(out: "Console", rows: list[QuestionRow]) -> None:
    from rich.table import Table
    from rich.text import Text

    from loopbot.usecases.questions.showing import audience_in_words, headline

    table = Table(box=None, pad_edge=False)
    for name in ("question", "state", "for", "asked"):
        table.add_column(name, no_wrap=True)
    table.add_column("what", overflow="fold")
    for row in rows:
        answers = ", ".join(dict.fromkeys(one.answer.partition(".")[0] for one in row.question.options))
        what = headline(row.question) + (f" ({answers})" if row.state == "open" else "")
        table.add_row(
            row.key[:8],
            Text(row.state, style=_COLOURS.get(row.state, "")),
            audience_in_words(row.question),
            ago(row.asked_at).partition(" (")[0],
            Text(what),
        )
    print_table(out, table)


def show_question(config: Path, key: str, *, as_json: bool) -> None:
    """One question, whole."""
    from loopbot.usecases.questions.showing import audience_in_words, outcome, said

    with opened(config, remote=False) as here, here.store.read() as tx:
        row = tx.questions.get(key)
        if row is None:
            raise _unknown(key)
        answers = tx.questions.answers(row.key)
        told = outcome(tx, row)
    if as_json:
        _print_json(as_fields(row, answers))
        return
    out = console()
    question = row.question
    out.print(question.text, markup=False)
    out.print()
    lines = [
        ("question", row.key),
        ("state", row.state),
        ("for", audience_in_words(question)),
        ("asked", f"{ago(row.asked_at)} by {question.rule or 'loopbot itself'}, about {question.subject}"),
        *(("look at", f"{name}: {url}") for name, url in question.places),
        *(("answers", f"{one.answer}: {one.label}") for one in question.options if row.state == "open"),
        *(("answered", said(one, question) + _taken_back(one)) for one in answers),
    ]
    if row.state in {"expired", "withdrawn"}:
        lines.append(("outcome", told))
    for name, text in lines:
        out.print(f"{name:>10}  {text}", markup=False)


def answer_question(config: Path, key: str, answer_: str, words: str, *, as_json: bool) -> None:
    """Answer one; whoever has the configuration may answer all of them."""
    from loopbot.domain.forms import Form
    from loopbot.usecases.questions.answering import answer

    with opened(config) as here:
        try:
            heard = answer(here.loop, _whoever(), key, answer_, words)
        except Declined as no:
            raise UserError(key, str(no), f"loopbot questions show {key}") from None
        if isinstance(heard, Form):
            names = ", ".join(field.name for field in heard.fields)
            raise UserError(answer_, f"needs words ({names})", f"loopbot questions answer {key} {answer_} WORDS")
    if as_json:
        _print_json(as_fields(heard.row))
    else:
        console().print(heard.text, markup=False)


def undo_answer(config: Path, key: str, *, as_json: bool) -> None:
    """Take back the last answer to one."""
    from loopbot.usecases.questions.answering import undo

    with opened(config) as here:
        try:
            heard = undo(here.loop, _whoever(), key)
        except Declined as no:
            raise UserError(key, str(no), "loopbot questions list --state answered") from None
    if as_json:
        _print_json({**as_fields(heard.row), "stays": list(heard.left)})
    else:
        console().print(heard.text, markup=False)


def as_fields(row: QuestionRow, answers: list[Answer] | None = None) -> dict[str, object]:
    """A question for machines."""
    question = row.question
    fields: dict[str, object] = {
        "key": row.key,
        "kind": question.kind,
        "state": row.state,
        "subject": str(question.subject),
        "audience": question.audience,
        "rule": question.rule,
        "text": question.text,
        "options": [{"answer": one.answer, "label": one.label} for one in question.options],
        "round": row.round,
        "asked_at": row.asked_at.isoformat(),
        "expires_at": row.expires_at.isoformat(),
        "answer": row.answer,
        "answered_by": row.answered_by,
        "answered_at": row.answered_at.isoformat() if row.answered_at else None,
        "rests_until": row.rests_until.isoformat() if row.rests_until else None,
        "why": row.why,
    }
    if answers is not None:
        fields["answers"] = [
            {
                "answer": one.answer,
                "detail": one.detail,
                "by": one.by,
                "at": one.at.isoformat(),
                "undone_at": one.undone_at.isoformat() if one.undone_at else None,
                "undone_by": one.undone_by,
            }
            for one in answers
        ]
    return fields


def _taken_back(one: Answer) -> str:
    return f" Taken back by {one.undone_by}." if one.undone_at else ""


def _unknown(key: str) -> UserError:
    return UserError(key, "is not the key of one question", "loopbot questions list shows them")


def _whoever() -> Person:
    from loopbot.cli.outboxing import whoever

    name = whoever()
    return Person("cli", name, name)


def _print_json(value: object) -> None:
    import orjson

    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
