"""What tests of every area share: the data beside the checkout, both databases, a clock held by hand."""

import gc
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, create_mock_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from loopbot.store import SqlStore, open_store
from loopbot.store.schema import REVISIONS, metadata
from tests.support.clock import FakeClock
from tests.support.schemas import Schemas, leading_to, made

# The suite tries the same examples every time, so that it says the same of the same code. New ones are looked for on
# purpose: --hypothesis-profile=long.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("long", max_examples=2000, stateful_step_count=80, deadline=None)
settings.load_profile("repeatable")

# Where Python is told to keep no bytecode, each of the processes that tests start would compile all of the code anew, and each
# run all of the tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Parallel runs are given a width by their runner; what a command prints in a test goes into a pipe, which has none.
os.environ.pop("COLUMNS", None)

# Thousands of tests are collected and stay: looking through all of them for garbage again and again took a tenth of the time.
gc.set_threshold(50_000, 20, 50)

REQUIRED = frozenset(os.environ.get("LOOPBOT_REQUIRE", "").split(","))
SHARED = Path(__file__).parents[1].parent / "shared"
POSTGRES = os.environ.get("LOOPBOT_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/test")


def _absent(what: str, why: str) -> None:
    if what in REQUIRED:
        pytest.fail(f"LOOPBOT_REQUIRE names {what}, and {why}")
    pytest.skip(why)


def pytest_collection_finish() -> None:
    """Leave what was collected out of every later search for garbage."""
    gc.collect()
    gc.freeze()


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
    with made(postgres_server) as schema:
        yield leading_to(postgres_server, schema)


@pytest.fixture
def clock() -> FakeClock:
    """Time, held by the test."""
    return FakeClock()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    """Which kind of database a test runs on: each kind in turn, unless a module says otherwise."""
    return str(request.param)


@pytest.fixture
def empty_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with nothing in it, not even tables."""
    if database == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'loopbot.db'}"


@pytest.fixture(scope="session")
def tables() -> dict[str, str]:
    """What builds all tables at once: a test in tests/store holds it equal to the migrations, which take longer."""
    return {name: _ddl(name) for name in ("sqlite", "postgresql+psycopg")}


def _ddl(name: str) -> str:
    lines = [
        "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)",
        f"INSERT INTO alembic_version VALUES ('{REVISIONS[-1]}')",  # noqa: S608  # the code's own constant
    ]
    engine = create_mock_engine(f"{name}://", lambda ddl, *_, **__: lines.append(str(ddl.compile(engine))))
    metadata.create_all(engine, checkfirst=False)
    return ";\n".join(lines)


@pytest.fixture(scope="session")
def schemas(postgres_server: str, tables: dict[str, str]) -> Iterator[Schemas]:
    """Schemas that this run lends to its tests."""
    kept = Schemas(postgres_server, tables["postgresql+psycopg"])
    yield kept
    kept.close()


@pytest.fixture(scope="session")
def blank(tables: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, and nothing in them."""
    path = tmp_path_factory.mktemp("blank") / "loopbot.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"PRAGMA journal_mode = WAL; BEGIN; {tables['sqlite']}; COMMIT")
    return path


@pytest.fixture
def postgres_store_url(schemas: Schemas) -> Iterator[str]:
    """A schema of Postgres with all tables, and nothing in them."""
    with schemas.lent() as url:
        yield url


@pytest.fixture
def store_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with all tables, and nothing in them."""
    if database == "postgres":
        return str(request.getfixturevalue("postgres_store_url"))
    path = tmp_path / "loopbot.db"
    shutil.copyfile(request.getfixturevalue("blank"), path)
    return f"sqlite:///{path}"


@pytest.fixture
def store(store_url: str, clock: FakeClock) -> Iterator[SqlStore]:
    """An empty store of either kind."""
    opened = open_store(store_url, clock=clock, holder="test")
    yield opened
    opened.close()
