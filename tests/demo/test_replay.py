"""A real ServiceNow log, mirrored and held against itself; and a small made-up one through the real daemon."""

import random
from pathlib import Path

import pytest

from loopbot.cli.opening import console, opened
from loopbot.cli.replaying import compare, serve_replay, staged
from loopbot.usecases.ingest import ingest


def test_at_ten_random_instants_and_at_the_end_the_mirror_equals_the_real_log(shared: Path, tmp_path: Path) -> None:
    log = shared / "data" / "uci498_event_log.csv.gz"
    with staged(console(), log, tmp_path, 0) as (replay, ledger, config), opened(config) as here:
        (source,) = here.sources
        stops = sorted(random.Random(7).sample(range(1, replay.rows), 10))
        seen = 0
        for stop in (*stops, replay.rows):
            while replay.rows_played < stop:
                replay.play(min(5_000, stop - replay.rows_played))
                done = ingest(here.loop, source)
                assert done is not None
                assert done.trouble is None
                seen += done.cycle.new + done.cycle.changed + done.cycle.touched
            found = compare(here.store, replay.truth(), replay.rows_played)
            assert found.equal, found
        assert found.incidents == replay.incidents == 17_136
        assert seen >= replay.incidents
        assert ledger.calls("servicenow") < 300


def test_a_mirror_that_differs_is_told_as_lost_doubled_or_different(tmp_path: Path) -> None:
    with staged(console(), tmp_path / "no.csv.gz", tmp_path, 0) as (replay, _, config), opened(config) as here:
        replay.play(200)
        ingest(here.loop, here.sources[0])
        truth = replay.truth()
        assert compare(here.store, truth, 200).equal
        key = next(iter(truth))
        changed = {**truth, key: truth[key]._replace(sys_mod_count=999), "INC9999999": truth[key]}
        found = compare(here.store, changed, 200)
        assert found.lost == ("INC9999999",)
        assert [line.partition(":")[0] for line in found.different] == [key]
        del changed[key]
        assert compare(here.store, changed, 200).doubled == 1


def test_without_the_data_a_small_log_is_replayed_through_a_real_daemon(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve_replay(tmp_path / "absent.csv.gz", speed=0, verify=True, port=0) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "is not there; a small made-up log is replayed instead" in said
    assert "300 of 300 incidents mirrored, none lost, none doubled" in said
    assert "updates seen in" in said
