"""Group commit for webhooks: each is answered once it is on disk, many of them with one write.

Requests hand over their webhook and wait; one thread takes all that wait, keeps them in one transaction, and lets them
all be answered. How many may wait is bounded: a sender that comes then is asked to come again, and people are told.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from loopbot.domain.errors import LoopbotError
from loopbot.ports import Hook
from loopbot.usecases.hints import Bounds, alarm, forget_deliveries, keep
from loopbot.usecases.loop import Loop

MOST_WAITING = 5_000
BATCH = 1_000
# Waiting this long for company costs a sender little and saves most of the commits.
LINGER = 0.02
FORGET_EVERY = 300.0


class NotKeptError(LoopbotError):
    """A webhook could not be written down; its sender may come again after `after` seconds."""

    def __init__(self, why: str, after: int) -> None:
        super().__init__(why)
        self.after = after


@dataclass(slots=True)
class _Handed:
    """A webhook, and who waits for it."""

    hook: Hook
    done: asyncio.Future[None]
    loop: asyncio.AbstractEventLoop


class Intake:
    """Between the web server's event loop and the store's thread. `kept` is told the streams that new webhooks hint at."""

    def __init__(
        self,
        loop: Loop,
        kept: Callable[[frozenset[str]], None],
        bounds: Bounds | None = None,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._loop, self._kept, self._bounds, self._most = loop, kept, bounds or Bounds(), most_waiting
        self._waiting: list[_Handed] = []
        self._turned_away = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._forget_at = 0.0
        self._thread = threading.Thread(target=self._work, name="inbox", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, then end; at most ten seconds."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(10)

    @property
    def alive(self) -> bool:
        """Whether webhooks are written down."""
        return self._thread.is_alive()

    async def keep(self, hook: Hook) -> None:
        """Return once it is on disk; raises NotKeptError."""
        here = asyncio.get_running_loop()
        handed = _Handed(hook, here.create_future(), here)
        with self._changed:
            if self._stopping or not self._thread.is_alive():
                raise NotKeptError("loopbot is stopping", 30)
            if len(self._waiting) >= self._most:
                self._turned_away += 1
                raise NotKeptError("too many webhooks wait", 10)
            self._waiting.append(handed)
            if len(self._waiting) == 1:
                self._changed.notify()
        await handed.done

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopping)
                if not self._waiting:
                    return
                hurry = self._stopping
            if not hurry:
                time.sleep(LINGER)
            with self._changed:
                batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                turned_away, self._turned_away = self._turned_away, 0
            self._write(batch, turned_away)

    def _write(self, batch: list[_Handed], turned_away: int) -> None:
        error: NotKeptError | None = None
        streams: frozenset[str] = frozenset()
        try:
            done = keep(self._loop.store, [one.hook for one in batch], self._bounds)
            streams = done.streams
            if done.full:
                self._loop.witness.noted("inbox full: streams are read whole", records=self._bounds.records)
        except Exception as trouble:  # noqa: BLE001 - whatever the database says, the sender is told to come again
            error = NotKeptError("the store does not take it", 30)
            why = f"{type(trouble).__name__}: {trouble}"
            self._loop.witness.noted("webhooks not kept", number=len(batch), error=why)
        for loop in {one.loop for one in batch}:
            mine = [one.done for one in batch if one.loop is loop]
            try:
                loop.call_soon_threadsafe(_tell, mine, error)
            except RuntimeError:  # the server is gone; what was kept is kept
                continue
        self._tidy(streams, turned_away)

    def _tidy(self, streams: frozenset[str], turned_away: int) -> None:
        """What need not be done before the answer."""
        try:
            if streams:
                self._kept(streams)
            if turned_away:
                self._loop.witness.noted("webhooks turned away: too many wait", number=turned_away)
                with self._loop.store.write() as tx:
                    alarm(tx, f"{turned_away:,} webhooks were turned away at once; polling finds what they told")
            if time.monotonic() >= self._forget_at:
                self._forget_at = time.monotonic() + FORGET_EVERY
                forget_deliveries(self._loop.store, self._bounds)
        except Exception as trouble:  # noqa: BLE001 - tidying is tried again later, and must not end the intake
            self._loop.witness.noted("inbox not tidied", error=f"{type(trouble).__name__}: {trouble}")


def _tell(waiting: list[asyncio.Future[None]], error: NotKeptError | None) -> None:
    for done in waiting:
        if done.done():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
