"""A measured figure and its goal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `most` and `least` are the goal's bounds; without either it is only reported."""

    what: str
    measured: float
    unit: str
    most: float | None = None
    least: float | None = None
    note: str = ""

    @property
    def good(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if self.most is not None:
            return self.measured <= self.most
        if self.least is not None:
            return self.measured >= self.least
        return None

    @property
    def goal(self) -> str:
        """The goal in words."""
        if self.most is not None:
            return f"at most {_shown(self.most)} {self.unit}"
        if self.least is not None:
            return f"at least {_shown(self.least)} {self.unit}"
        return ""

    @property
    def value(self) -> str:
        """The measurement in words."""
        return f"{_shown(self.measured)} {self.unit}"


@dataclass(slots=True)
class Spent:
    """How long something took: on the wall, and of the processors (this process, all threads), in seconds."""

    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def spent() -> Iterator[Spent]:
    """Times its block."""
    took = Spent()
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        yield took
    finally:
        took.wall, took.cpu = time.perf_counter() - wall, time.process_time() - cpu


def best(times: int, run: Callable[[], Spent]) -> Spent:
    """The quickest of several runs: what the machine can do when nobody disturbs it."""
    return min((run() for _ in range(times)), key=lambda one: one.wall)


def _shown(number: float) -> str:
    if number >= 1000 or number == int(number):
        return f"{number:,.0f}"
    return f"{number:,.1f}" if number >= 10 else f"{number:.2f}"
