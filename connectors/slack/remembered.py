"""What one process has just heard: people press twice, and Slack delivers again."""

import threading
from collections import OrderedDict
from typing import Final

_MOST: Final = 5_000

Mark = tuple[str, ...]


class Remembered:
    """The latest marks, and what was said at each of them last."""

    def __init__(self) -> None:
        self._heard: OrderedDict[Mark, str] = OrderedDict()
        self._lock = threading.Lock()

    def first(self, mark: Mark, said: str = "") -> bool:
        """Whether this process did not hear it before, or heard something else there last."""
        with self._lock:
            if self._heard.get(mark) == said:
                return False
            self._heard[mark] = said
            while len(self._heard) > _MOST:
                self._heard.popitem(last=False)
            return True

    def again(self, mark: Mark) -> None:
        """It was not handled after all: the same may come again."""
        with self._lock:
            self._heard.pop(mark, None)
