"""What came of one run."""

from collections import Counter
from dataclasses import dataclass, field

from chaos.verdict import Flaw


@dataclass(slots=True)
class Outcome:
    """What became of a run; `flaws` is empty where every promise was kept."""

    seed: int
    flaws: list[Flaw] = field(default_factory=list)
    calls: int = 0
    writes: int = 0
    deaths: int = 0
    tells: int = 0
    presses: int = 0
    effects: Counter[str] = field(default_factory=Counter)
    story: list[str] = field(default_factory=list)
