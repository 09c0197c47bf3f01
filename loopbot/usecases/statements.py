"""What each reading of a stream states, in one sentence for people: what was counted there and here, and what becomes of a difference."""

from loopbot.domain.phrasing import counted
from loopbot.ports import Cycle

_HIDDEN = "hidden from this account, or changed meanwhile"


def statement(cycle: Cycle) -> str:
    """The statement of a sweep or of any other reading."""
    if cycle.complete and not cycle.calls:
        return "nothing was to be asked for yet"
    counts, parts = _of_sweep(cycle) if cycle.swept else _of_reading(cycle)
    said = [f"{number:,} {what}" for number, what in parts if number]
    if not cycle.complete and not cycle.swept:
        said.append("not read to its end: the next reading goes on from the last page that was taken")
    history = f" ({cycle.history:,} over before loopbot came: known, and not acted on)" if cycle.history else ""
    return f"{counts}{history}: " + ("; ".join(said) if said else "none is missing")


def _of_sweep(cycle: Cycle) -> tuple[str, list[tuple[int, str]]]:
    there = cycle.counted_there
    counts = _uncounted(cycle) if there is None else f"{there:,} there, {cycle.rows:,} read"
    if cycle.counted_here is not None:
        counts += f", {cycle.counted_here:,} mirrored"
    return counts, [
        (cycle.unmapped, "set aside because they could not be taken"),
        (cycle.gone, "deleted there, and no longer counted here"),
        (cycle.moved, "moved there, and followed"),
        (cycle.elsewhere, "there, but outside of what is read"),
        (cycle.unexplained, f"unexplained: {cycle.why}"),
        (max((there or 0) - cycle.rows, 0), "counted there, and not shown to this account"),
    ]


def _of_reading(cycle: Cycle) -> tuple[str, list[tuple[int, str]]]:
    there = cycle.matched
    counts = _uncounted(cycle) if there is None else f"{there:,} fit there, {cycle.rows:,} read"
    unseen = f"counted there, and not shown ({_HIDDEN}): the next reading looks again, the sweep gives an account"
    return f"{counts}, {cycle.mirrored:,} mirrored", [
        (cycle.unmapped, "set aside because they could not be taken"),
        (cycle.outside, "not taken, as they are not of this stream"),
        (max(cycle.unseen, 0) if cycle.complete else 0, unseen),
        (max(-cycle.unseen, 0), "more than were counted, changed while they were read"),
    ]


def _uncounted(cycle: Cycle) -> str:
    """Where there is no count, all there is to say is that the reading went to the end that the system showed."""
    end = " to the end" if cycle.complete or cycle.swept else ""
    return f"{cycle.rows:,} read{end} in {counted(cycle.calls, 'call')}; the system does not count them"
