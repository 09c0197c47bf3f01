"""Questions as they are read where they are asked: open with their buttons, then with who decided what."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from loopbot.domain import rootcause
from loopbot.domain.messages import AskPart
from loopbot.domain.questions import PROMOTE, Question
from loopbot.domain.records import Ref
from loopbot.domain.telling import moment
from loopbot.domain.texts import listed, shorten
from loopbot.ports import Answer, QuestionRow, Tx

TOGETHER = 5
"""How many open questions one message shows with their buttons; the others are counted, and move up."""
LONGEST_IN_BURST = 700
LONGEST_ALONE = 2_800
UNDO = "undo"
_AUDIENCES = {
    "operators": "operators",
    "agents": "agents",
    "problem_managers": "problem managers",
    "release_managers": "release managers",
    "product_owners": "product owners",
}
_CAUSE = {
    "yes": "{key} caused it",
    "no": "{key} did not cause it",
    "other": "{detail} caused it",
    "none": "no change caused it",
}
_ITEM = {
    "yes": "{key} says the same",
    "no": "{key} says something else",
    "other": "{detail} says the same",
    "none": "none of them",
}
_OTHERS = {PROMOTE: "they are one problem", "not_now": "not now"}


def audience_in_words(question: Question) -> str:
    """Whom it is asked: problem managers."""
    return _AUDIENCES[question.audience]


def parts_of(tx: Tx, rows: Sequence[QuestionRow], undo: timedelta) -> tuple[AskPart, ...]:
    """The message of these questions."""
    if len(rows) == 1:
        return (_part(tx, rows[0], LONGEST_ALONE, undo),)
    waiting = [row for row in rows if row.state == "open"]
    done = [row for row in rows if row.state != "open"]
    lead = f"{len(waiting)} questions wait for an answer:" if len(waiting) > 1 else "One question waits for an answer:"
    parts = [AskPart(lead if waiting else "All of these questions are answered.")]
    parts += [_part(tx, row, LONGEST_IN_BURST, undo) for row in waiting[:TOGETHER]]
    if len(waiting) > TOGETHER:
        rest = [f"• {headline(row.question)}" for row in waiting[TOGETHER : TOGETHER + 20]]
        more = [f"• … and {len(waiting) - TOGETHER - 20} more"] if len(waiting) > TOGETHER + 20 else []
        parts.append(AskPart("\n".join(["These move up as the ones above are answered:", *rest, *more])))
    if done:
        lines = [f"• {headline(row.question)} {outcome(tx, row)}" for row in done[-20:]]
        moments = tuple(at for row in done[-20:] for at in _answered_at(tx, row))
        parts.append(AskPart("\n".join(["Done:", *lines]), moments=moments))
    return tuple(parts)


def headline(question: Question) -> str:
    """A question in one line."""
    return shorten(question.text.partition("\n")[0], 200)


def evidence(question: Question) -> list[str]:
    """What is said below a question's first line: what speaks for it, a line for each."""
    return [line for line in question.text.split("\n")[1:] if line.strip()]


def outcome(tx: Tx, row: QuestionRow) -> str:
    """What became of a question, as a sentence; "" while nothing has."""
    if row.state == "open":
        return " ".join(said(one, row.question) for one in _standing(tx.questions.answers(row.key)))
    if row.state == "answered":
        return " ".join(said(one, row.question) for one in _standing(tx.questions.answers(row.key))) or "Answered."
    if row.state == "expired":
        again = f" It will not be asked again before {row.rests_until:%d %b %Y}." if row.rests_until else ""
        return f"Nobody answered in time, so nothing was done.{again}"
    return f"No longer asked: {row.why or 'it does not matter any more'}."


def said(answer: Answer, question: Question) -> str:
    """Who answered what, and when."""
    return f"{name_of(answer.by)}: {meaning(answer, question)} ({moment(answer.at)})."


def meaning(answer: Answer, question: Question) -> str:
    """An answer in words."""
    word, _, which = answer.answer.partition(".")
    if word == "fill":
        return f"root cause: {_root_cause(answer.detail)}"
    said = (_ITEM if question.kind == "item" else _CAUSE).get(word) or _OTHERS.get(word)
    if said is not None:
        return said.format(key=which.rpartition(":")[2], detail=answer.detail.rpartition(":")[2])
    if word == "apart" and answer.detail:
        return f"not the same: {answer.detail}"
    chosen = question.option(answer.answer)
    return (chosen.label if chosen else answer.answer.replace("_", " ")).rstrip("…")


def root_cause(tx: Tx, problem: Ref) -> tuple[str, ...]:
    """What people said last about a problem's root cause, a line for each dimension of which they said something, and who said it."""
    asked = [row for row in tx.questions.about(problem) if row.question.kind == "root_cause"]
    given = [
        one for row in asked for one in tx.questions.answers(row.key) if one.answer == "fill" and not one.undone_at
    ]
    if not given:
        return ()
    latest = max(given, key=lambda one: one.at)
    lines = _filled_in(rootcause.read(latest.detail))
    return (*lines, f"so said {name_of(latest.by)} on {moment(latest.at)} ({problem.key})") if lines else ()


def _root_cause(kept: str) -> str:
    """What was filled in, and what is still empty."""
    answers = rootcause.read(kept)
    filled = _filled_in(answers)
    empty = [label.lower() for name, label in rootcause.DIMENSIONS.items() if not answers[name]]
    return "; ".join(filled + ([f"still empty: {listed(empty)}"] if empty else []))


def _filled_in(answers: Mapping[str, str]) -> list[str]:
    return [f"{label}: {shorten(' '.join(answers[name].split()), 250)}" for name, label in rootcause.DIMENSIONS.items() if answers[name]]  # fmt: skip


def name_of(by: str) -> str:
    """Whoever answered, as colleagues call them."""
    return by.partition(" (")[0]


def _part(tx: Tx, row: QuestionRow, longest: int, undo: timedelta) -> AskPart:
    question = row.question
    told = outcome(tx, row)
    moments = _answered_at(tx, row)
    if row.state == "open":
        buttons = tuple((one.answer, one.label) for one in question.options)
        asked = f"For {audience_in_words(question)}."
        words = "\n\n".join([shorten(question.text, longest), *([told] if told else [])])
        return AskPart(words, row.key, buttons, question.places, asked, (*question.moments, *moments))
    # What was decided is what matters now; what spoke for it comes back with the question, if the answer is taken back.
    words = f"{headline(question)}\n{told}"
    if row.state != "answered" or row.answered_at is None or tx.now() - row.answered_at > undo:
        return AskPart(words, row.key, (), question.places, moments=moments)
    until = row.answered_at + undo
    words = f"{words}\nIt can be taken back until {moment(until)}."
    return AskPart(words, row.key, ((UNDO, "Undo"),), question.places, moments=(*moments, until))


def _answered_at(tx: Tx, row: QuestionRow) -> tuple[datetime, ...]:
    return tuple(one.at for one in _standing(tx.questions.answers(row.key)))


def _standing(answers: Sequence[Answer]) -> list[Answer]:
    return [one for one in answers if one.undone_at is None]
