"""Hearing an answer: who may give it, whether it still counts, what follows; and taking one back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from loopbot.domain import rootcause
from loopbot.domain.errors import Declined
from loopbot.domain.forms import Filled, Form, TextField, TicketField, Wrong
from loopbot.domain.questions import Audience, Option, Question
from loopbot.domain.records import Person, Problem, Ref
from loopbot.domain.speech import Paragraph
from loopbot.domain.views import View
from loopbot.ports import Answer, JournalEntry, QuestionRow, Tx
from loopbot.usecases.loop import Loop
from loopbot.usecases.questions.given import Given, rejudge
from loopbot.usecases.questions.keeping import refresh, withdraw
from loopbot.usecases.questions.kinds import KINDS, wake
from loopbot.usecases.questions.showing import UNDO, audience_in_words, headline, meaning, name_of, outcome, said
from loopbot.usecases.roles import Roles

FORM = "question"
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Heard:
    """What an answer came to, in a sentence for whoever gave it; `left` is what could not be undone, `moments` the times it names."""

    row: QuestionRow
    words: str
    left: tuple[str, ...] = ()
    moments: tuple[datetime, ...] = ()

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join([self.words, *self.left])


def answer(
    loop: Loop, person: Person, key: str, answer_: str, words: str = "", roles: Roles | None = None
) -> Heard | Form:
    """Note an answer and do what follows from it; a form, where more has to be said first.

    Without `roles` everybody may (the terminal). The same answer again does nothing more. Raises Declined where this person may
    not, or somebody was quicker.
    """
    # The chat is asked who is in a group, which nothing that is written waits for.
    allowed = roles is None or roles.belongs(person, _audience(loop, key))
    with loop.store.write() as tx:
        row = _known(tx, key)
        if not allowed:
            raise Declined(_not_for(row.question))
        if answer_ == UNDO:
            return _undone(loop, tx, row, person)
        option = row.question.option(answer_) or _of_an_earlier_count(row.question, answer_)
        if row.state != "open" or option is None:
            return _again(loop, tx, row, person, answer_)
        form = _form(tx, row, option, words)
        if form is not None:
            return form
        heard = _taken(loop, tx, row, option, words, person)
    loop.witness.noted("question answered", question=row.key, kind=row.question.kind, answer=answer_, person=person.key)
    return heard


def undo(loop: Loop, person: Person, key: str, roles: Roles | None = None) -> Heard:
    """Take back the last answer to a question. Raises Declined as `answer` does, and where there is none."""
    heard = answer(loop, person, key, UNDO, "", roles)
    if isinstance(heard, Form):
        raise Declined("There is nothing to take back.")
    return heard


def form_filled(loop: Loop, person: Person, filled: Filled, roles: Roles | None = None) -> Heard | Wrong:
    """A form that `answer` gave was sent; what is wrong in which field, or what it came to."""
    key, _, answer_ = filled.context.partition(_SEPARATOR)
    if answer_ == "fill":
        words = rootcause.written({name: filled.value(name) for name in rootcause.DIMENSIONS})
        if not any(filled.value(name) for name in rootcause.DIMENSIONS):
            return Wrong({next(iter(rootcause.DIMENSIONS)): "Write something in one of the four at least."})
    else:
        words = filled.value("which")
    try:
        heard = answer(loop, person, key, answer_, words, roles)
    except _NotThatError as error:
        return Wrong({"which": str(error)})
    return Wrong({"which": "Name one."}) if isinstance(heard, Form) else heard


class _NotThatError(Declined):
    """What somebody typed names nothing that could be meant."""


def _known(tx: Tx, key: str, *, alone: bool = True) -> QuestionRow:
    row = tx.questions.get(key, alone=alone)
    if row is None:
        carried = tx.questions.carried(key)
        row = tx.questions.get(carried[0].key, alone=alone) if len(carried) == 1 else None
    if row is None:
        raise Declined("This question is no longer known here.")
    return row


def _audience(loop: Loop, key: str) -> Audience:
    with loop.store.read() as tx:
        return _known(tx, key, alone=False).question.audience


def _not_for(question: Question) -> str:
    whom = audience_in_words(question)
    return f"This one is for {whom}. Ask one of them, or whoever runs loopbot to add you to {question.audience} under [roles]."


def _again(loop: Loop, tx: Tx, row: QuestionRow, person: Person, answer_: str) -> Heard:
    """What the same person said already, as people click twice; raises Declined for anything else."""
    standing = _standing(tx, row)
    if not standing or standing[-1].by != whom(person) or standing[-1].answer != answer_:
        raise _too_late(tx, row, person)
    refresh(loop, tx, [row])
    return Heard(row, said(standing[-1], row.question), moments=(standing[-1].at,))


def _too_late(tx: Tx, row: QuestionRow, person: Person) -> Declined:
    standing = _standing(tx, row)
    told = said(standing[-1], row.question) if standing else outcome(tx, row)
    why = told
    if standing and standing[-1].by == whom(person):
        why = f"It is noted already. {told}"
    elif row.state == "answered":
        why = f"Somebody was quicker. {told}"
    elif row.state == "open":
        why = f"What is asked has changed meanwhile; look at it again. {told}".strip()
    return Declined(why, tuple(one.at for one in standing))


def _standing(tx: Tx, row: QuestionRow) -> list[Answer]:
    return [one for one in tx.questions.answers(row.key) if one.undone_at is None]


def _of_an_earlier_count(question: Question, answer_: str) -> Option | None:
    """A button from before more were added: it is about those that it was shown for."""
    word, _, upto = answer_.partition(".")
    now = question.option(word)
    if question.kind not in {"limit", "parked"} or now is None or not upto.isdecimal():
        return None
    return Option(answer_, now.label) if int(upto) <= int(now.answer.partition(".")[2]) else None


def _form(tx: Tx, row: QuestionRow, option: Option, words: str) -> Form | None:
    """What has to be said besides the answer."""
    if words:
        return None
    context = f"{row.key}{_SEPARATOR}{option.answer}"
    before = (Paragraph(headline(row.question)),)
    if option.answer == "other":
        # Of the kind that is asked for.
        example = next((one.ref.key for one in row.question.options if one.ref), "CHG0000042")
        field = TicketField("which", "Which one is it?", example=example)
        return Form(FORM, "Another one", (field,), "Save", before, context)
    if option.answer == "apart":
        hint = "Their keys, such as " + ", ".join(ref.key for ref in row.question.refs[:2])
        field_ = TextField("which", "Which of them do not belong?", hint)
        return Form(FORM, "Not the same", (field_,), "Save", before, context)
    if option.answer == "fill":
        return Form(FORM, "Root cause", _dimensions(tx, row), "Save", before, context)
    return None


def _dimensions(tx: Tx, row: QuestionRow) -> tuple[TextField, ...]:
    """The four, each with what was said before, else with the evidence there is."""
    earlier = [one for one in _standing(tx, row) if one.answer == "fill"]
    said_before = rootcause.read(earlier[-1].detail) if earlier else {}
    problem = tx.mirror.get(row.question.subject)
    view: View = tx
    known = rootcause.evidence(problem, view) if isinstance(problem, Problem) else {}
    return tuple(
        TextField(
            name,
            label,
            hint="" if known.get(name) else "loopbot knows nothing about this one",
            initial=said_before.get(name) or "; ".join(known.get(name, ())),
            lines=True,
            optional=True,
            most=2_000,
        )
        for name, label in rootcause.DIMENSIONS.items()
    )


def _taken(loop: Loop, tx: Tx, row: QuestionRow, option: Option, words: str, person: Person) -> Heard:
    question, kind = row.question, KINDS[row.question.kind]
    chosen, detail = option.ref, loop.redacted(words)
    refs: tuple[Ref, ...] = ()
    if option.answer == "other":
        chosen = _named(tx, question, words)
        detail = str(chosen)
    elif option.answer == "apart":
        refs = _picked(question, words)
        detail = ", ".join(ref.key for ref in refs)
    word = option.answer.partition(".")[0]
    rests = kind.rests(question, word)
    given = tx.questions.answer(
        row.key,
        option.answer,
        detail,
        whom(person),
        rests_until=None if rests is None else tx.now() + rests,
        final=kind.final(row, word, detail),
    )
    if given is None:
        raise _too_late(tx, row, person)
    whole = Given(loop, tx, row, given, chosen, refs)
    _note(tx, question, f"answered: {meaning(given, question)}", given.by)
    kind.act(whole)
    wake(whole)
    _end_where_nobody_asks_on(loop, tx, row, option)
    refresh(loop, tx, [row])
    return Heard(tx.questions.get(row.key) or row, said(given, question), moments=(given.at,))


def _end_where_nobody_asks_on(loop: Loop, tx: Tx, row: QuestionRow, option: Option) -> None:
    """After a no it is the rule that names the next suspect; a rule that is gone, or does not fit any more, names none."""
    now = tx.questions.get(row.key)
    if now is not None and now.state == "open" and now.question == row.question and option.answer != "fill":
        withdraw(loop, tx, now, "the rule that asked it does not ask it any more")


def _undone(loop: Loop, tx: Tx, row: QuestionRow, person: Person) -> Heard:
    standing = _standing(tx, row)
    if person.system != "cli" and row.state == "open":
        return _undone_again(loop, tx, row, person)
    if not standing:
        raise Declined("There is nothing to take back: nobody has answered this.")
    last = standing[-1]
    if person.system != "cli" and tx.now() - last.at > loop.places.undo:
        raise Declined(
            f"This was answered {_long_ago(tx, last)}: too long ago to take back here. "
            f"Whoever runs loopbot can: loopbot questions undo {row.key[:8]}"
        )
    question = row.question
    option = question.option(last.answer)
    chosen = option.ref if option else None
    given = Given(loop, tx, row, last, chosen)
    tx.questions.undo(last.number, whom(person))
    left = KINDS[question.kind].take_back(given)
    _note(tx, question, f"taken back: {meaning(last, question)}", whom(person))
    rejudge(loop, tx, {question.subject, *(question.refs if question.kind == "cluster" else ())})
    refresh(loop, tx, [row])
    loop.witness.noted("answer taken back", question=row.key, answer=last.answer, person=person.key)
    return Heard(replace(row, state="open"), _taken_back(last, question), tuple(left))


def _undone_again(loop: Loop, tx: Tx, row: QuestionRow, person: Person) -> Heard:
    """What the same person took back already: the button stands under answered questions alone, and the answer before is not meant."""
    taken_back = [one for one in tx.questions.answers(row.key) if one.undone_at is not None]
    last = max(taken_back, key=lambda one: one.undone_at or one.at, default=None)
    if last is None:
        raise Declined("There is nothing to take back: the question is open.")
    if last.undone_by != whom(person):
        raise Declined(f"{name_of(last.undone_by)} took it back already: the question is open again.")
    refresh(loop, tx, [row])
    return Heard(row, _taken_back(last, row.question))


def _taken_back(given: Answer, question: Question) -> str:
    return f"Taken back: {meaning(given, question)}. The question is open again."


def _long_ago(tx: Tx, given: Answer) -> str:
    hours = (tx.now() - given.at) / timedelta(hours=1)
    return f"{hours / 24:.0f} days ago" if hours >= 48 else f"{hours:.0f} hours ago"


def _named(tx: Tx, question: Question, words: str) -> Ref:
    """The record somebody means, of a kind that fits."""
    try:
        found = [record for record in [tx.mirror.get(Ref.parse(words.strip()))] if record]
    except ValueError:
        found = tx.mirror.find(words.strip())
    wanted = {ref.kind for ref in question.refs} | ({"change", "deployment"} if question.kind == "cause" else set())
    fitting = [one for one in found if one.kind in wanted]
    if not fitting:
        what = f"{words.strip()} is a {found[0].kind}" if found else f"{words.strip()} is not known here"
        raise _NotThatError(
            f"{what}. Name {' or '.join(f'a {kind}' for kind in sorted(wanted))} that loopbot has seen."
        )
    if len(fitting) > 1:
        raise _NotThatError("That names several: " + ", ".join(str(one.ref) for one in fitting))
    return fitting[0].ref


def _picked(question: Question, words: str) -> tuple[Ref, ...]:
    """The members that somebody named by their keys."""
    by_key = {ref.key.casefold(): ref for ref in question.refs}
    typed: Sequence[str] = words.replace(",", " ").replace(";", " ").split()
    unknown = [one for one in typed if one.casefold() not in by_key]
    if unknown or not typed:
        known = ", ".join(ref.key for ref in question.refs[:10])
        raise _NotThatError(f"{unknown[0] if unknown else 'Nothing'} is not one of them: {known}")
    return tuple(dict.fromkeys(by_key[one.casefold()] for one in typed))


def whom(person: Person) -> str:
    """A person as answers name them: Ann Lee (ann@example.com)."""
    ident = person.email or f"{person.system}:{person.key}"
    return f"{person.name} ({ident})" if person.name else ident


def _note(tx: Tx, question: Question, what: str, by: str) -> None:
    tx.journal([JournalEntry(tx.now(), question.rule, question.subject, what, by)])
