"""What becomes of a write whose answer breaks, stays out, drips or leads elsewhere: it is looked for, and never sent twice."""

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import urllib3.poolmanager

from loopbot.domain.errors import SystemTrouble, Transient, Trouble, Unauthorized, Uncertain
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.domain.rulebook import Rulebook
from loopbot.http import Limits, Wire
from loopbot.store import SqlStore
from loopbot.usecases.deliver import deliver
from loopbot.usecases.ingest import ingest
from loopbot.usecases.loop import Loop
from loopbot.usecases.reconcile import reconcile
from tests.support.certificates import authority, certified
from tests.support.clock import FakeClock
from tests.support.fickle import Caller, Fickle, Turn, fickle, good
from tests.support.made import incident
from tests.support.ruling import rule
from tests.support.systems import FakeSource

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
Open = Callable[..., Wire]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority (company.pem) and the certificate of a server of this machine (here.pem)."""
    folder = tmp_path_factory.mktemp("company")
    certified(folder, authority(folder, "company"), "here")
    return folder


@pytest.fixture(params=["plain", "tls"])
def certificate(request: pytest.FixtureRequest, company: Path) -> Path | None:
    return company / "here.pem" if request.param == "tls" else None


@pytest.fixture
def wire(company: Path, clock: FakeClock) -> Iterator[Open]:
    made: list[Wire] = []

    def opened(url: str, **limits: float) -> Wire:
        given = Limits(**{"connect": 3, "read": 3, "breaks": 0, **limits})  # type: ignore[arg-type]
        one = Wire(
            "servicenow", url, clock=clock, chance=random.Random(1), limits=given, ca=str(company / "company.pem")
        )
        made.append(one)
        return one

    yield opened
    for one in made:
        one.close()


def cut(caller: Caller) -> None:
    """Without a word."""


def reset(caller: Caller) -> None:
    caller.reset()


def in_clear(caller: Caller) -> None:
    """As a box between that knows nothing of the encryption, and that it ends here."""
    caller.raw.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")


def damaged(caller: Caller) -> None:
    """A record of TLS that nobody can decrypt."""
    caller.raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))


def half(caller: Caller) -> None:
    caller.write(HEAD + b'Content-Length: 99\r\n\r\n{"res')


def half_and_damaged(caller: Caller) -> None:
    half(caller)
    damaged(caller)


def not_zipped(caller: Caller) -> None:
    caller.write(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd")


def failed(caller: Caller) -> None:
    caller.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")


def silent(caller: Caller) -> None:
    """It hangs until it is given up."""
    caller.raw.settimeout(10)
    caller.read()


BREAKS = [failed, silent, cut, reset, in_clear, damaged, half, half_and_damaged, not_zipped]


class Desk:
    """A sink whose writes go over a wire, one call each; whatever reached the server can be found there."""

    verbs = frozenset({"comment"})
    batch = 1

    def __init__(self, wire: Wire, place: Fickle) -> None:
        self._wire, self._place = wire, place

    def apply(self, deliveries: Sequence[Delivery]) -> list[Receipt | Trouble]:
        return [self._one(delivery) for delivery in deliveries]

    def _one(self, delivery: Delivery) -> Receipt | Trouble:
        try:
            self._wire.send("POST", "/notes", {"key": delivery.effect.key})
        except (Transient, Uncertain, Unauthorized) as trouble:
            return trouble
        return self._receipt(delivery)

    def find(self, delivery: Delivery) -> Receipt | None:
        there = any(delivery.effect.key.encode() in one for one in self._place.acted)
        return self._receipt(delivery) if there else None

    def _receipt(self, delivery: Delivery) -> Receipt:
        effect = delivery.effect
        return Receipt(effect.key, effect.target)  # type: ignore[attr-defined]


def goes_on(loop: Loop, clock: FakeClock, rounds: int = 4) -> None:
    for _ in range(rounds):
        deliver(loop, "servicenow")
        reconcile(loop, "servicenow")
        clock.sleep(400)


@pytest.mark.parametrize("breaks", BREAKS)
def test_a_write_whose_answer_breaks_is_done_once_however_it_breaks(
    wire: Open, certificate: Path | None, store: SqlStore, clock: FakeClock, breaks: Turn
) -> None:
    """H5, H7, H8: with TLS, too, where requests has one error for a handshake that failed and for an answer that was damaged."""
    with fickle(certificate, breaks, good) as place:
        loop = Loop(store, Rulebook((rule(),)), {"servicenow": Desk(wire(place.url, read=0.5), place)}, clock, "one")
        ingest(loop, FakeSource("servicenow:incident", [incident(1, 1)]))
        deliver(loop, "servicenow")
        with store.read() as tx:
            (row,) = tx.outbox.rows(("uncertain", "settled"))
        # In the clear, what a box between says is an answer like any other: 502.
        assert row.state == "uncertain"
        goes_on(loop, clock)
        with store.read() as tx:
            assert [row.state for row in tx.outbox.rows(())] == ["settled"]
        assert len(place.acted) == 1


def test_what_goes_out_by_connections_that_tell_nothing_counts_as_sent(wire: Open) -> None:
    with fickle(None, cut) as place:
        one = wire(place.url)
        one.adapter.poolmanager.pool_classes_by_scheme = urllib3.poolmanager.pool_classes_by_scheme
        with pytest.raises(Uncertain):
            one.send("POST", "/notes", {"key": "a"})
        assert len(place.acted) == 1


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308, 401, 408, 500, 502, 503, 504])
@pytest.mark.parametrize("told", [b"", b"Location: https://sso.example/login\r\n"], ids=["bare", "elsewhere"])
def test_a_write_answered_from_the_door_is_looked_for_before_it_is_sent_again(
    wire: Open, store: SqlStore, clock: FakeClock, status: int, told: bytes
) -> None:
    """H5, H11, H17: the system acted, and what came back does not say so."""

    def away(caller: Caller) -> None:
        caller.write(f"HTTP/1.1 {status} Away\r\nContent-Length: 0\r\n".encode() + told + b"\r\n")

    with fickle(None, away, good) as place:
        loop = Loop(store, Rulebook((rule(),)), {"servicenow": Desk(wire(place.url), place)}, clock, "one")
        ingest(loop, FakeSource("servicenow:incident", [incident(1, 1)]))
        assert deliver(loop, "servicenow").uncertain == 1
        goes_on(loop, clock)
        with store.read() as tx:
            assert [row.state for row in tx.outbox.rows(())] == ["settled"]
        assert len(place.acted) == 1


@pytest.mark.parametrize("status", [300, 302, 303, 401])
def test_where_the_door_is_shut_nothing_else_is_sent_for_a_while(
    wire: Open, store: SqlStore, clock: FakeClock, status: int
) -> None:
    def shut(caller: Caller) -> None:
        caller.write(f"HTTP/1.1 {status} No\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n".encode())

    with fickle(None, shut) as place:
        loop = Loop(store, Rulebook((rule(),)), {"servicenow": Desk(wire(place.url), place)}, clock, "one")
        ingest(loop, FakeSource("servicenow:incident", [incident(n, n) for n in range(1, 6)]))
        done = deliver(loop, "servicenow")
        assert len(place.acted) == 1
        assert (done.uncertain, done.pause) == (1, loop.waits.pause)
        with store.read() as tx:
            (row,) = tx.outbox.rows(("uncertain",))
        assert f"answered {status}" in row.why
        assert "token" in row.why or "single sign-on" in row.why, "it is shown as what it is"


def test_looking_ends_with_the_first_refusal_and_says_so_of_each(store: SqlStore, clock: FakeClock) -> None:
    looked: list[str] = []

    class Closed:
        verbs, batch = frozenset({"comment"}), 10

        def apply(self, deliveries: Sequence[Delivery]) -> list[Receipt | Trouble]:
            return [Uncertain("servicenow", "the answer was lost") for _ in deliveries]

        def find(self, delivery: Delivery) -> Receipt | None:
            looked.append(delivery.effect.key)
            raise Unauthorized("servicenow", "GET /notes was answered 401", "check the token")

    loop = Loop(store, Rulebook((rule(),)), {"servicenow": Closed()}, clock, "one")
    ingest(loop, FakeSource("servicenow:incident", [incident(n, n) for n in range(1, 6)]))
    deliver(loop, "servicenow")
    clock.sleep(loop.waits.look + 1)
    assert reconcile(loop, "servicenow").later == 5
    assert len(looked) == 1
    with store.read() as tx:
        rows = tx.outbox.rows(("uncertain",))
        assert all("401 (check the token)" in row.why for row in rows)
        assert {(row.due_at - clock.now()).total_seconds() for row in rows} == {loop.waits.pause}
    clock.sleep(loop.waits.pause - 1)
    reconcile(loop, "servicenow")
    assert len(looked) == 1, "and it does not spin"


def dripping(start: bytes, drop: bytes) -> Turn:
    def turn(caller: Caller) -> None:
        caller.write(start)
        for _ in range(100):
            caller.write(drop)
            time.sleep(0.05)

    return turn


DRIPS = {
    "the status": dripping(b"HTTP/1.1 200 ", b"O"),
    "a header": dripping(HEAD + b"X-Long: ", b"a"),
    "headers": dripping(HEAD, b"X-More: a\r\n"),
    "a body of a length": dripping(HEAD + b"Content-Length: 100\r\n\r\n", b" "),
    "a body in chunks": dripping(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "a body until the end": dripping(HEAD + b"Connection: close\r\n\r\n", b" "),
    "a zipped body": dripping(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 100\r\n\r\n\x1f\x8b\x08", b"\x00"),
}


@pytest.mark.parametrize("drips", DRIPS)
def test_an_answer_that_drips_ends_at_the_deadline_whatever_drips(
    wire: Open, certificate: Path | None, drips: str
) -> None:
    """H8: no pause between two bytes is longer than a read may take, and all of them together are."""
    with fickle(certificate, DRIPS[drips]) as place:
        one = wire(place.url, read=0.4, deadline=0.6)
        began = time.monotonic()
        with pytest.raises(Uncertain, match="the answer was lost"):
            one.send("POST", "/notes", {})
        assert 0.3 < time.monotonic() - began < 1.5


def test_an_answer_within_its_time_is_taken_and_the_connection_used_again(wire: Open, company: Path) -> None:
    """The time of one call is none of the next one's."""

    def slowly(caller: Caller) -> None:
        for number in range(3):
            if number:
                caller.request()
            caller.write(HEAD + b"Content-Length: 2\r\n\r\n{")
            time.sleep(0.3)
            caller.write(b"}")

    with fickle(company / "here.pem", slowly) as place:
        one = wire(place.url, read=0.5, deadline=0.8)
        for _ in range(3):
            assert one.send("POST", "/notes", {}).body == {}
        assert len(place.acted) == 1, "all on one connection"


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[bytes], list[bytes]]]:
    """A proxy that is asked for a tunnel, and says what it was told to say."""
    heard: list[bytes] = []
    says: list[bytes] = [b""]
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            with raw:
                heard.append(raw.recv(65_536))
                raw.sendall(says[0])

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", heard, says
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.mark.parametrize(
    "says", [b"", b"HTTP/1.1 407 Who are you\r\n\r\n", b"HTTP/1.1 200 Go\r\n\r\n", b"HTTP/1.1 200 Go\r\n\r\nno TLS"]
)
def test_what_got_no_further_than_the_proxy_was_not_sent(
    wire: Open, proxy: tuple[str, list[bytes], list[bytes]], monkeypatch: pytest.MonkeyPatch, says: bytes
) -> None:
    """The proxy of the machine is used, and what it is told to open a tunnel is no part of a request."""
    url, heard, words = proxy
    words[0] = says
    monkeypatch.setenv("HTTPS_PROXY", url)
    with pytest.raises(Transient):
        wire("https://it.example.com").send("POST", "/notes", {})
    assert heard[0].startswith(b"CONNECT it.example.com:443")


def test_a_read_that_breaks_is_read_again(wire: Open, certificate: Path | None) -> None:
    with fickle(certificate, cut, damaged, good) as place:
        assert wire(place.url).get("/notes").body == {}
        assert len(place.acted) == 3


def test_a_read_is_not_led_elsewhere_and_one_that_is_known_already_is_an_answer(wire: Open) -> None:
    def unchanged(caller: Caller) -> None:
        caller.write(b"HTTP/1.1 304 Not Modified\r\n\r\n")

    def away(caller: Caller) -> None:
        caller.write(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")

    with fickle(None, unchanged, away) as place:
        assert wire(place.url).get("/notes").status == 304
        with pytest.raises(SystemTrouble, match="a redirect"):
            wire(place.url).get("/notes")
