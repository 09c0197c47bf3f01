"""`/loop loop`: how well people are listened to."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from loopbot.domain.listening import StageFigure, figures
from loopbot.domain.phrasing import counted
from loopbot.domain.scoring import span_in_words
from loopbot.domain.speech import Block, Bullets, Context, Lead, Message, Paragraph, Said, Words, say
from loopbot.usecases.conversation.desk import Desk

_DAYS: Final = 30
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


def _stage(one: StageFigure, whole: int) -> Words:
    how_fast = f", after {span_in_words(one.typical.total_seconds())}" if one.typical is not None else ""
    return (Said(f"{one.reached:,} ({one.reached / whole:.0%}) ", strong=True), f"{_SAID[one.stage]}{how_fast}")


def _stuck(measured: tuple[StageFigure, ...]) -> Iterator[Words]:
    for one in sorted(measured, key=lambda each: each.waiting, reverse=True):
        if one.waiting and one.stage in _STUCK:
            yield f"{one.waiting:,} {_STUCK[one.stage]}"
