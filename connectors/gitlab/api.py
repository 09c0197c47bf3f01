"""GitLab's REST API on our wire: a project's encoded path, pages, and what is not there."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests

from connectors.gitlab.settings import GitLabSettings
from loopbot.domain.errors import BrokenAnswer, Rejected
from loopbot.http import Answer, Limits, Wire
from loopbot.ports import Budget, Surroundings


class NotThereError(Exception):
    """GitLab answered 404: it is gone, or the token may not see it."""


class Api:
    """Reads of one GitLab; raises Transient, Unauthorized, Rejected, BrokenAnswer."""

    def __init__(self, system: str, settings: GitLabSettings, surroundings: Surroundings) -> None:
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
            made.session.auth = _PrivateToken(given.secrets.resolve(settings.token))
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

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Answer:
        """One read. Raises NotThereError for a 404."""
        try:
            return self.wire.get(path, params)
        except Rejected as error:
            if error.status == 404:
                raise NotThereError(path) from error
            raise

    def rows(self, answer: Answer) -> list[Any]:
        """The rows of a list."""
        if not isinstance(answer.body, list):
            raise BrokenAnswer(self.system, "a list was expected in GitLab's answer")
        return answer.body

    def close(self) -> None:
        """Close the connections."""
        if self._wire is not None:
            self._wire.close()


def project_path(project: str) -> str:
    """Where a project is: its slashes are part of its name."""
    return f"/projects/{quote(project, safe='')}"


def has_next(answer: Answer) -> bool:
    """Whether there is a next page: by the Link header, or by X-Next-Page where a proxy took that away."""
    return 'rel="next"' in answer.headers.get("Link", "") or bool(answer.headers.get("X-Next-Page", "").strip())


class _PrivateToken(requests.auth.AuthBase):
    """The token on each request, whatever a netrc of the machine says."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["PRIVATE-TOKEN"] = self._token
        return request
