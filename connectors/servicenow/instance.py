"""One instance, through pysnow: it builds paths and parameters; session, paging, writing and judging answers are ours.

What pysnow does wrong is not used: its query builder (nothing escaped), its paging (stops at 10,000), its updates
(GET and PUT), its answers (a result beside an error passes). Each call gets a resource of its own, since parameters leak.
"""

import base64
import logging
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import orjson
import requests

from connectors.servicenow import credentials
from connectors.servicenow.settings import Settings
from loopbot.domain.errors import BrokenAnswer, Rejected, Unauthorized, Uncertain
from loopbot.http import Limits, Wire
from loopbot.http.wire import parsed, said
from loopbot.ports import Surroundings
from loopbot.thrift import instead_of, without

Row = Mapping[str, Any]
_RAW = {"sysparm_display_value": "false", "sysparm_exclude_reference_link": "true"}
_JSON_READERS = ("ijson.backends.yajl2_c", "ijson.backends.yajl2_cffi", "ijson.backends.yajl2")
_OAUTH = {
    "oauthlib.oauth2": ("LegacyApplicationClient",),
    "oauthlib.oauth2.rfc6749.errors": ("OAuth2Error",),
    "requests_oauthlib": ("OAuth2Session",),
}
_JSON = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "loopbot"}
_T = TypeVar("_T")


@dataclass
class Refused(Rejected):
    """Rejected, with the HTTP status that said so."""

    status: int = 0


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one call. `total` is how many rows fit the query before access rules thin them; None where not said."""

    rows: tuple[Row, ...]
    total: int | None
    more: bool


@dataclass(frozen=True, slots=True)
class Write:
    """One write to a table: PATCH of the row `sys_id`, or POST of a new one; `fields` are wanted in the answer."""

    table: str
    body: Mapping[str, str]
    fields: tuple[str, ...]
    sys_id: str = ""

    @property
    def method(self) -> str:
        """PATCH or POST."""
        return "PATCH" if self.sys_id else "POST"

    @property
    def path(self) -> str:
        """The path under /api/now."""
        return f"/table/{self.table}" + (f"/{self.sys_id}" if self.sys_id else "")


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one item of a batch: its status (0: not mentioned in the answer, -1: not begun) and its body."""

    status: int
    body: Any = None
    why: str = ""


class Instance:
    """Calls to one instance. Constructing makes none; pysnow is imported and secrets are resolved at the first."""

    def __init__(self, system: str, settings: Settings, given: Surroundings) -> None:
        self.system = system
        self.wire = Wire(
            system,
            settings.base_url,
            clock=given.clock,
            chance=given.chance,
            limits=Limits(settings.seconds_between_calls, settings.calls_per_hour, allotments=given.allotments),
            ca=settings.ca,
        )
        self._settings, self._secrets, self._clock = settings, given.secrets, given.clock
        self._token: credentials.ClientToken | None = None
        self._client: Any = None
        self._lock = threading.Lock()

    def rows(self, table: str, query: str, fields: Sequence[str], *, limit: int, offset: int = 0) -> Rows:
        """Read rows. Raises Transient, Unauthorized, Refused, BrokenAnswer (also for a result beside an error)."""

        def call() -> Rows:
            resource = self._resource(f"/table/{table}")
            resource.parameters.query = query
            resource.parameters.limit = limit
            resource.parameters.offset = offset
            resource.parameters.fields = list(fields)
            response = self._send(resource, "GET", None)
            body = self._judged(response, f"GET {table}")
            result = body.get("result")
            if body.get("error") or not isinstance(result, list) or not all(isinstance(one, dict) for one in result):
                why = said(response) if body.get("error") else "it holds no list of rows"
                raise BrokenAnswer(self.system, f"the answer for {table} can not be used: {why}", "it is read again")
            total = response.headers.get("X-Total-Count", "")
            more = 'rel="next"' in response.headers.get("Link", "")
            return Rows(tuple(result), int(total) if total.isdecimal() else None, more)

        return self._proven(lambda: self.wire.patiently(call))

    def greet(self) -> None:
        """The least that needs credentials: no row, of a table that every instance has. Raises as `rows`."""
        self.rows("sys_user", "sys_id=", ("sys_id",), limit=1)

    def write(self, one: Write) -> Row:
        """Write once; the row as the instance answered it. Raises Transient, Uncertain, Refused, Unauthorized."""

        def call() -> Row:
            resource = self._resource(f"/table/{one.table}")
            resource.parameters.fields = list(one.fields)
            response = self._send(resource, one.method, one.body, f"/{one.sys_id}" if one.sys_id else None)
            try:
                return self.written(self._judged(response, f"{one.method} {one.table}"), one)
            except BrokenAnswer as error:
                raise Uncertain(self.system, error.why) from error

        return self._proven(call)

    def written(self, body: Any, one: Write) -> Row:
        """The row in the answer to a write; raises Uncertain where it holds none, or an error beside it."""
        result = body.get("result") if isinstance(body, dict) else None
        if not isinstance(result, dict) or body.get("error"):
            raise Uncertain(
                self.system, f"{one.method} {one.table} was answered without the row: it may have been done"
            )
        return result

    def batch(self, writes: Sequence[Write]) -> list[Item]:
        """Send several writes in one call; one item each, in their order. Raises as `write` does when all of it failed."""
        payload = {
            "batch_request_id": "loopbot",
            "rest_requests": [_item(str(number), one) for number, one in enumerate(writes)],
        }

        def call() -> list[Item]:
            response = self._send(self._resource("/batch", "/api/now/v1"), "POST", payload)
            try:
                body = self._judged(response, "POST batch")
            except BrokenAnswer as error:
                raise Uncertain(self.system, error.why) from error
            return _items(body, len(writes))

        return self._proven(call)

    def close(self) -> None:
        """Close the connections."""
        self.wire.close()

    def _resource(self, path: str, root: str = "/api/now") -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._connected()
        resource = self._client.resource(api_path=path, base_path=root)
        resource.parameters.add_custom(_RAW)
        return resource

    def _connected(self) -> Any:
        # It reads no answer for us: of the four JSON readers it may use, the one is enough that drags nothing in. Nor does it
        # guess what kind of file an attachment is: libmagic's database would be most of what the daemon holds beside Python.
        # Its OAuth client is not used (credentials.py renews tokens): oauthlib would be 80 modules.
        with warnings.catch_warnings(), without("magic", *_JSON_READERS), instead_of(_OAUTH):
            warnings.filterwarnings("ignore", message="Missing the python-magic library")
            import pysnow
        # At DEBUG it writes sessions and requests into the log.
        logging.getLogger("pysnow").setLevel(logging.WARNING)
        self._token = credentials.put_on(self.wire, self._settings, self._secrets, self._clock)
        parts = urlsplit(self.wire.base_url)
        return pysnow.Client(
            host=f"{parts.netloc}{parts.path}", use_ssl=parts.scheme == "https", session=self.wire.session
        )

    def _send(self, resource: Any, method: str, body: object, append: str | None = None) -> requests.Response:
        """One request of pysnow's; the answer is taken from a hook, before pysnow reads anything into it."""
        caught: list[requests.Response] = []

        def catch(response: requests.Response, **_: object) -> None:
            caught.append(response)

        data = None if body is None else orjson.dumps(body)
        resource.request(
            method, append, headers=dict(_JSON), data=data, hooks={"response": catch}, allow_redirects=False
        )
        return caught[0]

    def _judged(self, response: requests.Response, what: str) -> dict[str, Any]:
        if response.status_code >= 400:
            raise Refused(
                self.system,
                f"{what} was answered {response.status_code}: {said(response)}",
                status=response.status_code,
            )
        body = parsed(self.system, response)
        if not isinstance(body, dict):
            raise BrokenAnswer(self.system, f"the answer to {what} is not what the API documents")
        return body

    def _proven(self, call: Callable[[], _T]) -> _T:
        """Make the call; a refused OAuth token is renewed once. A read is then made again, a write is looked for first."""
        try:
            return call()
        except Uncertain as trouble:
            if trouble.shut and self._token is not None:
                self._token.refused(self._token())
            raise
        except Unauthorized:
            if self._token is None:
                raise
            self._token.refused(self._token())
            return call()


def _item(number: str, one: Write) -> dict[str, Any]:
    asked = urlencode({**_RAW, "sysparm_fields": ",".join(one.fields)})
    return {
        "id": number,
        "method": one.method,
        "url": f"/api/now{one.path}?{asked}",
        "headers": [{"name": name, "value": value} for name, value in _JSON.items() if name != "User-Agent"],
        "body": base64.b64encode(orjson.dumps(one.body)).decode("ascii"),
        "exclude_response_headers": True,
    }


def _items(body: Mapping[str, Any], count: int) -> list[Item]:
    """The answers by id: they come in any order, and some may be missing."""
    found = [Item(0) for _ in range(count)]
    for one in body.get("unserviced_requests") or []:
        number = _number(one.get("id") if isinstance(one, dict) else one, count)
        if number is not None:
            found[number] = Item(-1)
    for one in body.get("serviced_requests") or []:
        number = _number(one.get("id"), count) if isinstance(one, dict) else None
        if number is not None:
            found[number] = _serviced(one)
    return found


def _number(ident: object, count: int) -> int | None:
    text = str(ident)
    return int(text) if text.isdecimal() and int(text) < count else None


def _serviced(one: Mapping[str, Any]) -> Item:
    try:
        status = int(one.get("status_code") or 0)
        raw = base64.b64decode(str(one.get("body") or ""), validate=True)
        body = orjson.loads(raw) if raw else None
    except ValueError:
        return Item(0, why="its answer can not be read")
    error = body.get("error") if isinstance(body, dict) else None
    told = [error.get("message"), error.get("detail")] if isinstance(error, dict) else [one.get("error_message")]
    return Item(status, body, "; ".join(str(part) for part in told if part))
