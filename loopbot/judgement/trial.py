"""Whether what a judgement learnt is used: it is tried first on the later answers, of which it was told nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

HELD_OUT = 0.3
Surprise = Mapping[str, float]
"""How surprising the truth is, by what is looked at: later answers, where the causes stand."""
_S = TypeVar("_S")
_M = TypeVar("_M")


@dataclass(frozen=True, slots=True)
class Trial(Generic[_M]):
    """What all answers taught, and how surprised at the later ones who judged before was, and who learnt from the earlier ones.

    Surprise is measured in one way or in several: what is learnt is used where it is worse in none.
    """

    learnt: _M
    before: Surprise
    after: Surprise

    @property
    def no_worse(self) -> bool:
        """Whether what was learnt is used."""
        return all(after <= self.before[name] for name, after in self.after.items())

    @property
    def note(self) -> str:
        """How it went."""
        told = (f"{name} {after:.3f} (before: {self.before[name]:.3f})" for name, after in self.after.items())
        return f"surprise at {', '.join(told)}"


def tried(
    samples: Sequence[_S],
    present: _M,
    fitted: Callable[[Sequence[_S]], _M],
    surprise: Callable[[Sequence[_S], _M], Surprise],
) -> Trial[_M]:
    """Learn from the samples, the earliest first; `present` is what judges now."""
    split = round(len(samples) * (1 - HELD_OUT))
    earlier, later = samples[:split], samples[split:]
    before, after = (surprise(later, model) for model in (present, fitted(earlier)))
    return Trial(fitted(samples), before, after)
