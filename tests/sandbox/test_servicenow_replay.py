"""The replay of a recorded log: what the twin serves is, at any instant, what the log says."""

import csv
import gzip
import itertools
import random
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.servicenow.log import COLUMNS, Log, sample
from loopbot.sandbox.servicenow.log_fields import LOG_STATE, STATES, stable_id
from loopbot.sandbox.servicenow.replay import Replay, Truth
from loopbot.sandbox.servicenow.twin import ServiceNowTwin
from loopbot.sandbox.serving import served

AUTH = ("loopbot", "loopbot-secret")


def plain_rows(log: Log) -> list[dict[str, str]]:
    return [{name: log.value(name, row) for name in COLUMNS} for row in range(len(log))]


def expected(rows: Iterable[Mapping[str, str]], instants: Iterable[datetime]) -> Iterator[dict[str, Truth]]:
    """An independent computation: at each instant (in order), the last version by (stamp, counter, place in the file)."""
    versions = sorted(
        (
            row["sys_updated_at"],
            int(row["sys_mod_count"]),
            place,
            f"INC{row['number']}",
            row["incident_state"],
            row["assignment_group"],
        )
        for place, row in enumerate(rows)
    )
    standing: dict[str, Truth] = {}
    played = 0
    for instant in instants:
        while played < len(versions) and versions[played][0] <= instant.strftime("%Y-%m-%dT%H:%M"):
            _, count, _, number, state, group = versions[played]
            standing[number] = Truth(state, "" if group == "?" else f"Group {group}", count)
            played += 1
        yield dict(standing)


def served_truth(twin: ServiceNowTwin) -> dict[str, Truth]:
    groups = {row["sys_id"]: row["name"] for row in twin.rows("sys_user_group")}
    return {
        row["number"]: Truth(row[LOG_STATE], groups.get(row.get("assignment_group", ""), ""), int(row["sys_mod_count"]))
        for row in twin.rows("incident")
    }


@pytest.fixture
def twin() -> ServiceNowTwin:
    return ServiceNowTwin(Ledger())


@pytest.fixture
def small(twin: ServiceNowTwin) -> Replay:
    return Replay(sample(7, 200), twin)


def instants(replay: Replay, seed: int, count: int) -> list[datetime]:
    chance = random.Random(seed)
    span = (replay.end - replay.start).total_seconds()
    return sorted(replay.start + timedelta(seconds=chance.uniform(0, span)) for _ in range(count))


def test_a_made_up_log_is_as_awkward_as_a_real_one() -> None:
    rows = plain_rows(sample(7, 200))
    minutes = Counter(row["sys_updated_at"] for row in rows)
    lives: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        lives.setdefault(row["number"], []).append(row)
    counts = [[int(row["sys_mod_count"]) for row in life] for life in lives.values()]
    assert len(lives) == 200
    assert max(minutes.values()) >= 5
    assert any(b - a > 1 for life in counts for a, b in itertools.pairwise(life))
    assert any(int(row["reopen_count"]) for row in rows)
    assert any(int(row["reassignment_count"]) for row in rows)
    assert any(
        a["sys_updated_at"] == b["sys_updated_at"] for life in lives.values() for a, b in itertools.pairwise(life)
    )
    assert plain_rows(sample(7, 200)) == rows
    assert plain_rows(sample(8, 200)) != rows


def test_at_any_instant_the_twin_holds_what_the_log_says(small: Replay, twin: ServiceNowTwin) -> None:
    rows = plain_rows(sample(7, 200))
    moments = [*instants(small, 1, 20), small.end]
    for instant, truth in zip(moments, expected(rows, moments), strict=True):
        small.advance(instant)
        assert small.truth() == truth
        assert served_truth(twin) == small.truth()
    assert small.done
    assert small.rows_played == len(rows)
    assert small.incidents == len(small.truth()) == 200


def test_rows_keep_the_logs_own_stamps_counters_and_ids(small: Replay, twin: ServiceNowTwin) -> None:
    small.advance(small.end)
    rows = plain_rows(sample(7, 200))
    last = max((row for row in rows if row["number"] == "0000005"), key=lambda row: int(row["sys_mod_count"]))
    shown = twin.row("incident", "INC0000005")
    assert shown["sys_id"] == stable_id("incident", "0000005")
    assert shown["sys_updated_on"] == last["sys_updated_at"].replace("T", " ") + ":00"
    assert shown["sys_mod_count"] == last["sys_mod_count"]
    assert twin.row("sys_user", shown["caller_id"])["name"] == f"Caller {last['caller_id']}"
    assert shown["state"] == "7"


def test_every_word_of_the_log_stays_distinguishable() -> None:
    assert len(set(STATES.values())) == len(STATES)
    row = ["?"] * len(COLUMNS)
    odd = dict(zip(COLUMNS, row, strict=True)) | {
        "number": "0000001",
        "incident_state": "-100",
        "sys_mod_count": "3",
        "sys_updated_at": "2016-03-01T10:00",
    }
    twin = ServiceNowTwin(Ledger())
    Replay(Log([list(odd.values())]), twin).play(1)
    assert twin.row("incident", "INC0000001")["state"] == "-100"


def test_a_reader_in_the_middle_of_a_minute_sees_later_versions_with_the_same_stamp(twin: ServiceNowTwin) -> None:
    def version(count: int, state: str) -> list[str]:
        stated = {"number": "0000001", "incident_state": state, "sys_mod_count": str(count)}
        return [
            str(one) for one in (dict.fromkeys(COLUMNS, "?") | stated | {"sys_updated_at": "2016-03-01T10:00"}).values()
        ]

    replay = Replay(Log([version(2, "Resolved"), version(0, "New"), version(1, "Active")]), twin)
    seen = []
    while replay.play(1):
        row = twin.row("incident", "INC0000001")
        seen.append((row["sys_updated_on"], row["sys_mod_count"], row[LOG_STATE]))
    stamp = "2016-03-01 10:00:00"
    assert seen == [(stamp, "0", "New"), (stamp, "1", "Active"), (stamp, "2", "Resolved")]


def test_a_log_without_a_needed_column_or_with_a_short_row_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the column incident_state, sys_mod_count, sys_updated_at"):
        Log([["1"]], ["number"])
    with pytest.raises(ValueError, match="row 1 of the log has 1 values, not 36"):
        Log([["1"]])


def test_a_replay_waits_for_its_reader_and_the_reader_misses_nothing(small: Replay, twin: ServiceNowTwin) -> None:
    stop = threading.Event()
    player = threading.Thread(target=small.run, args=(0, stop), kwargs={"chunk": 50, "patience": 20.0})
    mirror: dict[str, tuple[str, str]] = {}
    polls = 0
    with served(twin.app) as one, requests.Session() as session:
        session.auth = AUTH
        player.start()
        while player.is_alive() and polls < 1000:
            params = {
                "sysparm_query": "ORDERBYsys_updated_on^ORDERBYsys_id",
                "sysparm_fields": f"number,{LOG_STATE},sys_mod_count",
            }
            answer = session.get(f"{one.url}/api/now/table/incident", params=params, timeout=10)
            mirror.update({row["number"]: (row[LOG_STATE], row["sys_mod_count"]) for row in answer.json()["result"]})
            polls += 1
        stop.set()
        player.join(10)
    assert small.done
    assert polls >= small.rows / 50
    assert mirror == {number: (one.state, str(one.sys_mod_count)) for number, one in small.truth().items()}


def test_a_timed_replay_stops_when_told(small: Replay) -> None:
    stop = threading.Event()
    player = threading.Thread(target=small.run, args=(1.0, stop))
    player.start()
    stop.set()
    player.join(10)
    assert not player.is_alive()
    assert not small.done


@pytest.fixture
def recorded(shared: Path) -> Path:
    return shared / "data" / "uci498_event_log.csv.gz"


def in_the_file(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", newline="") as file:
        yield from csv.DictReader(file)


def test_the_recorded_log_is_played_as_it_stands(recorded: Path, twin: ServiceNowTwin) -> None:
    replay = Replay.from_csv(recorded, twin)
    assert (replay.rows, replay.incidents) == (101_045, 17_136)
    assert replay.start == datetime(2016, 2, 29, 1, 23, tzinfo=UTC)
    moments = [*instants(replay, 498, 10), replay.end]
    for instant, truth in zip(moments, expected(in_the_file(recorded), moments), strict=True):
        replay.advance(instant)
        assert replay.truth() == truth
    assert served_truth(twin) == replay.truth()
    assert replay.done
