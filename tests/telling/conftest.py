"""One server for all of them, a workspace and a store a test."""

from collections.abc import Iterator

import pytest

from loopbot.sandbox.serving import served
from loopbot.store import SqlStore
from tests.support.bureau import Bureau, bureau_at
from tests.support.clock import FakeClock
from tests.support.door import Door


@pytest.fixture(scope="session")
def slack_door() -> Iterator[tuple[Door, str]]:
    door = Door()
    with served(door) as server:
        yield door, server.url


@pytest.fixture
def bureau(slack_door: tuple[Door, str], store: SqlStore, clock: FakeClock) -> Iterator[Bureau]:
    with bureau_at(*slack_door, store, clock) as made:
        yield made
