"""GitLab as a connector: it is only read."""

from collections.abc import Iterator, Sequence

from connectors.gitlab.api import Api
from connectors.gitlab.checking import findings
from connectors.gitlab.deployments import DeploymentFeed
from connectors.gitlab.hooks import GitLabHooks
from connectors.gitlab.releases import ReleaseFeed
from connectors.gitlab.settings import GitLabSettings
from connectors.gitlab.sources import ProjectStream
from loopbot.ci.ranges import Ranges
from loopbot.ports import Budget, Finding, HookVerifier, Sink, Source, Surroundings


class GitLab:
    """Some projects of one GitLab. Implements ports.Connector; building it makes no call."""

    Settings = GitLabSettings

    def __init__(self, system: str, settings: GitLabSettings, surroundings: Surroundings) -> None:
        self._system, self._settings, self._given = system, settings, surroundings
        self._api = Api(system, settings, surroundings)

    @property
    def system(self) -> str:
        """Its name in the configuration."""
        return self._system

    def sources(self) -> Sequence[Source]:
        """Deployments and releases, as configured."""
        found: list[Source] = []
        if self._settings.deployments:
            found.append(ProjectStream(self._api, DeploymentFeed(self._api, Ranges(self._settings))))
        if self._settings.releases:
            found.append(ProjectStream(self._api, ReleaseFeed(self._api)))
        return found

    def sink(self) -> Sink | None:
        """None: nothing is written to GitLab."""
        return None

    def check(self) -> Iterator[Finding]:
        """The token, each project and what may be read of it."""
        return findings(self._api, self._given.clock.now().date())

    def budgets(self) -> Sequence[Budget]:
        """How calls stand."""
        return self._api.budgets

    def hooks(self) -> HookVerifier | None:
        """Who verifies its webhooks; None where no webhook_secret is configured."""
        if not self._settings.webhook_secret:
            return None
        secret = self._given.secrets.resolve(self._settings.webhook_secret)
        return GitLabHooks(self._system, self._settings, secret)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()
