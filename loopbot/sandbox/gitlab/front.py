"""The REST API's front: tokens, throttles, the encoded path of a project, errors as JSON."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Final
from urllib.parse import unquote

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from loopbot.sandbox.gitlab import reads
from loopbot.sandbox.gitlab.project import Json
from loopbot.sandbox.gitlab.shapes import Shapes
from loopbot.sandbox.gitlab.visits import Answer, RefusedError, Token, Visit, missing
from loopbot.sandbox.gitlab.world import World

Endpoint = Callable[[Visit], Answer]
_MINUTE: Final = timedelta(minutes=1)

# What stands behind the project, what a role must be allowed to see, and who answers.
ENDPOINTS: Final[tuple[tuple[re.Pattern[str], str, Endpoint], ...]] = (
    (re.compile(r""), "", reads.project),
    (re.compile(r"/deployments"), "deployments", reads.deployments),
    (re.compile(r"/deployments/(?P<id>[^/]+)"), "deployments", reads.deployment),
    (re.compile(r"/releases"), "releases", reads.releases),
    (re.compile(r"/merge_requests"), "merge_requests", reads.merge_requests),
    (re.compile(r"/repository/compare"), "repository", reads.comparison),
    (re.compile(r"/repository/commits"), "repository", reads.commits),
    (re.compile(r"/repository/commits/(?P<sha>[^/]+)/merge_requests"), "repository", reads.commit_merge_requests),
)


class Front:
    """Answers everything under the base path; an unencoded slash in a project's path leads nowhere, as on the original."""

    def __init__(self, world: World, base_path: str) -> None:
        self._world, self._path = world, base_path

    def routes(self) -> list[Route]:
        """One route: what is asked for is read from the path as it was sent."""
        return [Route("/{rest:path}", self._serve, methods=["GET"])]

    async def _serve(self, request: Request) -> Response:
        with self._world.lock:
            now, token = self._world.now(), None
            try:
                token = self._world.token_of(request.headers.get("private-token", ""), now)
                if not _spend(token, now):
                    return PlainTextResponse("Retry later\n", 429, _throttled(token, now))
                answer = self._answer(request, token, now)
            except RefusedError as refused:
                answer = Answer(refused.body, refused.status, refused.headers)
            body = orjson.dumps(answer.body)
        headers = {
            **answer.headers,
            **(_limits(token, now) if token else {}),
            "X-Request-Id": f"TWIN{self._world.fresh()}",
        }
        return Response(body, answer.status, headers, media_type="application/json")

    def _answer(self, request: Request, token: Token, now: datetime) -> Answer:
        raw = bytes(request.scope.get("raw_path") or b"").partition(b"?")[0].decode("latin-1")
        rest = raw.removeprefix(self._path)
        if not raw.startswith(self._path):
            raise missing("")
        if rest == "/personal_access_tokens/self":
            return Answer(_shown(token))
        if not {"api", "read_api"} & set(token.scopes):
            said = "The request requires higher privileges than provided by the access token."
            told = {"error": "insufficient_scope", "error_description": said, "scope": "api read_api"}
            raise RefusedError(403, told)
        found = re.fullmatch(r"/projects/([^/]+)(/.*)?", rest)
        if found is None:
            raise RefusedError(404, {"error": "404 Not Found"})
        return self._of_project(request, token, now, unquote(found[1]), found[2] or "")

    def _of_project(self, request: Request, token: Token, now: datetime, name: str, rest: str) -> Answer:
        project, moved = self._world.find(name)
        if project is None or (token.projects is not None and project.name not in token.projects):
            raise missing("Project")
        root = f"{request.url.scheme}://{request.url.netloc}"
        here = f"{root}{self._path}/projects/{project.id}{rest}"
        if moved:
            raise RefusedError(301, {"message": "301 Moved Permanently"}, {"Location": here})
        for pattern, needed, endpoint in ENDPOINTS:
            fits = pattern.fullmatch(rest)
            if fits is None:
                continue
            if needed and needed not in token.may:
                raise RefusedError(403, {"message": "403 Forbidden"})
            html = root + self._path.removesuffix("/api/v4")
            path = {one: unquote(value) for one, value in fits.groupdict().items()}
            query: Mapping[str, str] = dict(request.query_params)
            iids = frozenset(request.query_params.getlist("iids[]"))
            return endpoint(Visit(token, project, path, query, Shapes(html, project), now, here, iids))
        raise RefusedError(404, {"error": "404 Not Found"})


def _shown(token: Token) -> Json:
    return {
        "id": 1,
        "name": token.username,
        "revoked": False,
        "active": True,
        "scopes": list(token.scopes),
        "user_id": 1,
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
    }


def _spend(token: Token, now: datetime) -> bool:
    if token.window is None or now >= token.window + _MINUTE:
        token.window, token.used = now, 0
    token.used += 1
    return token.used <= token.limit


def _limits(token: Token, now: datetime) -> dict[str, str]:
    reset = (token.window or now) + _MINUTE
    return {
        "RateLimit-Limit": str(token.limit),
        "RateLimit-Name": "throttle_authenticated_api",
        "RateLimit-Observed": str(token.used),
        "RateLimit-Remaining": str(max(token.limit - token.used, 0)),
        "RateLimit-Reset": str(int(reset.timestamp())),
    }


def _throttled(token: Token, now: datetime) -> dict[str, str]:
    reset = (token.window or now) + _MINUTE
    waits = max(int((reset - now).total_seconds()), 1)
    return _limits(token, now) | {"RateLimit-ResetTime": format_datetime(reset, usegmt=True), "Retry-After": str(waits)}
