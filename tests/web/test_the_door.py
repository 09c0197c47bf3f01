"""Who may bring a webhook (fault X8), over real HTTP: whoever may not is told so, and nothing is written."""

import http.client
import json
import re
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopbot.http.hooks import TokenHooks
from loopbot.ports import Budget, Cycle, Hook, Refusal
from loopbot.sandbox.courier import signature
from loopbot.usecases.budgets import note_budgets
from tests.faults.catalogue import fault
from tests.support.dumps import dumped
from tests.web.conftest import SECRET, Listening, Serve, connectors, until

NOW = 1_000


def jira_body(key: str = "LOOP-1", minutes_ago: float = 0, **more: Any) -> bytes:
    sent = int((time.time() - minutes_ago * 60) * NOW)
    return orjson.dumps({"timestamp": sent, "webhookEvent": "jira:issue_updated", "issue": {"key": key}, **more})


def send(here: Listening, path: str, body: bytes, headers: Mapping[str, str | bytes]) -> tuple[int, str]:
    """A request with any header bytes whatever, which requests would refuse to send."""
    connection = http.client.HTTPConnection(here.url.removeprefix("http://"), timeout=10)
    try:
        connection.putrequest("POST", path, skip_host="Host" in headers)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers.get("Retry-After", "")
    finally:
        connection.close()


def untouched(here: Listening) -> bool:
    with here.loop.store.read() as tx:
        kept = tx.inbox.waiting() or tx.quarantined()
    with here.loop.store.write(keep=False) as tx:
        return not kept and not tx.inbox.prune(tx.now())


@pytest.fixture
def database() -> str:
    """SQLite alone: what is turned away at the door never gets as far as a database."""
    return "sqlite"


GOOD = jira_body()
SIGNED = {"X-Hub-Signature": signature(SECRET, GOOD)}


def test_a_signed_webhook_is_on_disk_before_it_is_answered(serve: Serve) -> None:
    here = serve()
    assert send(here, "/hooks/jira", GOOD, SIGNED)[0] == 202
    assert here.hints() == {"jira:issue": 1}
    until(lambda: here.rung == [frozenset({"jira:issue"})])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature": ""},
        {"X-Hub-Signature": signature("another secret", GOOD)},
        {"X-Hub-Signature": signature(SECRET, GOOD + b" ")},
        {"X-Hub-Signature": signature(SECRET, GOOD)[:-1]},
        {"X-Hub-Signature": "sha1=" + "0" * 40},
        {"X-Hub-Signature": "sha256=" + "\u00e9" * 64},
        {"X-Hub-Signature": b"sha256=\xff\xfe\xf0\x9f\x92\xa9"},
        {"X-Hub-Signature": "9" * 10_000},
        {"X-Hub-Signature": signature(SECRET, GOOD), "Host": "evil.example"},
        {"X-Hub-Signature": signature(SECRET, GOOD), "Host": ""},
        {"X-Hub-Signature": signature(SECRET, GOOD), "Host": b"\xff\xfe:80"},
    ],
    ids=str.split("none empty other_secret other_body short sha1 not_ascii bytes long other_host no_host odd_host"),
)
@fault("X8")
def test_what_is_not_signed_or_meant_for_another_host_is_refused_and_nothing_is_written(
    serve: Serve, headers: Mapping[str, str | bytes]
) -> None:
    here = serve()
    assert send(here, "/hooks/jira", GOOD, headers)[0] == 401
    assert untouched(here)


@fault("X8")
@pytest.mark.parametrize("minutes_ago", [61, 60 * 24 * 365, -16, -(60 * 24 * 365 * 9000)])
def test_a_signed_webhook_with_an_old_or_a_future_stamp_is_refused(serve: Serve, minutes_ago: float) -> None:
    here = serve()
    body = jira_body(minutes_ago=minutes_ago)
    assert send(here, "/hooks/jira", body, {"X-Hub-Signature": signature(SECRET, body)})[0] == 401
    assert untouched(here)


@fault("X8")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"timestamp": true}',
        b'{"timestamp": 1e400}',
        b'{"timestamp": "1700000000000"}',
        b'{"timestamp": 99999999999999999999}',
    ],
    ids=[str(number) for number in range(11)],
)
def test_a_signed_body_that_is_no_webhook_is_refused_without_an_exception(serve: Serve, body: bytes) -> None:
    here = serve()
    signed = signature(SECRET, body)
    for path, headers in {
        "/hooks/jira": {"X-Hub-Signature": signed},
        "/hooks/servicenow": {"X-Loopbot-Secret": SECRET},
    }.items():
        assert send(here, path, body, headers)[0] == 401
    assert untouched(here)


@fault("X8")
def test_a_webhook_that_is_replayed_is_answered_as_one_that_comes_again_and_nothing_is_written(
    serve: Serve, tmp_path: Path
) -> None:
    """Byte by byte it is what a system sends again when it heard no answer; refused, some would send it for ever, or stop."""
    here = serve()
    for number in range(3):
        headers = {**SIGNED, "X-Atlassian-Webhook-Identifier": f"id-{number}"}
        assert send(here, "/hooks/jira", GOOD, headers)[0] == 202
    with here.loop.store.write() as tx:
        tx.inbox.answered("jira:issue", tx.now())
    before = dumped(tmp_path / "loopbot.db")
    for number in range(9):
        headers = {**SIGNED, "X-Atlassian-Webhook-Identifier": f"another-{number}"}
        assert send(here, "/hooks/jira", GOOD, headers)[0] == 202
    assert dumped(tmp_path / "loopbot.db") == before, "not even the names it came under, which are not signed"
    assert not here.hints(), "a replay makes nobody read again"
    assert len(here.rung) == 1


def test_an_unknown_system_is_not_there_and_a_get_not_allowed(serve: Serve) -> None:
    import requests

    here = serve()
    assert send(here, "/hooks/nobody", GOOD, SIGNED)[0] == 404
    assert requests.get(f"{here.url}/hooks/jira", timeout=5).status_code == 405
    assert untouched(here)


def test_a_body_over_the_limit_is_refused_whether_it_says_so_or_not(serve: Serve) -> None:
    import requests

    here = serve(largest_body=10_000)
    large = jira_body(padding="x" * 10_000)
    assert send(here, "/hooks/jira", large, {"X-Hub-Signature": signature(SECRET, large)})[0] == 413
    pieces = (large[start : start + 1000] for start in range(0, len(large), 1000))
    assert requests.post(f"{here.url}/hooks/jira", data=pieces, timeout=5).status_code == 413
    assert untouched(here)


def test_a_sender_that_must_not_be_refused_is_answered_kindly_and_set_aside(serve: Serve) -> None:
    here = serve({"gitlab": TokenHooks("X-Gitlab-Token", SECRET, ("github:deployment",), tolerant=True)})
    for token in ("wrong", "\u00e9", ""):
        assert send(here, "/hooks/gitlab", b"{}", {"X-Gitlab-Token": token})[0] == 202
    assert not here.hints()
    with here.loop.store.read() as tx:
        (aside,) = tx.quarantined()
    assert (aside.where, aside.tries) == ("hook:gitlab", 1), "one row, however often it comes"
    assert send(here, "/hooks/gitlab", b"{}", {"X-Gitlab-Token": SECRET})[0] == 202
    assert here.hints() == {"github:deployment": 1}


def test_a_webhook_about_what_is_not_read_is_of_no_account(serve: Serve) -> None:
    here = serve()
    other = jira_body(key="OTHER-1")
    assert send(here, "/hooks/jira", other, {"X-Hub-Signature": signature(SECRET, other)})[0] == 200
    ping = orjson.dumps({"zen": "Keep it logically awesome."})
    headers = {"X-Hub-Signature-256": signature(SECRET, ping), "X-GitHub-Event": "ping"}
    assert send(here, "/hooks/github", ping, headers)[0] == 200
    assert untouched(here)


def test_what_is_left_of_calls_is_among_the_numbers(serve: Serve) -> None:
    import requests

    here = serve()
    down = [Budget("servicenow", breaker="open", breaker_seconds=20.0), Budget("github", breaker="half-open")]
    left = [Budget("jira", 85, 100, 40, 400, (("GET /a", 9.0),)), Budget("slack")]
    note_budgets(here.loop.store, "first", [*left, *down])
    numbers = requests.get(f"{here.url}/metrics", timeout=5).text
    assert 'loopbot_calls_left{system="jira"} 85.0' in numbers
    assert 'loopbot_calls_per_hour{system="jira"} 100.0' in numbers
    assert 'loopbot_server_calls_left{system="jira"} 40.0' in numbers
    assert 'loopbot_endpoints_closed{system="jira"} 1.0' in numbers
    assert 'loopbot_calls_left{system="slack"}' not in numbers
    assert 'loopbot_breaker_open{system="servicenow"} 1.0' in numbers
    assert 'loopbot_breaker_open{system="github"} 0.5' in numbers
    assert 'loopbot_breaker_open{system="slack"} 0.0' in numbers


def test_how_old_the_last_sweep_of_each_stream_is_and_what_was_counted_is_among_the_numbers(serve: Serve) -> None:
    import requests

    here = serve()
    with here.loop.store.write() as tx:
        now = tx.now()
        for stream in ("jira:issue", "jira:release"):
            tx.cursors.note(
                Cycle(stream, started_at=now - timedelta(hours=30), ended_at=now - timedelta(hours=30), rows=4)
            )
        tx.cursors.note(Cycle("jira:issue", started_at=now, ended_at=now - timedelta(hours=2), swept=True))
        tx.cursors.note(Cycle("jira:issue", started_at=now, ended_at=now, matched=9, rows=7))
    numbers = requests.get(f"{here.url}/metrics", timeout=5).text
    ages = dict(re.findall(r'loopbot_sweep_age_seconds{stream="(.*)"} (\d+)', numbers))
    assert 'loopbot_stream_rows{stream="jira:release",what="read"} 4.0' in numbers
    assert 'loopbot_stream_rows{stream="jira:issue",what="there"} 9.0' in numbers
    assert 'loopbot_stream_rows{stream="jira:issue",what="unseen"} 2.0' in numbers
    assert 'loopbot_stream_rows{stream="jira:release",what="there"}' not in numbers, "it does not count"
    assert {stream: int(age) // 3600 for stream, age in ages.items()} == {"jira:issue": 2, "jira:release": 30}


def test_health_readiness_and_numbers_can_be_asked_for(serve: Serve) -> None:
    import requests

    here = serve()
    send(here, "/hooks/jira", GOOD, SIGNED)
    send(here, "/hooks/jira", GOOD, {})
    assert requests.get(f"{here.url}/health", timeout=5).text == "ok\n"
    assert requests.get(f"{here.url}/ready", timeout=5).json() == {"store": True, "inbox": True}
    numbers = requests.get(f"{here.url}/metrics", timeout=5).text
    assert 'loopbot_hooks_total{result="accepted",system="jira"} 1.0' in numbers
    assert 'loopbot_hooks_total{result="refused",system="jira"} 1.0' in numbers
    assert 'loopbot_hints{stream="jira:issue"} 1.0' in numbers
    assert SECRET not in numbers
    here.intake.stop()
    assert requests.get(f"{here.url}/ready", timeout=5).status_code == 503


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = [
    "timestamp",
    "sent_at",
    "issue",
    "webhookEvent",
    "table",
    "number",
    "sys_updated_on",
    "deployment",
    "repository",
]


@given(
    told=st.dictionaries(st.sampled_from([*NAMES, "id", "release"]), JSON, max_size=8),
    event=st.sampled_from(["release", "deployment", "\u00ff", ""]),
)
@settings(max_examples=150, deadline=None)
def test_whatever_a_signed_body_holds_the_verifiers_answer(told: dict[str, Any], event: str) -> None:
    told = {"timestamp": time.time() * 1000, "sent_at": time.time() * 1000, **told}
    body = json.dumps(told).encode()
    headers = {"x-hub-signature": signature(SECRET, body), "x-loopbot-secret": SECRET, "x-github-event": event}
    headers["x-hub-signature-256"] = headers["x-hub-signature"]
    for one in VERIFIERS:
        assert isinstance(one.verify(headers, body), Hook | Refusal)


VERIFIERS = [one.hooks() for one in connectors().values()]
