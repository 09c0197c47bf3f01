"""H: what goes wrong between loopbot and a server. Judged by the twins' ledgers, over real HTTP."""

import dataclasses
import gzip
import time
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import orjson
import pytest

from loopbot.domain.errors import BrokenAnswer, Unauthorized
from loopbot.sandbox.faults import FaultKind
from loopbot.sandbox.servicenow.batch_api import BatchApi
from loopbot.usecases.deliver import deliver
from tests.faults.catalogue import fault
from tests.faults.conftest import both_stores
from tests.faults.ground import CASES, ISSUES, NOTES, Case, Ground, Running, judge

each_writer = pytest.mark.parametrize("case", CASES, ids=str)
READING = r"GET /api/now/table/incident\?"


def _impatient(it: Running, seconds: float = 0.3) -> None:
    for one in it.adapters():
        one.policy = dataclasses.replace(one.policy, read=seconds, deadline=seconds * 2)


def _refuse_connections(it: Running, system: str) -> None:
    """Let every connection to a system go to a port where nobody listens."""
    for adapter in it.adapters():
        if adapter.policy.system == system:
            send = adapter.get_connection_with_tls_context

            def elsewhere(request: Any, *args: Any, _send: Any = send, **more: Any) -> Any:
                request.url = "http://127.0.0.1:9/"
                return _send(request, *args, **more)

            adapter.get_connection_with_tls_context = elsewhere  # type: ignore[method-assign]


@fault("H1")
@each_writer
def test_a_system_that_throttles_is_left_alone_as_long_as_it_says_while_the_others_go_on(
    ground: Ground, case: Case
) -> None:
    key = ground.incident()
    ground.fault(case.system, "status", case.writing, status=429, headers={"Retry-After": "90"})
    with ground.running(*CASES) as it:
        it.turn()
        assert {one.system: one.count(ground, key) for one in CASES} == {
            one.system: int(one is not case) for one in CASES
        }
        sent = ground.calls(case.system, case.writing)
        for _ in range(8):
            it.clock.sleep(10)
            it.turn()
        assert ground.calls(case.system, case.writing) == sent, "not once before the time is over"
        it.rest()
        judge(ground, it)
    assert case.count(ground, key) == 1


FORMS: dict[str, tuple[dict[str, str], bytes, float, float]] = {
    # what comes, and between which bounds of seconds loopbot comes back
    "seconds": ({"Retry-After": "120"}, b"{}", 120, 135),
    "a fraction": ({"Retry-After": "1.5"}, b"{}", 1.5, 60),
    "a date": ({"Retry-After": "DATE+240"}, b"{}", 240, 260),
    "a date that is over": ({"Retry-After": "DATE-240"}, b"{}", 1, 60),
    "a negative number": ({"Retry-After": "-5"}, b"{}", 1, 60),
    "a thousand million": ({"Retry-After": "1000000000"}, b"{}", 3600, 3660),
    "not a number": ({"Retry-After": "nan"}, b"{}", 1, 60),
    "endless": ({"Retry-After": "inf"}, b"{}", 3600, 3660),
    "words": ({"Retry-After": "in a little while"}, b"{}", 1, 60),
    "digits of another script": ({"Retry-After": "\xb2"}, b"{}", 1, 60),
    "nothing": ({}, b"{}", 1, 60),
    "empty": ({"Retry-After": ""}, b"{}", 1, 60),
    "a web page": ({"Content-Type": "text/html"}, b"<html>Too many requests</html>", 1, 60),
    "half a JSON": ({}, b'{"error": {"mess', 1, 60),
}


@fault("H2")
@each_writer
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_retry_after_is_understood_and_kept_within_an_hour(ground: Ground, case: Case, form: str) -> None:
    headers, body, least, most = FORMS[form]
    said = headers.get("Retry-After", "")
    if said.startswith("DATE"):
        when = it_is_due(ground, float(said.removeprefix("DATE")))
        headers = {"Retry-After": when}
    key = ground.incident()
    ground.fault(case.system, "status", case.writing, status=429, headers=headers, body=body)
    with ground.running(case) as it:
        it.turn()
        (row,) = it.rows("planned")
        waits = (row.due_at - it.clock.now()).total_seconds()
        assert least - 1 <= waits <= most
        it.rest()
        judge(ground, it)
    assert case.count(ground, key) == 1


def it_is_due(ground: Ground, seconds: float) -> str:
    return format_datetime(ground.clock.now() + timedelta(seconds=seconds), usegmt=True)


@fault("H3")
def test_a_limit_on_one_issue_delays_that_issue_alone(ground: Ground) -> None:
    comment_on_issue = """
about = "A comment on each issue."
on = "issue"
[[then]]
do = "comment"
internal = true
text = "Seen {it.key}"
"""
    first, second = (ground.jira.create_issue("LOOP", f"Issue {number}").key for number in (1, 2))
    ground.rule("comment", comment_on_issue)
    headers = {"Retry-After": "600", "RateLimit-Reason": "jira-per-issue-on-write"}
    ground.fault("jira", "status", f"POST .*/issue/{first}/comment", status=429, headers=headers)
    with ground.running() as it:
        it.turn()
        assert [one.key for one in ground.entries("jira", "comment")] == [second]
        third = ground.jira.create_issue("LOOP", "Issue 3").key
        it.clock.sleep(60)
        it.turn()
        assert [one.key for one in ground.entries("jira", "comment")] == [second, third]
        it.rest()
        judge(ground, it)
    assert sorted(one.key for one in ground.entries("jira", "comment")) == [first, second, third]


@fault("H4", "I7")
@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_read_is_tried_three_times_and_then_at_the_next_poll(ground: Ground, status: int) -> None:
    key = ground.incident()
    ground.fault("servicenow", "status", READING, status=status, times=4)
    with ground.running(NOTES) as it:
        done = it.read()
        assert str(status) in done.cycle.trouble
        assert ground.calls("servicenow", "GET /api/now/table/incident") == 3
        it.rest()
        assert ground.calls("servicenow", "GET /api/now/table/incident") == 5, "the fourth failed, the fifth was good"
        judge(ground, it)
    assert NOTES.count(ground, key) == 1


@fault("H4")
def test_the_pauses_between_the_tries_are_not_the_same_for_everyone(ground: Ground) -> None:
    ground.fault("servicenow", "status", READING, status=503, times=1000)
    pauses = set()
    for _ in range(3):
        with ground.running(NOTES) as it:
            before = it.clock.monotonic()
            it.read()
            pauses.add(round(it.clock.monotonic() - before, 6))
    assert len(pauses) == 3


@fault("H5", "I1", "I2")
@each_writer
@pytest.mark.parametrize("acted", [True, False], ids=["acted", "did not act"])
@both_stores
def test_a_write_answered_500_is_looked_for_and_sent_again_only_where_it_is_not_there(
    ground: Ground, case: Case, acted: bool
) -> None:
    key = ground.incident()
    ground.fault(case.system, "body" if acted else "status", case.writing, status=500, body=b'{"error": "oops"}')
    with ground.running(case) as it:
        it.turn()
        assert it.states() == {"uncertain": 1}
        it.rest()
        assert it.states() == {"settled": 1}
        judge(ground, it)
    assert case.count(ground, key) == 1


@fault("H6")
@each_writer
@both_stores
def test_a_refused_connection_was_not_sent_and_is_tried_again(ground: Ground, case: Case) -> None:
    key = ground.incident()
    with ground.running(case) as it:
        it.read()
        _refuse_connections(it, case.system)
        deliver(it.loop, case.system)
        assert it.states() == {"planned": 1}, "not uncertain: nobody was there to act"
    with ground.running(case) as it:
        it.rest()
        judge(ground, it)
    assert case.count(ground, key) == 1


@fault("H6")
@pytest.mark.parametrize(
    ("url", "why"),
    [("https://127.0.0.1:{port}", "certificate|connection"), ("https://no-such-host.invalid", "no connection")],
)
def test_encryption_that_fails_is_told_and_never_left_out(ground: Ground, url: str, why: str) -> None:
    ground.incident()
    given = url.format(port=ground.street.served["servicenow"].port)
    with ground.running(NOTES, systems=("servicenow",), servicenow_url=given) as it:
        done = it.read()
    assert done.trouble is not None
    assert ground.calls("servicenow") == 0, "nothing was asked in the clear"
    assert any(one in str(done.trouble) for one in why.split("|"))


@fault("H6")
def test_a_system_without_encryption_is_refused_before_a_call(ground: Ground) -> None:
    with ground.running(NOTES, systems=("servicenow",), servicenow_url="http://servicenow.example") as it:
        assert "use https" in it.read().cycle.trouble


@fault("H7", "I1", "I2")
@each_writer
@both_stores
def test_a_connection_reset_after_the_effect_leaves_exactly_one(ground: Ground, case: Case) -> None:
    key = ground.incident()
    ground.fault(case.system, "lose_answer", case.writing)
    with ground.running(case) as it:
        it.turn()
        assert it.states() == {"uncertain": 1}
        it.rest()
        assert it.states() == {"settled": 1}
        judge(ground, it)
    assert case.count(ground, key) == 1


@fault("H7", "I1", "I2")
@each_writer
@both_stores
def test_the_same_holds_for_a_batch_and_across_a_restart(ground: Ground, case: Case) -> None:
    keys = [ground.incident(f"Number {number} fails") for number in range(4)]
    ground.fault(case.system, "lose_answer", case.writing)
    with ground.running(case) as it:
        it.turn()
    with ground.running(case) as it:
        it.rest()
        assert it.states() == {"settled": 4}
        judge(ground, it)
    assert [case.count(ground, key) for key in keys] == [1, 1, 1, 1]


@fault("H8", "I1")
@each_writer
@pytest.mark.parametrize("kind", ["hang", "slow"])
@both_stores
def test_an_answer_that_does_not_come_in_time_is_uncertain_and_found(
    ground: Ground, case: Case, kind: FaultKind
) -> None:
    key = ground.incident()
    ground.fault(case.system, kind, case.writing, seconds=1)
    with ground.running(case) as it:
        it.read()
        _impatient(it)
        began = time.monotonic()
        deliver(it.loop, case.system)
        assert time.monotonic() - began < 5
        assert it.states() == {"uncertain": 1}
        it.rest()
        judge(ground, it)
    assert case.count(ground, key) == 1


@fault("H8")
def test_an_answer_that_drips_ends_at_the_deadline(ground: Ground) -> None:
    async def dripping(scope: Any, receive: Any, send: Any) -> None:
        import asyncio

        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        for _ in range(200):
            await send({"type": "http.response.body", "body": b" " * 70_000, "more_body": True})
            await asyncio.sleep(0.05)
        await send({"type": "http.response.body", "body": b"{}"})

    with ground.running(NOTES) as it:
        ground.street.doors["servicenow"].app = dripping
        _impatient(it, 0.2)
        began = time.monotonic()
        assert "no answer in time" in it.read().cycle.trouble
        assert time.monotonic() - began < 4, "three tries of 0.4 s"


@fault("H8")
def test_the_times_are_those_that_are_promised(ground: Ground) -> None:
    with ground.running() as it:
        assert {(one.policy.connect, one.policy.read, one.policy.deadline) for one in it.adapters()} == {(5, 30, 60)}


BROKEN = [
    b'{"result": [{"sys_id": "1"',
    b"",
    b"null",
    b"[]",
    b'{"result": {}}',
    b'{"result": [1]}',
    b"\xff\xfe\x00",
    b"{}",
]


@fault("H9", "I3")
@pytest.mark.parametrize("body", BROKEN)
def test_an_answer_that_is_not_whole_moves_no_cursor(ground: Ground, body: bytes) -> None:
    with ground.running(NOTES) as it:
        it.rest()
        before = _cursor(it)
        it.clock.sleep(60)
        key = ground.incident()
        ground.fault("servicenow", "body", READING, status=200, body=body, times=3)
        assert it.read().cycle.trouble
        assert _cursor(it) == before
        ground.heal()
        it.rest()
        judge(ground, it)
    assert NOTES.count(ground, key) == 1


@fault("H9", "I3")
@pytest.mark.parametrize("body", [b'{"issues": [{"id":', b"", b"null", b"[]", b'{"issues": {}}', b'{"issues": [1]}'])
def test_nor_does_one_of_jiras_search(ground: Ground, body: bytes) -> None:
    with ground.running() as it:
        ground.jira.create_issue("LOOP", "An issue")
        ground.fault("jira", "body", "POST .*/search/jql", status=200, body=body, times=3)
        assert it.read("jira:issue").cycle.trouble
        assert _cursor(it, "jira:issue") == ""
        ground.heal()
        assert it.read("jira:issue").cycle.new == 1


def _cursor(it: Running, stream: str = "servicenow:incident") -> str:
    with it.loop.store.read() as tx:
        return tx.cursors.get(stream).position


@fault("H10", "I3")
@pytest.mark.parametrize("redirected", [False, True], ids=["page", "redirect"])
def test_a_login_page_is_a_matter_of_credentials_and_never_no_rows(ground: Ground, redirected: bool) -> None:
    key = ground.incident()
    with ground.running(NOTES) as it:
        if redirected:
            ground.fault("servicenow", "status", READING, status=302, headers={"Location": "https://sso.example/login"})
        else:
            ground.fault("servicenow", "html", READING)
        done = it.read()
        assert isinstance(done.trouble, Unauthorized)
        assert (done.cycle.rows, _cursor(it)) == (0, "")
        assert ground.calls("servicenow", "GET /api/now/table/incident") == 1, "it is not asked again and again"
        it.rest()
        judge(ground, it)
    assert NOTES.count(ground, key) == 1


@fault("H10")
@each_writer
def test_a_write_answered_with_a_login_page_is_looked_for(ground: Ground, case: Case) -> None:
    key = ground.incident()
    ground.fault(case.system, "html", case.writing)
    with ground.running(case) as it:
        it.rest()
        judge(ground, it)
    assert case.count(ground, key) == 1


@fault("H11", "I1", "I2", "I7")
@each_writer
@pytest.mark.parametrize("acted", [True, False], ids=["acted", "did not act"])
def test_credentials_that_are_refused_in_the_middle_pause_that_system_alone(
    ground: Ground, case: Case, acted: bool
) -> None:
    keys = [ground.incident(f"Number {number} fails") for number in range(30)]
    others = [one for one in CASES if one is not case]
    ground.fault(case.system, "body" if acted else "status", case.writing, status=401, times=1000)
    with ground.running(*CASES) as it:
        it.turn()
        assert ground.calls(case.system, case.writing) == 1, "no storm"
        assert all(one.count(ground, key) == 1 for one in others for key in keys)
        it.clock.sleep(120)
        it.turn()
        assert ground.calls(case.system, case.writing) == 1, "and none while it is paused"
        assert {"401" in row.why and "token" in row.why for row in it.rows("uncertain")} == {True}
        ground.heal()
        it.rest()
        judge(ground, it)
    assert all(case.count(ground, key) == 1 for key in keys)


@fault("H10", "H11", "I7")
@each_writer
@pytest.mark.parametrize("page", [False, True], ids=["401", "login page"])
def test_while_a_system_is_shut_a_read_asks_whether_it_is_open_again_and_nothing_is_written(
    ground: Ground, case: Case, page: bool
) -> None:
    keys = [ground.incident(f"Number {number} fails") for number in range(3)]
    with ground.running(case) as it:
        it.read()
        if page:
            ground.fault(case.system, "html", times=1_000_000)
        else:
            ground.fault(case.system, "status", status=401, times=1_000_000)
        it.read()
        for _ in range(60):
            deliver(it.loop, case.system)
            it.clock.sleep(60)
        assert ground.calls(case.system, case.writing) == 0, "what is refused to readers is not tried by writing"
        assert it.states() == {"planned": len(keys)}, "nothing has to be looked for"
        (why,) = {row.why for row in it.rows()} - {""}  # those behind it in its lane have none of their own
        assert ("login page" if page else "was answered 401 (check the token") in why
        ground.heal()
        it.rest()
        judge(ground, it)
    assert all(case.count(ground, key) == 1 for key in keys)


@fault("H10", "H11", "I7")
@each_writer
@pytest.mark.parametrize("page", [False, True], ids=["401", "login page"])
def test_a_system_that_shuts_in_the_midst_of_writing_makes_no_more_than_that_batch_uncertain(
    ground: Ground, case: Case, page: bool
) -> None:
    with ground.running(case) as it:
        ground.incident("The first one fails")
        it.rest()
        keys = [ground.incident(f"Number {number} fails") for number in range(3)]
        it.read()
        before = ground.calls(case.system, case.writing)
        ground.fault(case.system, "html" if page else "status", status=200 if page else 401, times=1_000_000)
        for _ in range(60):
            deliver(it.loop, case.system)
            late = ground.servicenow.insert("incident", {"short_description": "Another one fails"})["number"]
            keys.append(str(late))
            if case.system != "servicenow":
                it.read()
            it.clock.sleep(60)
        assert ground.calls(case.system, case.writing) == before + 1, "one write found out, reads asked from then on"
        ground.heal()
        it.rest()
        judge(ground, it)
    assert all(case.count(ground, key) == 1 for key in keys)


@fault("H12")
def test_a_record_that_may_not_be_written_is_parked_and_the_others_go_on(ground: Ground) -> None:
    keys = [ground.incident(f"Number {number} fails") for number in range(3)]
    ground.servicenow.lock_row("incident", keys[1])
    with ground.running(NOTES) as it:
        it.rest()
        judge(ground, it)
        (parked,) = it.rows("parked")
        assert "403" in parked.why
        assert parked.effect.cause.subject.key == keys[1]
    assert [NOTES.count(ground, key) for key in keys] == [1, 0, 1]


@fault("H13")
def test_an_endpoint_that_was_removed_is_told_by_check(ground: Ground) -> None:
    ground.fault("jira", "status", "POST .*/search/jql", status=410, body=b'{"errorMessages": ["removed"]}', times=100)
    with ground.running() as it:
        found = [one for one in it.here.connectors["jira"].check() if one.level == "error"]
        assert any("410" in one.what for one in found)
        before = ground.calls("jira", "search")
        assert "410" in it.read("jira:issue").cycle.trouble
        assert ground.calls("jira", "search") == before + 1, "it is not tried again"


@fault("H14", "I2")
@both_stores
def test_of_a_bulk_that_succeeds_in_part_each_item_is_settled_by_itself(ground: Ground) -> None:
    ground.jira.require("LOOP", "Bug", "description")
    told = ["", "It says 500.", "It says nothing.", "", "It hangs."]
    keys = [ground.incident("The export fails", description=text) for text in told]
    with ground.running(ISSUES) as it:
        it.rest()
        judge(ground, it)
        assert it.states() == {"settled": 3, "parked": 2}
        assert all("description" in row.why for row in it.rows("parked"))
        assert ground.calls("jira", "POST .*/issue") == 1, "what was refused is not sent again by itself"
    assert [ISSUES.count(ground, key) for key in keys] == [int(bool(text)) for text in told]


@fault("H14", "I2")
@both_stores
def test_what_a_batch_had_no_time_for_is_sent_again_and_nothing_else(ground: Ground) -> None:
    keys = [ground.incident(f"Number {number} fails") for number in range(6)]
    ground.servicenow.batch.quota = 2
    with ground.running(NOTES) as it:
        it.rest()
        judge(ground, it)
    assert [NOTES.count(ground, key) for key in keys] == [1] * 6


@fault("H15")
@pytest.mark.parametrize("kept", [0, 1, 2])
@both_stores
def test_of_a_bulk_answered_with_fewer_items_the_missing_ones_are_looked_for(ground: Ground, kept: int) -> None:
    keys = [ground.incident(f"Number {number} fails") for number in range(3)]
    shown = [{"id": str(10_000 + number), "key": f"LOOP-{number + 1}"} for number in range(kept)]
    ground.fault("jira", "body", "POST .*/issue/bulk", status=201, body=orjson.dumps({"issues": shown, "errors": []}))
    with ground.running(ISSUES) as it:
        it.rest()
        judge(ground, it)
        there = {one.key: str(one.payload) for one in ground.entries("jira", "create")}
        for row in it.rows("settled"):
            assert row.receipt is not None
            assert row.effect.cause.subject.key in there[row.receipt.ref.key], "each receipt names its own issue"
    assert [ISSUES.count(ground, key) for key in keys] == [1, 1, 1]


class Shuffled(BatchApi):
    """Answers in another order, and leaves one of the answers out."""

    __slots__ = ()

    def answer(self, ask: Any) -> Any:
        given = super().answer(ask)
        given.body["serviced_requests"] = given.body["serviced_requests"][:0:-1]
        return given


@fault("H15", "I1", "I2")
@both_stores
def test_a_batch_answered_in_another_order_without_one_is_matched_by_id(ground: Ground) -> None:
    keys = [ground.incident(f"Number {number} fails") for number in range(4)]
    ground.servicenow.batch = Shuffled(ground.servicenow._batched)
    with ground.running(NOTES) as it:
        it.read()
        deliver(it.loop, "servicenow")
        assert it.states() == {"settled": 3, "uncertain": 1}
        (lost,) = it.rows("uncertain")
        assert lost.number == min(row.number for row in it.rows())
        it.rest()
        judge(ground, it)
    assert [NOTES.count(ground, key) for key in keys] == [1] * 4


@fault("H16", "I3", "I7")
def test_pages_that_repeat_are_an_error_and_not_an_endless_reading(ground: Ground) -> None:
    row = {"sys_id": "a" * 32, "sys_updated_on": "2026-03-02 08:00:00", "sys_mod_count": "0", "number": "INC0000001"}
    body = orjson.dumps({"result": [{**row, "short_description": "again", "state": "1"}] * 3})
    headers = {"X-Total-Count": "5000"}
    with ground.running(NOTES) as it:
        ground.fault("servicenow", "body", READING, times=10_000, status=200, headers=headers, body=body)
        done = it.read()
        assert isinstance(done.trouble, BrokenAnswer)
        assert ground.calls("servicenow", "GET /api/now/table/incident") < 5


@fault("H16", "I3", "I7")
@pytest.mark.parametrize("fresh_token", [False, True], ids=["the token repeats", "the pages repeat"])
def test_a_search_that_leads_in_a_circle_is_an_error(ground: Ground, fresh_token: bool) -> None:
    fields = {"summary": "again", "status": {"name": "To Do"}, "updated": "2026-03-02T08:00:00.000+0000"}
    row = {"id": "1", "key": "LOOP-1", "fields": fields}
    for number in range(200):
        page = {"issues": [row], "nextPageToken": f"t{number if fresh_token else 0}"}
        ground.fault("jira", "body", "POST .*/search/jql", status=200, body=orjson.dumps(page))
    with ground.running() as it:
        assert isinstance(it.read("jira:issue").trouble, BrokenAnswer)
        assert ground.calls("jira", "search") < 40
        ground.heal()
        ground.jira.create_issue("LOOP", "A real one")
        assert it.read("jira:issue").cycle.new >= 1


@fault("H17", "I1", "I2", "I6")
@each_writer
@pytest.mark.parametrize("acted", [True, False], ids=["acted", "did not act"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_elsewhere_is_not_followed_and_the_credentials_stay(
    ground: Ground, case: Case, status: int, acted: bool
) -> None:
    key = ground.incident()
    other = "servicenow" if case.system != "servicenow" else "jira"
    elsewhere = f"http://localhost:{ground.street.served[other].port}/stolen"
    kind: FaultKind = "body" if acted else "status"
    ground.fault(case.system, kind, case.writing, status=status, headers={"Location": elsewhere})
    with ground.running(case) as it:
        it.turn()
        assert ground.calls(other, "/stolen") == 0
        assert it.states() == {"uncertain": 1}
        assert case.count(ground, key) == int(acted)
        it.rest()
        judge(ground, it)
    assert ground.calls(other, "/stolen") == 0
    assert case.count(ground, key) == 1


DEEP = b'{"result": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BOMB = gzip.compress(b'{"result": [' + b" " * (80 * 1024 * 1024) + b"]}", 9)


@fault("H18", "I3")
@pytest.mark.parametrize(("body", "headers"), [(DEEP, {}), (BOMB, {"Content-Encoding": "gzip"})], ids=["deep", "bomb"])
def test_an_answer_made_to_exhaust_us_ends_at_a_limit(ground: Ground, body: bytes, headers: dict[str, str]) -> None:
    with ground.running(NOTES) as it:
        ground.fault("servicenow", "body", READING, status=200, body=body, headers=headers)
        done = it.read()
        assert isinstance(done.trouble, BrokenAnswer)
        assert _cursor(it) == ""
        key = ground.incident()
        it.rest()
        judge(ground, it)
    assert NOTES.count(ground, key) == 1


@fault("H18", "H14")
def test_a_huge_answer_to_a_write_leaves_it_uncertain_and_then_found(ground: Ground) -> None:
    key = ground.incident()
    ground.fault("servicenow", "body", NOTES.writing, status=200, body=BOMB, headers={"Content-Encoding": "gzip"})
    with ground.running(NOTES) as it:
        it.rest()
        judge(ground, it)
    assert NOTES.count(ground, key) == 1
