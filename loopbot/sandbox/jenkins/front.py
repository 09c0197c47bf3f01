"""Jenkins' front: who asks, what is at a path, and what of it the `tree` wants; refusals are web pages."""

import base64
import binascii
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from loopbot.sandbox.jenkins.shapes import Shapes
from loopbot.sandbox.jenkins.tree import Bean, MalformedError, Tree, parsed, shown
from loopbot.sandbox.jenkins.world import World

VERSION: Final = "2.516.3"
# Without a tree a thing is shown with the numbers and addresses of what it holds.
_PLAIN: Final = parsed("*[name,number,url]")


class Front:
    """Answers everything under the base path. Reading needs no crumb, and nothing here is written to."""

    def __init__(self, world: World, base_path: str) -> None:
        self._world, self._path = world, base_path

    def routes(self) -> list[Route]:
        """One for all: what a path means depends on the jobs there are."""
        return [Route("/{rest:path}", self._serve, methods=["GET", "HEAD", "POST"])]

    async def _serve(self, request: Request) -> Response:
        with self._world.lock:
            return self._answer(request)

    def _answer(self, request: Request) -> Response:
        user = self._user(request.headers.get("authorization", ""))
        if user is None:
            return _page(401, "Invalid password/token for user", {"WWW-Authenticate": 'Basic realm="Jenkins"'})
        path = request.url.path
        if not path.startswith(f"{self._path}/"):
            return _page(404, "Not Found")
        if not user:
            told = {"X-You-Are-Authenticated-As": "anonymous", "X-Required-Permission": "hudson.model.Hudson.Read"}
            return _page(403, "Authentication required", told)
        if request.method == "POST":
            return _page(403, "No valid crumb was included in the request")
        where = path.removeprefix(f"{self._path}/")
        if not where.endswith("api/json"):
            return _page(404, "Not Found")
        found = self._at(where.removesuffix("api/json").strip("/"), request)
        if found is None:
            return _page(404, "Not Found")
        try:
            tree = self._tree(request)
        except MalformedError as error:
            return _page(400, f"Malformed tree expression: {error}")
        return Response(orjson.dumps(shown(found, tree)), 200, _headers(), media_type="application/json;charset=utf-8")

    def _tree(self, request: Request) -> Tree:
        text = request.query_params.get("tree")
        return _PLAIN if text is None else parsed(text)

    def _at(self, where: str, request: Request) -> Bean | None:
        """job/NAME/job/NAME ... and perhaps a build's number."""
        shapes = Shapes(self._world, f"{request.url.scheme}://{request.url.netloc}{self._path}/")
        parts = where.split("/") if where else []
        names: list[str] = []
        while len(parts) >= 2 and parts[0] == "job":
            names.append(parts[1])
            parts = parts[2:]
        if not names:
            return None if parts else shapes.top()
        name = "/".join(names)
        job = self._world.jobs.get(name)
        if job is None or job.hidden:
            return shapes.folder(name) if not parts and self._world.inside(name) else None
        if not parts:
            return shapes.job(job)
        build = job.builds.get(int(parts[0])) if len(parts) == 1 and parts[0].isdigit() else None
        return shapes.build(job, build) if build else None

    def _user(self, authorization: str) -> str | None:
        """Who asks; "" for nobody, None for credentials that are wrong."""
        scheme, _, given = authorization.partition(" ")
        if not authorization:
            return ""
        try:
            name, _, token = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return name if scheme.lower() == "basic" and token and self._world.accounts.get(name) == token else None


def _page(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    body = f"<html><head><title>Error {status}</title></head><body><h2>HTTP ERROR {status} {text}</h2></body></html>"
    return Response(body, status, {**_headers(), **(headers or {})}, media_type="text/html;charset=utf-8")


def _headers() -> dict[str, str]:
    return {"X-Content-Type-Options": "nosniff", "X-Jenkins": VERSION, "X-Hudson": "1.395"}
