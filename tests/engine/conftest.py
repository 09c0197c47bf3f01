"""What the engine's tests share: a store on a file, as a daemon has."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loopbot.store import SqlStore, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = open_store(f"sqlite:///{tmp_path / 'loopbot.db'}")
    yield opened
    opened.close()
