"""What an answer does, by the kind of question, and what is left when it is taken back."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Literal

from loopbot.domain import rootcause
from loopbot.domain.effects import Cause, Comment, Effect, LinkTickets, OpenTicket, SetFields, pending_ref
from loopbot.domain.events import Answered, Changed, Event
from loopbot.domain.phrasing import counted, what_it_does
from loopbot.domain.questions import Asking, Lesson, LessonKind, Option, Question, Tie
from loopbot.domain.records import Feedback, Link, Record, Ref
from loopbot.ports import Answer, EffectState, OutboxRow, QuestionRow, Tx
from loopbot.usecases.enact import absorb, decide
from loopbot.usecases.loop import Loop
from loopbot.usecases.questions.keeping import put
from loopbot.usecases.questions.showing import meaning, name_of

RULE = "answers"
NONE = ""


@dataclass(frozen=True, slots=True)
class Given:
    """One answer that counts, with all that its kind needs. `chosen` is the record it is about, `refs` those picked out."""

    loop: Loop
    tx: Tx
    row: QuestionRow
    answer: Answer
    chosen: Ref | None = None
    refs: tuple[Ref, ...] = ()

    @property
    def question(self) -> Question:
        """What was asked."""
        return self.row.question

    @property
    def word(self) -> str:
        """The answer without what it is about."""
        return self.answer.answer.partition(".")[0]

    @property
    def mark(self) -> str:
        """Names this answer in the outbox, so that it can be taken back."""
        return f"{name_of(self.answer.by)}: {self.word.replace('_', ' ')} (answer {self.answer.number})"

    def cause(self, slot: str) -> Cause:
        """Why an effect exists that follows from it."""
        because = f"{name_of(self.answer.by)}: {meaning(self.answer, self.question)}"
        return Cause(RULE, self.question.subject, slot, once=f"answer {self.answer.number}", because=because)

    def lesson(
        self, kind: LessonKind, subject: Ref, other: str, verdict: Literal["yes", "no"], before: str = ""
    ) -> Lesson:
        """What is to be learned from it."""
        return Lesson(
            kind=kind,
            subject=subject,
            other=other,
            verdict=verdict,
            by=self.answer.by,
            at=self.answer.at,
            answer=self.answer.number,
            before=before,
        )


@dataclass(frozen=True, slots=True)
class Kind:
    """`final`: whether an answer ends the question; `rests`: for how long, where not for good; `act`, `take_back`: what is done.

    `take_back` returns what could not be undone, as sentences.
    """

    act: Callable[[Given], None]
    take_back: Callable[[Given], list[str]]
    final: Callable[[QuestionRow, str, str], bool]
    rests: Callable[[Question, str], timedelta | None]


# ---------------------------------------------------------------------------------------- suspects, items


def _tie(given: Given) -> None:
    question, tie = given.question, given.question.tie
    kind: LessonKind = "item" if question.kind == "item" else "cause"
    if given.word == "none" or tie is None:
        given.tx.lessons.add([given.lesson(kind, question.subject, NONE, "yes")])
        return
    if given.chosen is None:
        return
    yes = given.word in {"yes", "other"}
    given.tx.lessons.add([given.lesson(kind, question.subject, str(given.chosen), "yes" if yes else "no")])
    source, target = _ends(question, given.chosen)
    if not yes:
        given.tx.links.reject(source, tie.relation, target, _person(given.answer.by))
        return
    because = f"{name_of(given.answer.by)} said so"
    link = Link(source, tie.relation, target, 1.0, because, _person(given.answer.by))
    new = given.tx.links.put([link])
    _plan(given, _written(given, link))
    _follow(given, new)


def _follow(given: Given, links: Iterable[Link]) -> None:
    """Rules that follow such links look at both ends again."""
    ends = {end for link in links for end in (link.source, link.target)} - {given.question.subject}
    rejudge(given.loop, given.tx, ends)


def _written(given: Given, link: Link) -> list[Effect]:
    """The link where people look for it, and who said so, for the team."""
    question, tie = given.question, given.question.tie
    far = given.tx.record(link.target if link.source == question.subject else link.source)
    systems = (question.subject.system,) if tie is None or tie.systems is None else tie.systems
    effects: list[Effect] = [
        LinkTickets(
            system=system,
            cause=given.cause(f"link|{link.source}>{link.target}"),
            source=link.source,
            relation=link.relation,
            target=link.target,
            title=far.title if far else "",
            url=far.url if far else "",
        )
        for system in systems
        if (sink := given.loop.sinks.get(system)) is not None and "link" in sink.verbs and _fits(question, link, system)
    ]
    home = given.loop.sinks.get(question.subject.system)
    if question.kind == "cause" and home is not None and "comment" in home.verbs and far is not None:
        text = f"{name_of(given.answer.by)} confirmed: caused by {far.key}, “{far.title}”."
        effects.append(
            Comment(system=question.subject.system, cause=given.cause("note"), target=question.subject, text=text)
        )
    return effects


def _fits(question: Question, link: Link, system: str) -> bool:
    """What caused a ticket is a field of it, which holds only records of its own system."""
    return question.kind != "cause" or {link.source.system, link.target.system} == {system}


def _untie(given: Given) -> list[str]:
    left = _drop(given)
    for lesson in given.tx.lessons.undo(given.answer.number):
        tie = given.question.tie
        if lesson.other and tie is not None:
            source, target = _ends(given.question, Ref.parse(lesson.other))
            given.tx.links.take_back(source, tie.relation, target)
    return left


def _offer_to_clear(given: Given, effect: LinkTickets) -> str:
    """What is written in a system is taken back there only when somebody says so once more."""
    question = given.question
    said = f"{effect.source.key} is linked to {effect.target.key} in {effect.system}"
    if not getattr(given.loop.sinks.get(effect.system), "clears_links", False):
        return f"{said} already: clear it there."
    asked = Question(
        kind="reverse",
        subject=question.subject,
        about=f"answer {given.answer.number}",
        text=f"{said}, because {name_of(given.answer.by)} said so, and that was taken back. Clear it there, too?",
        options=(Option(f"clear.{effect.system}", "Clear it there"), Option("leave", "Leave it")),
        audience=question.audience,
        rule=RULE,
        refs=(effect.source, effect.target),
        places=question.places,
        tie=Tie(relation=effect.relation),
        service=question.service,
    )
    put(given.loop, given.tx, [asked])
    return f"{said} already; whether to clear it there is asked below."


def _clear(given: Given) -> None:
    word, _, system = given.answer.answer.partition(".")
    question = given.question
    if word == "clear" and question.tie is not None:
        source, target = question.refs
        relation = question.tie.relation
        cause = given.cause(f"clear|{source}>{target}")
        _plan(
            given,
            [LinkTickets(system=system, cause=cause, source=source, relation=relation, target=target, gone=True)],
        )


def _ends(question: Question, far: Ref) -> tuple[Ref, Ref]:
    outward = question.tie is None or question.tie.outward
    return (question.subject, far) if outward else (far, question.subject)


# ---------------------------------------------------------------------------------------- clusters


def _cluster(given: Given) -> None:
    if given.word == "promote":
        for row in _acts_of_the_rule(given):
            if row.state == "dropped" and "(answer " in row.why:  # a promotion that was taken back
                given.tx.outbox.retry(row.effect.key, given.mark)
    if given.word != "apart":
        return
    picked, rest = given.refs, [ref for ref in given.question.refs if ref not in given.refs]
    given.tx.lessons.add([given.lesson("same", one, str(other), "no") for one in picked for other in rest])


def _together(given: Given) -> list[str]:
    given.tx.lessons.undo(given.answer.number)
    if given.word != "promote":
        return []
    left = []
    for row in _acts_of_the_rule(given):
        if given.tx.outbox.drop(row.effect.key, given.mark):
            given.tx.links.forget(pending_ref(row.effect.key))
        elif isinstance(row.effect, OpenTicket) and row.receipt:
            left.append(f"{row.receipt.ref.key} is open already and stays: cancel it in {row.effect.system}.")
        elif isinstance(row.effect, OpenTicket) and row.state in {"sending", "uncertain"}:
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
    _plan(given, [effect])


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


# ---------------------------------------------------------------------------------------- what they share


def _drop(given: Given) -> list[str]:
    """Stop what follows from the answer and is not sent; what is written is named, with how to take it back."""
    left = []
    for row in given.tx.outbox.about(given.question.subject):
        cause = row.effect.cause
        if cause.rule != RULE or cause.once != f"answer {given.answer.number}":
            continue
        if not given.tx.outbox.drop(row.effect.key, given.mark) and row.state != "dropped":
            left.append(_written_already(given, row.effect))
    return left


def _written_already(given: Given, effect: Effect) -> str:
    if isinstance(effect, LinkTickets) and not effect.gone:
        return _offer_to_clear(given, effect)
    return f"What is written in {effect.system} already stays: {what_it_does(effect, 60)}."


def _plan(given: Given, effects: Iterable[Effect]) -> None:
    planned = list(effects)
    if planned:
        given.tx.outbox.plan(planned)


def _person(by: str) -> str:
    """Who said so, as links name them: person:ann@example.com."""
    inside = by.rpartition(" (")[2].removesuffix(")")
    return f"person:{inside}"


def rejudge(loop: Loop, tx: Tx, refs: Iterable[Ref], events: Iterable[Event] = ()) -> None:
    """Let the rules look at these records again."""
    records: Mapping[Ref, Record] = tx.mirror.many(set(refs))
    decide(loop, tx, [*events, *(Changed(record, before=record) for _, record in sorted(records.items()))])


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
        "cause": Kind(_tie, _untie, _suspects_left, _for_good),
        "item": Kind(_tie, _untie, _suspects_left, _for_good),
        "cluster": Kind(_cluster, _together, _apart_is_not_final, _for_good),
        "topic": Kind(_topic, _untopic, _final, _for_good),
        "limit": Kind(_decide_all, _stuck_again("held"), _final, _not_at_all),
        "parked": Kind(_decide_all, _stuck_again("parked"), _final, _not_at_all),
        "uncertain": Kind(_decide_one, _stuck_again("uncertain"), _final, _not_at_all),
        "root_cause": Kind(_root_cause, _drop, _filled, _for_good),
        "reverse": Kind(_clear, _drop, _final, _for_good),
        "workaround": Kind(_nothing, _released, _final, _for_good),
    }
)
