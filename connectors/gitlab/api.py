"""GitLab's REST API on our wire: a project's encoded path, pages, and what is not there."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from connectors.gitlab.settings import GitLabSettings
from loopbot.domain.errors import BrokenAnswer, Rejected
from loopbot.http import Answer, InHeader, Reached
from loopbot.ports import Surroundings


class NotThereError(Exception):
    """GitLab answered 404: it is gone, or the token may not see it."""


class Api(Reached):
    """Reads of one GitLab; raises Transient, Unauthorized, Rejected, BrokenAnswer."""

    def __init__(self, system: str, settings: GitLabSettings, surroundings: Surroundings) -> None:
        super().__init__(
            system,
            settings,
            surroundings,
            lambda secrets: InHeader("PRIVATE-TOKEN", secrets.resolve(settings.token)),
        )
        self.settings = settings

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


def project_path(project: str) -> str:
    """Where a project is: its slashes are part of its name."""
    return f"/projects/{quote(project, safe='')}"


def has_next(answer: Answer) -> bool:
    """Whether there is a next page: by the Link header, or by X-Next-Page where a proxy took that away."""
    return 'rel="next"' in answer.headers.get("Link", "") or bool(answer.headers.get("X-Next-Page", "").strip())
