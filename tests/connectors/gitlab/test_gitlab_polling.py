"""Many polls of a project where deployments move on, show up late and change while they are read: none is lost, none told twice."""

import random
from datetime import timedelta

import pytest

from loopbot.sandbox.gitlab.project import Deployment
from loopbot.sandbox.gitlab.twin import GitLabTwin
from tests.connectors.gitlab.conftest import PROJECT, Build, Reading, Time

STATES = {"running": "running", "success": "succeeded", "failed": "failed"}


class Town:
    """A project at work."""

    def __init__(self, twin: GitLabTwin, time: Time, seed: int) -> None:
        self.twin, self.time, self.chance = twin, time, random.Random(seed)
        self.rows = twin.world.project(PROJECT).deployments
        self.running: list[int] = []
        self.hidden: list[tuple[int, Deployment]] = []

    def works(self) -> None:
        """Some begin, some end, some of what changed stays invisible for up to four minutes."""
        for _ in range(self.chance.randrange(6)):
            self.running.append(self.twin.deploy(PROJECT, "main", self.chance.choice(["prod", "staging"]), "running"))
        for number in self.chance.sample(self.running, min(len(self.running), self.chance.randrange(6))):
            if number in self.rows:
                self.running.remove(number)
                self.twin.progress(PROJECT, number, self.chance.choice(["success", "failed"]))
        for number, one in list(self.rows.items()):
            if self.time.at - one.updated_at < timedelta(seconds=60) and self.chance.random() < 0.1:
                self.hidden.append((number, self.rows.pop(number)))

    def shows(self) -> None:
        """What was invisible for long enough is there."""
        for number, one in list(self.hidden):
            if self.time.at - one.updated_at > timedelta(seconds=self.chance.randrange(60, 240)):
                self.hidden.remove((number, one))
                self.rows[number] = one


@pytest.mark.parametrize("seed", range(3))
def test_hours_of_polls_lose_nothing_and_tell_nothing_twice(
    build: Build, twin: GitLabTwin, time: Time, seed: int
) -> None:
    time.step = timedelta(milliseconds=7)
    town, reading, told = Town(twin, time, seed), Reading(build(page_size=7, issues_in="", issue_keys=())), {}
    for _ in range(60):
        town.works()
        for record in reading.poll():
            assert told.get(record.key) != record.state, "told twice"
            told[record.key] = record.state
        time.at += timedelta(seconds=30)
        town.shows()
    town.rows.update(town.hidden)
    reading.poll()
    assert {key: one.state for key, one in reading.records.items()} == {
        f"{PROJECT}#{number}": STATES[one.status] for number, one in town.rows.items()
    }
