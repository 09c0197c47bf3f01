"""A web application on a real store, served over real HTTP; the systems' own verifiers at the door."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from loopbot.clock import SystemClock
from loopbot.domain.rulebook import Rulebook
from loopbot.ports import HookVerifier, Surroundings
from loopbot.store import SqlStore, open_store
from loopbot.usecases.hints import Bounds
from loopbot.usecases.loop import Loop, Waits
from loopbot.web.app import Door, WebApp
from loopbot.web.intake import Intake
from loopbot.web.serving import WebServer
from tests.support.door import Door as BehindDoor

SECRET = "the-webhooks-secret"


def until(true: Callable[[], object], within: float = 10.0) -> None:
    """Wait for a condition, with a deadline."""
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.005)


class Told:
    """Resolves every reference to the same secret."""

    def resolve(self, reference: str) -> str:
        return SECRET


@dataclass
class Listening:
    """A served inbox."""

    loop: Loop
    url: str
    rung: list[frozenset[str]]
    intake: Intake

    def hints(self) -> dict[str, int]:
        with self.loop.store.read() as tx:
            return {one.stream: one.hints for one in tx.inbox.waiting()}


class Noting:
    """A witness that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Mapping[str, object]]] = []

    def planned(self, plan: Any, new: int) -> None:
        pass

    def noted(self, what: str, **fields: object) -> None:
        self.told.append((what, fields))


def connectors(**urls: str) -> dict[str, Any]:
    """Connectors with webhook secrets; the addresses matter only where something is fetched."""
    from connectors.github.connector import GitHub
    from connectors.jenkins.connector import Jenkins
    from connectors.jira.connector import Jira
    from connectors.servicenow.connector import ServiceNow

    given = Surroundings(SystemClock(), random.Random(1), Told())
    made: dict[str, Any] = {}
    url = {"jira": "http://127.0.0.1:1", "github": "http://127.0.0.1:1", "servicenow": "http://127.0.0.1:1", **urls}
    jira = {"base_url": url["jira"], "email": "loopbot@example.com", "token": "env:T", "projects": ("LOOP",)}
    made["jira"] = Jira("jira", Jira.Settings(**jira, webhook_secret="env:S", flavour="cloud"), given)
    hub = {"base_url": url["github"], "token": "env:T", "repositories": ("shop/web",)}
    made["github"] = GitHub("github", GitHub.Settings(**hub, webhook_secret="env:S"), given)
    ci = {"base_url": urls.get("jenkins", "http://127.0.0.1:1"), "user": "loopbot", "token": "env:T"}
    jobs = {"shop/deploy": {"environment": "production"}}
    made["jenkins"] = Jenkins("jenkins", Jenkins.Settings(**ci, jobs=jobs, webhook_secret="env:S"), given)
    now = {"base_url": url["servicenow"], "user": "loopbot", "password": "env:T"}
    made["servicenow"] = ServiceNow("servicenow", ServiceNow.Settings(**now, webhook_secret="env:S"), given)
    return made


Serve = Callable[..., Listening]


@pytest.fixture(scope="session")
def entrance() -> Iterator[tuple[WebServer, BehindDoor]]:
    """One server for all tests: starting and stopping one takes longer than most of them."""
    behind = BehindDoor()
    server = WebServer(behind, "127.0.0.1", 0)
    server.start()
    yield server, behind
    server.stop()


@pytest.fixture
def real_store(store_url: str) -> Iterator[SqlStore]:
    """A store with its own clock: webhooks say when they were sent."""
    opened = open_store(store_url, holder="test")
    yield opened
    opened.close()


@pytest.fixture
def serve(real_store: SqlStore, entrance: tuple[WebServer, BehindDoor]) -> Iterator[Serve]:
    """Serves verifiers (the three connectors' where none are given)."""
    server, behind = entrance
    with ExitStack() as stack:

        def start(
            verifiers: Mapping[str, HookVerifier] | None = None,
            *,
            store: Any = None,
            bounds: Bounds | None = None,
            most_waiting: int = 5_000,
            largest_body: int = 100_000,
            loop: Loop | None = None,
        ) -> Listening:
            if verifiers is None:
                verifiers = {name: one.hooks() for name, one in connectors().items()}
            here = loop or Loop(
                store or real_store, Rulebook(()), {}, SystemClock(), "test", Noting(), Waits(hint=0.05)
            )
            rung: list[frozenset[str]] = []
            intake = Intake(here, rung.append, bounds, most_waiting)
            door = Door(frozenset({"127.0.0.1", "loopbot.example"}), largest_body)
            behind.app = WebApp(here, verifiers, intake, door).app
            intake.start()
            stack.callback(intake.stop)
            return Listening(here, server.url, rung, intake)

        yield start
