"""The cluster engine: any number of processes on any number of hosts that share one Postgres.

Bells hang on a board of jobs (board.py) and are answered by whoever is free. One ring a period for the fleet: the slots of time are
numbered by the database's clock, and the first node to ring one keeps the others from it. What may be done alone is said
by the store's leases and claims, as in the embedded engine; so nodes come and go without being configured.
"""

import asyncio
import itertools
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from procrastinate import App

from loopbot.engine.board import Board, database_time, ring_once, tidy, worker
from loopbot.engine.embedded import Bells
from loopbot.engine.sweeps import Tries, missed
from loopbot.ports import Source
from loopbot.usecases.deliver import deliver
from loopbot.usecases.gathered import GATHER, gather
from loopbot.usecases.hints import hinted
from loopbot.usecases.ingest import Ingested, ingest
from loopbot.usecases.loop import Loop
from loopbot.usecases.questions.asking import ask
from loopbot.usecases.reconcile import reconcile
from loopbot.usecases.wake import wake
from loopbot.usecases.weights import WEIGH, look_at_weights

_TIDY, _SYNC, _DAY = 30.0, 30.0, 86_400.0
_AGAIN = 1.0
_NIGHTLY = "nightly"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Period:
    """A bell that rings every so many seconds, `after` seconds past their beginning; `first`: also as soon as a node is there."""

    bell: str
    seconds: float
    after: float = 0.0
    first: bool = True

    def slot(self, now: float) -> int:
        """The number of the period in which `now` (seconds since 1970) is."""
        return int((now - self.after) // self.seconds)

    def left(self, now: float) -> float:
        """Seconds until the next one begins."""
        return (self.slot(now) + 1) * self.seconds + self.after - now


class Cluster:
    """One node: rings (`scheduler`), works (`worker`), both (`all`), or neither (`web`: it only hears people and webhooks)."""

    def __init__(
        self,
        loop: Loop,
        sources: Sequence[Source],
        bells: Bells,
        url: str,
        role: str = "all",
        nightly: Callable[[], None] | None = None,
    ) -> None:
        """`nightly` is done once a day, by one node of the fleet, with the sweep."""
        self._loop, self._nightly = loop, nightly
        self._sources = {source.stream: source for source in sources}
        self.bells, self._role = bells, role
        self._board = Board(url)
        self._stopping = threading.Event()
        self._busy: set[str] = set()
        self._tries = Tries(bells.sweeps)
        self._lock = threading.Lock()
        self._number = itertools.count(1)
        self._works: dict[str, Callable[[Loop], None]] = self._chores()

    def run(self, stop: threading.Event) -> bool:
        """Work until `stop` is set; then let what is under way finish for at most `bells.drain` seconds: whether it did."""
        self._board.open()
        try:
            asyncio.run(self._run(stop))
        finally:
            self._stopping.set()
            self._board.close()
        return not self._busy

    def ring(self, bell: str) -> None:
        """Ring a bell for the fleet: `poll:STREAM`, `deliver:SYSTEM`, `wake`, `hints`, `recurring`."""
        self._board.ring(bell)

    # ------------------------------------------------------------------------------------------ the node's parts

    async def _run(self, stop: threading.Event) -> None:
        parts: list[Callable[[asyncio.Event], Awaitable[None]]] = []
        if self._role in {"all", "scheduler"}:
            parts.append(self._ring_periods)
        if self._role in {"all", "worker"}:
            parts.append(self._answer_bells)
        stopped = asyncio.Event()
        running = [asyncio.create_task(self._kept_up(part, stopped)) for part in parts]
        await _in_thread(stop.wait)
        self._stopping.set()
        stopped.set()
        # The worker has its own patience; a database that is away must not keep us longer.
        if running:
            await asyncio.wait(running, timeout=self.bells.drain + 1)

    async def _kept_up(self, part: Callable[[asyncio.Event], Awaitable[None]], stopped: asyncio.Event) -> None:
        """Do it until we are to stop, and again whenever it breaks off: databases are restarted, workers given up for dead."""
        pause = 0.5
        while not stopped.is_set():
            try:
                await part(stopped)
            except Exception as error:  # noqa: BLE001 - whatever it was, the node comes back once it can
                self._loop.witness.noted("lost touch with the fleet", error=f"{type(error).__name__}: {error}")
            if await _within(stopped, pause):
                return
            pause = min(pause * 2, 10.0)

    async def _answer_bells(self, stopped: asyncio.Event) -> None:
        app = self._board.made(self._answer, connections=3)
        async with app.open_async():
            self._app = app
            one = worker(app, len(self._works) + 2, self.bells.drain)
            working = asyncio.create_task(one.run())
            waiting = asyncio.create_task(stopped.wait())
            await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            one.stop()
            await working

    async def _ring_periods(self, stopped: asyncio.Event) -> None:
        app = self._board.made(connections=1)
        async with app.open_async():
            for stream in await _in_thread(partial(missed, self._loop.store, list(self._sources))):
                await _in_thread(partial(self._board.ring, f"sweep:{stream}", self.bells.sweeps.first))
            now = await database_time(app)
            rung = {one: one.slot(now) - one.first for one in self._periods()}
            synced, offset = _monotonic(), now - _monotonic()
            while not stopped.is_set():
                if _monotonic() - synced > _SYNC:
                    offset, synced = await database_time(app) - _monotonic(), _monotonic()
                now = _monotonic() + offset
                for one, last in rung.items():
                    if one.slot(now) != last:
                        rung[one] = one.slot(now)
                        await ring_once(app, one.bell, one.slot(now))
                await _within(stopped, min(one.left(_monotonic() + offset) for one in rung) + 0.005)

    def _periods(self) -> Iterator[Period]:
        bells = self.bells
        yield Period("due", bells.deliver)
        yield Period("wake", bells.wake)
        yield Period("hints", bells.hints)
        yield Period("tidy", _TIDY)
        if any(rule.keeps_current for rule in self._loop.rules.rules):
            yield Period(WEIGH, bells.weigh)
        hour, minute = bells.sweep_at
        for once_a_day in (GATHER, _NIGHTLY):
            yield Period(once_a_day, _DAY, after=hour * 3600.0 + minute * 60.0, first=False)
        for stream in self._sources:
            yield Period(f"poll:{stream}", bells.polls[stream])
            # Nodes that start in the afternoon do not make up for the sweep of the morning, unless it was missed.
            yield Period(f"sweep:{stream}", _DAY, after=hour * 3600.0 + minute * 60.0, first=False)

    # ------------------------------------------------------------------------------------------ what bells ask for

    async def _answer(self, bell: str) -> None:
        try:
            if bell == "tidy":
                for lost in await tidy(self._app):
                    await _in_thread(partial(self._board.ring, lost))
            elif bell in self._works:
                await _in_thread(partial(self._do, bell))
            else:
                self._loop.witness.noted("no such bell", bell=bell)
        except Exception as error:  # noqa: BLE001 - it is told, and the bell rings again
            self._loop.witness.noted("work failed", bell=bell, error=f"{type(error).__name__}: {error}")

    def _do(self, bell: str) -> None:
        """Do a bell's work, once at a time in this process. That a stream is read once at a time is said by its lease."""
        with self._alone_with(bell) as free:
            if free:
                # A holder of its own each time: a lease can tell two pieces of work of one process apart.
                self._works[bell](replace(self._loop, holder=f"{self._loop.holder}/{next(self._number)}"))
            elif bell.startswith("deliver:"):
                # Perhaps for something that who is at it has just missed; and so that other nodes hear of a long queue.
                self._board.ring(bell, _AGAIN)

    @contextmanager
    def _alone_with(self, what: str) -> Iterator[bool]:
        with self._lock:
            free = what not in self._busy
            self._busy.add(what)
        try:
            yield free
        finally:
            if free:
                with self._lock:
                    self._busy.discard(what)

    def _chores(self) -> dict[str, Callable[[Loop], None]]:
        chores: dict[str, Callable[[Loop], None]] = {
            "due": self._look_for_due,
            "wake": self._wake,
            "hints": self._follow_hints,
            GATHER: self._gather,
            WEIGH: self._weigh,
            _NIGHTLY: self._learn,
        }
        for stream, source in self._sources.items():
            chores[f"poll:{stream}"] = partial(self._poll, source)
            chores[f"sweep:{stream}"] = partial(self._sweep, source)
        for system in self._loop.sinks:
            chores[f"deliver:{system}"] = partial(self._deliver, system)
            chores[f"reconcile:{system}"] = partial(self._reconcile, system)
        return chores

    def _poll(self, source: Source, loop: Loop) -> None:
        self._read(loop, source, sweep=False)

    def _sweep(self, source: Source, loop: Loop) -> None:
        again = partial(self._board.ring, f"sweep:{source.stream}")
        self._tries.sweep(source.stream, partial(self._read, loop, source, sweep=True), again)

    def _read(self, loop: Loop, source: Source, *, sweep: bool) -> Ingested | None:
        done = ingest(loop, source, sweep=sweep, enough=self._stopping.is_set)
        if done is None:
            return None
        for one in (done, *done.beside):
            if one.trouble is not None:
                loop.witness.noted("stream not read to its end", stream=source.stream, why=str(one.trouble))
        self._deliver_in(done.systems)
        return done

    def _deliver(self, system: str, loop: Loop) -> None:
        done = deliver(loop, system, self._stopping.is_set)
        self._deliver_in(done.systems - {system})
        if done.pause:
            self._board.ring(f"deliver:{system}", done.pause)

    def _reconcile(self, system: str, loop: Loop) -> None:
        looked = reconcile(loop, system)
        if looked.found or looked.absent:
            self._ring_for_due(loop)  # what stood behind it in its lane, or waited for its ticket

    def _wake(self, loop: Loop) -> None:
        planned = wake(loop)
        asked = ask(loop)
        self._deliver_in({effect.system for effect in (*(new for one in planned for new in one.new), *asked)})

    def _gather(self, loop: Loop) -> None:
        gather(loop, self._stopping.is_set)

    def _weigh(self, loop: Loop) -> None:
        self._deliver_in(look_at_weights(loop, self._stopping.is_set))

    def _learn(self, _loop: Loop) -> None:
        if self._nightly is not None:
            self._nightly()

    def _follow_hints(self, loop: Loop) -> None:
        for stream in hinted(loop):
            if stream in self._sources:
                self._board.ring(f"poll:{stream}")

    def _look_for_due(self, loop: Loop) -> None:
        """Find what is due and was not rung for: put off, left behind by a dead node, or its bell lost."""
        with loop.store.write() as tx:
            if tx.outbox.abandon():
                loop.witness.noted("deliveries of a stopped process are uncertain now")
        self._ring_for_due(loop)

    def _ring_for_due(self, loop: Loop) -> None:
        with loop.store.read() as tx:
            now = tx.now()
            due = {system: tx.outbox.next_due(system) for system in loop.sinks}
        for system, moment in due.items():
            if moment is not None and moment <= now:
                self._board.ring(f"reconcile:{system}")
                self._board.ring(f"deliver:{system}")

    def _deliver_in(self, systems: set[str] | frozenset[str]) -> None:
        for system in systems & set(self._loop.sinks):
            self._board.ring(f"deliver:{system}")

    _app: App


async def _in_thread(work: Callable[[], _T]) -> _T:
    """Run it in a daemon thread, which does not keep the process from ending when our patience has."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def tell(how: Callable[[Any], None], what: Any) -> None:
        if not done.done():
            how(what)

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - handed over to whoever waits
            told = partial(tell, done.set_exception, error)
        else:
            told = partial(tell, done.set_result, result)
        if not loop.is_closed():
            loop.call_soon_threadsafe(told)

    threading.Thread(target=run, daemon=True).start()
    return await done


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Whether it is set within so many seconds."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
