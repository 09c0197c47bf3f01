"""From which probability on loopbot may act by itself, and from which on people should be asked: read off what was said and what is true."""

import math
from collections.abc import Sequence

FEW = 10
"""On fewer cases no bar is advised, unless there are no more."""


def lowest_bar(cases: Sequence[tuple[float, bool]], right: float, below: float = 2.0) -> float | None:
    """The lowest probability, in hundredths as a setting is written, from which on (and `below` which) so great a share is right.

    None where no bar makes it so.
    """
    ordered = sorted(((_hundredths(said), holds) for said, holds in cases if said < below), reverse=True)
    found, true = None, 0
    for count, (bar, holds) in enumerate(ordered, start=1):
        true += holds
        # What is as probable lies on the same side of any bar.
        last = count == len(ordered) or ordered[count][0] < bar
        if last and true / count >= right and count >= min(FEW, len(ordered)):
            found = bar
    return found


def _hundredths(probability: float) -> float:
    return math.floor(100 * probability + 1e-9) / 100
