"""The Table API over real HTTP: shapes, limits, journals, refusals, as an integration meets them."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.servicenow.twin import ServiceNowTwin
from loopbot.sandbox.serving import served
from tests.support.door import Door


class Hand:
    """A clock held by the test."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


class Instance:
    """The twin and a session that talks to it."""

    def __init__(self, twin: ServiceNowTwin, url: str, session: requests.Session) -> None:
        self.twin, self.url, self.session = twin, url, session

    def call(self, method: str, path: str, body: Any = None, **params: str) -> requests.Response:
        return self.session.request(method, self.url + path, params=params, json=body, timeout=10)

    def get(self, path: str, **params: str) -> Any:
        answer = self.call("GET", f"/api/now/table/{path}", **params)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture(scope="module")
def door() -> Iterator[tuple[Door, str]]:
    door = Door()
    with served(door) as one:
        yield door, one.url


@pytest.fixture
def instance(hand: Hand, door: tuple[Door, str]) -> Iterator[Instance]:
    twin = ServiceNowTwin(Ledger(), now=hand.now)
    door[0].app = twin.app
    with requests.Session() as session:
        session.auth = ("loopbot", "loopbot-secret")
        yield Instance(twin, door[1], session)


def test_an_answer_has_the_fields_and_the_shape_of_a_recorded_one(instance: Instance, shared: Path) -> None:
    recorded = json.loads((shared / "data" / "servicenow-recorded-incidents.json").read_text())["result"]
    caller = instance.twin.insert("sys_user", {"name": "Beth"})
    instance.twin.insert("incident", {"short_description": "x", "caller_id": caller["sys_id"]})
    (shown,) = instance.get("incident")
    assert set(shown) == set(recorded[0])
    assert shown["caller_id"] == {
        "link": f"{instance.url}/api/now/table/sys_user/{caller['sys_id']}",
        "value": caller["sys_id"],
    }
    for row in recorded:
        for name, value in row.items():
            kind = instance.twin.storage.schema.field("incident", name)
            assert kind is not None
            if isinstance(value, dict):
                assert set(value) == {"link", "value"}
                assert value["link"].endswith(f"/api/now/table/{kind.reference}/{value['value']}")
    assert all(isinstance(value, str) for name, value in shown.items() if name not in {"caller_id", "sys_domain"})


def test_rows_recorded_elsewhere_can_be_loaded_and_are_served_as_they_were(instance: Instance, shared: Path) -> None:
    recorded = json.loads((shared / "data" / "servicenow-recorded-incidents.json").read_text())["result"]
    for row in recorded:
        plain = {name: value["value"] if isinstance(value, dict) else value for name, value in row.items()}
        instance.twin.storage.put("incident", plain)
    served_rows = instance.get("incident", sysparm_exclude_reference_link="true", sysparm_query="ORDERBYnumber")
    plain_rows = [{k: v["value"] if isinstance(v, dict) else v for k, v in row.items()} for row in recorded]
    assert served_rows == sorted(plain_rows, key=lambda row: row["number"])


def test_a_new_row_gets_what_the_instance_gives_it(instance: Instance, hand: Hand) -> None:
    answer = instance.call(
        "POST", "/api/now/table/incident", {"short_description": "x", "impact": 1, "urgency": 2, "nope": "y"}
    )
    made = answer.json()["result"]
    assert answer.status_code == 201
    assert answer.headers["Location"].endswith(made["sys_id"])
    assert (made["number"], made["state"], made["priority"], made["sys_mod_count"]) == ("INC0010001", "1", "2", "0")
    assert made["opened_at"] == made["sys_updated_on"] == made["sys_created_on"] == "2026-11-22 12:00:00"
    assert (made["sys_created_by"], made["active"], made["impact"]) == ("loopbot", "true", "1")
    assert "nope" not in made
    (entry,) = instance.twin.ledger.entries("servicenow")
    assert (entry.action, entry.kind, entry.key, entry.actor) == ("create", "incident", "INC0010001", "loopbot")
    assert entry.payload == {"short_description": "x", "impact": "1", "urgency": "2"}


def test_only_a_real_change_moves_the_counter_and_the_stamp(instance: Instance, hand: Hand) -> None:
    row = instance.twin.insert("incident", {"short_description": "x"}, actor="beth.anglin")
    hand.at += timedelta(minutes=1)
    path = f"/api/now/table/incident/{row['sys_id']}"
    same = instance.call("PATCH", path, {"short_description": "x"}).json()["result"]
    assert (same["sys_mod_count"], same["sys_updated_on"], same["sys_updated_by"]) == (
        "0",
        "2026-11-22 12:00:00",
        "beth.anglin",
    )
    moved = instance.call("PUT", path, {"short_description": "y", "sys_mod_count": "77"}).json()["result"]
    assert (moved["sys_mod_count"], moved["sys_updated_on"], moved["sys_updated_by"]) == (
        "1",
        "2026-11-22 12:01:00",
        "loopbot",
    )
    (entry,) = instance.twin.ledger.entries("servicenow")
    assert entry.payload == {"short_description": "y"}


def test_journals_append_and_read_back_empty(instance: Instance) -> None:
    row = instance.twin.insert("incident", {"short_description": "x"})
    path = f"/api/now/table/incident/{row['sys_id']}"
    for text in ("Heard.", "Heard."):
        shown = instance.call("PATCH", path, {"comments": text}).json()["result"]
        assert shown["comments"] == ""
    shown = instance.call("PATCH", path, {"work_notes": "Internal", "state": "2"}).json()["result"]
    assert shown["sys_mod_count"] == "3"
    entries = instance.get("sys_journal_field", sysparm_query=f"element_id={row['sys_id']}^element=comments")
    assert [(one["value"], one["name"], one["sys_created_by"]) for one in entries] == [
        ("Heard.", "incident", "loopbot")
    ] * 2
    noted = [(one.action, dict(one.payload)) for one in instance.twin.ledger.entries("servicenow")]
    assert noted[:3] == [("comment", {"value": "Heard."})] * 2 + [("work_note", {"value": "Internal"})]
    assert noted[3][0] == "update"
    displayed = instance.get(f"incident/{row['sys_id']}", sysparm_display_value="true", sysparm_fields="work_notes")
    assert displayed["work_notes"] == "2026-11-22 12:00:00 - loopbot (Work notes)\nInternal\n\n"


def test_the_limit_comes_before_the_acls_so_that_hidden_rows_thin_the_page(instance: Instance) -> None:
    for number in range(10):
        instance.twin.insert("incident", {"short_description": str(number)})
    for number in ("INC0010001", "INC0010002", "INC0010003"):
        instance.twin.hide_row("incident", number)
    params = {"sysparm_query": "ORDERBYnumber", "sysparm_fields": "number"}
    first = instance.call("GET", "/api/now/table/incident", sysparm_limit="3", **params)
    assert (first.json()["result"], first.headers["X-Total-Count"]) == ([], "10")
    assert 'sysparm_offset=3>;rel="next"' in first.headers["Link"]
    second = instance.call("GET", "/api/now/table/incident", sysparm_limit="3", sysparm_offset="3", **params)
    assert [row["number"] for row in second.json()["result"]] == ["INC0010004", "INC0010005", "INC0010006"]
    bare = instance.call("GET", "/api/now/table/incident", sysparm_no_count="true")
    assert "X-Total-Count" not in bare.headers
    hidden = instance.twin.row("incident", "INC0010001")["sys_id"]
    assert instance.call("GET", f"/api/now/table/incident/{hidden}").status_code == 404
    assert instance.call("PATCH", f"/api/now/table/incident/{hidden}", {"state": "2"}).status_code == 404


def test_a_hidden_field_is_absent_not_empty(instance: Instance) -> None:
    row = instance.twin.insert("incident", {"short_description": "secret"})
    instance.twin.hide_field("incident", "short_description")
    assert "short_description" not in instance.get(f"incident/{row['sys_id']}")
    assert instance.get("incident", sysparm_fields="number,short_description,no_such") == [{"number": "INC0010001"}]


def test_refusals_have_the_vendors_shapes(instance: Instance) -> None:
    row = instance.twin.insert("incident", {"short_description": "x"})
    instance.twin.lock_row("incident", row["sys_id"])
    other = instance.twin.insert("incident", {"short_description": "y"})
    instance.twin.access.denied.add(("problem", "create"))
    table = "/api/now/table"
    cases = [
        ("GET", f"{table}/no_such", None, 400, "Invalid table no_such"),
        ("GET", f"{table}/incident/{'0' * 32}", None, 404, "No Record found"),
        ("GET", f"{table}/incident/INC0010001", None, 404, "No Record found"),
        ("PATCH", f"{table}/incident/{row['sys_id']}", {"state": "2"}, 403, "Operation Failed"),
        ("POST", f"{table}/problem", {"short_description": "z"}, 403, "Operation Failed"),
        ("PATCH", f"{table}/incident/{other['sys_id']}", {"state": "6"}, 403, "Operation Failed"),
        ("POST", f"{table}/incident/{row['sys_id']}", {}, 405, "Method not supported"),
        ("GET", "/api/now/nothing", None, 400, "Requested URI does not represent any resource"),
    ]
    for method, path, body, status, message in cases:
        answer = instance.call(method, path, body)
        assert (answer.status_code, answer.json()["error"]["message"], answer.json()["status"]) == (
            status,
            message,
            "failure",
        )
    assert instance.twin.ledger.entries("servicenow") == []
    broken = instance.session.post(f"{instance.url}{table}/incident", data=b"{not json", timeout=10)
    assert broken.status_code == 400


def test_resolving_needs_code_and_notes_and_sets_the_rest(instance: Instance, hand: Hand) -> None:
    row = instance.twin.insert("incident", {"short_description": "x"})
    path = f"/api/now/table/incident/{row['sys_id']}"
    refused = instance.call("PATCH", path, {"state": "6", "close_code": "User error"})
    assert refused.json()["error"]["detail"] == "Data Policy Exception: The following fields are mandatory: Close notes"
    hand.at += timedelta(hours=1)
    solved = instance.call(
        "PATCH", path, {"state": "6", "close_code": "User error", "close_notes": "Told them"}
    ).json()["result"]
    assert (solved["incident_state"], solved["resolved_at"], solved["active"]) == ("6", "2026-11-22 13:00:00", "true")
    assert solved["resolved_by"]["value"] == instance.twin.tables.user_id("loopbot")
    again = instance.twin.update("incident", row["number"], {"state": "2"}, actor="beth.anglin")
    assert again["reopen_count"] == "1"
    assert again["resolved_at"] == ""
    instance.twin.policy.required.clear()
    closed = instance.call("PATCH", path, {"state": "7"}).json()["result"]
    assert (closed["active"], closed["closed_at"]) == ("false", "2026-11-22 13:00:00")


def test_a_late_row_is_stamped_now_and_seen_later(instance: Instance, hand: Hand) -> None:
    late = instance.twin.insert("incident", {"short_description": "late"}, visible_after=45)
    hand.at += timedelta(seconds=10)
    instance.twin.insert("incident", {"short_description": "prompt"})
    assert [row["short_description"] for row in instance.get("incident")] == ["prompt"]
    assert instance.twin.row("incident", late["number"])["short_description"] == "late"
    hand.at += timedelta(seconds=40)
    shown = instance.get("incident", sysparm_query="ORDERBYsys_updated_on", sysparm_fields="number,sys_updated_on")
    assert shown[0] == {"number": late["number"], "sys_updated_on": "2026-11-22 12:00:00"}
    instance.twin.update("incident", late["number"], {"state": "2"}, visible_after=30)
    assert instance.get(f"incident/{late['sys_id']}")["state"] == "1"
    hand.at += timedelta(seconds=30)
    assert instance.get(f"incident/{late['sys_id']}")["sys_mod_count"] == "1"


def test_a_late_comment_is_as_late_as_its_update(instance: Instance, hand: Hand) -> None:
    row = instance.twin.insert("incident", {})
    instance.twin.update("incident", row["number"], {"comments": "Typed for long"}, visible_after=20)
    assert instance.twin.journal("incident", row["number"]) == []
    hand.at += timedelta(seconds=20)
    (said,) = instance.twin.journal("incident", row["number"])
    assert (said["value"], said["sys_created_on"]) == ("Typed for long", "2026-11-22 12:00:00")


def test_a_field_that_holds_nothing_reads_empty_and_one_that_is_not_there_fails(instance: Instance) -> None:
    row = instance.twin.insert("incident", {})
    assert row["short_description"] == ""
    with pytest.raises(KeyError):
        row["shrot_description"]


def test_people_and_integrations_write_at_the_same_time_without_a_number_twice(instance: Instance) -> None:
    def people() -> None:
        for _ in range(50):
            row = instance.twin.insert("incident", {})
            instance.twin.update("incident", row["sys_id"], {"state": "2", "comments": "Heard"})

    crowd = [threading.Thread(target=people) for _ in range(4)]
    for one in crowd:
        one.start()
    for _ in range(20):
        assert instance.call("POST", "/api/now/table/incident", {"short_description": "x"}).status_code == 201
        instance.get("incident", sysparm_query="ORDERBYsys_updated_on^ORDERBYsys_id", sysparm_fields="number")
    for one in crowd:
        one.join()
    numbers = [row["number"] for row in instance.twin.rows("incident")]
    assert len(set(numbers)) == len(numbers) == 220
    assert len(instance.twin.rows("sys_journal_field")) == 200


def test_values_are_cut_to_the_fields_length_without_a_word(instance: Instance) -> None:
    made = instance.call(
        "POST", "/api/now/table/incident", {"short_description": "x" * 500, "correlation_id": "y" * 200}
    )
    shown = made.json()["result"]
    assert (len(shown["short_description"]), len(shown["correlation_id"])) == (160, 100)


def test_references_that_lead_nowhere_are_kept_and_labels_are_looked_up_on_request(instance: Instance) -> None:
    group = instance.twin.insert("sys_user_group", {"name": "Export team"})
    wrong = instance.call("POST", "/api/now/table/incident", {"assignment_group": "Export team"}).json()["result"]
    assert wrong["assignment_group"]["value"] == "Export team"
    given = {"assignment_group": "Export team", "urgency": "1 - High"}
    right = instance.call("POST", "/api/now/table/incident", given, sysparm_input_display_value="true").json()["result"]
    assert (right["assignment_group"]["value"], right["urgency"]) == (group["sys_id"], "1")


def test_display_values_follow_the_instances_time_zone(instance: Instance) -> None:
    row = instance.twin.insert("incident", {"short_description": "x"})
    zone = next(one for one in instance.twin.rows("sys_properties") if one["name"] == "glide.sys.default.tz")
    instance.twin.update("sys_properties", zone["sys_id"], {"value": "Europe/Berlin"})
    shown = instance.get(f"incident/{row['sys_id']}", sysparm_display_value="all", sysparm_fields="opened_at,state")
    assert shown["opened_at"] == {"display_value": "2026-11-22 13:00:00", "value": "2026-11-22 12:00:00"}
    assert shown["state"] == {"display_value": "New", "value": "1"}


def test_the_dictionary_tells_fields_through_the_tables_extended(instance: Instance) -> None:
    tables = {one["name"]: one for one in instance.get("sys_db_object", sysparm_fields="name,super_class.name,sys_id")}
    assert tables["incident"]["super_class.name"] == "task"
    query = "nameINincident,task^elementISNOTEMPTY"
    fields = {
        one["element"]: one
        for one in instance.get("sys_dictionary", sysparm_query=query, sysparm_exclude_reference_link="true")
    }
    assert set(fields) == set(instance.twin.storage.schema.fields("incident"))
    assert (fields["caller_id"]["internal_type"], fields["caller_id"]["reference"]) == ("reference", "sys_user")
    assert (fields["short_description"]["name"], fields["short_description"]["max_length"]) == ("task", "160")
    instance.twin.drop_field("incident", "short_description")
    query = "element=short_description^name=task"
    assert instance.get("sys_dictionary", sysparm_query=query) == []
    choices = instance.get(
        "sys_choice", sysparm_query="name=incident^element=state^ORDERBYsequence", sysparm_fields="value,label"
    )
    assert {one["value"]: one["label"] for one in choices}["6"] == "Resolved"


def test_a_custom_table_is_a_table_like_any_other(instance: Instance) -> None:
    fields = {
        "number": "string",
        "comment": "string:4000",
        "author": "reference:sys_user",
        "work_notes": "journal_input",
    }
    instance.twin.add_table("u_feedback", fields, prefix="FB")
    made = instance.call("POST", "/api/now/v2/table/u_feedback", {"comment": "Too slow", "work_notes": "Noted"}).json()[
        "result"
    ]
    assert made["number"] == "FB0010001"
    query = "name=u_feedback^element=author"
    (described,) = instance.get("sys_dictionary", sysparm_query=query, sysparm_exclude_reference_link="true")
    assert described["reference"] == "sys_user"
    assert [one["value"] for one in instance.twin.journal("u_feedback", "FB0010001")] == ["Noted"]


def test_counts_come_from_the_aggregate_api(instance: Instance) -> None:
    for impact in ("1", "1", "2"):
        instance.twin.insert("incident", {"impact": impact})
    answer = instance.call("GET", "/api/now/stats/incident", sysparm_count="true", sysparm_query="impact=1")
    assert answer.json() == {"result": {"stats": {"count": "2"}}}
    grouped = instance.call("GET", "/api/now/stats/incident", sysparm_count="true", sysparm_group_by="impact").json()[
        "result"
    ]
    assert {one["groupby_fields"][0]["value"]: one["stats"]["count"] for one in grouped} == {"1": "2", "2": "1"}


def test_a_cancelled_transaction_answers_200_with_result_and_error(instance: Instance) -> None:
    for _ in range(4):
        instance.twin.insert("incident", {})
    instance.twin.cancel_transactions()
    answer = instance.call("GET", "/api/now/table/incident")
    assert answer.status_code == 200
    assert len(answer.json()["result"]) == 2
    assert answer.json()["error"]["message"] == "Transaction cancelled: maximum execution time exceeded"
    assert len(instance.get("incident")) == 4


def test_attachments_are_none(instance: Instance) -> None:
    assert instance.call("GET", "/api/now/attachment").json() == {"result": []}


def test_a_context_path_in_front_is_part_of_every_address() -> None:
    twin = ServiceNowTwin(Ledger(), prefix="/itsm")
    caller = twin.insert("sys_user", {"name": "Beth"})
    twin.insert("incident", {"caller_id": caller["sys_id"]})
    with served(twin.app) as one, requests.Session() as session:
        session.auth = ("loopbot", "loopbot-secret")
        shown = session.get(f"{one.url}/itsm/api/now/table/incident", timeout=10).json()["result"]
        assert shown[0]["caller_id"]["link"].startswith(f"{one.url}/itsm/api/now/table/sys_user/")
        assert session.get(f"{one.url}/api/now/table/incident", timeout=10).status_code == 404
