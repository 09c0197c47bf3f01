"""The connector on its twin."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.connectors.contract import QuickClock, surroundings


def _stages() -> Any:
    spec = importlib.util.spec_from_file_location("stage_of_servicenow", Path(__file__).parent / "stage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def stage() -> Iterator[Any]:
    with _stages().Stage() as opened:
        yield opened


@pytest.fixture
def desk() -> Iterator[Any]:
    """The stage of articles."""
    with _stages().ArticleStage() as opened:
        yield opened


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
def connected(stage: Any, clock: QuickClock) -> Any:
    """Connect with further settings."""
    return lambda **more: stage.connector(surroundings(clock), **more)
