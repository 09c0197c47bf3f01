"""Towns for the composition root: servers once a run, fresh twins for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.town import Doors, Town, opened_doors, town_in


@pytest.fixture(scope="session")
def doors() -> Iterator[Doors]:
    with opened_doors() as opened:
        yield opened


@pytest.fixture
def town(doors: Doors, tmp_path: Path) -> Iterator[Town]:
    with town_in(doors, tmp_path) as one:
        yield one
