"""GitHub's REST API on our wire: pages, conditional requests, and its own way of saying "too many"."""

from collections.abc import Mapping
from typing import Any, Final

import requests

from connectors.github.settings import GitHubSettings
from loopbot.domain.errors import BrokenAnswer, Rejected, Transient
from loopbot.http import Answer, Limits, Wire
from loopbot.ports import Budget, Surroundings

Json = dict[str, Any]
_ASKED: Final = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


class NotThereError(Exception):
    """GitHub answered 404: it is gone, or the token may not see it."""


class Api:
    """Reads of one GitHub; raises Transient, Unauthorized, Rejected, BrokenAnswer."""

    def __init__(self, system: str, settings: GitHubSettings, surroundings: Surroundings) -> None:
        self.system, self.settings = system, settings
        self._surroundings = surroundings
        self._wire: Wire | None = None

    @property
    def wire(self) -> Wire:
        """The wire, with the token on it since the first call."""
        if self._wire is None:
            given, settings = self._surroundings, self.settings
            limits = Limits(settings.seconds_between_calls, settings.calls_per_hour, allotments=given.allotments)
            made = Wire(
                self.system,
                settings.base_url,
                clock=given.clock,
                chance=given.chance,
                limits=limits,
                ca=settings.ca,
            )
            made.session.auth = _Bearer(given.secrets.resolve(settings.token))
            self._wire = made
        return self._wire

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """How calls stand, once there was one."""
        return (self._wire.pacing.budget(),) if self._wire else ()

    @property
    def calls(self) -> int:
        """How many calls went out."""
        return self._wire.calls if self._wire else 0

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

    def close(self) -> None:
        """Close the connections."""
        if self._wire is not None:
            self._wire.close()


def has_next(answer: Answer) -> bool:
    """Whether the Link header names a next page."""
    return 'rel="next"' in answer.headers.get("Link", "")


class _Bearer(requests.auth.AuthBase):
    """The token on each request, whatever a netrc of the machine says."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
