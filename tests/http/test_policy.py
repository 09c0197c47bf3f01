"""Every HTTP call by one policy: what an answer, or none, means for what to do next."""

import gzip
import random
import socket
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from loopbot.domain.errors import BrokenAnswer, Rejected, SystemTrouble, Transient, Unauthorized, Uncertain
from loopbot.domain.redaction import Known
from loopbot.http import Limits, Pacing, Wire, retry_after
from loopbot.http.pacing import endpoint_of
from loopbot.http.wire import said
from loopbot.permits import permitted_unless
from loopbot.sandbox.faults import Fault, FaultLayer, Faults
from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.serving import served
from tests.support.clock import FakeClock

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class Town:
    url: str
    faults: Faults
    ledger: Ledger
    done: list[str]


async def _bomb(_request: Request) -> Response:
    body = gzip.compress(b'{"a": "' + b"x" * 70_000_000 + b'"}')
    return Response(body, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})


@pytest.fixture(scope="module")
def town_server() -> Iterator[Town]:
    done: list[str] = []

    async def thing(request: Request) -> Response:
        if request.method == "POST":
            done.append((await request.body()).decode())
        return JSONResponse({"ok": True}, headers={"X-Saw": request.headers.get("authorization", "")})

    async def away(_request: Request) -> Response:
        return RedirectResponse("http://localhost:9/elsewhere")

    async def no(_request: Request) -> Response:
        return JSONResponse(
            {"errorMessages": ["Summary is missing"], "errors": {"customfield_1": "is required"}}, status_code=400
        )

    routes = [
        Route("/thing", thing, methods=["GET", "POST"]),
        Route("/away", away),
        Route("/no", no),
        Route("/bomb", _bomb),
    ]
    faults, ledger = Faults(), Ledger()
    with served(FaultLayer(Starlette(routes=routes), "town", faults, ledger)) as server:
        yield Town(server.url, faults, ledger, done)


@pytest.fixture
def town(town_server: Town) -> Town:
    town_server.faults.clear()
    town_server.done.clear()
    return town_server


@pytest.fixture
def wire(town: Town, clock: FakeClock) -> Iterator[Wire]:
    one = Wire("town", town.url, clock=clock, chance=random.Random(1), limits=Limits(read=0.5, deadline=1.0))
    yield one
    one.close()


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        ("Mon, 02 Mar 2026 09:00:20 GMT", 20.0),
        ("-5", 1.0),
        ("1000000000", 3600.0),
        ("Mon, 02 Mar 2020 09:00:20 GMT", 1.0),
        ("nan", 1.0),
        ("soon", None),
    ],
)
def test_retry_after_is_understood_in_every_form_and_kept_within_an_hour(said: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": said}, NOW) == seconds


def test_a_spent_budget_is_read_from_the_reset_stamp() -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW.timestamp()) + 90)}
    assert retry_after(headers, NOW) == 90


def test_an_endpoint_is_the_path_without_what_varies() -> None:
    assert endpoint_of("GET", "/rest/api/3/issue/LOOP-42/comment") == endpoint_of(
        "GET", "/rest/api/3/issue/10001/comment"
    )
    assert endpoint_of("GET", "/api/now/table/incident/" + "a" * 32) != endpoint_of("PATCH", "/api/now/table/incident")


def test_a_write_whose_answer_is_lost_is_uncertain_and_sent_once(town: Town, wire: Wire) -> None:
    town.faults.add(Fault("lose_answer"))
    with pytest.raises(Uncertain, match="the answer was lost"):
        wire.send("POST", "/thing", {"n": 1})
    assert town.done == ['{"n":1}']


@pytest.mark.parametrize("kind", ["truncate", "hang", "html"])
def test_a_write_with_half_an_answer_late_or_from_a_login_page_is_uncertain(town: Town, wire: Wire, kind: str) -> None:
    town.faults.add(Fault(kind, seconds=3))  # type: ignore[arg-type]
    with pytest.raises(Uncertain):
        wire.send("POST", "/thing", {})


def test_a_write_answered_503_may_have_been_done(town: Town, wire: Wire) -> None:
    town.faults.add(Fault("status", status=503))
    with pytest.raises(Uncertain):
        wire.send("POST", "/thing", {})


def test_a_refused_connection_was_certainly_not_sent(clock: FakeClock) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    wire = Wire("town", f"http://127.0.0.1:{port}", clock=clock, chance=random.Random(1))
    with pytest.raises(Transient, match="no connection"):
        wire.send("POST", "/thing", {})


def test_a_read_is_tried_three_times_and_a_write_never_again(town: Town, wire: Wire) -> None:
    town.faults.add(Fault("status", times=2))
    assert wire.get("/thing").body == {"ok": True}
    town.faults.add(Fault("status", times=3))
    with pytest.raises(Transient):
        wire.get("/thing")
    before = wire.calls
    town.faults.add(Fault("status", times=3))
    with pytest.raises(SystemTrouble):
        wire.send("POST", "/thing", {})
    assert wire.calls == before + 1


def test_a_throttled_endpoint_is_left_alone_while_others_go_on(town: Town, wire: Wire, clock: FakeClock) -> None:
    town.faults.add(Fault("status", status=429, headers={"Retry-After": "60"}))
    with pytest.raises(Transient) as told:
        wire.get("/thing")
    assert told.value.after == 60
    before = wire.calls
    with pytest.raises(Transient):
        wire.get("/thing")
    assert wire.calls == before, "no call is spent while it is closed"
    wire.send("POST", "/thing", {})
    clock.sleep(70)
    assert wire.get("/thing").status == 200


def test_a_login_page_is_told_as_such_and_never_as_no_rows(town: Town, wire: Wire) -> None:
    town.faults.add(Fault("html", times=1))
    with pytest.raises(Unauthorized, match="web page"):
        wire.get("/thing")


def test_a_redirect_elsewhere_is_not_followed(wire: Wire) -> None:
    with pytest.raises(Unauthorized, match="redirect"):
        wire.get("/away")


def test_half_a_json_answer_is_no_answer(town: Town, wire: Wire) -> None:
    town.faults.add(Fault("body", status=200, body=b'{"result": [', headers={"Content-Type": "application/json"}))
    with pytest.raises(BrokenAnswer, match="not whole JSON"):
        wire.get("/thing")


def test_json_nested_absurdly_deep_is_no_answer(town: Town, wire: Wire) -> None:
    town.faults.add(Fault("body", status=200, body=b"[" * 100_000, headers={"Content-Type": "application/json"}))
    with pytest.raises(BrokenAnswer):
        wire.get("/thing")


def test_a_decompression_bomb_ends_at_the_size_limit(town: Town, clock: FakeClock) -> None:
    wire = Wire("town", town.url, clock=clock, chance=random.Random(1), limits=Limits(read=20, deadline=20))
    with pytest.raises(BrokenAnswer, match="larger than 64 MiB"):
        wire.get("/bomb")


def test_a_refusal_says_what_the_system_said(wire: Wire) -> None:
    with pytest.raises(Rejected, match=r"Summary is missing.*customfield_1: is required"):
        wire.get("/no")


def test_only_configured_hosts_are_spoken_to_and_only_loopback_without_encryption(
    town: Town, wire: Wire, clock: FakeClock
) -> None:
    with pytest.raises(Rejected, match="not a host of this system"):
        wire.session.get("http://169.254.169.254/latest/meta-data")
    plain = Wire("town", "http://it.example.com", clock=clock, chance=random.Random(1))
    with pytest.raises(Rejected, match="without encryption"):
        plain.get("/thing")


def test_an_hourly_budget_is_kept_and_shown(clock: FakeClock) -> None:
    pacing = Pacing("town", clock, random.Random(1), per_hour=3)
    for _ in range(3):
        pacing.before("GET", "/thing")
    assert pacing.left() == 0
    with pytest.raises(Transient) as told:
        pacing.before("GET", "/thing")
    assert told.value.after == pytest.approx(3600)
    clock.sleep(3601)
    pacing.before("GET", "/thing")


def test_calls_keep_their_distance(clock: FakeClock) -> None:
    pacing = Pacing("town", clock, random.Random(1), interval=1.0)
    start = clock.monotonic()
    for _ in range(3):
        pacing.before("GET", "/thing")
    assert clock.monotonic() - start == pytest.approx(2.0)


def test_the_servers_clock_is_compared_with_ours(town: Town, wire: Wire) -> None:
    wire.get("/thing")
    assert wire.skew is not None
    assert wire.skew == pytest.approx((datetime.now(UTC) - NOW).total_seconds(), abs=5)


def test_a_write_without_a_permit_is_not_sent_and_a_read_is(town: Town, wire: Wire) -> None:
    before = list(town.done)
    with permitted_unless(lambda: "it was claimed 600 s ago"):
        with pytest.raises(Transient, match="was not sent: it was claimed 600 s ago"):
            wire.send("POST", "/thing", {"a": 1})
        wire.get("/thing")
    assert town.done == before
    wire.send("POST", "/thing", {"a": 1})
    assert len(town.done) == len(before) + 1


@pytest.mark.parametrize("asked", [1, 2, 3])
def test_a_permit_that_runs_out_at_the_last_moment_still_keeps_the_write_back(
    town: Town, wire: Wire, asked: int
) -> None:
    """Asked before the connection is sought, before the head is sent, and before the body: until then it was not made."""
    before, answers = list(town.done), iter([""] * asked)
    with permitted_unless(lambda: next(answers, "too late")), suppress(Transient):
        wire.send("POST", "/thing", {"a": 1})
        wire.send("POST", "/thing", {"never": "reached"})
    assert len(town.done) - len(before) == (asked == 3)
    wire.send("POST", "/thing", {"a": 2})
    assert town.done[-1] == '{"a":2}'


@pytest.mark.parametrize("value", ["Bearer never\nto-be-seen", "Bearer never\u2026to-be-seen"])
def test_credentials_that_no_header_can_hold_are_told_without_their_value(wire: Wire, value: str) -> None:
    """requests and Python name the whole header where they refuse it."""
    for put in ("on the session", "with the call"):
        wire.session.headers.pop("Authorization", None)
        headers = {"Authorization": value} if put == "with the call" else None
        if headers is None:
            wire.session.headers["Authorization"] = value
        with pytest.raises(Unauthorized, match="can not be sent in a header") as told:
            wire.get("/thing", headers=headers)
        assert "never" not in "".join(traceback.format_exception(told.value))
    wire.session.headers.pop("Authorization", None)
    wire.session.auth = ("me", value)
    if not value.isascii():
        with pytest.raises(Unauthorized):
            wire.send("POST", "/thing", {})


@pytest.mark.parametrize(
    ("limit", "form"),
    [(200, "{}"), (500, '{{"message": "{}"}}'), (500, '{{"errors": {{"field": "{}"}}}}'), (500, '["{}"]')],
)
def test_what_a_refusal_says_is_cut_after_its_secrets_are_out(limit: int, form: str) -> None:
    """A part of a secret that lies across the cut would be left, and nothing would know it."""
    own, token = "Zq7-own-instance-password-Kp9", "gh" + "p_0123456789abcdefghijABCDEFGHIJ012345"
    known = Known()
    known.add(own)
    for secret in (own, token):
        for offset in range(limit - len(secret) - 12, limit + 3):
            response = requests.Response()
            response.status_code, response.encoding = 400, "utf-8"
            response._content = form.format("x" * (offset - 1) + " " + secret + " and more").encode()
            kept = said(response)
            assert len(kept) <= limit
            assert not any(secret[at : at + 4] in kept for at in range(len(secret) - 3)), offset
    assert known.forms
