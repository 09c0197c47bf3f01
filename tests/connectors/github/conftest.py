"""One twin a test, one server for all of them, and a reader that keeps its cursor as the daemon does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.github.connector import GitHub
from loopbot.domain.records import Deployment, Record
from loopbot.ports import Cursor, Page
from loopbot.sandbox.faults import Faults
from loopbot.sandbox.github.twin import TOKEN, GitHubTwin
from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.serving import Served, served
from tests.connectors.contract import QuickClock, surroundings
from tests.support.door import Door

REPO = "shop/web"
Build = Callable[..., GitHub]


class Time:
    """The twin's time: each look at it is a minute later."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at


@dataclass
class Reading:
    """Reads one stream; what it brought is kept, the newest of each ref."""

    connector: GitHub
    what: str = "deployment"
    cursor: Cursor = field(default_factory=Cursor)
    records: dict[str, Record] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)

    def poll(self) -> list[Record]:
        [source] = [one for one in self.connector.sources() if one.stream == f"github:{self.what}"]
        found: list[Record] = []
        for page in source.read(self.cursor):
            self.pages.append(page)
            found += page.records
            self.records.update({one.key: one for one in page.records})
            self.cursor = page.cursor
        return found

    def one(self, number: int) -> Deployment:
        found = self.records[f"{REPO}#{number}"]
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
def twin(desk: tuple[Door, Served]) -> GitHubTwin:
    made = GitHubTwin(Ledger(), faults=Faults(), now=Time())
    desk[0].app = made.app
    made.add_repo(REPO)
    made.commit(REPO, "The beginning")
    return made


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
def build(desk: tuple[Door, Served], twin: GitHubTwin, clock: QuickClock) -> Iterator[Build]:
    built: list[GitHub] = []

    def make(**told: Any) -> GitHub:
        told = {
            "token": "env:GITHUB",
            "repositories": (REPO,),
            "base_url": desk[1].url,
            "issues_in": "jira",
            "issue_keys": ("LOOP", "OPS"),
            "environments": {"prod": "production"},
            "services": {REPO: ("Web shop",)},
        } | told
        made = GitHub("github", GitHub.Settings(**told), surroundings(clock, {"GITHUB": TOKEN, "WRONG": "ghp_no"}))
        built.append(made)
        return made

    yield make
    for one in built:
        one.close()


@pytest.fixture
def reading(build: Build) -> Reading:
    return Reading(build())


@pytest.fixture
def calls(twin: GitHubTwin) -> Callable[[], list[str]]:
    """The paths asked for since the last time this was called."""
    held = 0

    def since() -> list[str]:
        nonlocal held
        asked = [path for _, _, path, _ in twin.ledger.requests("github")]
        fresh, held = asked[held:], len(asked)
        return fresh

    return since
