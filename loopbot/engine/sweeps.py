"""When a sweep is tried again that did not come to its end: soon, but ever later, so that a system in trouble is not read whole again and again."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loopbot.ports import Store
from loopbot.usecases.account import overdue
from loopbot.usecases.ingest import Ingested


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds until a sweep is tried again: `busy` where somebody else was reading; `first` after it broke off, doubling to `longest`."""

    busy: float = 30.0
    first: float = 60.0
    longest: float = 3600.0

    def after(self, failures: int, asked: float) -> float:
        """The pause after so many failures in a row; no shorter than the system asked for."""
        return max(min(self.first * 2.0 ** min(failures - 1, 16), self.longest), asked)


class Tries:
    """How often each stream's sweep broke off in a row."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._failures: Counter[str] = Counter()

    def sweep(self, stream: str, sweep: Callable[[], Ingested | None], again: Callable[[float], object]) -> None:
        """Sweep; where that does not come to its end, also for a defect, `again` is told after how many seconds to try."""
        try:
            done = sweep()
        except Exception:
            again(self._failed(stream, 0.0))
            raise
        if done is None:
            again(self._pace.busy)
        elif done.cycle.swept:
            self._failures.pop(stream, None)
        else:
            again(self._failed(stream, getattr(done.trouble, "after", None) or 0.0))

    def _failed(self, stream: str, asked: float) -> float:
        self._failures[stream] += 1
        return self._pace.after(self._failures[stream], asked)


def missed(store: Store, streams: Sequence[str]) -> list[str]:
    """The streams whose sweep was missed: nothing was running at the time, or it was stopped in the middle."""
    with store.read() as tx:
        return [stream for stream in streams if overdue(tx, stream)]
