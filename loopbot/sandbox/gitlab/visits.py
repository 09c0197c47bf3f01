"""One visit of the REST API: who asks, for which project, with what; and the answer it gets."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from loopbot.sandbox.gitlab.project import Json, Project
from loopbot.sandbox.gitlab.shapes import Shapes

Row = TypeVar("Row")
# Beyond, GitLab does not say how many there are.
COUNTED: Final = 10_000


class RefusedError(Exception):
    """GitLab answers an error with this status."""

    def __init__(self, status: int, body: Json, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status, self.body, self.headers = status, body, dict(headers or {})


def missing(what: str) -> RefusedError:
    """404 as GitLab says it."""
    return RefusedError(404, {"message": f"404 {what} Not Found"})


@dataclass(slots=True)
class Token:
    """A project's or group's access token; `projects` None: all, `may` what its role lets it see."""

    username: str
    projects: frozenset[str] | None = None
    scopes: tuple[str, ...] = ("read_api",)
    expires_at: date | None = None
    may: frozenset[str] = frozenset({"deployments", "repository", "merge_requests", "releases"})
    limit: int = 2000
    used: int = 0
    window: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a body, and perhaps the pages beside it."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Visit:
    """What an endpoint works with; `path` are the variable parts after the project, `iids` what stands in iids[]."""

    token: Token
    project: Project
    path: Mapping[str, str]
    query: Mapping[str, str]
    shapes: Shapes
    now: datetime
    here: str
    iids: frozenset[str] = frozenset()

    def sha(self, ref: str, what: str = "Commit") -> str:
        """The commit a ref stands for, or 404."""
        found = self.project.resolve(ref)
        if found is None:
            raise missing(what)
        return found

    def one_of(self, name: str, allowed: Iterable[str], default: str) -> str:
        """A word of the query, or 400."""
        word = self.query.get(name, default)
        if word not in allowed:
            raise RefusedError(400, {"error": f"{name} does not have a valid value"})
        return word

    def moment(self, name: str) -> datetime | None:
        """A stamp of the query, or 400."""
        text = self.query.get(name)
        if not text:
            return None
        try:
            at = datetime.fromisoformat(text)
        except ValueError as broken:
            raise RefusedError(400, {"error": f"{name} is invalid"}) from broken
        return at if at.tzinfo else at.replace(tzinfo=UTC)

    def paged(self, rows: Sequence[Row], shape: Callable[[Row], Json]) -> Answer:
        """This page of the rows: per_page is 20, at most 100."""
        size = min(_positive(self.query.get("per_page"), 20), 100)
        page, last = _positive(self.query.get("page"), 1), max(-(-len(rows) // size), 1)
        named = {"first": 1, **({"prev": page - 1} if page > 1 else {}), **({"next": page + 1} if page < last else {})}
        headers = {
            "X-Page": str(page),
            "X-Per-Page": str(size),
            "X-Prev-Page": str(named.get("prev", "")),
            "X-Next-Page": str(named.get("next", "")),
        }
        if len(rows) <= COUNTED:
            named["last"] = last
            headers |= {"X-Total": str(len(rows)), "X-Total-Pages": str(last)}
        headers["Link"] = ", ".join(f'<{self._page(number)}>; rel="{name}"' for name, number in named.items())
        return Answer([shape(one) for one in rows[(page - 1) * size : page * size]], headers=headers)

    def _page(self, page: int) -> str:
        return f"{self.here}?{urlencode({**self.query, 'page': str(page)})}"


def _positive(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() and int(text) > 0 else default
