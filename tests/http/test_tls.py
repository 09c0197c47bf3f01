"""TLS: certificates are verified, by the machine's authorities or by the configured one, and never skipped or downgraded."""

import random
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from loopbot.domain.errors import Rejected, Transient
from loopbot.http import Limits, Wire
from tests.support.certificates import authority, certified
from tests.support.clock import FakeClock

TOKEN = "never-to-be-seen"


@dataclass
class House:
    """A server behind TLS, and the requests that reached it."""

    port: int
    seen: list[str]


class Listener(HTTPServer):
    seen: list[str]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up in the handshake is what these tests are about."""


class Door(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Listener)
        self.server.seen.append(self.headers.get("Authorization", ""))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Quiet."""


def opened(certificate: Path | None, newest: ssl.TLSVersion | None = None) -> tuple[House, Listener]:
    server = Listener(("127.0.0.1", 0), Door)
    server.seen = []
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        if newest is not None:
            context.maximum_version = newest
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return House(server.server_address[1], server.seen), server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def ours(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    return authority(folder, "company")


@pytest.fixture(scope="module", params=["here", "elsewhere.example.com", "here-expired"])
def house(
    request: pytest.FixtureRequest, folder: Path, ours: tuple[x509.Certificate, ec.EllipticCurvePrivateKey]
) -> Iterator[tuple[str, House]]:
    called, _, expired = str(request.param).partition("-")
    place, server = opened(certified(folder, ours, called, expired=bool(expired)))
    yield request.param, place
    server.shutdown()
    server.server_close()


def wire(port: int, clock: FakeClock, ca: Path | None, scheme: str = "https") -> Wire:
    made = Wire(
        "town",
        f"{scheme}://127.0.0.1:{port}",
        clock=clock,
        chance=random.Random(1),
        limits=Limits(connect=3, read=3, breaks=0),
        ca=None if ca is None else str(ca),
    )
    made.session.headers["Authorization"] = TOKEN
    return made


def test_a_certificate_is_accepted_only_from_the_configured_authority_for_this_host_and_in_time(
    house: tuple[str, House], folder: Path, clock: FakeClock
) -> None:
    """H6: and no credential reaches a server that could not prove who it is."""
    called, place = house
    place.seen.clear()
    trusting = wire(place.port, clock, folder / "company.pem")
    if called == "here":
        assert trusting.get("/").status == 200
        assert place.seen == [TOKEN]
    else:
        with pytest.raises(Transient, match="the certificate was not accepted"):
            trusting.get("/")
        assert not place.seen
    trusting.close()


def test_without_the_authority_it_is_refused(house: tuple[str, House], folder: Path, clock: FakeClock) -> None:
    _, place = house
    place.seen.clear()
    authority(folder, "stranger")
    for ca in (None, folder / "stranger.pem"):
        doubting = wire(place.port, clock, ca)
        with pytest.raises(Transient, match="the certificate was not accepted"):
            doubting.send("POST", "/", {})
        doubting.close()
    assert not place.seen


def test_the_environment_can_not_switch_verification_off(
    house: tuple[str, House], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, place = house
    for name in ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, "")
    one = wire(place.port, clock, None)
    one.session.verify = False
    with pytest.raises(Transient, match="the certificate was not accepted"):
        one.get("/")
    one.close()


def test_a_server_that_speaks_no_tls_is_not_spoken_to_in_clear(clock: FakeClock) -> None:
    place, server = opened(None)
    one = wire(place.port, clock, None)
    with pytest.raises(Transient):
        one.get("/")
    assert not place.seen
    one.close()
    server.shutdown()
    server.server_close()


def test_plain_http_is_for_this_machine_alone(clock: FakeClock) -> None:
    one = Wire("town", "http://it.example.com", clock=clock, chance=random.Random(1))
    with pytest.raises(Rejected, match="without encryption"):
        one.get("/")
    one.close()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_an_outdated_version_of_tls_is_not_spoken(
    folder: Path, ours: tuple[x509.Certificate, ec.EllipticCurvePrivateKey], clock: FakeClock
) -> None:
    place, server = opened(certified(folder, ours, "here"), ssl.TLSVersion.TLSv1_1)
    one = wire(place.port, clock, folder / "company.pem")
    with pytest.raises(Transient):
        one.get("/")
    assert not place.seen
    one.close()
    server.shutdown()
    server.server_close()
