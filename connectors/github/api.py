"""GitHub's REST API on our wire: pages, conditional requests, and its own way of saying "too many"."""

from collections.abc import Mapping
from typing import Any, Final

from connectors.github.settings import GitHubSettings
from loopbot.domain.errors import BrokenAnswer, Rejected, Transient
from loopbot.http import Answer, InHeader, Reached
from loopbot.ports import Surroundings

Json = dict[str, Any]
_ASKED: Final = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


class NotThereError(Exception):
    """GitHub answered 404: it is gone, or the token may not see it."""


class Api(Reached):
    """Reads of one GitHub; raises Transient, Unauthorized, Rejected, BrokenAnswer."""

    def __init__(self, system: str, settings: GitHubSettings, surroundings: Surroundings) -> None:
        super().__init__(
            system,
            settings,
            surroundings,
            lambda secrets: InHeader("Authorization", f"Bearer {secrets.resolve(settings.token)}"),
        )
        self.settings = settings

    def get(self, path: str, params: Mapping[str, str | int] | None = None, etag: str = "") -> Answer:
        """One read; with an `etag` perhaps status 304 and no body. Raises NotThereError for a 404."""
        try:
            return self.wire.get(path, params, {**_ASKED, **({"If-None-Match": etag} if etag else {})})
        except Rejected as error:
            if "rate limit" in error.why:
                # The secondary limit, without a Retry-After: GitHub's documents ask for a minute then.
                raise Transient(self.system, error.why, after=60.0) from error
            if error.status == 404:
                raise NotThereError(path) from error
            raise

    def rows(self, answer: Answer, field: str = "") -> list[Any]:
        """The rows of an answer: its body, or a field of it."""
        body = answer.body.get(field) if field and isinstance(answer.body, dict) else answer.body
        if not isinstance(body, list):
            raise BrokenAnswer(self.system, "a list was expected in GitHub's answer")
        return body


def has_next(answer: Answer) -> bool:
    """Whether the Link header names a next page."""
    return 'rel="next"' in answer.headers.get("Link", "")
