"""One street of doors for all tests; a ground of its own for each."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.faults.ground import Ground, Street
from tests.faults.shelves import File, Schema, Shelf
from tests.support.clock import FakeClock

Build = Callable[..., Ground]
both_stores = pytest.mark.parametrize("database", ["sqlite", "postgres"])


@pytest.fixture(scope="session")
def street() -> Iterator[Street]:
    made = Street()
    yield made
    made.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where an installation lives; in memory where that is possible, since each of its commits waits for the disk."""
    memory = Path("/dev/shm")  # noqa: S108 - made anew and removed again
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as made:
        yield Path(made)


@pytest.fixture
def database() -> str:
    """SQLite alone; what the store has a part in runs on both: `both_stores`."""
    return "sqlite"


@pytest.fixture
def place(database: str, request: pytest.FixtureRequest, folder: Path, blank: Path) -> Shelf:
    """Where the store of the installation is: a file in its folder, or a schema that is lent to it."""
    if database == "postgres":
        return Schema(str(request.getfixturevalue("postgres_store_url")))
    return File(Path(shutil.copyfile(blank, folder / "loopbot.db")))


@pytest.fixture
def lay(street: Street, folder: Path, clock: FakeClock, place: Shelf) -> Build:
    """Lay a ground with properties of its own."""

    def made(**more: Any) -> Ground:
        return Ground(street, folder, clock, place, **more)

    return made


@pytest.fixture
def ground(lay: Build) -> Ground:
    return lay()
