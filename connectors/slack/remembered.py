"""What one process has just heard: Slack delivers again."""

import threading
from collections import OrderedDict
from typing import Final

_MOST: Final = 5_000

Mark = tuple[str, ...]


class Remembered:
    """The latest marks."""

    def __init__(self) -> None:
        self._heard: OrderedDict[Mark, None] = OrderedDict()
        self._lock = threading.Lock()

    def first(self, mark: Mark) -> bool:
        """Whether this process did not hear it before."""
        with self._lock:
            if mark in self._heard:
                return False
            self._heard[mark] = None
            while len(self._heard) > _MOST:
                self._heard.popitem(last=False)
            return True
