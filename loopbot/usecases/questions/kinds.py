"""What an answer does, by the kind of question, and what is left when it is taken back."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Literal

from loopbot.domain import rootcause
from loopbot.domain.effects import Comment, Effect, OpenTicket, SetFields
from loopbot.domain.events import Answered
from loopbot.domain.pending import pending_ref
from loopbot.domain.phrasing import counted
from loopbot.domain.questions import PROMOTE, Asking, Question
from loopbot.domain.records import Feedback
from loopbot.ports import EffectState, OutboxRow, QuestionRow
from loopbot.usecases.absorb import absorb
from loopbot.usecases.questions.given import Given, Kind, plan, rejudge
from loopbot.usecases.questions.showing import name_of
from loopbot.usecases.questions.ties import clear, drop, not_known, tie_up, untie

# ---------------------------------------------------------------------------------------- clusters


def _cluster(given: Given) -> None:
    if given.word == PROMOTE:
        together = pairwise(given.question.refs)  # from the first to the last of them: all pairs would say no more
        given.tx.lessons.add([given.lesson("same", later, str(one), "yes") for one, later in together])
        for row in _acts_of_the_rule(given):
            if row.state == "dropped" and "(answer " in row.why:  # a promotion that was taken back
                given.tx.outbox.retry(row.effect.key, given.mark)
    if given.word != "apart":
        return
    picked, rest = given.refs, [ref for ref in given.question.refs if ref not in given.refs]
    given.tx.lessons.add([given.lesson("same", one, str(other), "no") for one in picked for other in rest])


def _together(given: Given) -> list[str]:
    given.tx.lessons.undo(given.answer.number)
    if given.word != PROMOTE:
        return []
    left = []
    for row in _acts_of_the_rule(given):
        if given.tx.outbox.drop(row.effect.key, given.mark):
            given.tx.links.forget(pending_ref(row.effect.key))
            if row.state == "uncertain":
                left.append(not_known(row.effect))
        elif isinstance(row.effect, OpenTicket) and row.receipt:
            left.append(f"{row.receipt.ref.key} is open already and stays: cancel it in {row.effect.system}.")
        elif isinstance(row.effect, OpenTicket) and row.state == "sending":
            left.append(f"The problem is just being opened in {row.effect.system}: cancel it there.")
    return left


def _acts_of_the_rule(given: Given) -> list[OutboxRow]:
    """What the rule wrote, or is to write, because of the promotion."""
    rows = given.tx.outbox.about(given.question.subject)
    return [row for row in rows if row.effect.cause.rule == given.question.rule]


# ---------------------------------------------------------------------------------------- topics


def _topic(given: Given) -> None:
    record = given.tx.mirror.get(given.question.subject)
    before = record.topic if isinstance(record, Feedback) and record.topic else ""
    given.tx.lessons.add([given.lesson("topic", given.question.subject, given.answer.answer, "yes", before)])
    if record is not None:
        absorb(given.loop, given.tx, [record])


def _untopic(given: Given) -> list[str]:
    for lesson in given.tx.lessons.undo(given.answer.number):
        record = given.tx.mirror.get(lesson.subject)
        if isinstance(record, Feedback):
            absorb(given.loop, given.tx, [replace(record, topic=lesson.before or None)])
    return _sent_since(given)


def _sent_since(given: Given) -> list[str]:
    """What rules did because of it, which stays."""
    rows = [
        row
        for row in given.tx.outbox.about(given.question.subject)
        if row.state == "settled" and row.planned_at >= given.answer.at
    ]
    return (
        [f"{counted(len(rows), 'write')} that followed from it stays: {_first(rows[0].effect.system)}."] if rows else []
    )


def _first(system: str) -> str:
    return f"look in {system}"


# ---------------------------------------------------------------------------------------- stuck writes


def _decide_all(given: Given) -> None:
    word, _, upto = given.answer.answer.partition(".")
    heap: Literal["held", "parked"] = "held" if given.question.kind == "limit" else "parked"
    keys = given.tx.stuck.keys(heap, given.question.subject.key, given.question.about, int(upto))
    act = given.tx.outbox.retry if word in {"approve", "retry"} else given.tx.outbox.drop
    for key in keys:
        act(key, given.mark)


def _decide_one(given: Given) -> None:
    act = given.tx.outbox.confirm if given.word == "there" else given.tx.outbox.retry
    act(given.question.about, given.mark)


def _stuck_again(state: EffectState) -> Callable[[Given], list[str]]:
    def take_back(given: Given) -> list[str]:
        given.tx.stuck.revert(given.mark, state)
        if given.word in {"approve", "retry", "again"}:
            return ["What was sent meanwhile is there and stays; what was not waits for a decision again."]
        return []

    return take_back


# ---------------------------------------------------------------------------------------- problems


def _root_cause(given: Given) -> None:
    if given.word != "fill":
        return
    answers = rootcause.read(given.answer.detail)
    problem = given.question.subject
    fields = tuple(
        (name, answers[dimension]) for dimension, name in given.loop.places.fields.items() if answers.get(dimension)
    )
    effect: Effect
    if fields:
        effect = SetFields(system=problem.system, cause=given.cause("root_cause"), target=problem, fields=fields)
    else:
        text = f"{rootcause.report(answers)}\n\n({name_of(given.answer.by)})"
        effect = Comment(system=problem.system, cause=given.cause("root_cause"), target=problem, text=text)
    plan(given, [effect])


def _filled(_: QuestionRow, word: str, detail: str) -> bool:
    return word != "fill" or all(rootcause.read(detail).values())


def _nothing(_: Given) -> None:
    """The rule that asked does it, when it is judged again."""


def _released(given: Given) -> list[str]:
    if given.word != "public":
        return []
    rows = [
        row
        for row in given.tx.outbox.about(given.question.subject)
        if row.effect.cause.rule == given.question.rule
        and row.effect.cause.once == given.question.about
        and "|note|" not in row.effect.cause.slot
    ]
    for row in rows:
        given.tx.outbox.drop(row.effect.key, given.mark)
    done = sum(row.state in {"settled", "sending", "uncertain"} for row in rows)
    if not done:
        return []
    return [f"{counted(done, 'message')} to reporters can not be called back: tell them what is right."]


# ---------------------------------------------------------------------------------------- all of them


def wake(given: Given) -> None:
    """The answer is an event: the rule that asked goes on from it, others may wait for it too."""
    question = given.question
    record = given.tx.mirror.get(question.subject)
    events = [Answered(given.answer.by, question.kind, given.word, record, given.answer.at)] if record else []
    others = question.refs if question.kind == "cluster" else ()
    rejudge(given.loop, given.tx, set(others) - {question.subject}, events)


def _final(_: QuestionRow, __: str, ___: str) -> bool:
    return True


def _suspects_left(_: QuestionRow, word: str, __: str) -> bool:
    return word != "no"


def _apart_is_not_final(_: QuestionRow, word: str, __: str) -> bool:
    return word != "apart"


def _for_good(question: Question, word: str) -> timedelta | None:
    return question.again if word == "not_now" else None


def _not_at_all(_: Question, __: str) -> timedelta | None:
    return timedelta(0)


KINDS: Mapping[Asking, Kind] = MappingProxyType(
    {
        "cause": Kind(tie_up, untie, _suspects_left, _for_good),
        "item": Kind(tie_up, untie, _suspects_left, _for_good),
        "cluster": Kind(_cluster, _together, _apart_is_not_final, _for_good),
        "topic": Kind(_topic, _untopic, _final, _for_good),
        "limit": Kind(_decide_all, _stuck_again("held"), _final, _not_at_all),
        "parked": Kind(_decide_all, _stuck_again("parked"), _final, _not_at_all),
        "uncertain": Kind(_decide_one, _stuck_again("uncertain"), _final, _not_at_all),
        "root_cause": Kind(_root_cause, drop, _filled, _for_good),
        "reverse": Kind(clear, drop, _final, _for_good),
        "workaround": Kind(_nothing, _released, _final, _for_good),
    }
)
