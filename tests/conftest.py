"""What tests of every area share: the data beside the checkout, both databases, a clock held by hand."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from loopbot.store import SqlStore, open_store
from tests.support.clock import FakeClock

REQUIRED = frozenset(os.environ.get("LOOPBOT_REQUIRE", "").split(","))
SHARED = Path(__file__).parents[1].parent / "shared"
POSTGRES = os.environ.get("LOOPBOT_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/test")


def _absent(what: str, why: str) -> None:
    if what in REQUIRED:
        pytest.fail(f"LOOPBOT_REQUIRE names {what}, and {why}")
    pytest.skip(why)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and specifications beside the checkout."""
    if not SHARED.is_dir():
        _absent("shared", f"{SHARED} is not there")
    return SHARED


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """A Postgres that answers."""
    engine = create_engine(POSTGRES, connect_args={"connect_timeout": 3})
    try:
        with engine.connect():
            pass
    except OperationalError as trouble:
        shown = make_url(POSTGRES).render_as_string(hide_password=True)
        _absent(
            "postgres", f"no Postgres answers at {shown} (LOOPBOT_TEST_POSTGRES): {str(trouble.orig).splitlines()[0]}"
        )
    finally:
        engine.dispose()
    return POSTGRES


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A URL that leads to an empty schema of this test's own."""
    schema = f"loopbot_test_{uuid.uuid4().hex[:12]}"
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    url = make_url(postgres_server).update_query_dict({"options": f"-csearch_path={schema}"})
    yield url.render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture
def clock() -> FakeClock:
    """Time, held by the test."""
    return FakeClock()


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'loopbot.db'}"


@pytest.fixture
def store(store_url: str, clock: FakeClock) -> Iterator[SqlStore]:
    """An empty store of either kind."""
    opened = open_store(store_url, clock=clock, holder="test")
    yield opened
    opened.close()
