"""The figures of how well causes are found, from what a model says of tickets whose cause is known."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from loopbot.domain.records import Record
from loopbot.judgement.calibration import calibration_error
from loopbot.judgement.cause_model import CauseModel
from loopbot.judgement.cause_training import Sample, probabilities_of
from loopbot.judgement.evaluation.figures import Figure, calibration, spent
from loopbot.judgement.evaluation.open_files import are_open

LINK_AT = 0.85
"""The bar of the starter rule."""
_MISSED = 10**6
# What TF-IDF reaches, weighed by how recent a change is, on the open files; unmasked: a change that is named comes first.
_SIMPLE = {
    ("masked", 1): 0.163,
    ("masked", 5): 0.333,
    ("masked", 10): 0.389,
    ("unmasked", 1): 0.468,
    ("unmasked", 5): 0.578,
    ("unmasked", 10): 0.602,
}
_GOALS = {("masked", 5): (0.57, 0.65), ("unmasked", 5): (0.70, 0.78)}


@dataclass(frozen=True, slots=True)
class Measurement:
    """A ticket, its candidates without what it names (where a cause is known) and with it (unless it is only learnt from).

    `seconds`: how long finding and describing them took a processor.
    """

    ticket: Record
    masked: Sample
    unmasked: Sample
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Judged:
    """A ticket with what each candidate was said to be, and which are the cause."""

    of: Measurement
    masked: Sequence[float]
    unmasked: Sequence[float]


def judged(tickets: Iterable[Measurement], model: CauseModel) -> list[Judged]:
    """What a model says."""
    return [Judged(one, probabilities_of(one.masked, model), probabilities_of(one.unmasked, model)) for one in tickets]


def place_of(truths: Sequence[bool], probabilities: Sequence[float]) -> int:
    """The place (0 is the first) of the first true one; very far where it is no candidate."""
    order = sorted(range(len(truths)), key=lambda place: -probabilities[place])
    return next((place for place, index in enumerate(order) if truths[index]), _MISSED)


def figures(
    said: Sequence[Judged], still: Sequence[Judged], seen: Iterable[Measurement], why: str = ""
) -> tuple[Figure, ...]:
    """The table's lines; `why`: by which model the tickets were judged."""
    note = "; ".join(filter(None, (f"{len(said)} tickets", why)))
    times = sorted(one.seconds * 1000 for one in seen if one.seconds) or [0.0]
    return (
        *_recalls(said, note),
        *_links(said, still),
        _calibration(said),
        spent(
            "cause.milliseconds_per_ticket",
            "finding and judging the candidates of a ticket",
            times[len(times) // 2],
            f"the slowest twentieth {times[-(len(times) // 20 + 1)]:.0f} ms",
        ),
    )


def _recalls(said: Sequence[Judged], note: str) -> Iterator[Figure]:
    known = are_open("cause", (one.of.ticket.key for one in said))
    for text in ("masked", "unmasked"):
        places = [place_of(getattr(one.of, text).truths, getattr(one, text)) for one in said]
        for most in (1, 5, 10):
            goal, aim = _GOALS.get((text, most), (None, None))
            yield Figure(
                name=f"cause.recall_at_{most}_{text}",
                what=f"recall at {most}, {text}",
                value=share(place < most for place in places),
                baseline=_SIMPLE[text, most] if known else None,
                goal=goal,
                aim=aim,
                note=note if most == 1 else "",
            )


def _links(said: Sequence[Judged], still: Sequence[Judged]) -> Iterator[Figure]:
    """What is linked without asking; how precise that is can not be said where nothing is."""
    linked = [
        (place_of(one.of.unmasked.truths, one.unmasked) == 0)
        for one in said
        if max(one.unmasked, default=0.0) >= LINK_AT
    ]
    if linked:
        yield Figure(
            name="cause.precision_at_bar",
            what=f"links made alone (p >= {LINK_AT}): precision",
            value=share(linked),
            goal=0.95,
            note=f"{len(linked)} links",
        )
    yield Figure(
        name="cause.recall_at_bar",
        what="links made alone: share of the tickets rightly linked",
        value=sum(linked) / len(said),
        goal=0.38,
        aim=0.45,
        note="" if linked else f"none was surer than {LINK_AT}",
    )
    if still:
        yield Figure(
            name="cause.links_per_100_unlabelled",
            what="links made alone in 100 tickets of which nobody recorded a cause",
            value=100 * share(max(one.unmasked, default=0.0) >= LINK_AT for one in still),
            better="less",
            note="most of them name it: read by hand",
        )


def _calibration(said: Sequence[Judged]) -> Figure:
    pairs = [
        pair
        for one in said
        for text in ("masked", "unmasked")
        for pair in _foremost(getattr(one.of, text), getattr(one, text))
    ]
    error = calibration_error([p for p, _ in pairs], [t for _, t in pairs])
    return calibration("cause.calibration_error", "calibration error", error)


def _foremost(sample: Sample, probabilities: Sequence[float]) -> list[tuple[float, bool]]:
    """The five that a person is shown."""
    order = sorted(range(len(probabilities)), key=lambda place: -probabilities[place])[:5]
    return [(probabilities[place], sample.truths[place]) for place in order]


def share(held: Iterable[bool]) -> float:
    """The share of those that hold; 0 of none."""
    every = list(held)
    return sum(every) / len(every) if every else 0.0
