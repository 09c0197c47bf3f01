"""Jenkins' remote access API on our wire: `tree` says which fields of which builds come."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from requests.auth import HTTPBasicAuth

from connectors.jenkins.settings import JenkinsSettings
from loopbot.domain.errors import BrokenAnswer, Rejected
from loopbot.http import Answer, Reached
from loopbot.ports import Surroundings

Json = Mapping[str, Any]

# `builds` ends with the hundredth; `allBuilds` goes on.
_RECENT: Final = 100


class Api(Reached):
    """Reads of one Jenkins; raises Transient, Unauthorized, Rejected, BrokenAnswer."""

    def __init__(self, system: str, settings: JenkinsSettings, surroundings: Surroundings) -> None:
        # As bytes: requests would write the text of a name in latin-1, Jenkins reads UTF-8.
        super().__init__(
            system,
            settings,
            surroundings,
            lambda secrets: HTTPBasicAuth(settings.user.encode(), secrets.resolve(settings.token).encode()),
        )
        self.settings = settings

    def get(self, path: str, tree: str) -> Answer:
        """One read of these fields."""
        return self.wire.get(f"{path}/api/json", {"tree": tree})

    def builds(self, job: str, fields: str, start: int, end: int) -> list[Any]:
        """Fields of a job's builds from one place to before another, counted from the newest; none where there are none."""
        name = "builds" if end <= _RECENT else "allBuilds"
        body = self.get(path_of(job), f"{name}[{fields}]{{{start},{end}}}").body
        rows = body.get(name) if isinstance(body, dict) else None
        if rows is None:
            raise Rejected(
                self.system,
                f"{job} has no builds: it is no job",
                "of a folder or multibranch project, name a job in it",
            )
        if not isinstance(rows, list):
            raise BrokenAnswer(self.system, "a list was expected in Jenkins' answer")
        return rows

    def build(self, job: str, number: int, fields: str) -> Json | None:
        """Fields of one build; None where it is not there (any more)."""
        try:
            body = self.get(f"{path_of(job)}/{number}", fields).body
        except Rejected as error:
            if error.status == 404:
                return None
            raise
        if not isinstance(body, dict):
            raise BrokenAnswer(self.system, "an object was expected in Jenkins' answer")
        return body


def path_of(job: str) -> str:
    """Where a job is by its full name; a branch such as `feature%2Fx` is encoded once more."""
    return "".join(f"/job/{quote(part, safe='')}" for part in job.split("/"))
