"""One twin a test, one server for all of them, and a reader that keeps its cursor as the daemon does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.gitlab.connector import GitLab
from loopbot.domain.records import Deployment, Record
from loopbot.ports import Cursor, Page
from loopbot.sandbox.faults import Faults
from loopbot.sandbox.gitlab.twin import TOKEN, GitLabTwin
from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.serving import Served, served
from tests.connectors.contract import QuickClock, surroundings
from tests.support.door import Door

PROJECT = "shop/apps/web"
Build = Callable[..., GitLab]


class Time:
    """The twin's time: each look at it is so much later."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 2, 8, 0, 0, 123456, tzinfo=UTC)
        self.step = timedelta(minutes=1)

    def __call__(self) -> datetime:
        self.at += self.step
        return self.at


@dataclass
class Reading:
    """Reads one stream; what it brought is kept, the newest of each ref."""

    connector: GitLab
    what: str = "deployment"
    cursor: Cursor = field(default_factory=Cursor)
    records: dict[str, Record] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)

    def poll(self) -> list[Record]:
        [source] = [one for one in self.connector.sources() if one.stream == f"gitlab:{self.what}"]
        found: list[Record] = []
        for page in source.read(self.cursor):
            self.pages.append(page)
            found += page.records
            self.records.update({one.key: one for one in page.records})
            self.cursor = page.cursor
        return found

    def one(self, number: int) -> Deployment:
        found = self.records[f"{PROJECT}#{number}"]
        assert isinstance(found, Deployment)
        return found

    def keys(self, number: int, relation: str = "delivers") -> set[str]:
        return {one.target.key for one in self.one(number).links if one.relation == relation}


@pytest.fixture(scope="session")
def desk() -> Iterator[tuple[Door, Served]]:
    app = Door()
    with served(app) as server:
        yield app, server


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def twin(desk: tuple[Door, Served], time: Time) -> GitLabTwin:
    made = GitLabTwin(Ledger(), faults=Faults(), now=time)
    desk[0].app = made.app
    made.add_project(PROJECT)
    made.commit(PROJECT, "The beginning")
    return made


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
def build(desk: tuple[Door, Served], twin: GitLabTwin, clock: QuickClock) -> Iterator[Build]:
    built: list[GitLab] = []

    def make(**told: Any) -> GitLab:
        told = {
            "token": "env:GITLAB",
            "projects": (PROJECT,),
            "base_url": f"{desk[1].url}/api/v4",
            "issues_in": "jira",
            "issue_keys": ("LOOP", "OPS"),
            "environments": {"prod": "production"},
            "services": {PROJECT: ("Web shop",)},
        } | told
        known = {"GITLAB": TOKEN, "OTHER": "glpat-other", "HOOK": "a secret of thirty-two characters"}
        made = GitLab("gitlab", GitLab.Settings(**told), surroundings(clock, known))
        built.append(made)
        return made

    yield make
    for one in built:
        one.close()


@pytest.fixture
def reading(build: Build) -> Reading:
    return Reading(build())


@pytest.fixture
def calls(twin: GitLabTwin) -> Callable[[], list[str]]:
    """The paths asked for since the last time this was called."""
    held = 0

    def since() -> list[str]:
        nonlocal held
        asked = [path for _, _, path, _ in twin.ledger.requests("gitlab")]
        fresh, held = asked[held:], len(asked)
        return fresh

    return since
