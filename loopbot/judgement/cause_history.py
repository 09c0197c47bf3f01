"""What went wrong before: of the last changes of a group, or on a service, how many failed."""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from loopbot.domain.records import Record

_LAST, _LEAST, _TELLING = 30, 2, 0.2
_BAD_ENDS = frozenset({"failed", "rolled_back"})


@dataclass(frozen=True, slots=True)
class Failures:
    """How many of the last changes before one failed, and what they have in common with it, in words."""

    bad: int
    of: int
    where: str

    @property
    def share(self) -> float:
        """Of all of them."""
        return self.bad / self.of


def failed(change: Record) -> bool:
    """Whether it is known to have gone wrong."""
    return getattr(change, "outcome", None) in _BAD_ENDS or change.state in _BAD_ENDS


def failures(changes: Sequence[Record]) -> list[Failures | None]:
    """What went wrong before each of these, by its group or else on its services; None where that tells nothing."""
    found: list[Failures | None] = [None] * len(changes)
    if not any(map(failed, changes)):
        return found
    last: defaultdict[str, deque[bool]] = defaultdict(lambda: deque(maxlen=_LAST))
    for place in sorted(range(len(changes)), key=lambda place: changes[place].occurred_at):
        change = changes[place]
        group = getattr(change, "group", None)
        served = [f"on {service}" for service in sorted(change.services)]
        looked_at = [f"by {group}"] if group else served
        told = [Failures(sum(last[where]), len(last[where]), where) for where in looked_at if last[where]]
        told = [one for one in told if one.bad >= _LEAST and one.share >= _TELLING]
        found[place] = max(told, key=lambda one: one.share, default=None)
        for where in {*looked_at, *served}:
            last[where].append(failed(change))
    return found
