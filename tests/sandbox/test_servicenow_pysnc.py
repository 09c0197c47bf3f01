"""ServiceNow's own client drives the twin over real HTTP: what satisfies it is what an instance does."""

from collections.abc import Iterator

import pysnc.client
import pytest
import requests
from pysnc import ServiceNowClient
from pysnc.auth import ServiceNowClientCredentialsFlow
from pysnc.exceptions import AuthenticationException, RoleException

from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.servicenow.twin import ServiceNowTwin
from loopbot.sandbox.serving import served
from tests.support.door import Door


@pytest.fixture
def twin() -> ServiceNowTwin:
    made = ServiceNowTwin(Ledger())
    beth = made.insert("sys_user", {"user_name": "beth.anglin", "name": "Beth Anglin", "email": "beth@example.com"})
    group = made.insert("sys_user_group", {"name": "Export team"})
    for number in range(25):
        made.insert(
            "incident",
            {
                "short_description": f"Export {number} fails",
                "caller_id": beth["sys_id"] if number % 2 else "",
                "assignment_group": group["sys_id"],
                "impact": str(1 + number % 3),
                "urgency": "2",
            },
            actor="beth.anglin",
        )
    return made


@pytest.fixture(scope="module")
def door() -> Iterator[tuple[Door, str]]:
    door = Door()
    with served(door) as one:
        yield door, one.url


@pytest.fixture
def url(twin: ServiceNowTwin, door: tuple[Door, str], monkeypatch: pytest.MonkeyPatch) -> str:
    # The client insists on https; the twin speaks plain HTTP on loopback.
    monkeypatch.setattr(pysnc.client, "get_instance", lambda instance: instance)
    door[0].app = twin.app
    return door[1]


@pytest.fixture
def client(url: str) -> Iterator[ServiceNowClient]:
    made = ServiceNowClient(url, ("loopbot", "loopbot-secret"), auto_retry=False)
    yield made
    made.session.close()


def numbers(client: ServiceNowClient, encoded: str, table: str = "incident") -> list[str]:
    found = client.GlideRecord(table)
    found.add_encoded_query(encoded)
    found.query()
    return [str(one.number) for one in found]


def test_a_result_larger_than_a_page_is_read_to_its_end(client: ServiceNowClient) -> None:
    found = client.GlideRecord("incident", batch_size=7)
    found.query()
    assert len(found) == 25
    assert len({str(one.sys_id) for one in found}) == 25


def test_a_limit_holds_across_pages(client: ServiceNowClient) -> None:
    found = client.GlideRecord("incident", batch_size=4)
    found.limit = 10
    found.query()
    assert len(list(found)) == 10


def test_operators_select_as_in_the_instance(client: ServiceNowClient, twin: ServiceNowTwin) -> None:
    every = {row["number"]: row for row in twin.rows("incident")}

    def told(name: str, operator: str, value: str | None = None) -> set[str]:
        found = client.GlideRecord("incident")
        found.add_query(name, operator, value)
        found.query()
        return {str(one.number) for one in found}

    assert told("impact", "1") == {number for number, row in every.items() if row["impact"] == "1"}
    assert told("impact", "!=", "1") == {number for number, row in every.items() if row["impact"] != "1"}
    assert told("impact", ">", "1") == told("impact", "!=", "1")
    assert told("impact", ">=", "2") == told("impact", "!=", "1")
    assert told("impact", "<", "2") == told("impact", "1") == told("impact", "<=", "1")
    assert told("impact", "IN", "1,2") == told("impact", "NOT IN", "3")
    assert told("short_description", "STARTSWITH", "export 2") == told("short_description", "LIKE", "Export 2")
    assert len(told("short_description", "ENDSWITH", "FAILS")) == 25
    assert told("short_description", "CONTAINS", "7 f") == {
        n for n, row in every.items() if "7 f" in row["short_description"]
    }
    assert len(told("short_description", "DOES NOT CONTAIN", "7 f")) == 23


def test_or_conditions_and_null_queries_select(client: ServiceNowClient) -> None:
    found = client.GlideRecord("incident")
    found.add_query("impact", "1").add_or_condition("impact", "3")
    found.add_not_null_query("caller_id")
    found.query()
    assert {str(one.impact) for one in found} == {"1", "3"}
    assert all(one.caller_id for one in found)
    empty = client.GlideRecord("incident")
    empty.add_null_query("caller_id")
    empty.query()
    assert len(empty) == 13


def test_rows_come_in_the_order_asked_for(client: ServiceNowClient) -> None:
    found = client.GlideRecord("incident", batch_size=10)
    found.order_by_desc("number")
    found.query()
    seen = [str(one.number) for one in found]
    assert seen == sorted(seen, reverse=True)
    assert numbers(client, "impact=1^ORDERBYnumber")[:9] == sorted(numbers(client, "impact=1"))


def test_a_record_is_got_by_sys_id_and_by_a_field(client: ServiceNowClient, twin: ServiceNowTwin) -> None:
    row = twin.row("incident", "INC0010003")
    found = client.GlideRecord("incident")
    assert found.get(row["sys_id"])
    assert str(found.short_description) == row["short_description"]
    assert client.GlideRecord("incident").get("number", "INC0010003")
    assert not client.GlideRecord("incident").get("0" * 32)


def test_display_values_and_dot_walks_are_answered(client: ServiceNowClient) -> None:
    found = client.GlideRecord("incident")
    found.fields = ["number", "caller_id", "caller_id.email", "assignment_group.name", "state", "priority"]
    assert found.get("number", "INC0010002")
    assert found.get_display_value("caller_id") == "Beth Anglin"
    assert found.get_value("caller_id.email") == "beth@example.com"
    assert found.get_value("assignment_group.name") == "Export team"
    assert (found.get_value("state"), found.get_display_value("state")) == ("1", "New")
    assert found.get_display_value("priority") == "3 - Moderate"
    assert len(numbers(client, "caller_id.email=beth@example.com")) == 12


def test_an_insert_an_update_and_a_delete_are_done_and_noted(client: ServiceNowClient, twin: ServiceNowTwin) -> None:
    made = client.GlideRecord("incident")
    made.initialize()
    made.short_description = "Printing is slow"
    made.impact = "1"
    made.urgency = "1"
    sys_id = str(made.insert())
    assert twin.row("incident", sys_id)["priority"] == "1"
    assert str(made.number).startswith("INC")
    made.short_description = "Printing is very slow"
    made.work_notes = "Looked at the queue"
    made.update()
    assert twin.row("incident", sys_id)["sys_mod_count"] == "1"
    assert [one["value"] for one in twin.journal("incident", sys_id)] == ["Looked at the queue"]
    assert made.delete()
    entries = [(one.action, one.actor, one.key) for one in twin.ledger.entries("servicenow")]
    number = entries[0][2]
    assert entries == [(what, "loopbot", number) for what in ("create", "work_note", "update", "delete")]


def test_many_are_updated_and_deleted_in_batches(client: ServiceNowClient, twin: ServiceNowTwin) -> None:
    found = client.GlideRecord("incident")
    found.add_query("impact", "3")
    found.query()
    for one in found:
        one.category = "network"
    calls = twin.ledger.calls("servicenow")
    assert found.update_multiple()
    assert twin.ledger.calls("servicenow") == calls + 1
    assert {row["category"] for row in twin.rows("incident") if row["impact"] == "3"} == {"network"}
    gone = client.GlideRecord("incident")
    gone.add_query("impact", "3")
    assert gone.delete_multiple()
    assert not [row for row in twin.rows("incident") if row["impact"] == "3"]


def test_what_a_batch_leaves_unserviced_the_client_sends_again(client: ServiceNowClient, twin: ServiceNowTwin) -> None:
    twin.batch.quota = 4
    found = client.GlideRecord("incident")
    found.add_query("impact", "1")
    found.query()
    for one in found:
        one.category = "software"
    found.update_multiple()
    assert [row["sys_mod_count"] for row in twin.rows("incident") if row["impact"] == "1"] == ["1"] * 9


def test_a_batch_of_reads_and_creations_is_answered(client: ServiceNowClient, twin: ServiceNowTwin) -> None:
    answers: list[requests.Response | None] = []
    for number in range(3):
        made = client.GlideRecord("problem")
        made.initialize()
        made.short_description = f"Problem {number}"
        client.batch_api.post(made, answers.append)
    read = client.GlideRecord("incident")
    read.add_query("impact", "1")
    client.batch_api.list(read, answers.append)
    client.batch_api.get(client.GlideRecord("incident"), "0" * 32, answers.append)
    client.batch_api.execute()
    assert [one.status_code for one in answers if one is not None] == [201, 201, 201, 200, 404]
    assert len(twin.rows("problem")) == 3


def test_a_token_of_the_client_credentials_grant_opens_the_door(url: str, twin: ServiceNowTwin) -> None:
    client = ServiceNowClient(url, ServiceNowClientCredentialsFlow("loopbot-client", "client-secret"), auto_retry=False)
    found = client.GlideRecord("incident")
    found.query()
    assert len(found) == 25
    twin.access.revoke()
    with pytest.raises(AuthenticationException):
        client.GlideRecord("incident").query()
    client.session.close()


def test_wrong_credentials_and_forbidden_tables_are_refused(
    url: str, client: ServiceNowClient, twin: ServiceNowTwin
) -> None:
    wrong = ServiceNowClient(url, ("loopbot", "guessed"), auto_retry=False)
    with pytest.raises(AuthenticationException):
        wrong.GlideRecord("incident").query()
    wrong.session.close()
    twin.access.denied.add(("incident", "read"))
    with pytest.raises(RoleException):
        client.GlideRecord("incident").query()
