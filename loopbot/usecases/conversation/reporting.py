"""What people say about a service becomes feedback or an incident where those are kept, once for the same words.

A message of the chat is itself the identity: whoever points at it, and however often, it is one report.
"""

import hashlib
import json
from dataclasses import dataclass

from loopbot.domain.effects import Cause, Comment, OpenTicket
from loopbot.domain.forms import ChoiceField, Filled, Form, TextField, TicketField, Wrong
from loopbot.domain.records import Feedback, Person, Record, Ref
from loopbot.domain.speech import Context, Heard, Lead, Message, Option, Paragraph, Quote, say
from loopbot.domain.texts import clean, shorten
from loopbot.domain.words import TOPICS
from loopbot.ports import JournalEntry, Tx
from loopbot.usecases.conversation.desk import Desk, Place, called, quoted
from loopbot.usecases.conversation.finding import meant
from loopbot.usecases.conversation.reading import tickets_in, unescaped
from loopbot.usecases.conversation.selfhelp import offered

FEEDBACK, INCIDENT, ATTACH = "feedback", "incident", "attach"
_TITLE = 120
_LONGEST = 20_000
_TOPIC = ChoiceField("topic", "What is it?", tuple(Option(one, one.capitalize()) for one in TOPICS), optional=True)
_NO_PLACE = "There is no place for {what} yet: whoever runs loopbot names one under [{table}] in its configuration."


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody said: `mark` is its identity, `author` who said it, `by` who brought it here."""

    mark: Ref
    title: str
    text: str
    author: Person
    by: Person
    topic: str = ""
    url: str = ""


def feedback_form(message: Heard | None = None) -> Form:
    """Asks for the words and what kind they are; a message's own words stand there already."""
    words = TextField(
        "words", "What is it about?", "In your own words; they are kept as you write them.", _words(message), lines=True
    )
    return Form(FEEDBACK, "Feedback", (words, _TOPIC), "Send", context=_packed(message))


def incident_form(message: Heard | None = None) -> Form:
    """Asks for what is broken."""
    text = _words(message)
    fields = (
        TextField("title", "What does not work?", "In one line.", _title(text) if text else "", most=_TITLE),
        TextField("words", "What happens, since when, for whom?", "", text, lines=True, optional=True),
    )
    return Form(INCIDENT, "Report an incident", fields, "Report", context=_packed(message))


def attach_form(message: Heard) -> Form:
    """Asks which ticket a message belongs to."""
    before = (Quote(shorten(_words(message), 300)),) if message.text else ()
    ticket = TicketField(
        "ticket", "Which ticket does it belong to?", next((one.typed for one in tickets_in(message.text)), "")
    )
    return Form(ATTACH, "Link to a ticket", (ticket,), "Link", before, _packed(message))


def submitted(desk: Desk, person: Person, filled: Filled) -> Message | Wrong:
    """A form came back: keep what it says, or say what is wrong in it."""
    message = _unpacked(filled.context)
    if filled.form == ATTACH:
        return _attached(desk, person, filled.value("ticket"), message)
    words, title = filled.value("words"), filled.value("title")
    if not (words if filled.form == FEEDBACK else title):
        return Wrong({"words" if filled.form == FEEDBACK else "title": "Some words are needed."})
    # What stands in a field was typed there and is not escaped, unlike messages and commands.
    made = _report(desk, person, title or words, words or title, message, filled.value("topic"))
    return give_feedback(desk, made) if filled.form == FEEDBACK else report_incident(desk, made)


def typed(desk: Desk, person: Person, words: str) -> Report:
    """What somebody typed after `feedback` or `report`."""
    plain = unescaped_lines(words)
    return _report(desk, person, plain, plain, None, "")


def reacted(desk: Desk, person: Person, message: Heard, topic: str) -> Message:
    """Somebody marked a message with a reaction that makes it feedback."""
    plain = unescaped_lines(message.text)
    return give_feedback(desk, _report(desk, person, plain, plain, message, topic))


def give_feedback(desk: Desk, report: Report) -> Message:
    """Keep it as feedback."""
    place = desk.places.feedback
    if place is None:
        return say(_NO_PLACE.format(what="feedback", table="feedback"))
    new = _kept(desk, place, report, FEEDBACK)
    if not new:
        return say("This was noted before; it counts once.")
    mine = report.author == report.by
    lead = "It is noted, in your words." if mine else f"It is noted, in the words of {called(report.author)}."
    told = "You hear when something comes of it." if mine else "They hear when something comes of it."
    return Message((Lead(lead), Quote(shorten(report.text, 600)), Context(told)))


def report_incident(desk: Desk, report: Report) -> Message:
    """Keep it as an incident; what is known that may help is said at once."""
    place = desk.places.incident
    if place is None:
        return say(_NO_PLACE.format(what="incidents", table="reports"))
    new = _kept(desk, place, report, INCIDENT)
    if not new:
        return say("This was reported before; it counts once.")
    with desk.loop.store.read() as tx:
        known = offered(tx, f"{report.title}\n{report.text}")
    said = Message((Lead("It is reported."), Quote(shorten(report.title, 300)), Context("You hear when somebody has it, and when it is fixed.")))  # fmt: skip
    return said + known


def _kept(desk: Desk, place: Place, report: Report, rule: str) -> bool:
    """Plan the ticket; false where the same was planned before."""
    cause = Cause(rule, report.mark, "0", because=f"{called(report.by)} brought it in the chat")
    effect = OpenTicket(
        system=place.system,
        cause=cause,
        kind=place.kind,
        place=place.place,
        title=desk.loop.redacted(_title(report.title)),
        text=desk.loop.redacted(_told(report)),
        type=place.type,
        labels=tuple(one for one in ("feedback" if rule == FEEDBACK else "", report.topic) if one),
        fields=((place.topic_field, report.topic),) if place.topic_field and report.topic else (),
        reporter=report.author,
    )
    with desk.loop.store.write() as tx:
        [(_, new)] = tx.outbox.plan([effect])
        if new:
            tx.journal([JournalEntry(tx.now(), rule, report.mark, f"planned: open in {place.system}", cause.because)])
    desk.loop.witness.noted("report taken", kind=rule, message=str(report.mark), new=new)
    return new


def _attached(desk: Desk, person: Person, typed_key: str, message: Heard | None) -> Message | Wrong:
    found: tuple[Record, ...] = ()
    with desk.loop.store.read() as tx:
        for named in tickets_in(unescaped(typed_key)):
            found = found or meant(tx, named).found
    if not found:
        return Wrong({"ticket": f"There is no ticket {shorten(typed_key, 60)} that loopbot knows."})
    if message is None:
        return say("The message is not known any more.")
    record = found[0]
    sink = desk.loop.sinks.get(record.system)
    if sink is None or Comment.verb not in sink.verbs:
        return Wrong({"ticket": f"loopbot may not write to {record.system}."})
    mark = _mark(message)
    cause = Cause(ATTACH, record.ref, str(mark), because=f"{called(person)} linked a message to it")
    who = called(message.author) if message.author else "Somebody"
    text = f"{who} wrote in the chat:\n{message.text}\n{message.url}".strip()
    with desk.loop.store.write() as tx:
        note = Comment(
            system=record.system, cause=cause, target=record.ref, text=desk.loop.redacted(shorten(text, _LONGEST))
        )
        tx.outbox.plan([note])
        tx.journal([JournalEntry(tx.now(), ATTACH, record.ref, f"linked: {mark}", cause.because)])
    return Message((Lead(f"It stands in {record.key} now, as an internal note."), Paragraph(quoted(record.title))))


def _report(desk: Desk, person: Person, title: str, text: str, message: Heard | None, topic: str) -> Report:
    author = (message.author if message else None) or person
    words = desk.loop.redacted(clean(text, _LONGEST)).strip() or "(no words)"
    mark = _mark(message) if message else _words_mark(desk, person, words)
    known = topic if topic in TOPICS else ""
    return Report(
        mark,
        clean(title, _LONGEST).strip() or words,
        words,
        author,
        person,
        known,
        message.url if message else "",
    )


def unescaped_lines(text: str) -> str:
    """As it was typed, line by line."""
    return "\n".join(unescaped(one) for one in text.split("\n"))


def _mark(message: Heard) -> Ref:
    return Ref(message.system, "message", f"{message.place}/{message.stamp}")


def _words_mark(desk: Desk, person: Person, words: str) -> Ref:
    """The same words of the same person on one day are one report."""
    day = f"{desk.loop.clock.now():%Y-%m-%d}"
    digest = hashlib.blake2b(f"{person.key}\x1f{day}\x1f{' '.join(words.split())}".encode(), digest_size=12)
    return Ref(person.system, "words", digest.hexdigest())


def _told(report: Report) -> str:
    parts = [report.text]
    parts += [f"{called(report.author)} said so in the chat." if report.url else ""]
    parts += [f"Brought here by {called(report.by)}." if report.by != report.author else "", report.url]
    return "\n\n".join(part for part in parts if part)


def _title(text: str) -> str:
    return shorten(" ".join(text.strip().split("\n", 1)[0].split()), _TITLE)


def _words(message: Heard | None) -> str:
    return clean(unescaped_lines(message.text), 3_000) if message else ""


def _packed(message: Heard | None) -> str:
    if message is None:
        return ""
    author = message.author
    who = [author.system, author.key, author.name, author.email] if author else None
    # The words stand in the form; where they do not, the message is short enough to carry them.
    return json.dumps([message.system, message.place, message.stamp, message.url, who, shorten(message.text, 1_200)], ensure_ascii=False)  # fmt: skip


def _unpacked(context: str) -> Heard | None:
    if not context:
        return None
    system, place, stamp, url, who, text = json.loads(context)
    return Heard(system, place, stamp, text, Person(*who) if who else None, url)


def fresh_feedback(tx: Tx, ref: Ref) -> Feedback | None:
    """The mirrored feedback that a message became, once it is there."""
    record = tx.mirror.get(ref)
    return record if isinstance(record, Feedback) else None
