"""Whether what a judgement learnt is used: it is tried first on the later answers, of which it was told nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

HELD_OUT = 0.3
_S = TypeVar("_S")
_M = TypeVar("_M")


@dataclass(frozen=True, slots=True)
class Trial(Generic[_M]):
    """What all answers taught, and how surprised at the later ones who judged before was, and who learnt from the earlier ones."""

    learnt: _M
    before: float
    after: float

    @property
    def no_worse(self) -> bool:
        """Whether what was learnt is used."""
        return self.after <= self.before

    @property
    def note(self) -> str:
        """How it went."""
        return f"surprise at later answers {self.after:.3f} (before: {self.before:.3f})"


def tried(
    samples: Sequence[_S],
    present: _M,
    fitted: Callable[[Sequence[_S]], _M],
    loss: Callable[[Sequence[_S], _M], float],
) -> Trial[_M]:
    """Learn from the samples, the earliest first; `present` is what judges now."""
    split = round(len(samples) * (1 - HELD_OUT))
    earlier, later = samples[:split], samples[split:]
    before, after = (loss(later, model) for model in (present, fitted(earlier)))
    return Trial(fitted(samples), before, after)
