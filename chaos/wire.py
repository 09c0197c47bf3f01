"""HTTP without sockets: what stands below `requests` is replaced by calls of the twins' applications, fault layers and all.

Everything above stays: sessions, the policy adapter, pacing, the connectors and their libraries. One thread runs at a time,
so an exchange is run to its end without an event loop.
"""

import contextlib
import io
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import requests
import requests.adapters
from urllib3 import HTTPResponse
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError, ReadTimeoutError

from loopbot.http import PolicyAdapter
from loopbot.http.connections import nothing_sent
from loopbot.sandbox.faults import FaultLayer


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it would go over the wire."""

    host: str
    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @property
    def writes(self) -> bool:
        """Whether the server may change something because of it."""
        reads = ("/search/jql", "/search", "/issue/bulkfetch", "/search/approximate-count")
        return self.method not in {"GET", "HEAD"} and not self.target.partition("?")[0].endswith(reads)


class Exchange:
    """A request inside an ASGI application, and what came back."""

    def __init__(self, request: Request) -> None:
        self._body: bytes | None = request.body
        self.status = 0
        self.headers: dict[str, str] = {}
        self.chunks: list[bytes] = []
        self.was_cut = self.hung = False
        self.transport = self

    def abort(self) -> None:
        """The server cuts the connection."""
        self.was_cut = True

    async def receive(self) -> dict[str, Any]:
        """The request's body, in one piece."""
        body, self._body = self._body, None
        if body is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: dict[str, Any]) -> None:
        """A part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]}
        else:
            self.chunks.append(message.get("body", b""))


class Traffic(Protocol):
    """Sees every request on its way: may let time pass, switch to somebody else, raise, or kill who sent it."""

    def approaching(self, what: str) -> None:
        """A call is wanted, and not allowed yet: whoever wants it may be held up here for any time."""

    def sending(self, request: Request) -> str:
        """Before it is sent: "" to go on, or what happens: refuse, reset, time_out, late, late_reset."""

    def received(self, request: Request) -> None:
        """The server has acted; the answer is on its way."""


@dataclass(slots=True)
class Wires:
    """Hosts that are reached without sockets: each an application, and its clock (for the Date header)."""

    traffic: Traffic
    hosts: Mapping[str, tuple[FaultLayer, Callable[[], datetime]]]
    _hung: list[Exchange] = field(default_factory=list)

    @contextlib.contextmanager
    def connected(self) -> Iterator[None]:
        """For the length of a block, every requests session of this process reaches these hosts and no others."""
        wires = self

        def pool(_: object, request: requests.PreparedRequest, *__: object, **___: object) -> _Pool:
            return _Pool(wires, urlsplit(request.url or "").hostname or "")

        allowed = PolicyAdapter.send

        def approach(adapter: PolicyAdapter, request: requests.PreparedRequest, *args: Any, **more: Any) -> Any:
            wires.traffic.approaching(f"{request.method} {urlsplit(request.url or '').path[:60]}")
            return allowed(adapter, request, *args, **more)

        original = requests.adapters.HTTPAdapter.get_connection_with_tls_context
        PolicyAdapter.send = approach  # type: ignore[assignment,method-assign]
        requests.adapters.HTTPAdapter.get_connection_with_tls_context = pool  # type: ignore[assignment,method-assign]
        try:
            yield
        finally:
            PolicyAdapter.send = allowed  # type: ignore[method-assign]
            requests.adapters.HTTPAdapter.get_connection_with_tls_context = original  # type: ignore[method-assign]

    def act(self, request: Request) -> Exchange:
        """Let the server act on a request now."""
        app, now = self.hosts[request.host]
        exchange = Exchange(request)
        path, _, query = request.target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "https",
            "path": unquote(path),
            "raw_path": path.encode("ascii"),
            "query_string": query.encode("ascii"),
            "root_path": "",
            "headers": [*request.headers, (b"host", request.host.encode("ascii"))],
            "server": (request.host, 443),
            "client": ("127.0.0.1", 50_000),
        }
        self._hung.append(exchange)
        app._hang = self._hang  # type: ignore[method-assign]
        _to_its_end(app(scope, exchange.receive, exchange.send))
        self._hung.remove(exchange)
        exchange.headers.setdefault("date", format_datetime(now(), usegmt=True))
        return exchange

    async def _hang(self, seconds: float, receive: Any) -> None:  # noqa: ARG002 - the fault layer's own signature
        self._hung[-1].hung = True


def _to_its_end(running: Awaitable[None]) -> None:
    """The twins never wait for anything, so one push takes their coroutine to its end."""
    step = running.__await__()
    try:
        next(step)
    except StopIteration:
        return
    message = "a twin waited for an event loop, and there is none"
    raise RuntimeError(message)


class _Pool:
    """Stands where urllib3's connection pool would."""

    def __init__(self, wires: Wires, host: str) -> None:
        self._wires, self.host = wires, host
        self.port, self.scheme, self.proxy = 443, "https", None
        self.cert_reqs: object = None
        self.ca_certs: object = None
        self.ca_cert_dir: object = None
        self.cert_file: object = None
        self.key_file: object = None

    def urlopen(self, *, method: str, url: str, body: Any, headers: Mapping[str, Any], **_: Any) -> HTTPResponse:
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        sent = tuple((name.lower().encode("latin-1"), _raw(value)) for name, value in headers.items())
        request = Request(self.host, method, target, sent, _raw(body or b""))
        what = self._wires.traffic.sending(request)
        if what == "refuse" or self.host not in self._wires.hosts:
            nothing_sent()
            raise MaxRetryError(self, url, NewConnectionError(self, "refused"))  # type: ignore[arg-type]
        if what in {"reset", "late_reset"}:
            raise ProtocolError("Connection aborted.", ConnectionResetError())
        if what in {"late", "time_out"}:
            raise ReadTimeoutError(self, url, "Read timed out.")  # type: ignore[arg-type]
        exchange = self._wires.act(request)
        self._wires.traffic.received(request)
        if exchange.hung:
            raise ReadTimeoutError(self, url, "Read timed out.")  # type: ignore[arg-type]
        if exchange.status == 0:
            raise ProtocolError("Connection aborted.", ConnectionResetError())
        return HTTPResponse(
            io.BytesIO(b"".join(exchange.chunks)),
            headers=exchange.headers,
            status=exchange.status,
            reason="",
            preload_content=False,
            decode_content=False,
            request_method=method,
        )


def _raw(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8")
