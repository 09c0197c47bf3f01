"""Reading on the twin, where the instance behaves as it should not."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from loopbot.domain.errors import BrokenAnswer, ConfigError, Unauthorized
from loopbot.domain.records import Feedback, Problem, Record
from loopbot.ports import Connector, Cursor
from loopbot.sandbox.faults import Fault

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _read(connector: Connector, stream: str = "servicenow:incident", cursor: Cursor | None = None) -> list[Record]:
    source = next(one for one in connector.sources() if one.stream == stream)
    return [record for page in source.read(cursor or Cursor()) for record in page.records]


def _keys(records: list[Record]) -> list[str]:
    return sorted(one.key for one in records)


def test_pages_thinned_by_access_rules_do_not_end_the_reading(stage: Any, connected: Any) -> None:
    keys = [key for minute in range(30) for key in stage.add(1, NOON + timedelta(minutes=minute))]
    hidden = set(keys[0:3] + keys[8:23] + keys[29:])
    for key in hidden:
        stage.twin.hide_row("incident", key)
    assert _keys(_read(connected(page_size=4))) == sorted(set(keys) - hidden)


def test_each_page_tells_what_the_instance_counted_for_the_whole_reading_and_no_call_is_made_for_it(
    stage: Any, connected: Any
) -> None:
    keys = [key for minute in range(9) for key in stage.add(1, NOON + timedelta(minutes=minute))]
    for key in keys[2:4]:
        stage.twin.hide_row("incident", key)
    source = connected(page_size=4, overlap=60).sources()[0]
    pages = list(source.read(Cursor()))
    assert ({page.there for page in pages}, sum(page.counted for page in pages)) == ({9}, 7)
    before = stage.ledger.calls("servicenow")
    (again,) = source.read(pages[-1].cursor)
    assert (again.there, again.counted) == (2, 2), "what is new, and what the overlap holds"
    assert stage.ledger.calls("servicenow") - before == 1


def test_a_stream_of_which_nothing_may_be_seen_ends(stage: Any, connected: Any) -> None:
    for key in stage.add(9, NOON):
        stage.twin.hide_row("incident", key)
    assert _read(connected(page_size=2)) == []


def test_the_moment_of_the_watermark_is_read_again_even_without_an_overlap(stage: Any, connected: Any) -> None:
    stage.add(3, NOON)
    source = connected(overlap=0).sources()[0]
    (page,) = source.read(Cursor())
    (late,) = stage.add(1, NOON)
    assert late in {record.key for again in source.read(page.cursor) for record in again.records}


def test_a_page_that_is_full_to_the_row_does_not_lose_the_next(stage: Any, connected: Any) -> None:
    keys = stage.add(8, NOON)
    assert _keys(_read(connected(page_size=4))) == sorted(keys)


def test_rows_that_keep_moving_do_not_make_the_reading_endless(stage: Any, connected: Any) -> None:
    keys = stage.add(12, NOON)
    source = connected(page_size=3).sources()[0]
    seen: set[str] = set()
    for pages, page in enumerate(source.read(Cursor()), 1):
        seen |= {record.key for record in page.records}
        for key in keys:
            stage.edit(key, f"moved {pages}", NOON + timedelta(hours=pages))
        assert pages < 20
    last = page.cursor
    again = {record.key for page in source.read(last) for record in page.records}
    assert seen | again == set(keys)


def test_only_what_the_filter_says_is_read_and_counted(stage: Any, connected: Any) -> None:
    stage.add(3, NOON)
    wanted = stage.twin.insert("incident", {"short_description": "VPN", "category": "network"})["number"]
    connector = connected(incidents={"table": "incident", "query": "category=network^active=true"}, page_size=2)
    assert _keys(_read(connector)) == [wanted]
    assert connector.sources()[0].count() == 1


def test_a_filter_on_a_field_that_is_not_there_is_refused_before_it_can_widen(stage: Any, connected: Any) -> None:
    stage.add(3, NOON)
    connector = connected(incidents={"table": "incident", "query": "u_regoin=emea"})
    with pytest.raises(ConfigError, match="u_regoin"):
        _read(connector)
    assert not [one for one in stage.ledger.requests() if one[2].endswith("/table/incident")]
    errors = [one for one in connector.check() if one.level == "error"]
    assert ["u_regoin" in one.what for one in errors] == [True]


def test_rows_that_do_not_fit_the_filter_are_dropped_when_the_instance_widens_it(stage: Any, connected: Any) -> None:
    stage.add(3, NOON)
    wanted = stage.twin.insert("incident", {"short_description": "VPN", "category": "network"})["number"]
    connector = connected(incidents={"table": "incident", "query": "category=network"})
    rows = sorted(stage.twin.rows("incident"), key=lambda row: (row["sys_updated_on"], row["sys_id"]))
    body = orjson.dumps({"result": rows})
    stage.faults.add(Fault("body", match=stage.traits.reading, status=200, headers={"X-Total-Count": "4"}, body=body))
    assert _keys(_read(connector)) == [wanted]


def test_rows_from_before_the_window_are_no_answer(stage: Any, connected: Any) -> None:
    stage.add(3, NOON)
    source = connected().sources()[0]
    (page,) = source.read(Cursor())
    old = [{"sys_id": "a", "sys_updated_on": "2020-01-01 00:00:00", "number": "INC1"}]
    body = orjson.dumps({"result": old})
    stage.faults.add(Fault("body", match=stage.traits.reading, status=200, headers={"X-Total-Count": "1"}, body=body))
    with pytest.raises(BrokenAnswer, match="before the time"):
        list(source.read(page.cursor))


def test_a_result_beside_an_error_is_no_page(stage: Any, connected: Any) -> None:
    stage.add(8, NOON)
    stage.twin.cancel_transactions(9)
    with pytest.raises(BrokenAnswer, match="cancelled"):
        _read(connected())


def test_a_kept_position_that_can_not_be_read_is_not_taken_for_the_beginning(connected: Any) -> None:
    for position in ("{", '{"at": "soon", "id": "x"}', "[]"):
        with pytest.raises(BrokenAnswer):
            _read(connected(), cursor=Cursor(position))


def test_hidden_fields_are_reported_and_not_taken_for_empty(stage: Any, connected: Any) -> None:
    stage.add(1, NOON)
    stage.twin.hide_field("incident", "priority")
    connector = connected()
    (found,) = _read(connector)
    assert "priority" in found.extra["unreadable"]
    assert any("priority" in one.what and one.level == "warning" for one in connector.check())


def test_a_field_that_was_renamed_is_left_out_and_said(stage: Any, connected: Any) -> None:
    stage.add(1, NOON)
    stage.twin.drop_field("problem", "workaround")
    stage.twin.insert("problem", {"short_description": "Pool is too small"})
    connector = connected()
    (found,) = _read(connector, "servicenow:problem")
    assert isinstance(found, Problem)
    assert "unreadable" not in found.extra
    assert any("workaround" in one.what for one in connector.check())


def test_states_that_no_map_covers_are_found_before_the_first_row_is_set_aside(stage: Any, connected: Any) -> None:
    connector = connected(incidents={"table": "incident", "states": {"1": "new", "6": "resolved", "7": "closed"}})
    said = [one.what for one in connector.check() if "canonical state" in one.what]
    assert len(said) == 1
    assert "2 (In Progress)" in said[0]


def test_feedback_comes_from_the_tables_that_are_named(stage: Any, connected: Any) -> None:
    fields = {"u_said": "string:4000", "u_kind": "string", "u_by": "reference:sys_user", "number": "string"}
    stage.twin.add_table("u_feedback", fields)
    stage.twin.insert("u_feedback", {"number": "F1", "u_said": "Please add dark mode", "u_kind": "idea"})
    table = {
        "table": "u_feedback",
        "title": "u_said",
        "text": "u_said",
        "state": "",
        "topic": "u_kind",
        "topics": {"idea": "feature"},
        "reporter": "u_by",
        "service_fields": [],
    }
    connector = connected(feedback=[table])
    (found,) = _read(connector, "servicenow:u_feedback")
    assert isinstance(found, Feedback)
    assert (found.key, found.topic, found.channel) == ("F1", "feature", "u_feedback")
    assert [one for one in connector.check() if one.level == "error"] == []


def test_the_dictionary_is_asked_once_for_all_tables(stage: Any, connected: Any) -> None:
    connector = connected()
    for stream in ("servicenow:incident", "servicenow:problem", "servicenow:change"):
        _read(connector, stream)
    paths = [path for _, _, path, _ in stage.ledger.requests()]
    assert paths.count("/api/now/table/sys_dictionary") == 1
    assert paths.count("/api/now/table/sys_db_object") == 1
    assert len(paths) == 5


def test_a_closed_dictionary_is_a_warning_and_the_reading_goes_on(stage: Any, connected: Any) -> None:
    stage.twin.access.denied.add(("sys_dictionary", "read"))
    keys = stage.add(2, NOON)
    connector = connected()
    assert _keys(_read(connector)) == sorted(keys)
    assert any("sys_dictionary" in one.what and one.level == "warning" for one in connector.check())


def test_a_token_that_has_run_out_is_renewed_once(stage: Any, connected: Any) -> None:
    connector = connected(user="", password="", client_id="loopbot-client", client_secret="env:SECRET")
    keys = stage.add(2, NOON)
    assert _keys(_read(connector)) == sorted(keys)
    stage.twin.access.revoke()
    assert _keys(_read(connector)) == sorted(keys)
    grants = [one for one in stage.ledger.requests() if one[2] == "/oauth_token.do"]
    assert len(grants) == 2


def test_a_client_that_is_not_accepted_is_not_asked_for_again_and_again(stage: Any, connected: Any) -> None:
    connector = connected(user="", password="", client_id="nobody", client_secret="env:SECRET")
    with pytest.raises(Unauthorized):
        _read(connector)
    assert stage.ledger.calls() <= 2


def test_an_instance_may_live_under_a_path(stage: Any, connected: Any) -> None:
    stage.twin._prefix = "/it/servicenow"
    keys = stage.add(1, NOON)
    connector = connected(base_url=f"{stage.url}/it/servicenow/")
    (found,) = _read(connector)
    assert [found.key] == keys
    assert found.url.startswith(f"{stage.url}/it/servicenow/nav_to.do?uri=incident.do?sys_id=")


def test_an_account_outside_utc_is_warned_of(stage: Any, connected: Any) -> None:
    stage.twin.update("sys_user", _user(stage), {"time_zone": "US/Pacific"})
    assert any("US/Pacific" in one.what and one.level == "warning" for one in connected().check())


def test_the_rate_rule_is_compared_with_the_budget(stage: Any, connected: Any) -> None:
    stage.twin.limit_rate(400)
    warned = [one for one in connected().check() if "400 calls an hour" in one.what]
    assert [one.level for one in warned] == ["warning"]
    fine = [one for one in connected(calls_per_hour=300).check() if "400 calls an hour" in one.what]
    assert [one.level for one in fine] == ["ok"]


def _user(stage: Any) -> str:
    return next(row["sys_id"] for row in stage.twin.rows("sys_user") if row["user_name"] == "loopbot")


def test_a_connection_brings_neither_oauthlib_nor_libmagic_into_the_daemon() -> None:
    code = (
        "import random, sys\n"
        "from connectors.servicenow.instance import Instance\n"
        "from connectors.servicenow.settings import Settings\n"
        "from loopbot.clock import SystemClock\n"
        "from loopbot.ports import Surroundings\n"
        "class Known:\n"
        "    def resolve(self, reference): return 'a password'\n"
        "settings = Settings(base_url='http://127.0.0.1:9', user='loopbot', password='env:NONE')\n"
        "given = Surroundings(clock=SystemClock(), chance=random.Random(1), secrets=Known())\n"
        "made = Instance('servicenow', settings, given)._connected()\n"
        "print(type(made).__module__, *sorted({'oauthlib', 'requests_oauthlib', 'magic'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    assert done.stdout.split() == ["pysnow.client"]
