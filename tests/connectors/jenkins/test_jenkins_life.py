"""Random lives of a job, judged by what the deployed commits really hold."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from loopbot.sandbox.jenkins.twin import JenkinsTwin
from loopbot.sandbox.jenkins.world import Build as Built
from tests.connectors.jenkins.conftest import JOB, Build, Reading

ENVIRONMENTS = ("staging", "production")
JOBS = {JOB: {"environment_parameter": "TARGET"}}


@dataclass
class Life:
    """A job in which anything may happen at any time; `deployed` are its successes in the order they ended."""

    twin: JenkinsTwin
    reading: Reading
    chance: random.Random
    branches: tuple[str, ...] = ("main",)
    running: list[Built] = field(default_factory=list)
    deployed: list[Built] = field(default_factory=list)
    count: int = 0

    def lead(self, steps: int) -> None:
        self.build()
        acts: list[Callable[[], None]] = [self.commit, self.commit, self.build, self.build, self.start, self.finish]
        acts += [self.poll, self.delete]
        for act in self.chance.choices([*acts, self.back] if len(self.branches) == 1 else acts, k=steps):
            act()
        self.poll()

    def commit(self) -> None:
        self.count += 1
        branch = self.chance.choice(self.branches)
        self.twin.commit(JOB, f"LOOP-{self.count}", branch=branch, merge=self.chance.random() < 0.2)

    def merge(self) -> None:
        self.twin.merge(JOB, self.branches[-1])

    def start(self, revision: str = "") -> None:
        known = [one for one in self.branches if one in self.twin.world.job(JOB).branches]
        target = {"TARGET": self.chance.choice(ENVIRONMENTS)}
        number = self.twin.start(JOB, revision, branch=self.chance.choice(known), parameters=target)
        self.running.append(self.twin.world.job(JOB).builds[number])

    def build(self) -> None:
        self.start()
        self._end(self.running[-1])

    def back(self) -> None:
        self.start(self.chance.choice(self.twin.world.job(JOB).line[-8:]).sha)
        self._end(self.running[-1])

    def finish(self) -> None:
        if self.running:
            self._end(self.chance.choice(self.running))

    def poll(self) -> None:
        self.reading.poll()

    def delete(self) -> None:
        """The newest stays: a job without any build begins again without a change set."""
        self.poll()
        builds = self.twin.world.job(JOB).builds
        done = [number for number in sorted(builds)[:-1] if not builds[number].building]
        self.twin.delete(JOB, *self.chance.sample(done, min(2, len(done))))

    def holds(self, one: Built) -> set[str]:
        """The keys that the commit really holds, as far as any change set can name them."""
        held = self.twin.world.job(JOB).reached(str(one.revision))
        return {commit.message for commit in held if not commit.merge and commit.message.startswith("LOOP")}

    def _end(self, one: Built) -> None:
        self.running.remove(one)
        result = self.chance.choice(("SUCCESS", "SUCCESS", "FAILURE", "ABORTED"))
        self.twin.finish(JOB, one.number, result)  # type: ignore[arg-type]
        if result == "SUCCESS":
            self.deployed.append(one)


@pytest.mark.parametrize("seed", range(40))
def test_on_one_branch_each_environment_is_told_exactly_what_it_has(build: Build, twin: JenkinsTwin, seed: int) -> None:
    """Forth and back to any commit, failures, merges, builds that overlap and are deleted, polls at any time."""
    life = Life(twin, Reading(build(jobs=JOBS)), random.Random(seed))
    life.lead(60)
    has: dict[str, set[str]] = {}
    for one in life.deployed:
        place, said = one.parameters["TARGET"], life.reading.one(one.number).extra.get("left_out", "")
        forth, back = life.reading.keys(one.number), life.reading.keys(one.number, "withdraws")
        if place not in has or "no change set leads here" in said:
            has[place] = life.holds(one)
        elif "what it brought is not known" not in said:
            assert not forth & has[place], f"#{one.number} delivers again what is there"
            assert back <= has[place], f"#{one.number} withdraws what is not there"
            has[place] = (has[place] | forth) - back
            assert has[place] == life.holds(one), f"after #{one.number}: {said}"


@pytest.mark.parametrize("seed", range(20))
def test_on_several_branches_nothing_is_said_to_be_delivered_that_is_not_there(
    build: Build, twin: JenkinsTwin, seed: int
) -> None:
    life = Life(twin, Reading(build(jobs=JOBS)), random.Random(seed), ("main", "release", "feature"))
    for _ in range(4):
        life.lead(20)
        if "feature" in twin.world.job(JOB).branches:
            life.merge()
    for one in life.deployed:
        assert life.reading.keys(one.number) <= life.holds(one), f"#{one.number}"
