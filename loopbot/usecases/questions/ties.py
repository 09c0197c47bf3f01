"""Answers that tie two records together, or say that nothing does: suspects and items; and links that are taken back."""

from collections.abc import Iterable

from loopbot.domain.effects import Comment, Effect, LinkTickets, OpenTicket
from loopbot.domain.phrasing import said, what_it_does
from loopbot.domain.questions import LessonKind, Option, Question, Tie
from loopbot.domain.records import Link, Ref
from loopbot.usecases.questions.given import RULE, Given, person_of, plan, rejudge
from loopbot.usecases.questions.keeping import put
from loopbot.usecases.questions.showing import name_of

NONE = ""


def tie_up(given: Given) -> None:
    """A suspect is it, or is not, or nothing is."""
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
        given.tx.links.reject(source, tie.relation, target, person_of(given.answer.by))
        return
    because = f"{name_of(given.answer.by)} said so"
    link = Link(source, tie.relation, target, 1.0, because, person_of(given.answer.by))
    new = given.tx.links.put([link])
    plan(given, _written(given, link))
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


def untie(given: Given) -> list[str]:
    """Take that back; what is written already is named, or asked about."""
    left = drop(given)
    for lesson in given.tx.lessons.undo(given.answer.number):
        tie = given.question.tie
        if lesson.other and tie is not None:
            source, target = _ends(given.question, Ref.parse(lesson.other))
            given.tx.links.take_back(source, tie.relation, target)
    return left


def _offer_to_clear(given: Given, effect: LinkTickets) -> str:
    """What is written in a system is taken back there only when somebody says so once more."""
    question = given.question
    linked = f"{effect.source.key} is linked to {effect.target.key} in {effect.system}"
    if not getattr(given.loop.sinks.get(effect.system), "clears_links", False):
        return f"{linked} already: clear it there."
    asked = Question(
        kind="reverse",
        subject=question.subject,
        about=f"answer {given.answer.number}",
        text=f"{linked}, because {name_of(given.answer.by)} said so, and that was taken back. Clear it there, too?",
        options=(Option(f"clear.{effect.system}", "Clear it there"), Option("leave", "Leave it")),
        audience=question.audience,
        rule=RULE,
        refs=(effect.source, effect.target),
        places=question.places,
        tie=Tie(relation=effect.relation),
        service=question.service,
    )
    put(given.loop, given.tx, [asked])
    return f"{linked} already; whether to clear it there is asked below."


def clear(given: Given) -> None:
    """Take a link back in the system that holds it."""
    word, _, system = given.answer.answer.partition(".")
    question = given.question
    if word == "clear" and question.tie is not None:
        source, target = question.refs
        relation = question.tie.relation
        cause = given.cause(f"clear|{source}>{target}")
        plan(
            given,
            [LinkTickets(system=system, cause=cause, source=source, relation=relation, target=target, gone=True)],
        )


def _ends(question: Question, far: Ref) -> tuple[Ref, Ref]:
    outward = question.tie is None or question.tie.outward
    return (question.subject, far) if outward else (far, question.subject)


def drop(given: Given) -> list[str]:
    """Stop what follows from the answer and is not sent; what is written is named, with how to take it back."""
    left = []
    for row in given.tx.outbox.about(given.question.subject):
        cause = row.effect.cause
        if cause.rule != RULE or cause.once != f"answer {given.answer.number}":
            continue
        if given.tx.outbox.drop(row.effect.key, given.mark):
            left += [not_known(row.effect)] if row.state == "uncertain" else []
        elif row.state != "dropped":
            left.append(_written_already(given, row.effect))
    return left


def not_known(effect: Effect) -> str:
    """What is said of an effect that is taken back while nobody knows whether it came about."""
    if isinstance(effect, OpenTicket):
        what = f"Whether {said(effect.title, 60)} was opened in {effect.system} is not known"
        return f"{what}: look there, and cancel it if it was."
    return f"Whether this was written in {effect.system} is not known: {what_it_does(effect, 60)}. Look there."


def _written_already(given: Given, effect: Effect) -> str:
    if isinstance(effect, LinkTickets) and not effect.gone:
        return _offer_to_clear(given, effect)
    return f"What is written in {effect.system} already stays: {what_it_does(effect, 60)}."
