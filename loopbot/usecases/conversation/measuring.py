"""`/loop loop` and `/loop recurring`: how well people are listened to, and what keeps coming back."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from loopbot.domain.listening import StageFigure, figures
from loopbot.domain.phrasing import counted
from loopbot.domain.records import Person, Problem, Record
from loopbot.domain.scoring import span_in_words
from loopbot.domain.speech import Block, Bullets, Context, Lead, Message, Paragraph, Said, Words, say
from loopbot.domain.texts import shorten
from loopbot.usecases.conversation.desk import Desk, key_of

_DAYS: Final = 30
_MOST: Final = 10
_SAID: Final = {
    "heard": "heard",
    "acknowledged": "acknowledged",
    "decided": "decided: an item mends it",
    "fixed": "fixed",
    "deployed": "in production",
    "told": "told",
    "confirmed": "confirmed by whoever said it",
}
_STUCK: Final = {
    "heard": "wait for a first answer",
    "acknowledged": "wait for a decision",
    "decided": "wait for the fix",
    "fixed": "wait for a deployment",
    "deployed": "are there, and nobody was told",
    "told": "wait for an answer to “Is it fixed for you?”",
}


def listening(desk: Desk, words: tuple[str, ...]) -> Message:
    """How many reports came to each stage, how fast, and where they are stuck."""
    days = next((int(word) for word in words if word.isdecimal() and 0 < int(word) <= 365), _DAYS)
    with desk.loop.store.read() as tx:
        since = tx.now() - timedelta(days=days)
        reports = tx.progress.passed(since)
        good, said = tx.progress.helped(since)
    if not reports:
        return say(f"Nobody reported anything in the last {days} days.")
    measured = figures(reports)
    closed = measured[-1].reached
    lead = f"{closed:,} of {counted(len(reports), 'report')} of the last {days} days came full circle ({closed / len(reports):.0%})."
    blocks: list[Block] = [Lead(lead), Bullets(tuple(_stage(one, len(reports)) for one in measured))]
    stuck = tuple(_stuck(measured))
    if stuck:
        blocks += [Paragraph((Said("Where it is stuck", strong=True),)), Bullets(stuck)]
    if said:
        helped = f"What was offered meanwhile helped {good:,} of {counted(said, 'person', 'people')} who said."
        blocks.append(Paragraph(helped))
    blocks.append(
        Context("Times are medians since a report was made. Whoever came further counts for the stages before.")
    )
    return Message(tuple(blocks))


def recurring(desk: Desk, person: Person) -> Message:
    """The problems behind most reports."""
    insider = desk.insider(person)
    with desk.loop.store.read() as tx:
        found = tx.progress.open_problems(_MOST)
        records = tx.mirror.many([ref for ref, _ in found])
    lines = tuple(_problem(records[ref], many, insider=insider) for ref, many in found if ref in records)
    if not lines:
        return say("Nothing keeps coming back, as far as problems say that are open.")
    lead = f"{counted(len(lines), 'matter keeps', 'matters keep')} coming back"
    return Message((Lead(lead), Bullets(lines), Context("Open problems, by the incidents they explain.")))


def _stage(one: StageFigure, whole: int) -> Words:
    how_fast = f", after {span_in_words(one.typical.total_seconds())}" if one.typical is not None else ""
    return (Said(f"{one.reached:,} ({one.reached / whole:.0%}) ", strong=True), f"{_SAID[one.stage]}{how_fast}")


def _stuck(measured: tuple[StageFigure, ...]) -> Iterator[Words]:
    for one in sorted(measured, key=lambda each: each.waiting, reverse=True):
        if one.waiting and one.stage in _STUCK:
            yield f"{one.waiting:,} {_STUCK[one.stage]}"


def _problem(record: Record, many: int, *, insider: bool) -> Words:
    way_round = isinstance(record, Problem) and bool(record.workaround)
    state = record.state.replace("_", " ") + ("; there is a way around it" if way_round else "")
    who = f"; {record.assignee} has it" if insider and record.assignee else ""
    return (Said(f"{counted(many, 'incident')}: ", strong=True), f"{shorten(record.title, 100)} ({state}{who}) ", key_of(record))  # fmt: skip
