"""One street of doors for all tests; a ground of its own for each."""

import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.faults.ground import Ground, Street
from tests.support.clock import FakeClock

Build = Callable[..., Ground]


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
def lay(street: Street, folder: Path, clock: FakeClock, tables: dict[str, str]) -> Build:
    """Lay a ground with properties of its own."""

    def made(**more: Any) -> Ground:
        return Ground(street, folder, clock, tables["sqlite"], **more)

    return made


@pytest.fixture
def ground(lay: Build) -> Ground:
    return lay()
