"""Pacing and the breaker: slow down before the limit, leave a dead host alone, and never by the wall clock."""

import random
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from loopbot.domain.errors import SystemTrouble, Transient, Uncertain
from loopbot.http import Breaker, Limits, Pacing, Wire, retry_after
from loopbot.http.allowance import server_time
from loopbot.sandbox.faults import Fault, FaultLayer, Faults
from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.serving import served
from tests.support.clock import FakeClock

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


async def _fine(scope: object, receive: object, send: object) -> None:
    from starlette.responses import JSONResponse

    await JSONResponse({"ok": True})(scope, receive, send)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, Faults]]:
    faults = Faults()
    with served(FaultLayer(_fine, "town", faults, Ledger())) as running:
        yield running.url, faults


@pytest.fixture
def faults(server: tuple[str, Faults]) -> Faults:
    server[1].clear()
    return server[1]


@pytest.fixture
def wire(server: tuple[str, Faults], clock: FakeClock) -> Iterator[Wire]:
    one = Wire("town", server[0], clock=clock, chance=random.Random(1), limits=Limits(breaks=3, breaks_for=10))
    yield one
    one.close()


def paced(clock: FakeClock, **of: object) -> Pacing:
    return Pacing("town", clock, random.Random(1), **of)  # type: ignore[arg-type]


def times(pacing: Pacing, clock: FakeClock, calls: int, path: str = "/thing") -> list[float]:
    when = []
    for _ in range(calls):
        pacing.before("GET", path)
        when.append(clock.monotonic())
    return when


def test_calls_are_spread_out_once_a_tenth_of_the_window_is_left(clock: FakeClock) -> None:
    pacing = paced(clock)
    headers = {"X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "59", "X-RateLimit-Reset": str(EPOCH + 60)}
    times(pacing, clock, 1)
    pacing.heed("GET", "/thing", headers, NOW)
    assert [later - sooner for sooner, later in pairwise(times(pacing, clock, 4))] == pytest.approx([1.0] * 3)
    start = clock.monotonic()
    times(pacing, clock, 3, "/other")
    assert clock.monotonic() == start, "another endpoint has a window of its own"


def test_plenty_left_costs_no_time(clock: FakeClock) -> None:
    pacing = paced(clock)
    start = clock.monotonic()
    times(pacing, clock, 1)
    headers = {"X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "300", "X-RateLimit-Reset": str(EPOCH + 60)}
    pacing.heed("GET", "/thing", headers, NOW)
    times(pacing, clock, 50)
    assert clock.monotonic() == start


def test_nothing_left_waits_for_the_window_and_no_call_is_spent(clock: FakeClock) -> None:
    pacing = paced(clock)
    times(pacing, clock, 1)
    reset = "2026-03-02T09:05Z"  # as Jira Cloud writes it
    headers = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    pacing.heed("GET", "/thing", headers, NOW)
    with pytest.raises(Transient) as told:
        pacing.before("GET", "/thing")
    assert told.value.after == pytest.approx(300)
    clock.sleep(301)
    pacing.before("GET", "/thing")


def test_one_resource_of_github_is_slowed_on_all_its_endpoints(clock: FakeClock) -> None:
    pacing = paced(clock)
    headers = {
        "X-RateLimit-Limit": "30",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(EPOCH + 50),
        "X-RateLimit-Resource": "core",
    }
    for path in ("/repos", "/commits"):
        pacing.before("GET", path)
    pacing.heed("GET", "/commits", {**headers, "X-RateLimit-Remaining": "30"}, NOW)
    pacing.heed("GET", "/repos", headers, NOW)
    with pytest.raises(Transient):
        pacing.before("GET", "/commits")


def test_a_throttle_of_gitlab_is_heeded_on_all_its_endpoints_and_asked_how_long(clock: FakeClock) -> None:
    pacing = paced(clock)
    headers = {
        "RateLimit-Limit": "2000",
        "RateLimit-Name": "throttle_authenticated_api",
        "RateLimit-Observed": "2000",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": str(EPOCH + 50),
        "RateLimit-ResetTime": "Mon, 02 Mar 2026 09:00:50 GMT",
    }
    for path in ("/projects/1/deployments", "/projects/1/releases"):
        pacing.before("GET", path)
        pacing.heed("GET", path, {**headers, "RateLimit-Remaining": "1900"}, NOW)
    pacing.heed("GET", "/projects/1/releases", headers, NOW)
    with pytest.raises(Transient) as told:
        pacing.before("GET", "/projects/2/deployments")
    assert told.value.after == pytest.approx(50)
    assert retry_after(headers, NOW) == 50


def test_a_bucket_of_data_center_is_drunk_from_as_fast_as_it_fills(clock: FakeClock) -> None:
    pacing = paced(clock)
    headers = {
        "X-RateLimit-Limit": "15",
        "X-RateLimit-Remaining": "1",
        "X-RateLimit-Interval-Seconds": "1",
        "X-RateLimit-FillRate": "5",
        "Retry-After": "0",
    }
    start = times(pacing, clock, 1)[0]
    for _ in range(5):
        pacing.heed("GET", "/thing", headers, NOW)
        pacing.before("GET", "/thing")
    assert clock.monotonic() - start == pytest.approx(1.0)


@pytest.mark.parametrize("headers", [{}, {"X-RateLimit-Remaining": "x"}, {"X-RateLimit-Limit": "9" * 40}])
def test_headers_that_say_nothing_change_nothing(clock: FakeClock, headers: dict[str, str]) -> None:
    pacing = paced(clock)
    pacing.heed("GET", "/thing", headers, NOW)
    assert pacing.budget().server_left is None


def test_a_servers_stamp_is_compared_with_the_servers_clock() -> None:
    """T2: its clock is 10 minutes ahead of ours."""
    there = {"Date": "Mon, 02 Mar 2026 09:10:00 GMT", "Retry-After": "Mon, 02 Mar 2026 09:10:40 GMT"}
    assert retry_after(there, server_time(there, NOW)) == 40
    reset = {"Date": there["Date"], "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(EPOCH + 640)}
    assert retry_after(reset, server_time(reset, NOW)) == 40
    assert server_time({"Date": "yesterday"}, NOW) == NOW


def test_a_clock_that_jumps_neither_opens_nor_closes_anything(clock: FakeClock) -> None:
    """T1."""
    pacing = paced(clock, per_hour=2)
    pacing.closed("GET", "/other", 60)
    times(pacing, clock, 2)
    for seconds in (3600.0, -7200.0):
        clock.jump(seconds)
        assert pacing.left() == 0
        with pytest.raises(Transient):
            pacing.before("GET", "/other")
    clock.sleep(3601)
    assert pacing.left() == 2


def test_a_limit_on_one_issue_leaves_the_endpoint_open(wire: Wire, faults: Faults) -> None:
    """H3."""
    faults.add(
        Fault("status", status=429, headers={"Retry-After": "60", "RateLimit-Reason": "jira-per-issue-on-write"})
    )
    with pytest.raises(Transient) as told:
        wire.send("PUT", "/issue/LOOP-1", {})
    assert (told.value.scope, told.value.after) == ("item", 60)
    assert wire.send("PUT", "/issue/LOOP-2", {}).status == 200


def test_a_host_that_is_down_costs_few_calls_and_is_found_again(wire: Wire, faults: Faults, clock: FakeClock) -> None:
    faults.add(Fault("status", status=503, times=10_000))
    before = wire.calls
    end = clock.monotonic() + 3600
    while clock.monotonic() < end:
        with pytest.raises(SystemTrouble):
            wire.send("POST", "/thing", {})
        clock.sleep(5)
    spent = wire.calls - before
    assert spent <= 3 + 3600 / (120 * 0.8) + 5, "720 were wanted"
    faults.clear()
    clock.sleep(150)
    assert wire.send("POST", "/thing", {}).status == 200
    assert wire.pacing.budget().breaker == "closed"


def test_a_single_call_tries_whether_the_host_is_back(clock: FakeClock) -> None:
    breaker = Breaker(clock, random.Random(1), after=1, first=10)
    assert breaker.failed()
    assert breaker.wait() > 0
    clock.sleep(13)
    told: list[float] = []
    threads = [threading.Thread(target=lambda: told.append(breaker.wait())) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert told.count(0.0) == 1
    assert breaker.state()[0] == "half-open"
    assert breaker.failed(), "the try failed: open again, for longer"
    assert breaker.wait() > 13
    clock.sleep(25)
    assert breaker.wait() == 0
    breaker.succeeded()
    assert breaker.state() == ("closed", 0.0)


def test_a_try_that_never_comes_back_does_not_keep_the_host_away_for_ever(clock: FakeClock) -> None:
    breaker = Breaker(clock, random.Random(1), after=1, first=1)
    breaker.failed()
    clock.sleep(2)
    assert breaker.wait() == 0
    clock.sleep(91)
    assert breaker.wait() == 0


def test_the_pause_grows_to_its_cap_and_is_jittered(clock: FakeClock) -> None:
    breaker = Breaker(clock, random.Random(1), after=1, first=5, longest=120)
    spans = []
    for _ in range(9):
        breaker.failed()
        spans.append(breaker.state()[1])
        clock.sleep(spans[-1])
    for span, plain in zip(spans, (5, 10, 20, 40, 80, 120, 120, 120, 120), strict=True):
        assert plain * 0.8 <= span <= plain * 1.2
    assert len({round(span, 3) for span in spans[5:]}) == 4


def test_too_many_calls_is_not_a_failure_of_the_host(wire: Wire, faults: Faults, clock: FakeClock) -> None:
    """H1."""
    for _ in range(6):
        faults.add(Fault("status", status=429, headers={"Retry-After": "1"}))
        with pytest.raises(Transient):
            wire.send("POST", "/thing", {})
        clock.sleep(3)
    assert wire.pacing.budget().breaker == "closed"


def test_a_refused_connection_opens_the_breaker_and_says_so(clock: FakeClock) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    dead = Wire("town", f"http://127.0.0.1:{port}", clock=clock, chance=random.Random(1), limits=Limits(breaks=2))
    for _ in range(2):
        with pytest.raises(Transient, match="no connection"):
            dead.send("POST", "/thing", {})
    with pytest.raises(Transient, match="does not answer; it is tried again in"):
        dead.send("POST", "/thing", {})
    assert dead.calls == 2
    assert dead.pacing.budget().breaker == "open"


def test_while_it_is_open_a_write_is_certainly_not_sent(wire: Wire, faults: Faults) -> None:
    faults.add(Fault("status", status=503, times=3))
    for _ in range(3):
        with pytest.raises(Uncertain):
            wire.send("POST", "/thing", {})
    with pytest.raises(Transient):
        wire.send("POST", "/thing", {})


def test_a_retry_after_of_a_busy_server_closes_that_endpoint_only(wire: Wire, faults: Faults) -> None:
    faults.add(Fault("status", status=503, headers={"Retry-After": "30"}))
    with pytest.raises(Transient) as told:
        wire.get("/thing")
    assert told.value.after == 30
    before = wire.calls
    with pytest.raises(Transient):
        wire.get("/thing")
    assert wire.calls == before
    assert wire.get("/other").status == 200


def test_what_is_left_is_shown(clock: FakeClock) -> None:
    pacing = paced(clock, per_hour=100, breaker=Breaker(clock, random.Random(1)))
    times(pacing, clock, 3)
    pacing.closed("GET", "/thing", 60)
    headers = {"X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "300", "X-RateLimit-Reset": str(EPOCH + 60)}
    pacing.heed("GET", "/thing", headers, NOW)
    pace = pacing.budget()
    assert (pace.hour_left, pace.per_hour, pace.server_left, pace.server_limit) == (97, 100, 300, 600)
    assert pace.closed[0][0] == "GET /thing"
    assert pace.closed[0][1] >= 60
