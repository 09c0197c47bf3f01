"""The embedded engine: one process, APScheduler's memory job store and a pool of threads.

Every bell is rung at an interval and may be rung early. A bell that is lost or doubled does no harm: the store says what is
due, leases say who may do it.
"""

import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from loopbot.engine.sweeps import Pace, Tries, missed
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


@dataclass(frozen=True, slots=True)
class Bells:
    """How often what is done, in seconds; `polls` by stream; `sweep_at` is hours and minutes, UTC.

    `sweeps`: when one that did not come to its end is tried again; `drain`: how long what is under way is waited for at the end; `watch`: how often the clock is looked at.
    """

    polls: Mapping[str, float]
    deliver: float = 5.0
    reconcile: float = 10.0
    wake: float = 5.0
    hints: float = 2.0
    weigh: float = 3600.0
    sweep_at: tuple[int, int] = (3, 0)
    sweeps: Pace = field(default_factory=Pace)
    drain: float = 20.0
    watch: float = 5.0


_SET_BACK = 2.0
# They take long and read much: so many at a time, and the threads of everything else are not theirs.
_SWEEPS_AT_ONCE = 4


class Embedded:
    """Runs an installation in this process until told to stop."""

    def __init__(
        self, loop: Loop, sources: Sequence[Source], bells: Bells, nightly: Callable[[], None] | None = None
    ) -> None:
        """`nightly` is done once a day, with the sweep."""
        self._loop, self._sources, self.bells, self._nightly = loop, sources, bells, nightly
        self._scheduler: Any = None
        self._stopping = threading.Event()
        self._ending: threading.Thread | None = None
        self._rung: set[str] = set()
        self._tries = Tries(bells.sweeps)
        self._seen: dict[str, Counter[str]] = defaultdict(Counter)

    def run(self, stop: threading.Event) -> bool:
        """Ring until `stop` is set, then as `stop()`."""
        self.start()
        try:
            stop.wait()
        finally:
            drained = self.stop()
            for stream, seen in list(self._seen.items()):
                self._loop.witness.noted("stream read", stream=stream, **seen)
        return drained

    def start(self) -> None:
        """Start ringing in the background."""
        from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
        from apscheduler.executors.pool import ThreadPoolExecutor
        from apscheduler.schedulers.background import BackgroundScheduler

        # What failed is told below; that a bell rang while its work was under way is no news, wherever loopbot runs.
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
        jobs = self._jobs()
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={
                "default": ThreadPoolExecutor(min(len(jobs) + 2, 16)),
                "sweeps": ThreadPoolExecutor(_SWEEPS_AT_ONCE),
            },
            # After a suspend of the machine there is one catch-up, not a storm; a late bell still rings.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._failed, EVENT_JOB_ERROR)
        self._scheduler.add_listener(self._done, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        for name, (work, seconds) in jobs.items():
            job = partial(self._answer, name, work)
            self._scheduler.add_job(job, "interval", seconds=seconds, id=name, next_run_time=datetime.now(UTC))
        hour, minute = self.bells.sweep_at
        for source in self._sources:
            bell = f"sweep:{source.stream}"
            job = partial(self._answer, bell, partial(self._sweep, source))
            self._scheduler.add_job(job, "cron", hour=hour, minute=minute, id=bell, executor="sweeps")
        look = partial(self._answer, GATHER, partial(gather, self._loop, self._stopping.is_set))
        self._scheduler.add_job(look, "cron", hour=hour, minute=minute, id=GATHER)
        if self._nightly is not None:
            self._scheduler.add_job(self._nightly, "cron", hour=hour, minute=minute, id="nightly")
        self._scheduler.start()
        for stream in missed(self._loop.store, [source.stream for source in self._sources]):
            self._later(f"sweep:{stream}", self.bells.sweeps.first)
        threading.Thread(target=self._watch, args=(tuple(jobs),), name="clock-watch", daemon=True).start()

    def stop(self) -> bool:
        """Take no new work and wait for what is under way, at most `bells.drain` seconds; the rest stays planned.

        False when something is under way still. Called again, it goes on waiting.
        """
        self._stopping.set()
        if self._scheduler is None:
            return True
        if self._ending is None:
            self._ending = threading.Thread(target=self._scheduler.shutdown, kwargs={"wait": True}, daemon=True)
            self._ending.start()
        self._ending.join(self.bells.drain)
        return not self._ending.is_alive()

    def ring(self, bell: str) -> None:
        """Ring a bell now: `poll:STREAM`, `deliver:SYSTEM`, `wake`, `hints`, `recurring`. While its work is under way: once more after it."""
        if self._scheduler is not None and not self._stopping.is_set():
            self._rung.add(bell)
            self._soon(bell)

    def _soon(self, bell: str) -> None:
        from apscheduler.jobstores.base import JobLookupError

        try:
            self._scheduler.modify_job(bell, next_run_time=datetime.now(UTC))
        except JobLookupError:
            self._rung.discard(bell)
            self._loop.witness.noted("no such bell", bell=bell)

    def _later(self, bell: str, seconds: float) -> None:
        if not self._stopping.is_set():
            self._scheduler.modify_job(bell, next_run_time=datetime.now(UTC) + timedelta(seconds=seconds))

    def _watch(self, bells: Sequence[str]) -> None:
        """The scheduler goes by the clock on the wall: where that is set back, it would sleep until the old time comes again."""
        before = self._ahead()
        while not self._stopping.wait(self.bells.watch):
            now = self._ahead()
            if now < before - _SET_BACK:
                self._loop.witness.noted("the clock was set back", seconds=round(before - now))
                for bell in bells:
                    self.ring(bell)
            before = now

    def _ahead(self) -> float:
        return self._loop.clock.now().timestamp() - self._loop.clock.monotonic()

    def _answer(self, bell: str, work: Callable[[], object]) -> None:
        self._rung.discard(bell)
        if not self._stopping.is_set():
            work()

    def _done(self, event: Any) -> None:
        """The scheduler drops a bell that rings while its work is under way: it rings again now."""
        if event.job_id in self._rung and not self._stopping.is_set():
            self._soon(event.job_id)

    def _jobs(self) -> dict[str, tuple[Callable[[], None], float]]:
        jobs: dict[str, tuple[Callable[[], None], float]] = {"wake": (self._wake, self.bells.wake)}
        jobs["hints"] = (self._follow_hints, self.bells.hints)
        for source in self._sources:
            jobs[f"poll:{source.stream}"] = (partial(self._poll, source), self.bells.polls[source.stream])
        for system in self._loop.sinks:
            jobs[f"deliver:{system}"] = (partial(self._deliver, system), self.bells.deliver)
            jobs[f"reconcile:{system}"] = (partial(self._reconcile, system), self.bells.reconcile)
        if any(rule.keeps_current for rule in self._loop.rules.rules):
            jobs[WEIGH] = (self._weigh, self.bells.weigh)
        return jobs

    def _poll(self, source: Source) -> None:
        self._read(source, sweep=False)

    def _sweep(self, source: Source) -> None:
        again = partial(self._later, f"sweep:{source.stream}")
        self._tries.sweep(source.stream, partial(self._read, source, sweep=True), again)

    def _read(self, source: Source, *, sweep: bool) -> Ingested | None:
        done = ingest(self._loop, source, sweep=sweep, enough=self._stopping.is_set)
        if done is None:
            return None
        for one in (done, *done.beside):
            cycle = one.cycle
            self._seen[source.stream].update(
                cycles=1,
                calls=cycle.calls,
                rows=cycle.rows,
                new=cycle.new,
                changed=cycle.changed,
                touched=cycle.touched,
                unmapped=cycle.unmapped,
            )
            if one.trouble is not None:
                self._loop.witness.noted("stream not read to its end", stream=source.stream, why=str(one.trouble))
        self._deliver_in(done.systems)
        return done

    def _deliver(self, system: str) -> None:
        done = deliver(self._loop, system, self._stopping.is_set)
        self._deliver_in(done.systems - {system})
        if done.pause:
            self._later(f"deliver:{system}", done.pause)

    def _reconcile(self, system: str) -> None:
        if reconcile(self._loop, system).absent:
            self.ring(f"deliver:{system}")

    def _wake(self) -> None:
        planned = wake(self._loop)
        asked = ask(self._loop)
        self._deliver_in(frozenset(effect.system for effect in (*(new for one in planned for new in one.new), *asked)))

    def _weigh(self) -> None:
        self._deliver_in(look_at_weights(self._loop, self._stopping.is_set))

    def _follow_hints(self) -> None:
        streams = {source.stream for source in self._sources}
        for stream in hinted(self._loop):
            if stream in streams:
                self.ring(f"poll:{stream}")

    def _deliver_in(self, systems: frozenset[str] | set[str]) -> None:
        for system in systems & set(self._loop.sinks):
            self.ring(f"deliver:{system}")

    def _failed(self, event: Any) -> None:
        """A bell's work ended with an error nobody expected: it is told, and rings again."""
        error = event.exception
        self._loop.witness.noted("work failed", bell=event.job_id, error=f"{type(error).__name__}: {error}")
