"""Measuring the judgements against known answers.

Each judgement is a module here with

    measure(data: Path, history: Path | None, progress: Progress) -> tuple[Figure, ...]

which reads files of known names from `data` (and learns and draws candidates from `history`, the earlier part: nothing
later than the ticket that is judged is ever seen), and for a user's own store, there or in a module of its own,

    from_mirror(tx: Tx, progress: Progress) -> tuple[tuple[Figure, ...], tuple[Advice, ...]]

Both raise NotMeasuredError where something is missing. `<judgement>.calibration_error` and
`<judgement>.milliseconds_per_ticket` are summed up over all of them: the worst error, and the time of all together.
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

from loopbot.judgement.evaluation.figures import Figure, Measured, NotMeasuredError, Progress, calibration
from loopbot.ports import Encoder, Tx

JUDGEMENTS = ("cause", "recurrence", "feedback", "item")


READ_MEANING = frozenset({"feedback", "item"})
"""What the sentence model helps; `measure` takes it as a last argument, and measures without and with it, `from_mirror` as it is used there."""
_OWN = {"feedback": "own_feedback", "item": "own_items"}


def measure(
    names: Iterable[str], data: Path, history: Path | None, progress: Progress, encoder: Encoder | None = None
) -> Iterator[Measured]:
    """Measure these judgements on files, one after the other."""
    for name in names:
        yield _tried(name, partial(_on_files, name, data, history, progress, encoder))


def measure_mirror(
    names: Iterable[str], tx: Tx, progress: Progress, encoder: Encoder | None = None
) -> Iterator[Measured]:
    """Measure these judgements on a store: what people linked, answered and labelled is known; `encoder`: the one in use there."""
    for name in names:
        yield _tried(name, partial(_on_mirror, name, tx, progress, encoder))


def _tried(name: str, measured: Callable[[], Measured]) -> Measured:
    try:
        return measured()
    except NotMeasuredError as error:
        return Measured(name, why_not=str(error))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one judgement, the others are measured (promise 4)
        return Measured(name, why_not=f"a defect of loopbot: {type(error).__name__}: {error}")


def _on_files(name: str, data: Path, history: Path | None, progress: Progress, encoder: Encoder | None) -> Measured:
    further = (encoder,) if name in READ_MEANING else ()
    return Measured(name, _module(name).measure(data, history, progress, *further))


def _on_mirror(name: str, tx: Tx, progress: Progress, encoder: Encoder | None) -> Measured:
    further = (encoder,) if name in READ_MEANING else ()
    return Measured(name, *_module(_OWN.get(name, name)).from_mirror(tx, progress, *further))


def in_all(measured: Iterable[Measured]) -> tuple[Figure, ...]:
    """The figures over all judgements: the worst calibration error, and the time for a ticket in all of them together.

    Of what is measured without and with the sentence model the probabilities that judge count: those with it, where it is there.
    What ships counts where nothing else judges.
    """
    figures = [figure for one in measured for figure in one.figures]
    errors = [figure.value for figure in figures if figure.name.endswith("calibration_error")]
    times = [figure.value for figure in figures if figure.name.endswith(".milliseconds_per_ticket")]
    found = []
    if errors:
        what = "calibration error of every probability shown, the worst"
        found.append(calibration("calibration_error", what, max(errors)))
    if times:
        what = "a new ticket, all judgements together"
        found.append(
            Figure(
                name="milliseconds_per_ticket",
                what=what,
                value=sum(times),
                unit="ms",
                goal=150.0,
                aim=50.0,
                better="less",
                note="on what is measured here, most of it in memory; with 100,000 tickets: python -m benchmarks tickets",
            )
        )
    return tuple(found)


def _module(name: str) -> ModuleType:
    place = f"{__name__}.{name}"
    if importlib.util.find_spec(place) is None:
        raise NotMeasuredError("this version of loopbot does not measure it")
    return importlib.import_module(place)
