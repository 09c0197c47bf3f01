"""A measured figure of a judgement, with what simple methods reach and what is asked for beside it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Progress = Callable[[str], None]
"""Is told in words what is being done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table.

    `name` is what machines read (`cause.recall_at_5_masked`), `what` what people read. `baseline` is what simple methods
    reach on the same cases, `goal` what is asked for at the least and `aim` what is hoped for; `better` says in which direction.
    """

    name: str
    what: str
    value: float
    unit: str = ""
    baseline: float | None = None
    goal: float | None = None
    aim: float | None = None
    better: Literal["more", "less"] = "more"
    note: str = ""

    @property
    def good(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.better == "more" else self.value <= self.goal


def calibration(name: str, what: str, error: float, note: str = "") -> Figure:
    """How far what is called probable is from what comes true (0..1), against what is asked of every probability shown."""
    return Figure(name=name, what=what, value=error, goal=0.08, aim=0.05, better="less", note=note)


def spent(name: str, what: str, milliseconds: float, note: str = "") -> Figure:
    """The processor's time for one of many."""
    return Figure(name=name, what=what, value=milliseconds, unit="ms", better="less", note=note)


def both(lean: Sequence[Figure], meant: Sequence[Figure]) -> Iterator[Figure]:
    """Figures without and with the sentence model: under their own name the second ones, and each under its name with a suffix."""
    yield from meant
    for end, words, figures in (("lean", "without the sentence model", lean), ("with_extra", "with it", meant)):
        for one in figures:
            yield replace(one, name=f"{one.name}_{end}", what=f"{one.what}, {words}", goal=None, aim=None)


def beside(figures: Iterable[Figure], simple: Iterable[Figure]) -> Iterator[Figure]:
    """Figures with what a simple method reached on the same cases beside those that say how much is found."""
    reached = {one.name: one.value for one in simple if ".recall_at_" in one.name and not one.name.endswith("_bar")}
    for one in figures:
        yield replace(one, baseline=reached.get(one.name))


def as_shipped(figures: Iterable[Figure]) -> Iterator[Figure]:
    """Figures of the model that comes with loopbot, beside those of what a history taught: under names of their own, without goals."""
    for one in figures:
        if not one.name.endswith("milliseconds_per_ticket"):
            yield replace(one, name=f"{one.name}_shipped", what=f"{one.what}, by what ships", goal=None, aim=None)


@dataclass(frozen=True, slots=True)
class Advice:
    """What a user should set, from their own history: `match.link_at = 0.83`, and why."""

    setting: str
    why: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of one judgement: its figures, advice for the rules, or why it was not measured."""

    judgement: str
    figures: tuple[Figure, ...] = ()
    advice: tuple[Advice, ...] = ()
    why_not: str = ""


class NotMeasuredError(Exception):
    """A judgement can not be measured here: a file is missing, or the extra. The message says what to do."""
