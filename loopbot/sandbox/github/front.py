"""The REST API's front: accounts and rate limits, repositories seen or not, conditional requests, errors as JSON."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from loopbot.sandbox.github import reads, writes
from loopbot.sandbox.github.shapes import account as account_shape
from loopbot.sandbox.github.visits import Account, Answer, RefusedError, Visit
from loopbot.sandbox.github.world import World

Endpoint = Callable[[Visit], Answer]

ENDPOINTS: Final[tuple[tuple[str, str, Endpoint], ...]] = (
    ("GET", "", reads.repository),
    ("GET", "/deployments", reads.deployments),
    ("POST", "/deployments", writes.create_deployment),
    ("GET", "/deployments/{id}", reads.deployment),
    ("GET", "/deployments/{id}/statuses", reads.statuses),
    ("POST", "/deployments/{id}/statuses", writes.create_status),
    ("GET", "/environments", reads.environments),
    ("GET", "/actions/runs", reads.runs),
    ("GET", "/actions/runs/{id}", reads.run),
    ("GET", "/commits", reads.commits),
    ("GET", "/commits/{ref:path}/pulls", reads.commit_pulls),
    ("GET", "/commits/{ref:path}", reads.commit),
    ("GET", "/compare/{basehead:path}", reads.comparison),
    ("GET", "/pulls", reads.pulls),
    ("GET", "/pulls/{number}", reads.pull),
    ("GET", "/pulls/{number}/commits", reads.pull_commits),
    ("GET", "/releases", reads.releases),
    ("GET", "/releases/tags/{tag:path}", reads.release),
    ("GET", "/issues/{number}/comments", reads.comments),
    ("POST", "/issues/{number}/comments", writes.create_comment),
)


class Front:
    """Answers everything under the base path."""

    def __init__(self, world: World, base_path: str) -> None:
        self._world, self._path = world, base_path

    def routes(self) -> list[Route]:
        """A route for each endpoint, under the repository's name and under its number."""
        made = [
            Route(f"{self._path}/user", self._plain(self._user), methods=["GET"]),
            Route(f"{self._path}/rate_limit", self._plain(self._rate_limit), methods=["GET"]),
        ]
        for root in ("/repos/{owner}/{name}", "/repositories/{repository}"):
            for method, path, endpoint in ENDPOINTS:
                # GET before POST on one path: Starlette tries each route that fits the path until a method fits.
                made.append(Route(f"{self._path}{root}{path}", self._visit(endpoint), methods=[method]))
        made.append(
            Route("/{rest:path}", self._plain(self._nothing), methods=["GET", "POST", "PATCH", "PUT", "DELETE"])
        )
        return made

    def _visit(self, endpoint: Endpoint) -> Callable[[Request], object]:
        async def serve(request: Request) -> Response:
            raw = await request.body()
            return self._answer(request, lambda account: endpoint(self._entered(request, account, raw)))

        return serve

    def _plain(self, act: Callable[[Request, Account], Answer]) -> Callable[[Request], object]:
        async def serve(request: Request) -> Response:
            return self._answer(request, lambda account: act(request, account))

        return serve

    def _entered(self, request: Request, account: Account, raw: bytes) -> Visit:
        path = {name: str(value) for name, value in request.path_params.items()}
        repository = self._world.find(path)
        if repository is None or not account.sees(repository):
            raise RefusedError(404, "Not Found")
        api, html = self._roots(request)
        rest = request.url.path.removeprefix(self._path)
        if "owner" in path:
            named = f"{path['owner']}/{path['name']}"
            rest = rest.removeprefix(f"/repos/{named}")
            if named.lower() != repository.name.lower():
                moved = f"{api}/repositories/{repository.id}{rest}"
                raise RefusedError(301, "Moved Permanently", {"Location": moved}, url=moved)
        else:
            rest = rest.removeprefix(f"/repositories/{repository.id}")
        shapes, deliveries = self._world.shapes(repository, api, html)
        here = f"{api}/repositories/{repository.id}{rest}"
        return Visit(
            account,
            repository,
            path,
            dict(request.query_params),
            _json(raw),
            shapes,
            deliveries,
            self._world.ledger,
            self._world.moment(),
            self._world.fresh,
            here,
        )

    def _answer(self, request: Request, act: Callable[[Account], Answer]) -> Response:
        headers = {"X-GitHub-Media-Type": "github.v3; format=json", "X-GitHub-Api-Version-Selected": "2022-11-28"}
        with self._world.lock:
            account = Account("", limit=60)
            try:
                account = self._world.account_of(request.headers.get("authorization", ""))
                if not request.url.path.endswith("/rate_limit"):
                    _spend(account, self._world.moment())
                answer = act(account)
            except RefusedError as refused:
                answer = Answer(refused.body, refused.status, refused.headers)
            body = orjson.dumps(answer.body)
            tag = f'W/"{hashlib.sha256(body).hexdigest()}"'
            headers |= {"X-GitHub-Request-Id": f"TWIN:{self._world.fresh()}"} | answer.headers
            fresh = request.method == "GET" and answer.status == 200
            unchanged = fresh and tag in request.headers.get("if-none-match", "")
            if unchanged and account.login:
                account.used -= 1
            headers |= _limits(account, self._world.moment())
        if account.login:
            headers["X-OAuth-Scopes"] = ", ".join(sorted(account.scopes))
            headers.setdefault("X-Accepted-GitHub-Permissions", "metadata=read")
        if fresh:
            headers |= {"ETag": tag, "Cache-Control": "private, max-age=60, s-maxage=60"}
        if unchanged:
            return Response(None, 304, headers)
        return Response(body, answer.status, headers, media_type="application/json; charset=utf-8")

    def _roots(self, request: Request) -> tuple[str, str]:
        html = f"{request.url.scheme}://{request.url.netloc}"
        return html + self._path, html

    def _user(self, request: Request, account: Account) -> Answer:
        if not account.login:
            raise RefusedError(401, "Requires authentication")
        api, html = self._roots(request)
        return Answer(account_shape(api, html, account.login) | {"name": account.login, "email": None})

    def _rate_limit(self, _request: Request, account: Account) -> Answer:
        _roll(account, self._world.moment())
        told = {"limit": account.limit, "used": account.used, "remaining": max(account.limit - account.used, 0)}
        told |= {"reset": _reset(account)}
        return Answer({"resources": {"core": told}, "rate": told})

    def _nothing(self, _request: Request, _account: Account) -> Answer:
        raise RefusedError(404, "Not Found")


def _json(raw: bytes) -> dict[str, object]:
    if not raw:
        return {}
    try:
        told = orjson.loads(raw)
    except orjson.JSONDecodeError as broken:
        raise RefusedError(400, "Problems parsing JSON") from broken
    if not isinstance(told, dict):
        raise RefusedError(400, "Body should be a JSON object")
    return told


def _roll(account: Account, now: datetime) -> None:
    if account.window is None or now >= account.window + timedelta(hours=1):
        account.window, account.used = now, 0


def _reset(account: Account) -> int:
    return int((account.window + timedelta(hours=1)).timestamp()) if account.window else 0


def _spend(account: Account, now: datetime) -> None:
    _roll(account, now)
    if account.used >= account.limit:
        raise RefusedError(403, f"API rate limit exceeded for user ID {account.login or 'anonymous'}.")
    account.used += 1


def _limits(account: Account, now: datetime) -> dict[str, str]:
    _roll(account, now)
    return {
        "X-RateLimit-Limit": str(account.limit),
        "X-RateLimit-Remaining": str(max(account.limit - account.used, 0)),
        "X-RateLimit-Used": str(account.used),
        "X-RateLimit-Reset": str(_reset(account)),
        "X-RateLimit-Resource": "core",
    }
