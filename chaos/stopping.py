"""When a long run begins nothing more: after so many seconds, or when somebody stops it; what it found until then is told."""

import signal
import time
from types import FrameType
from typing import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """Inside, Ctrl-C and SIGTERM end a run after what it is at; the second one at once. `seconds`: 0 for no end."""

    def __init__(self, seconds: float = 0) -> None:
        self._ends = time.monotonic() + seconds if seconds else None
        self._stopped = False
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        self._before = {one: signal.signal(one, self._stop) for one in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)  # type: ignore[arg-type]

    @property
    def over(self) -> bool:
        """Whether nothing more is to be begun."""
        return self._stopped or (self._ends is not None and time.monotonic() > self._ends)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        if self._stopped:
            raise KeyboardInterrupt
        self._stopped = True
