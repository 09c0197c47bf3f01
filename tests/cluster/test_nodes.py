"""Real daemons on one sandbox: alone on SQLite, several on Postgres; killed, paused, joining and leaving. The ledger judges."""

import re
from pathlib import Path

import pytest

from loopbot.sandbox.faults import Fault
from tests.faults.catalogue import fault
from tests.support.fleet import PATIENCE, Fleet, fleet_on, until, wanted

NOTES = r"POST .*/v1/batch|PATCH .*/incident"
CLAIM, LOOK = 4.0, 1.0
HASTY = f"claim = {CLAIM}\nlook = {LOOK}\nlease = 3\nbackoff = 0.5"


def all_once(fleet: Fleet, keys: list[str]) -> float:
    """Everything is done once, in order, and known to be; how long that took."""
    took = until(lambda: fleet.done(keys), why=fleet.story, moves=fleet.progress)
    assert fleet.effects() == wanted(keys), fleet.story()
    assert fleet.out_of_order(keys) == []
    return took


@fault("P3")
@pytest.mark.parametrize("nodes", [pytest.param(1, id="one-on-sqlite"), pytest.param(3, id="three-on-postgres")])
def test_the_same_comes_of_it_on_one_machine_and_on_several(
    nodes: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if nodes > 1 else f"sqlite:///{tmp_path / 'loopbot.db'}"
    with fleet_on(url, tmp_path, HASTY) as fleet:
        keys = fleet.report(15)
        for _ in range(nodes):
            fleet.start()
        fleet.ready()
        all_once(fleet, keys)
        more = fleet.report(15)
        all_once(fleet, more + keys)
        assert [node.leave() for node in fleet.nodes] == [0] * nodes
        assert fleet.effects() == wanted(keys + more)


@fault("P2", "P3")
def test_work_is_shared_and_a_node_that_leaves_finishes_what_it_is_at(postgres_store_url: str, tmp_path: Path) -> None:
    with fleet_on(postgres_store_url, tmp_path, HASTY) as fleet:
        for _ in range(2):
            fleet.start()
        fleet.ready()
        fleet.estate.servicenow.faults.add(Fault("slow", NOTES, times=2, seconds=1.0))
        keys = fleet.report(70)
        until(lambda: fleet.estate.servicenow.faults.waiting() == 0, why=fleet.story)
        until(fleet.sending, why=fleet.story)
        leaver = fleet.sending() or fleet.nodes[0]
        assert leaver.leave() == 0
        fleet.start()
        all_once(fleet, keys)
        assert not any("uncertain" in node.said for node in fleet.nodes), fleet.story()
        assert sum(node.delivered > 0 for node in fleet.nodes) > 1, fleet.story()


@fault("P1")
def test_the_work_of_a_killed_node_goes_on_within_its_claim(postgres_store_url: str, tmp_path: Path) -> None:
    with fleet_on(postgres_store_url, tmp_path, HASTY) as fleet:
        for role in ("scheduler", "worker", "worker"):
            fleet.start(role)
        fleet.ready()
        # The note is there, but whoever sent it never hears so.
        fleet.estate.servicenow.faults.add(Fault("hang", NOTES, seconds=30))
        keys = fleet.report(12)
        until(fleet.sending, why=fleet.story)
        until(lambda: not fleet.estate.servicenow.faults.waiting(), why=fleet.story)
        victim = fleet.sending()
        assert victim is not None
        victim.kill()
        took = all_once(fleet, keys)
        assert took < CLAIM + 20  # and on a quiet machine within CLAIM + 5
        assert any("uncertain effect looked for" in node.said for node in fleet.nodes)


@fault("P4")
def test_a_paused_node_that_wakes_up_late_sends_and_settles_nothing(postgres_store_url: str, tmp_path: Path) -> None:
    # Paused inside a transaction it keeps its locks for so long, and no longer.
    url = postgres_store_url + "+-cidle_in_transaction_session_timeout%3D2s"
    with fleet_on(url, tmp_path, HASTY) as fleet:
        for _ in range(2):
            fleet.start()
        fleet.ready()
        # One by one, as without a batch API; paused with the first on its way, the others are sent by the other node meanwhile.
        fleet.estate.servicenow.faults.add(Fault("status", "/batch", times=1000, status=404))
        fleet.estate.servicenow.faults.add(Fault("slow", r"(PATCH|PUT) .*/incident", seconds=1.0))
        keys = fleet.report(8)
        until(lambda: fleet.estate.servicenow.faults.waiting() == 1, why=fleet.story)
        sleeper = fleet.sending()
        assert sleeper is not None
        sleeper.pause()
        all_once(fleet, keys)
        sleeper.resume()
        until(lambda: "fenced off" in sleeper.said, why=fleet.story)
        later = fleet.report(3)
        all_once(fleet, keys + later)


@fault("P3")
def test_of_three_on_one_sqlite_file_two_refuse_and_name_the_first(tmp_path: Path) -> None:
    with fleet_on(f"sqlite:///{tmp_path / 'loopbot.db'}", tmp_path, HASTY) as fleet:
        first = fleet.start()
        fleet.ready()
        others = [fleet.start(), fleet.start("worker")]
        assert [node.process.wait(PATIENCE) for node in others] == [2, 2]
        for node in others:
            assert f"another loopbot is at work on this store: pid {first.process.pid} on " in node.said
        keys = fleet.report(3)
        all_once(fleet, keys)


def test_three_nodes_make_no_more_calls_an_hour_together_than_one_may(postgres_store_url: str, tmp_path: Path) -> None:
    with fleet_on(postgres_store_url, tmp_path, HASTY) as fleet:
        text = fleet.config.read_text(encoding="utf-8")
        text = text.replace('type = "servicenow"', 'type = "servicenow"\ncalls_per_hour = 40')
        fleet.config.write_text(text, encoding="utf-8")
        for _ in range(3):
            fleet.start()
        fleet.ready()
        fleet.report(40)

        def dry() -> bool:
            return any(re.search(r"stream not read to its end.*waits \d+ s before", node.said) for node in fleet.nodes)

        until(dry, why=fleet.story)
        until(lambda: fleet.estate.ledger.calls("servicenow") >= 30, why=fleet.story)
        assert [node.leave() for node in fleet.nodes] == [0, 0, 0]
        assert fleet.estate.ledger.calls("servicenow") <= 40
