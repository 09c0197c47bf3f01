"""GitHub as a connector: it is only read."""

from collections.abc import Iterator, Sequence

from connectors.github.api import Api
from connectors.github.checking import findings
from connectors.github.feeds import DeploymentFeed, Feed, ReleaseFeed, RunFeed
from connectors.github.hooks import GitHubHooks
from connectors.github.settings import GitHubSettings
from connectors.github.sources import RepositoryStream
from loopbot.ci.ranges import Ranges
from loopbot.ports import Budget, Finding, HookVerifier, Sink, Source, Surroundings


class GitHub:
    """Some repositories of one GitHub. Implements ports.Connector; building it makes no call."""

    Settings = GitHubSettings

    def __init__(self, system: str, settings: GitHubSettings, surroundings: Surroundings) -> None:
        self._system, self._settings, self._given = system, settings, surroundings
        self._api = Api(system, settings, surroundings)

    @property
    def system(self) -> str:
        """Its name in the configuration."""
        return self._system

    def sources(self) -> Sequence[Source]:
        """Deployments, deploying workflow runs, releases: as configured."""
        ranges = Ranges(self._settings)
        feeds: list[Feed] = []
        if self._settings.deployments:
            feeds.append(DeploymentFeed(self._api, ranges))
        if self._settings.deploy_workflows:
            feeds.append(RunFeed(self._api, ranges))
        if self._settings.releases:
            feeds.append(ReleaseFeed(self._api))
        return [RepositoryStream(self._api, feed) for feed in feeds]

    def sink(self) -> Sink | None:
        """None: nothing is written to GitHub."""
        return None

    def check(self) -> Iterator[Finding]:
        """The token, the rate limit, each repository and what may be read of it."""
        return findings(self._api)

    def budgets(self) -> Sequence[Budget]:
        """How calls stand."""
        return self._api.budgets

    def hooks(self) -> HookVerifier | None:
        """Who verifies its webhooks; None where no webhook_secret is configured."""
        if not self._settings.webhook_secret:
            return None
        secret = self._given.secrets.resolve(self._settings.webhook_secret)
        return GitHubHooks(self._system, self._settings, secret)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()
