"""The stages of all connectors, opened one a test."""

from collections.abc import Iterator

import pytest

from tests.connectors.contract import Stage


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with request.param() as opened:
        yield opened
