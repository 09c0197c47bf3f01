"""One twin a test, one server for all of them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.slack.connector import Slack
from loopbot.sandbox.faults import Faults
from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.serving import Served, served
from loopbot.sandbox.slack import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, SlackTwin
from tests.connectors.contract import QuickClock, surroundings
from tests.support.door import Door

Build = Callable[..., Slack]


@pytest.fixture(scope="session")
def desk() -> Iterator[tuple[Door, Served]]:
    app = Door()
    with served(app) as server:
        yield app, server


@pytest.fixture
def twin(desk: tuple[Door, Served]) -> SlackTwin:
    made = SlackTwin(Ledger(), faults=Faults(), echoes=False)
    desk[0].app = made.app
    return made


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
def build(desk: tuple[Door, Served], twin: SlackTwin, clock: QuickClock) -> Iterator[Build]:
    built: list[Slack] = []

    def make(**told: Any) -> Slack:
        told = {"token": "env:BOT", "app_token": "env:APP", "base_url": f"{desk[1].url}/api/"} | told
        known = {"BOT": BOT_TOKEN, "APP": APP_TOKEN, "SIGNING": SIGNING_SECRET, "WRONG": "xoxb-wrong"}
        made = Slack("slack", Slack.Settings(**told), surroundings(clock, known))
        built.append(made)
        return made

    yield make
    for one in built:
        one.close()


@pytest.fixture
def slack(build: Build) -> Slack:
    return build()
