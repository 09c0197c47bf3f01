"""What judging asks is kept: asked once, brought up to date, withdrawn when it answers itself."""

import dataclasses
from collections.abc import Iterable

from loopbot.domain.effects import Ask
from loopbot.domain.questions import Question
from loopbot.domain.rules import Plan, all_hold
from loopbot.ports import JournalEntry, QuestionRow, Tx
from loopbot.usecases.loop import Loop
from loopbot.usecases.questions.showing import headline, parts_of


def keep(loop: Loop, tx: Tx, plan: Plan) -> tuple[Question, ...]:
    """Ask what the plan asks, and withdraw what its rule asked about the record before; returns what is asked anew."""
    if plan.mode != "live":
        return ()
    fresh = put(loop, tx, [one for one in plan.questions if not _seen_whole_already(tx, plan, one)])
    wanted = {question.key for question in plan.questions}
    for row in _open_of(tx, plan):
        if row.key not in wanted:
            withdraw(loop, tx, row, _why_not(tx, plan, row))
    return tuple(row.question for row in fresh)


def put(loop: Loop, tx: Tx, questions: Iterable[Question]) -> list[QuestionRow]:
    """Ask these; a question that only says something else is corrected where it stands. Returns those asked anew."""
    clean = [dataclasses.replace(one, text=loop.redacted(one.text)) for one in questions]
    if not clean:
        return []
    changed = tx.questions.put(clean, tx.now() + loop.places.expire)
    tx.journal(
        JournalEntry(
            tx.now(), row.question.rule, row.question.subject, f"asked: {row.question.kind}", headline(row.question)
        )
        for row in changed
        if not row.message
    )
    refresh(loop, tx, changed)
    return [row for row in changed if not row.message]


def withdraw(loop: Loop, tx: Tx, row: QuestionRow, why: str) -> None:
    """Nobody has to answer it any more; the message says so."""
    if tx.questions.close(row.key, "withdrawn", why):
        question = row.question
        tx.journal([JournalEntry(tx.now(), question.rule, question.subject, f"no longer asked: {question.kind}", why)])
        refresh(loop, tx, [row])


def refresh(loop: Loop, tx: Tx, rows: Iterable[QuestionRow]) -> None:
    """Bring the messages of these questions up to date; the outbox sends what changed, once."""
    for message in sorted({row.message for row in rows} - {""}):
        sent = tx.outbox.get(message)
        carried = tx.questions.carried(message)
        if sent is None or not isinstance(sent.effect, Ask) or not carried:
            continue
        tx.outbox.plan([dataclasses.replace(sent.effect, parts=parts_of(tx, carried, loop.places.undo))])


def _open_of(tx: Tx, plan: Plan) -> list[QuestionRow]:
    """The open questions that this judgement would have asked again."""
    if not tx.questions.waits(plan.rule, plan.subject):
        return []
    rows = [row for row in tx.questions.about(plan.subject) if row.state == "open" and row.question.rule == plan.rule]
    return [
        row
        for row in rows
        if (row.question.kind == "cluster" and _is_latest(plan, row.question))
        or (row.question.kind != "cluster" and row.question.subject == plan.subject)
    ]


def _is_latest(plan: Plan, question: Question) -> bool:
    """A cluster is seen whole only from its latest member."""
    return question.refs[-1:] == (plan.subject,)


def _seen_whole_already(tx: Tx, plan: Plan, question: Question) -> bool:
    """Whether a later member of the cluster asked the same: records of one page are judged in any order."""
    if question.kind != "cluster":
        return False
    row = tx.questions.get(question.key)
    if row is None or row.state != "open":
        return False
    return plan.subject in row.question.refs and not _is_latest(plan, row.question)


def _why_not(tx: Tx, plan: Plan, row: QuestionRow) -> str:
    question = row.question
    links = tx.linked(question.subject, question.tie.relation) if question.tie else ()
    if links:
        far = links[0].target if links[0].source == question.subject else links[0].source
        return f"{question.subject.key} is linked to {far.key} now, {_by(links[0].by)}"
    if any(one.undone_at is None for one in tx.questions.answers(row.key)):
        return "nothing else is left that could be meant"
    if plan.effects or all_hold(plan.steps):
        return "it is certain enough by now"
    step = next(step for step in plan.steps if not step.held)
    return f"it does not hold any more that {step.asked}" + (f" ({step.saw})" if step.saw else "")


def _by(by: str) -> str:
    kind, _, who = by.partition(":")
    return {"person": f"says {who}", "system": f"in {who}", "rule": f"by the rule {who}"}.get(kind, "says someone")
