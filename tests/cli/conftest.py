"""Towns for the command line: servers once a run, fresh twins for each test or module."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.town import Doors, Town, opened_doors, town_in


@pytest.fixture(scope="session")
def doors() -> Iterator[Doors]:
    with opened_doors() as opened:
        yield opened


@pytest.fixture
def town(doors: Doors, tmp_path: Path, blank: Path) -> Iterator[Town]:
    """No rules yet, and an empty store: what starts from none at all stands in tests/cluster and tests/store."""
    shutil.copyfile(blank, tmp_path / "loopbot.db")
    with town_in(doors, tmp_path) as one:
        yield one
