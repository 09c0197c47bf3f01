"""One seed, one run: a world, a few daemons on one store, everything that may go wrong; then it heals, and is judged."""

import random
from collections.abc import Callable
from functools import partial
from itertools import count

from chaos.baton import Killed, Step
from chaos.clocks import Clock
from chaos.databases import Databases
from chaos.healing import heal
from chaos.outcome import Outcome
from chaos.presses import Presses
from chaos.process import Birth, Diary, Process, born
from chaos.verdict import Flaw
from chaos.weather import Weather, drawn, weather
from chaos.wire import Request, Wires
from chaos.world import PEOPLE, SERVICES, TITLES, World
from loopbot.domain.rulebook import Rulebook
from loopbot.usecases.ingest import Ingested
from loopbot.usecases.recover import take_over

ACTS = 100
MOST_CALLS_A_STEP = 60


class BrokenStoreError(Exception):
    """The database said no in the middle of a transaction: locked, full, gone."""


class Run:
    """Implements wire.Traffic for one seed."""

    def __init__(self, seed: int, databases: Databases, rules: Rulebook) -> None:
        self.seed, self.chance = seed, random.Random(seed)
        self.weather: Weather = weather(self.chance)
        self.true = Clock()
        self.clock = Clock(self.true)
        off = [self.chance.choice([0.0, 0.0, self.chance.uniform(-600, 600)]) for _ in range(3)]
        self.world = World(self.true, (off[0], off[1], off[2]))
        self.wires = Wires(self, self.world.hosts)
        self.presses = Presses(self.world, self.chance)
        self.outcome = Outcome(seed)
        self.step: Step | None = None
        self.healed = self._asleep = False
        self.calls_now = 0
        self.barred = False
        self.databases = databases
        self._diary = Diary()
        self._names = count(1)
        self._birth = Birth(databases.fresh(), rules, self.clock, str(seed), self.passing)
        self.processes: list[Process] = []
        self.population = self.chance.choice([1, 1, 2, 3])

    # ------------------------------------------------------------------ what every call and commit passes

    def passing(self, point: str) -> None:
        """A commit or a call is passed: whoever passes may die here, meet a broken store, or have to wait for others."""
        step = self.step
        if step is None:
            return
        if step.doomed:
            raise Killed
        if self.healed:
            return
        if self.chance.random() < self.weather.deaths * 0.2:
            self.tell(f"{step.name} dies at {point}")
            step.doomed = True
            raise Killed
        if point == "commit":
            if self.chance.random() < self.weather.broken_store:
                self.tell(f"the store breaks under {step.name}")
                raise BrokenStoreError
        elif not point.startswith("send") and self.chance.random() < self.weather.switches:
            # Not between the permission to send and the sending: who is frozen there for minutes, no client can save.
            step.pause()
            self.step = step
            if step.doomed:
                raise Killed

    def approaching(self, what: str) -> None:
        """A call is wanted."""
        self.passing(f"approach {what}")

    def sending(self, request: Request) -> str:
        """A call is about to go out."""
        self.outcome.calls += 1
        self.calls_now += 1
        self.true.sleep(self.chance.uniform(0, 0.4))
        self.passing(f"send {request.method} {request.target[:60]}")
        if self.healed or self.chance.random() >= self.weather.network:
            return ""
        what = self.chance.choice(["refuse", "reset", "time_out", "late", "late_reset"])
        if what.startswith("late"):
            after = self.chance.uniform(0.1, self.weather.longest_late)
            self.world.late.append((self.true.monotonic() + after, request))
        if what in {"late", "time_out"}:
            self.true.sleep(30)
        self.tell(f"{request.method} {request.host}{request.target[:60]}: {what}")
        return what

    def received(self, request: Request) -> None:
        """The server has acted."""
        self.passing(f"receive {request.method} {request.target[:60]}")

    # ------------------------------------------------------------------ the run

    def run(self) -> Outcome:
        """All of it."""
        random.seed(self.seed)  # tenacity draws its pauses from the common generator
        with self.wires.connected():
            try:
                self.world.jira.index_lag = self.weather.index_lag
                for _ in range(self.population):
                    self._bear()
                if self.chance.random() < 0.7:
                    self._fine_morning()
                for _ in range(self.chance.randrange(2, 6)):
                    self.tell(self.world.somebody_acts(self.chance))
                for _ in range(ACTS):
                    self._act()
                heal(self)
            finally:
                self._end()
        self.outcome.writes = len(self.world.ledger.entries())
        return self.outcome

    def _fine_morning(self) -> None:
        """Before anything goes wrong somebody reports something, and it is mended: so there is news, and something to ask."""
        self.healed = True
        title, service = self.chance.choice(TITLES), self.chance.choice(SERVICES)
        for _ in range(self.chance.choice([1, 2, 2])):
            self.world.report(title, ("1", "1"), service, self.chance.choice(PEOPLE))
        done = 0
        for work in ("poll:servicenow:incident", "deliver:jira", "poll:jira:issue", "deliver:jira", "ask"):
            self.now(self.processes[0], work)
            self.true.sleep(40)
            for issue in self.world.jira.issues("LOOP")[done:]:
                self.world.jira.transition(issue.key, "Done", actor=self.chance.choice(PEOPLE))
                done += 1
        for work in ("poll:jira:issue", "poll:servicenow:incident", "deliver:slack")[: self.chance.randrange(4)]:
            self.now(self.processes[0], work)
        self.healed = False

    def _act(self) -> None:
        self.arrivals()
        free = [one for one in self.processes if one.busy is None]
        busy = [one for one in self.processes if one.busy is not None]
        dice = self.chance.random()
        if busy and (dice < 0.4 or not free):
            self.resume(self.chance.choice(busy))
        elif dice < 0.6:
            one = self.chance.choice(free)
            self._start(one, "hear" if self.presses.waiting and dice < 0.48 else self._some_work(one))
        elif dice < 0.65:
            self._press()
        elif dice < 0.75:
            self.tell(self.world.somebody_acts(self.chance))
        elif dice < 0.75 + 0.15 * self.weather.faults:
            system = self.chance.choice(list(self.world.faults))
            fault = drawn(self.chance, system)
            self.world.faults[system].add(fault)
            self.tell(f"{system} will {fault.kind} {fault.status} x{fault.times}")
        elif dice < 0.95:
            self._time_passes()
        else:
            self._die(self.chance.choice(self.processes))

    def _some_work(self, one: Process) -> str:
        """What a bell would ring for, the frequent bells more often."""
        often = {"poll": 4.0, "deliver": 5.0, "reconcile": 3.0, "wake": 0.5, "sweep": 0.5, "ask": 3.0, "resume": 2.0}
        return self.chance.choices(one.works, [often[work.partition(":")[0]] for work in one.works])[0]

    def _time_passes(self) -> None:
        self.true.sleep(self.chance.choice([1, 5, 20, 61, 200, 700]))
        if self.weather.jumps and self.chance.random() < 0.3:
            self.clock.off = self.chance.choice([-3600.0, 0.0, 3600.0])
            self.tell(f"our clock is {self.clock.off:+} s off")
        if self.weather.jumps and self.chance.random() < 0.05:
            self._night()

    def _night(self) -> None:
        """Nobody is at work for a while, and meanwhile somebody sets the clock."""
        number, self._asleep = len(self.processes), True
        for one in list(self.processes):
            self._kill(one)
        for seconds in (61, self.chance.choice([600, 3_000, 9_000])):
            self.true.sleep(seconds)
            self.arrivals()
        self.clock.off, self._asleep = self.chance.choice([-3600.0, 0.0, 3600.0]), False
        self.tell(f"after a night our clock is {self.clock.off:+} s off")
        for _ in range(number):
            self._bear()

    def _bear(self) -> None:
        name = f"p{next(self._names)}"
        one = born(name, self._birth, self._diary)
        if self.population == 1:
            take_over(one.loop)
        self.processes.append(one)

    def _start(self, one: Process, work: str) -> None:
        one.busy = Step(f"{one.name} {work}", partial(self._work, one, work))
        self.tell(f"{one.name} starts {work}")
        self.resume(one)

    def _press(self) -> None:
        with self.processes[0].loop.store.read() as tx:
            self.tell(self.presses.somebody_presses(tx))

    def _hear(self, one: Process) -> None:
        """Slack hands over what somebody did; again where no ack came, or was lost."""
        envelope = self.presses.taken_out()
        try:
            if not one.hears(envelope.type, envelope.payload):
                self.presses.redeliver(envelope)
        except Killed:
            self.presses.cut_short(envelope, acked=one.kept)
            self.presses.acked(envelope, again=0.5)
            raise
        self.presses.heard(envelope, for_certain=not self.weather.broken_store)
        self.presses.acked(envelope, again=0.0 if self.healed else 0.25)

    def _work(self, one: Process, work: str) -> None:
        if work == "hear":
            self._hear(one)
            return
        done = one.do(work)
        if isinstance(done, Ingested) and done.trouble is not None:
            self._diary.lines.append(f"{one.name} {work}: {done.trouble}")
        if done is None or (isinstance(done, Ingested) and done.trouble is not None):
            self.barred = True  # somebody else holds the stream's lease, or the system has to be left alone for a while

    def resume(self, one: Process) -> None:
        """It is this one's turn."""
        step: Step = one.busy
        before = self.calls_now = 0
        self.step = step
        step.resume()
        self.step = None
        if self.calls_now - before > MOST_CALLS_A_STEP:
            self.outcome.flaws.append(Flaw("calls", f"{step.name} made {self.calls_now} calls"))
        if not step.ended:
            return
        one.busy = None
        if step.killed:
            self._bury(one)
        elif step.trouble is not None and not isinstance(step.trouble, BrokenStoreError):
            error = step.trouble
            self.outcome.flaws.append(Flaw("error", f"{step.name}: {type(error).__name__}: {error}"[:400]))

    def _die(self, one: Process) -> None:
        if self.chance.random() < self.weather.deaths * 6:
            self._kill(one)

    def _kill(self, one: Process) -> None:
        self.tell(f"{one.name} is killed")
        if one.busy is None:
            self._bury(one)
        else:
            one.busy.doomed = True
            self.resume(one)

    def _bury(self, one: Process) -> None:
        one.bury()
        self.processes.remove(one)
        self.outcome.deaths += 1
        if not self._asleep:
            self._bear()

    def arrivals(self, *, all_of_them: bool = False) -> None:
        """Requests whose client has given up reach their server after all."""
        due = [one for one in self.world.late if all_of_them or one[0] <= self.true.monotonic()]
        for one in due:
            self.world.late.remove(one)
            self.tell(f"{one[1].method} {one[1].target[:60]} arrives late")
            self.wires.act(one[1])

    def now(self, one: Process, work: str) -> None:
        """A piece of work, to its end."""
        self._start(one, work)
        while one.busy is not None:
            self.resume(one)

    def _end(self) -> None:
        for one in self.processes:
            if one.busy is not None:
                one.busy.doomed = True
                while not one.busy.ended:
                    self.step = one.busy
                    one.busy.resume()
            one.bury()
        self.outcome.story += [*self._diary.lines[-0:]] if self.outcome.flaws else []

    def tell(self, what: str) -> None:
        """Part of the story."""
        if not self.healed:
            self.outcome.story.append(f"{self.true.monotonic():9.1f} {what}")
        self._diary.lines.append(f"{self.true.monotonic():9.1f} -- {what}")


Simulate = Callable[[int], Outcome]
