"""The web application of a Jira twin: who asks, what went wrong, and which route answers."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from loopbot.sandbox.jira.model import Issue, User
from loopbot.sandbox.jira.render import Renderer
from loopbot.sandbox.jira.site import Site
from loopbot.sandbox.jira.writing import Api, Refusal
from loopbot.sandbox.ledger import Ledger

NOT_FOUND = "Issue does not exist or you do not have permission to see it."


@dataclass(slots=True)
class Desk:
    """What every answer needs: the site, the ledger, who may come in, and how pages are cut on request."""

    site: Site
    ledger: Ledger
    email: str
    token: str
    context_path: str = ""
    cuts: list[int] = field(default_factory=list)
    pages: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, read: who asks, in which version of the API, with which body."""

    desk: Desk
    request: Request
    actor: User
    api: Api
    body: Any

    @property
    def site(self) -> Site:
        """The site asked."""
        return self.desk.site

    @property
    def render(self) -> Renderer:
        """Writes the answer's JSON with this request's own address."""
        base = f"{self.request.url.scheme}://{self.request.url.netloc}{self.desk.context_path}"
        return Renderer(self.site, base, self.api)

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        """A parameter of the query."""
        return self.request.query_params.get(name, default)

    def number(self, name: str, default: int) -> int:
        """A whole, not negative number of the query; raises Refusal."""
        given = self.query(name, str(default))
        if not re.fullmatch(r"\d{1,9}", given):
            raise Refusal(400, f"The value '{given}' of the parameter '{name}' is not a number.")
        return int(given)

    def issue(self, ident: str) -> Issue | None:
        """The issue with that key or id, if programs may see it."""
        found = self.site.issue(ident)
        return None if found is None or found.id in self.site.concealed else found

    def json(self) -> Mapping[str, Any]:
        """The body as an object; raises Refusal."""
        if not isinstance(self.body, Mapping):
            raise Refusal(400, "Invalid request payload. Refer to the REST API documentation and try again.")
        return self.body

    def wrote(self, action: str, kind: str, key: str, payload: Mapping[str, Any]) -> None:
        """Note an accepted write in the ledger."""
        self.desk.ledger.write("jira", action, kind, key, self.actor.email, payload)


Answer = Callable[[Asked], Response]
Rows = list[tuple[str, str, Answer]]


def reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, headers, "application/json;charset=UTF-8")


def nothing(status: int = 204) -> Response:
    """An answer without a body."""
    return Response(None, status)


def application(desk: Desk, rows: Rows) -> Starlette:
    """The application: each row is a method, a path below `/rest/api/N/` (or from the root, with a slash), and its answer."""
    routes = []
    for method, path, answer in rows:
        full = path if path.startswith("/") else f"/rest/api/{{api}}/{path}"
        routes.append(Route(desk.context_path + full, _endpoint(desk, answer), methods=[method]))
    return Starlette(routes=routes, exception_handlers={404: _no_such_page, 405: _no_such_method})


def _endpoint(desk: Desk, answer: Answer) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        try:
            asked = _asked(desk, request, raw)
            with desk.site.lock:
                return answer(asked)
        except Refusal as refusal:
            headers = {"WWW-Authenticate": 'OAuth realm="jira"'} if refusal.status == 401 else None
            return reply(refusal.body(), refusal.status, headers)

    return endpoint


def _asked(desk: Desk, request: Request, raw: bytes) -> Asked:
    api = _api(desk, request.path_params.get("api", "2"))
    open_to_all = request.url.path.endswith("/serverInfo")
    actor = _actor(desk, request.headers.get("authorization", ""))
    if actor is None:
        if not open_to_all:
            raise Refusal(401, "Client must be authenticated to access this resource.")
        actor = next(iter(desk.site.users.values()))
    body: Any = None
    if raw:
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Refusal(400, "There was an error parsing JSON. Check that your request body is valid.") from error
    return Asked(desk, request, actor, api, body)


def _api(desk: Desk, written: str) -> Api:
    if written == "2" or (written == "latest" and desk.site.flavour == "datacenter"):
        return 2
    if written in {"3", "latest"} and desk.site.flavour == "cloud":
        return 3
    raise Refusal(404, "null for uri: there is no such version of the API")


def _actor(desk: Desk, header: str) -> User | None:
    scheme, _, given = header.partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
        except ValueError:
            return None
        wanted = {desk.email} if desk.site.flavour == "cloud" else {desk.email, desk.email.partition("@")[0]}
        return desk.site.user(desk.email) if name in wanted and secret == desk.token else None
    if scheme.lower() == "bearer" and desk.site.flavour == "datacenter" and given == desk.token:
        return desk.site.user(desk.email)
    return None


async def _no_such_page(_: Request, __: Exception) -> Response:
    return reply({"errorMessages": ["null for uri: no such resource"], "errors": {}}, 404)


async def _no_such_method(_: Request, __: Exception) -> Response:
    return reply({"errorMessages": ["Method Not Allowed"], "errors": {}}, 405)
