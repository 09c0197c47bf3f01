"""The dry run: the same functions as the live run, in a transaction that is rolled back."""

from collections.abc import Iterable
from dataclasses import dataclass

from loopbot.domain.errors import LoopbotError, SystemTrouble, UserError
from loopbot.domain.events import Changed
from loopbot.ports import Page, Source
from loopbot.usecases.enact import Enacted, decide
from loopbot.usecases.ingest import take
from loopbot.usecases.loop import Loop
from loopbot.usecases.wake import heard


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a reading would plan, which streams could not be read to their end, and how many records are history (bygone.py)."""

    enacted: tuple[Enacted, ...]
    troubles: tuple[LoopbotError, ...] = ()
    history: int = 0


def preview(loop: Loop, sources: Iterable[Source]) -> Foreseen:
    """What reading these streams now and hearing the timers would plan: the live transaction, rolled back.

    Reads remotely, writes nothing anywhere. All streams are judged together, as an incident of one may be caused by a
    change of another. A stream that can not be read to its end is named, and judged as far as it came.
    """
    pages: list[tuple[str, Page]] = []
    troubles: list[LoopbotError] = []
    for source in sources:
        with loop.store.read() as tx:
            cursor = tx.cursors.get(source.stream)
        try:
            pages.extend((source.stream, page) for page in source.read(cursor))
        except (SystemTrouble, UserError) as trouble:
            troubles.append(trouble)
    with loop.store.write(keep=False) as tx:
        taken = [take(loop, tx, stream, page) for stream, page in pages]
        enacted = (*(one for _, plans in taken for one in plans), *heard(loop, tx))
        return Foreseen(enacted, tuple(troubles), sum(counts["history"] for counts, _ in taken))


def review(loop: Loop) -> list[Enacted]:
    """What the rules would plan for everything mirrored, as it stands now: the live transaction, rolled back."""
    with loop.store.write(keep=False) as tx:
        return decide(loop, tx, [Changed(record, before=record) for record in tx.mirror.all()])
