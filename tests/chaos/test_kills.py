"""A few real daemons killed at work; five hundred a store on demand: `python -m chaos kills --count 500`."""

import re

import pytest
from sqlalchemy import create_engine, text

from chaos.databases import databases
from chaos.kills import kill


def test_daemons_killed_at_work_lose_nothing_and_double_nothing() -> None:
    done = kill(2, "sqlite")
    assert not done.flaws, f"python -m chaos kills --count 2: {done.flaws}"
    assert done.idle < done.kills, "no daemon got to work before it was killed"
    assert done.writes > 0


@pytest.mark.usefixtures("postgres_server")
def test_daemons_killed_at_work_on_postgres_lose_nothing_and_double_nothing() -> None:
    done = kill(2, "postgres")
    assert not done.flaws, f"python -m chaos kills --count 2 --store postgres: {done.flaws}"
    assert done.idle < done.kills, "no daemon got to work before it was killed"


def test_nothing_is_left_behind_of_a_store_on_postgres(postgres_server: str) -> None:
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    named = text("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, :name)")
    with engine.connect() as connection:
        with databases("postgres") as place:
            (schema,) = re.findall(r"search_path%3D(\w+)", place.fresh())
            connection.execute(text(f"CREATE SCHEMA {schema}_jobs_1a2b3c"))  # as a daemon does
            assert len(connection.scalars(named, {"name": schema}).all()) == 2
        assert connection.scalars(named, {"name": schema}).all() == []
    engine.dispose()
