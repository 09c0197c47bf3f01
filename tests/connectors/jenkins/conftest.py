"""One twin a test, one server for all of them, and a reader that keeps its cursor as the daemon does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.jenkins.connector import Jenkins
from loopbot.domain.records import Deployment, Record
from loopbot.ports import Cursor, Page, Unmapped
from loopbot.sandbox.faults import Faults
from loopbot.sandbox.jenkins.twin import TOKEN, USER, JenkinsTwin
from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.serving import Served, served
from tests.connectors.contract import QuickClock, surroundings
from tests.support.door import Door

JOB = "shop/deploy-prod"
Build = Callable[..., Jenkins]


class Time:
    """The twin's time: each look at it is a minute later."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at


@dataclass
class Reading:
    """Reads the stream; what it brought is kept, the newest of each ref."""

    connector: Jenkins
    cursor: Cursor = field(default_factory=Cursor)
    records: dict[str, Record] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)

    def poll(self) -> list[Record]:
        [source] = self.connector.sources()
        found: list[Record] = []
        for page in source.read(self.cursor):
            self.pages.append(page)
            found += page.records
            self.records.update({one.key: one for one in page.records})
            self.cursor = page.cursor
        return found

    def one(self, number: int, job: str = JOB) -> Deployment:
        found = self.records[f"{job}#{number}"]
        assert isinstance(found, Deployment)
        return found

    def keys(self, number: int, relation: str = "delivers", job: str = JOB) -> set[str]:
        return {one.target.key for one in self.one(number, job).links if one.relation == relation}

    @property
    def unmapped(self) -> list[Unmapped]:
        return [one for page in self.pages for one in page.unmapped]


@pytest.fixture(scope="session")
def desk() -> Iterator[tuple[Door, Served]]:
    app = Door()
    with served(app) as server:
        yield app, server


@pytest.fixture
def twin(desk: tuple[Door, Served]) -> JenkinsTwin:
    made = JenkinsTwin(Ledger(), faults=Faults(), now=Time(), base_path="/jenkins")
    desk[0].app = made.app
    made.add_job(JOB)
    made.commit(JOB, "The beginning")
    return made


@pytest.fixture
def build(desk: tuple[Door, Served], twin: JenkinsTwin) -> Iterator[Build]:
    built: list[Jenkins] = []

    def make(**told: Any) -> Jenkins:
        told = {
            "base_url": f"{desk[1].url}/jenkins",
            "user": USER,
            "token": "env:JENKINS",
            "jobs": {JOB: {"environment": "production", "services": ("Web shop",), "pulls": "shop/web#"}},
            "issues_in": "jira",
            "issue_keys": ("LOOP", "OPS"),
        } | told
        made = Jenkins(
            "jenkins", Jenkins.Settings(**told), surroundings(QuickClock(), {"JENKINS": TOKEN, "WRONG": "no"})
        )
        built.append(made)
        return made

    yield make
    for one in built:
        one.close()


@pytest.fixture
def reading(build: Build) -> Reading:
    return Reading(build())


@pytest.fixture
def calls(twin: JenkinsTwin) -> Callable[[], list[str]]:
    """The paths asked for since the last time this was called."""
    held = 0

    def since() -> list[str]:
        nonlocal held
        asked = [path for _, _, path, _ in twin.ledger.requests("jenkins")]
        fresh, held = asked[held:], len(asked)
        return fresh

    return since
