"""One visit of the REST API: who asks, for which repository, with what; and the answer it gets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from loopbot.sandbox.github.deliveries import DeliveryShapes
from loopbot.sandbox.github.repository import Json, Repository
from loopbot.sandbox.github.shapes import Shapes
from loopbot.sandbox.ledger import Ledger

Row = TypeVar("Row")

DOCUMENTATION: Final = "https://docs.github.com/rest"


class RefusedError(Exception):
    """GitHub answers an error with this status; `extra` stands beside the message."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None, **extra: Any) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})
        self.body = {"message": message, **extra, "documentation_url": DOCUMENTATION, "status": str(status)}


@dataclass(slots=True)
class Account:
    """A token: who it is, what it may see (`repositories` None: all) and do, and what it used this hour."""

    login: str
    repositories: frozenset[str] | None = None
    scopes: frozenset[str] = frozenset({"repo", "read:org"})
    may_write: bool = True
    limit: int = 5000
    used: int = 0
    window: datetime | None = None

    def sees(self, repository: Repository) -> bool:
        """Whether the repository exists for this token."""
        if not self.login:
            return not repository.private
        return self.repositories is None or repository.name in self.repositories or not repository.private


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a body, and perhaps the pages beside it."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Visit:
    """What an endpoint works with."""

    account: Account
    repo: Repository
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Json
    shapes: Shapes
    deliveries: DeliveryShapes
    ledger: Ledger
    now: datetime
    fresh: Callable[[], int]
    here: str

    def number(self, name: str) -> int:
        """A number in the path; anything else is not found."""
        text = self.path[name]
        if not text.isdigit():
            raise RefusedError(404, "Not Found")
        return int(text)

    def sha(self, ref: str) -> str:
        """The commit a ref stands for, or 404."""
        found = self.repo.resolve(ref)
        if found is None:
            raise RefusedError(404, "Not Found")
        return found

    def commit_of(self, ref: str) -> str:
        """The commit a ref stands for, or 422 as /commits/{ref} says it."""
        found = self.repo.resolve(ref)
        if found is None:
            raise RefusedError(422, f"No commit found for SHA: {ref}")
        return found

    def window(self, total: int, size: int | None = None) -> tuple[int, int, dict[str, str]]:
        """Start and end of the page that is asked for, and its Link header; per_page is 30, at most 100."""
        size = size or min(_positive(self.query.get("per_page"), 30), 100)
        page = _positive(self.query.get("page"), 1)
        last = max((total + size - 1) // size, 1)
        links: list[tuple[str, int]] = []
        if page > 1:
            links += [("prev", min(page - 1, last)), ("first", 1)]
        if page < last:
            links += [("next", page + 1), ("last", last)]
        header = {"Link": ", ".join(f'<{self._page(number)}>; rel="{name}"' for name, number in links)} if links else {}
        return (page - 1) * size, page * size, header

    def paged(self, rows: Sequence[Row], shape: Callable[[Row], Json]) -> Answer:
        """This page of the rows."""
        start, end, links = self.window(len(rows))
        return Answer([shape(one) for one in rows[start:end]], headers=links)

    def _page(self, page: int) -> str:
        kept = {**self.query, "page": str(page)}
        return f"{self.here}?{urlencode(kept)}"


def _positive(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() and int(text) > 0 else default


def moment(text: str | None) -> datetime | None:
    """A stamp or a day of a query; 422 when it is neither."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as broken:
        raise RefusedError(422, f"Invalid date: {text}") from broken
    return at if at.tzinfo else at.replace(tzinfo=UTC)
