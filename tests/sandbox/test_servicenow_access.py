"""Who may come in, how often, and the APIs around the Table API: tokens, rate rules, batches, changes, faults."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import requests

from loopbot.sandbox.faults import Fault
from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.servicenow.twin import ServiceNowTwin
from loopbot.sandbox.serving import served
from tests.support.door import Door

AUTH = ("loopbot", "loopbot-secret")
INCIDENTS = "/api/now/table/incident"


class Hand:
    """A clock held by the test."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 22, 12, 15, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def twin(hand: Hand) -> ServiceNowTwin:
    return ServiceNowTwin(Ledger(), now=hand.now)


@pytest.fixture(scope="module")
def door() -> Iterator[tuple[Door, str]]:
    door = Door()
    with served(door) as one:
        yield door, one.url


@pytest.fixture
def url(twin: ServiceNowTwin, door: tuple[Door, str]) -> str:
    door[0].app = twin.app
    return door[1]


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        yield made


def grant(session: requests.Session, url: str, **form: str) -> requests.Response:
    known = {"client_id": "loopbot-client", "client_secret": "client-secret"}
    return session.post(f"{url}/oauth_token.do", data=known | form, timeout=10)


def bearer(session: requests.Session, url: str, token: str) -> requests.Response:
    return session.get(url + INCIDENTS, headers={"Authorization": f"Bearer {token}"}, timeout=10)


def item(number: int, method: str, path: str, body: Any = None) -> dict[str, Any]:
    made: dict[str, Any] = {"id": str(number), "method": method, "url": path, "headers": []}
    if body is not None:
        made["body"] = base64.b64encode(orjson.dumps(body)).decode()
    return made


def batch(session: requests.Session, url: str, *items: dict[str, Any]) -> Any:
    body = {"batch_request_id": "7", "rest_requests": list(items)}
    return session.post(f"{url}/api/now/v1/batch", json=body, auth=AUTH, timeout=10).json()


@pytest.mark.parametrize("auth", [None, ("loopbot", "wrong"), ("nobody", "")])
def test_nobody_comes_in_without_credentials(session: requests.Session, url: str, auth: tuple[str, str] | None) -> None:
    answer = session.get(url + INCIDENTS, auth=auth, timeout=10)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'BASIC realm="Service-now"'
    assert answer.json() == {
        "error": {"message": "User Not Authenticated", "detail": "Required to provide Auth information"},
        "status": "failure",
    }


def test_a_token_runs_out_and_is_refreshed(session: requests.Session, url: str, hand: Hand) -> None:
    given = grant(session, url, grant_type="password", username="loopbot", password="loopbot-secret").json()
    assert (given["token_type"], given["expires_in"]) == ("Bearer", 1800)
    assert bearer(session, url, given["access_token"]).status_code == 200
    hand.at += timedelta(seconds=1800)
    assert bearer(session, url, given["access_token"]).status_code == 401
    fresh = grant(session, url, grant_type="refresh_token", refresh_token=given["refresh_token"]).json()
    assert bearer(session, url, fresh["access_token"]).status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "client_credentials", "client_secret": "wrong"},
        {"grant_type": "client_credentials", "client_id": "unknown", "client_secret": ""},
        {"grant_type": "password", "username": "loopbot", "password": "wrong"},
        {"grant_type": "password", "username": "nobody"},
        {"grant_type": "refresh_token", "refresh_token": "made up"},
        {"grant_type": "other"},
    ],
)
def test_a_wrong_grant_is_denied(session: requests.Session, url: str, form: dict[str, str]) -> None:
    answer = grant(session, url, **form)
    assert answer.status_code == 401
    assert answer.json() == {"error_description": "access_denied", "error": "server_error"}


def test_a_client_acts_as_its_application_user(session: requests.Session, url: str, twin: ServiceNowTwin) -> None:
    token = grant(session, url, grant_type="client_credentials").json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    made = session.post(url + INCIDENTS, json={"short_description": "x"}, headers=headers, timeout=10).json()["result"]
    assert made["sys_created_by"] == "loopbot"


def test_an_account_has_a_role_that_can_be_read(session: requests.Session, url: str) -> None:
    params = {"sysparm_query": "user.user_name=loopbot", "sysparm_fields": "role.name"}
    answer = session.get(f"{url}/api/now/table/sys_user_has_role", params=params, auth=AUTH, timeout=10)
    assert answer.json() == {"result": [{"role.name": "itil"}]}


def test_the_hourly_rule_throttles_and_says_for_how_long(
    session: requests.Session, url: str, twin: ServiceNowTwin, hand: Hand
) -> None:
    twin.limit_rate(2, match=INCIDENTS)
    first = session.get(url + INCIDENTS, auth=AUTH, timeout=10)
    assert first.headers["X-RateLimit-Limit"] == "2"
    assert int(first.headers["X-RateLimit-Reset"]) == datetime(2026, 11, 22, 13, tzinfo=UTC).timestamp()
    assert session.get(url + INCIDENTS, auth=AUTH, timeout=10).status_code == 200
    over = session.get(url + INCIDENTS, auth=AUTH, timeout=10)
    assert (over.status_code, over.headers["Retry-After"]) == (429, str(45 * 60))
    assert over.headers["X-RateLimit-Rule"] == first.headers["X-RateLimit-Rule"]
    assert session.get(f"{url}/api/now/table/problem", auth=AUTH, timeout=10).status_code == 200
    hand.at += timedelta(minutes=45)
    assert session.get(url + INCIDENTS, auth=AUTH, timeout=10).status_code == 200


@pytest.mark.parametrize(("counted", "statuses"), [(False, [201, 201, 201]), (True, [201, 201, 429])])
def test_items_of_a_batch_count_or_not(
    session: requests.Session, url: str, twin: ServiceNowTwin, counted: bool, statuses: list[int]
) -> None:
    twin.limit_rate(2, match=INCIDENTS, batch_items=counted)
    answer = batch(session, url, *(item(one, "POST", INCIDENTS, {"short_description": "x"}) for one in range(3)))
    assert [one["status_code"] for one in answer["serviced_requests"]] == statuses
    assert len(twin.rows("incident")) == statuses.count(201)


def test_a_batch_settles_each_item_by_itself(session: requests.Session, url: str, twin: ServiceNowTwin) -> None:
    row = twin.insert("incident", {"short_description": "x"})
    answer = batch(
        session,
        url,
        item(1, "PATCH", f"{INCIDENTS}/{row['sys_id']}?sysparm_fields=number,state", {"state": "2"}),
        item(2, "PATCH", f"{INCIDENTS}/{'0' * 32}", {"state": "2"}),
        item(3, "GET", f"{INCIDENTS}?sysparm_query=number%3D{row['number']}&sysparm_fields=number"),
        item(4, "DELETE", f"{INCIDENTS}/{row['sys_id']}"),
    )
    assert answer["batch_request_id"] == "7"
    serviced = answer["serviced_requests"]
    assert [(one["id"], one["status_code"], one["status_text"]) for one in serviced] == [
        ("1", 200, "OK"),
        ("2", 404, "Not Found"),
        ("3", 200, "OK"),
        ("4", 204, "No Content"),
    ]
    assert orjson.loads(base64.b64decode(serviced[0]["body"])) == {"result": {"number": row["number"], "state": "2"}}
    assert orjson.loads(base64.b64decode(serviced[2]["body"])) == {"result": [{"number": row["number"]}]}
    assert serviced[3]["body"] == ""
    assert [one.action for one in twin.ledger.entries("servicenow")] == ["update", "delete"]


def test_what_the_quota_leaves_undone_comes_back_by_id(
    session: requests.Session, url: str, twin: ServiceNowTwin
) -> None:
    twin.batch.quota = 2
    answer = batch(session, url, *(item(one, "POST", INCIDENTS, {"short_description": str(one)}) for one in range(5)))
    assert [one["id"] for one in answer["serviced_requests"]] == ["0", "1"]
    assert answer["unserviced_requests"] == ["2", "3", "4"]
    assert len(twin.rows("incident")) == 2
    twin.batch.quota, twin.batch.seconds_each = None, 10.0
    slow = batch(session, url, *(item(one, "GET", INCIDENTS) for one in range(5)))
    assert slow["unserviced_requests"] == ["3", "4"]


def test_a_change_is_opened_moved_and_read_by_its_own_api(
    session: requests.Session, url: str, twin: ServiceNowTwin
) -> None:
    session.auth = AUTH
    api = f"{url}/api/sn_chg_rest/v1/change"
    made = session.post(f"{api}/emergency", json={"short_description": "Fix export", "nope": "x"}, timeout=10).json()[
        "result"
    ]
    assert made["type"] == {"display_value": "Emergency", "value": "emergency"}
    assert made["state"] == {"display_value": "New", "value": "-5"}
    assert made["__meta"] == {"ignoredFields": ["nope"]}
    sys_id = made["sys_id"]["value"]
    states = session.get(f"{api}/{sys_id}/nextstates", timeout=10).json()["result"]
    assert states["available_states"] == ["-5", "-3", "4"]
    assert states["state_label"]["-3"] == "Authorize"
    moved = session.patch(
        f"{api}/emergency/{sys_id}", json={"state": "-3", "work_notes": "CAB asked"}, timeout=10
    ).json()["result"]
    assert moved["state"]["display_value"] == "Authorize"
    assert session.get(f"{api}/{sys_id}", timeout=10).json()["result"]["state"]["value"] == "-3"
    session.post(f"{api}/normal", json={"short_description": "Later"}, timeout=10)
    listed = session.get(f"{api}/normal", timeout=10).json()["result"]
    assert [one["short_description"]["value"] for one in listed] == ["Later"]
    assert session.get(f"{api}/{'0' * 32}/nextstates", timeout=10).status_code == 404
    noted = [(one.action, one.kind) for one in twin.ledger.entries("servicenow")]
    assert noted == [(what, "change_request") for what in ("create", "work_note", "update", "create")]


def test_a_lost_answer_leaves_the_effect_behind(session: requests.Session, url: str, twin: ServiceNowTwin) -> None:
    twin.faults.add(Fault("lose_answer", match=f"POST {INCIDENTS}"))
    with pytest.raises(requests.ConnectionError):
        session.post(url + INCIDENTS, json={"correlation_id": "loop-1"}, auth=AUTH, timeout=10)
    params = {"sysparm_query": "correlation_id=loop-1"}
    assert len(session.get(url + INCIDENTS, params=params, auth=AUTH, timeout=10).json()["result"]) == 1


def test_an_instance_asleep_answers_with_a_page(session: requests.Session, url: str, twin: ServiceNowTwin) -> None:
    twin.faults.add(Fault("html"))
    answer = session.get(url + INCIDENTS, auth=AUTH, timeout=10)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")
