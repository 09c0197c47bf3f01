"""`/loop recurring`: what keeps coming back, from the last look; where it saw nothing, the problems behind most reports."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from loopbot.domain.phrasing import counted
from loopbot.domain.records import Person, Problem, Record, Ref
from loopbot.domain.scoring import span_in_words
from loopbot.domain.speech import (
    Block,
    Bullets,
    Button,
    Buttons,
    Context,
    Lead,
    Message,
    Moment,
    Paragraph,
    Said,
    Words,
    say,
)
from loopbot.domain.texts import shorten
from loopbot.ports import Tx
from loopbot.usecases.conversation import belonging
from loopbot.usecases.conversation.desk import Desk, key_of, quoted
from loopbot.usecases.gathered import Latest, Look, Seen, last_look, said_since

_MOST: Final = 10
_SHOWN: Final = 5
_AT_HOME: Final = 3


def recurring(desk: Desk, person: Person) -> Message:
    """What tells of the same pain; to those who work on it, the tickets and why they are together."""
    insider = desk.insider(person)
    with desk.loop.store.read() as tx:
        look = last_look(tx)
        if look is None or not look.clusters:
            return _problems(tx, look, insider=insider)
        said, now = said_since(tx, look), tx.now()
        shown = look.clusters[:_SHOWN]
        records = tx.mirror.many(_named(shown))
    whole = len(look.clusters) + look.more
    blocks: list[Block] = [Lead(f"{counted(whole, 'matter keeps', 'matters keep')} coming back")]
    for one in shown:
        blocks.append(Paragraph(_cluster(one, now)))
        blocks.append(Bullets(tuple(_about(one, records, now, insider=insider))))
        if belonging.may_say(desk, person) and len(one.members) > 1:
            key = f"{belonging.NOT_THE_SAME}{one.members[-1]}"
            blocks.append(Buttons(key, (Button("apart", "Not the same…"),)))
    if whole > len(shown):
        where = ": loopbot recurring list" if insider else ""
        blocks.append(Context(f"{whole - len(shown):,} more, smaller ones{where}"))
    blocks.append(Paragraph(_when(look)))
    if said:
        blocks.append(Context("People have said since then which tickets belong together; the next look heeds it."))
    if belonging.may_say(desk, person):
        blocks.append(Context(_what_to_do(shown[0], desk.command)))
    return Message(tuple(blocks))


def at_home(tx: Tx) -> list[Block]:
    """The biggest ones, a line each; nothing where nothing was seen."""
    look = last_look(tx)
    if look is None or not look.clusters:
        return []
    now = tx.now()
    lines = tuple(_cluster(one, now) for one in look.clusters[:_AT_HOME])
    return [Lead("Keeps coming back"), Bullets(lines), Paragraph(_when(look))]


def _named(shown: tuple[Seen, ...]) -> set[Ref]:
    return {each.ref for one in shown for each in one.latest} | {one.problem for one in shown if one.problem}


def _cluster(one: Seen, now: datetime) -> Words:
    people = f" of {counted(one.people, 'person', 'people')}" if one.people else ""
    since = span_in_words((now - one.first_at).total_seconds())
    last = span_in_words((now - one.last_at).total_seconds())
    told = f": {counted(one.tickets, 'ticket')}{people} in the last {since}, the latest {last} ago; {one.sure:.0%} sure by their words alone"
    return (Said(quoted(one.name), strong=True), told)


def _about(one: Seen, records: Mapping[Ref, Record], now: datetime, *, insider: bool) -> Iterator[Words]:
    problem = records.get(one.problem) if one.problem else None
    if problem is not None:
        way_round = "; there is a way around it" if isinstance(problem, Problem) and problem.workaround else ""
        title = f" {shorten(problem.title, 90)}" if insider else ""
        yield ("Explained by ", key_of(problem), f"{title} ({problem.state.replace('_', ' ')}{way_round})")
    else:
        yield "No problem explains it yet"
    if one.services:
        yield f"Concerns {', '.join(one.services)}"
    if insider:
        yield from (_ticket(each, records[each.ref], now) for each in one.latest if each.ref in records)


def _ticket(one: Latest, record: Record, now: datetime) -> Words:
    when = span_in_words((now - record.occurred_at).total_seconds())
    why = f": {one.score:.0%} sure ({shorten(', '.join(one.because), 160)})" if one.because else ""
    return (key_of(record), f" {quoted(record.title, 80)}, {when} ago{why}")


def _when(look: Look) -> Words:
    days = span_in_words(look.within.total_seconds())
    return (
        "As of ",
        Moment(look.at),
        f": tickets of the {days} before that tell of the same pain, {look.at_least} or more",
    )


def _what_to_do(one: Seen, command: str) -> str:
    """With keys to copy."""
    keys = [each.ref.key for each in one.latest[:2]]
    first, second = keys if len(keys) == 2 else ("INC0012345", "INC0012346")
    return f"Two tell of the same: {command} same {first} {second}. One does not: {command} apart {first} {second}. It stays said, and can be taken back."


def _problems(tx: Tx, look: Look | None, *, insider: bool) -> Message:
    """The problems behind most reports."""
    found = tx.progress.open_problems(_MOST)
    records = tx.mirror.many([ref for ref, _ in found])
    lines = tuple(_problem(records[ref], many, insider=insider) for ref, many in found if ref in records)
    looked: Block = (
        Context(
            "Tickets that tell of the same pain are gathered once a day and when somebody asks; nobody has looked yet."
        )
        if look is None
        else Paragraph(("No tickets told of the same pain often enough when last looked, ", Moment(look.at)))
    )
    if not lines:
        return Message((*say("Nothing keeps coming back, as far as problems say that are open.").blocks, looked))
    lead = f"{counted(len(lines), 'matter keeps', 'matters keep')} coming back"
    return Message((Lead(lead), Bullets(lines), Context("Open problems, by the incidents they explain."), looked))


def _problem(record: Record, many: int, *, insider: bool) -> Words:
    way_round = isinstance(record, Problem) and bool(record.workaround)
    state = record.state.replace("_", " ") + ("; there is a way around it" if way_round else "")
    who = f"; {record.assignee} has it" if insider and record.assignee else ""
    return (Said(f"{counted(many, 'incident')}: ", strong=True), f"{shorten(record.title, 100)} ({state}{who}) ", key_of(record))  # fmt: skip
