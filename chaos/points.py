"""Crash points: each commit and each call of a fixed scenario is numbered; the process dies at k, another takes over."""

from collections import Counter
from collections.abc import Iterator, Sequence

from chaos.baton import Killed
from chaos.databases import Databases
from chaos.healing import heal
from chaos.outcome import Outcome
from chaos.process import Process
from chaos.simulate import Run
from chaos.verdict import Flaw
from chaos.weather import Weather
from chaos.wire import Request
from loopbot.domain.rulebook import Rulebook

_CALM = Weather(0.0, 0.0, 0.0, 0.0, 0.0, jumps=False, broken_store=0.0)


class Scenario(Run):
    """Incidents, a problem, issues, notes, messages, a fix and an answer, by one process at a time that dies at the given points.

    `deaths` are numbers of points: the first counted from the beginning, each further one from the death before it.
    Whatever was just being sent at every second death arrives at its server all the same, 20 seconds later.
    """

    def __init__(self, deaths: Sequence[int], databases: Databases, rules: Rulebook) -> None:
        super().__init__(0, databases, rules)
        self.weather, self.clock.off = _CALM, 0.0
        for clock in self.world.clocks.values():
            clock.off = 0.0
        self.population = 1
        self.points: list[str] = []
        self._dead = False
        self._deaths, self._passed = list(deaths), 0

    def passing(self, point: str) -> None:
        """Counted; the last one where a death is due."""
        if self._dead:
            raise Killed
        if self.healed or not self.processes:
            return
        self._passed += 1
        self.points.append(point)
        if self._deaths and self._passed == self._deaths[0]:
            self._dead = True
            self.tell(f"dies at {point}")
            raise Killed

    def approaching(self, what: str) -> None:
        """No point: nothing has happened since the one before."""

    def sending(self, request: Request) -> str:
        """As ever; what is on its way when its sender dies may arrive."""
        try:
            return super().sending(request)
        except Killed:
            if len(self.points) % 2:
                self.world.late.append((self.true.monotonic() + 20, request))
            raise

    def run(self) -> Outcome:
        """The scenario, the deaths in it, the recovery, and the judgement."""
        with self.wires.connected():
            try:
                self._bear()
                self._scenario()
                heal(self)
            finally:
                self._end()
        return self.outcome

    def _scenario(self) -> None:
        world = self.world
        first = world.report("The export stands still", ("1", "1"), "Order Export", "mara")
        world.report("The export stands still again", ("2", "2"), "Order Export", "jonas")
        world.report("Nightly export stands still", ("1", "2"), "Order Export", "aiko")
        self._round()
        world.servicenow.update("incident", first, {"state": "3"}, actor="mara")
        for issue in world.jira.issues("LOOP")[-1:]:
            world.jira.transition(issue.key, "Done")
        self._round()
        for one in [one for one in self.presses.buttons() if one.answer == "no"][:1]:
            self.tell(self.presses.press(one, one.seen_by[0], times=2))
        self._round()

    def _round(self) -> None:
        while self.presses.waiting:
            self.now(self.processes[0], "hear")
            self.true.sleep(2)
        for work in self.processes[0].works:
            if not work.startswith("sweep"):
                self.arrivals()
                self.now(self.processes[0], work)
        self.true.sleep(70)

    def now(self, one: Process, work: str) -> None:
        """Without turns: one process at a time, nobody else."""
        one = self.processes[0]
        try:
            self._work(one, work)
        except Killed:
            self._dead, self._passed = False, 0
            del self._deaths[:1]
            self._bury(one)
        except Exception as error:  # noqa: BLE001 - the judge's to say
            self.outcome.flaws.append(Flaw("error", f"{work}: {type(error).__name__}: {error}"))


def all_points(databases: Databases, rules: Rulebook) -> list[str]:
    """What the scenario passes when nobody dies."""
    run = Scenario((), databases, rules)
    run.run()
    return run.points


def died(
    databases: Databases, rules: Rulebook, *, every: int = 1, second: Sequence[int] = ()
) -> Iterator[tuple[tuple[int, ...], Outcome]]:
    """The scenario with a death at every (n-th) point; for `second`, with another one so many points into the recovery."""
    for k in range(1, len(all_points(databases, rules)) + 1, every):
        plans: list[tuple[int, ...]] = [(k, j) for j in second] or [(k,)]
        for deaths in plans:
            yield deaths, Scenario(deaths, databases, rules).run()


def kinds(points: Sequence[str]) -> Counter[str]:
    """How many points there are of each kind."""
    return Counter(point.split()[0] for point in points)
