"""Death at crash points. A sample here; all of them: `python -m chaos points`."""

import pytest

from chaos.databases import databases
from chaos.points import all_points, died, kinds
from chaos.rulebook import rulebook


def test_every_commit_and_every_call_of_the_scenario_is_a_point() -> None:
    with databases("sqlite") as place:
        found = kinds(all_points(place, rulebook()))
    assert found["commit"] == found["committed"] == found["begin"] > 60
    assert found["send"] == found["receive"] > 30


@pytest.mark.parametrize("second", [(), (7,)], ids=["once", "and again in recovery"])
def test_who_dies_at_a_point_loses_nothing_and_doubles_nothing(second: tuple[int, ...]) -> None:
    with databases("sqlite") as place:
        for deaths, outcome in died(place, rulebook(), every=83 if second else 41, second=second):
            assert not outcome.flaws, f"python -m chaos points: death at {deaths}: {outcome.flaws[:3]}"
            assert outcome.deaths == 1 + len(second)
            assert outcome.effects.keys() == {"settled"}


def test_who_dies_on_postgres_loses_nothing_and_doubles_nothing(postgres_server: str) -> None:
    with databases("postgres") as place:
        for deaths, outcome in died(place, rulebook(), every=109):
            assert not outcome.flaws, f"python -m chaos points --store postgres: death at {deaths}: {outcome.flaws[:3]}"
