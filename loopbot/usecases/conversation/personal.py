"""What concerns one person: their own reports, the questions they may answer, what is to come; acknowledging somebody's report."""

from collections.abc import Sequence
from typing import Final

from loopbot.domain.effects import Cause, Comment, Effect, Tell
from loopbot.domain.people import who
from loopbot.domain.phrasing import counted
from loopbot.domain.questions import AUDIENCES
from loopbot.domain.records import Person, Record
from loopbot.domain.speech import (
    Block,
    Bullets,
    Button,
    Buttons,
    Context,
    Divider,
    Home,
    Lead,
    Message,
    Moment,
    Option,
    Paragraph,
    Select,
    Words,
    say,
)
from loopbot.domain.texts import shorten
from loopbot.domain.words import Kind
from loopbot.ports import JournalEntry, QuestionRow, Tx
from loopbot.usecases.conversation import notices
from loopbot.usecases.conversation.desk import SAY, Desk, called, key_of, quoted, refused
from loopbot.usecases.conversation.returning import at_home
from loopbot.usecases.conversation.shipping import next_releases
from loopbot.usecases.conversation.standing import standing
from loopbot.usecases.way import way_of

_ACK: Final = "acknowledge"
_REPORTS: Final[tuple[Kind, ...]] = ("incident", "feedback")
_MINE: Final = 8
_QUEUE: Final = 10
_FEW_OPTIONS: Final = 5


def home(desk: Desk, person: Person) -> Home:
    """What they see when they look at loopbot itself."""
    groups = desk.roles.of(person)
    with desk.loop.store.read() as tx:
        blocks: list[Block] = [Lead("Your reports"), *_mine(desk, tx, person)]
        if groups:
            blocks += [Divider(), Lead("Waiting for an answer"), *_queue(tx, desk, person)]
            came_back = at_home(tx)
            blocks += [Divider(), *came_back] if came_back else []
        if "release_managers" in groups:
            coming = next_releases(tx)
            blocks += [Divider(), Lead("Next releases"), *_coming(coming)]
    blocks += [Divider(), *notices.shown(desk, person)]
    actions = [Button("feedback", "Give feedback", "primary")] if desk.places.feedback else []
    actions += [Button("report", "Report an incident")] if desk.places.incident else []
    actions += [Button("recurring", "What keeps coming back"), Button("help", "Help")]
    return Message(
        (Buttons(SAY, tuple(actions)), *blocks, Context(f"{desk.command} help says what else can be asked."))
    )


def mine(desk: Desk, person: Person) -> Message:
    """Their own reports and where each stands."""
    with desk.loop.store.read() as tx:
        blocks = _mine(desk, tx, person)
    return Message((Lead("Your reports"), *blocks))


def queue(desk: Desk, person: Person) -> Message:
    """The questions they may answer."""
    if not desk.insider(person):
        return refused("queue", "those who work on reports", desk.command)
    with desk.loop.store.read() as tx:
        blocks = _queue(tx, desk, person)
    return Message((Lead("Waiting for an answer"), *blocks))


def acknowledge(desk: Desk, person: Person, record: Record, words: str) -> Message:
    """Tell whoever reported something that a person has seen it; once a record, whoever does it first."""
    if not desk.insider(person):
        return refused("ack", "those who work on reports", desk.command)
    if record.kind not in _REPORTS:
        return say(f"{record.key} is a {record.kind}: only what somebody reported can be acknowledged.")
    name = called(person)
    with desk.loop.store.write() as tx:
        before = next((one for one in tx.journal_of(record.ref) if one.what.startswith("acknowledged")), None)
        if before is not None:
            return say(f"{record.key} is acknowledged already: {before.because}.")
        reporter = record.person("reporter")
        effect = _told(desk, person, record, words, reporter)
        if effect is not None:
            tx.outbox.plan([effect])
        tx.journal([JournalEntry(tx.now(), _ACK, record.ref, "acknowledged", f"{name} has seen it" + (f": {words}" if words else ""))])  # fmt: skip
    if effect is None:
        return say(f"{record.key} counts as acknowledged. Nobody could be told: it names no reporter that can be written to.")  # fmt: skip
    told = reporter.name if reporter and reporter.name else "whoever reported it"
    return Message((Lead(f"{record.key} is acknowledged; {told} is told."), Paragraph(quoted(record.title))))


def _told(desk: Desk, person: Person, record: Record, words: str, reporter: Person | None) -> Effect | None:
    """To the reporter themselves where they can be written to, else as a comment that customers see."""
    text = f"{called(person)} has seen what you reported and takes care of it: {quoted(record.title)}"
    text += f"\n{called(person)}: {words}" if words else ""
    text = desk.loop.redacted(f"{text}\n({record.key})")
    cause = Cause(_ACK, record.ref, "0", because=f"{called(person)} acknowledged it")
    if reporter is not None and (reporter.email or reporter.system == person.system):
        return Tell(system=person.system, cause=cause, person=reporter, text=text, about=record.ref)
    sink = desk.loop.sinks.get(record.system)
    if sink is not None and Comment.verb in sink.verbs:
        return Comment(system=record.system, cause=cause, target=record.ref, text=text, audience="public")
    return None


def _mine(desk: Desk, tx: Tx, person: Person) -> list[Block]:
    found = tx.mirror.reported({who(person), who(desk.loop.roster.same(person))}, _REPORTS, _MINE + 1)
    if not found:
        return [Paragraph("You have reported nothing that loopbot knows of. What you report is listed here, with where it stands.")]  # fmt: skip
    lines = tuple(_stands(tx, one) for one in found[:_MINE])
    options = tuple(Option(f"status {one.ref}", shorten(f"{one.key} {one.title}", 70)) for one in found[:_MINE])
    more = [Context("There are earlier ones, too.")] if len(found) > _MINE else []
    return [Bullets(lines), *more, Select(SAY, "See where one stands", options)]


def _stands(tx: Tx, record: Record) -> Words:
    where = standing(way_of(tx, record))
    lead = where.lead if isinstance(where.lead, tuple) else (where.lead,)
    return (*lead, " ", key_of(record))


def _queue(tx: Tx, desk: Desk, person: Person) -> list[Block]:
    groups = desk.roles.of(person)
    rows = [row for audience in AUDIENCES if audience in groups for row in tx.questions.open(audience, limit=_QUEUE)]
    rows = sorted({row.key: row for row in rows}.values(), key=lambda row: row.asked_at)
    if not rows:
        return [Paragraph("Nothing is asked of you.")]
    blocks: list[Block] = [Context(f"{counted(len(rows), 'question')}, the longest waiting first.")]
    for number, row in enumerate(rows[:_QUEUE]):
        blocks += [Divider()] if number else []
        blocks += _question(row)
    return blocks


def _question(row: QuestionRow) -> list[Block]:
    question = row.question
    first, _, rest = question.text.partition("\n")
    if len(question.options) <= _FEW_OPTIONS:
        choose: Block = Buttons(row.key, tuple(Button(one.answer, one.label) for one in question.options))
    else:
        choose = Select(row.key, "Choose", tuple(Option(one.answer, one.label) for one in question.options))
    told = say(rest.strip("\n")).blocks if rest.strip() else ()
    return [Lead(first), *told, choose, Paragraph(("Asked ", Moment(row.asked_at)))]


def _coming(coming: Sequence[Record]) -> list[Block]:
    if not coming:
        return [Paragraph("No release is announced.")]
    return [Bullets(tuple((key_of(one), f" {shorten(one.title, 80)}: {one.state}" + (f", {one.extra['planned_for']}" if "planned_for" in one.extra else "")) for one in coming))]  # fmt: skip
