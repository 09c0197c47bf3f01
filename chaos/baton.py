"""Steps that take turns: each runs in a thread of its own, but only while it holds the baton, so that a seed decides all."""

import threading
from collections.abc import Callable


class Killed(BaseException):
    """The process is dead: unwinds everything, and nothing of that process runs afterwards."""


class Step:
    """One piece of work of one process, which can be stopped wherever it calls `pause`."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self.name = name
        self.trouble: Exception | None = None
        self.doomed = self.ended = self.killed = False
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._work = work
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._started = False

    def resume(self) -> None:
        """Hand it the baton, and return when it pauses or ends."""
        if self.ended:
            return
        if self._started:
            self._go.release()
        else:
            self._started = True
            self._thread.start()
        self._back.acquire()

    def pause(self) -> None:
        """Called by the step itself: give the baton back, and wait for the next turn."""
        self._back.release()
        self._go.acquire()

    def _run(self) -> None:
        try:
            self._work()
        except Killed:
            self.killed = True
        except Exception as error:  # noqa: BLE001 - judged by whoever started the step
            self.trouble = error
        finally:
            self.ended = True
            self._back.release()
