"""A few real daemons killed at work; five hundred a store on demand: `python -m chaos kills --count 500`."""

import pytest

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
