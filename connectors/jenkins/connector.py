"""Jenkins as a connector: it is only read."""

from collections.abc import Iterator, Sequence

from connectors.jenkins.api import Api
from connectors.jenkins.checking import findings
from connectors.jenkins.hooks import JenkinsHooks
from connectors.jenkins.settings import JenkinsSettings
from connectors.jenkins.sources import DeploymentStream
from loopbot.ports import Budget, Finding, HookVerifier, Sink, Source, Surroundings


class Jenkins:
    """Some jobs of one Jenkins. Implements ports.Connector; building it makes no call."""

    Settings = JenkinsSettings

    def __init__(self, system: str, settings: JenkinsSettings, surroundings: Surroundings) -> None:
        self._system, self._settings, self._given = system, settings, surroundings
        self._api = Api(system, settings, surroundings)

    @property
    def system(self) -> str:
        """Its name in the configuration."""
        return self._system

    def sources(self) -> Sequence[Source]:
        """The builds of the configured jobs, as deployments."""
        return [DeploymentStream(self._api)]

    def sink(self) -> Sink | None:
        """None: nothing is written to Jenkins."""
        return None

    def check(self) -> Iterator[Finding]:
        """The credentials, the version, the clock, each job and whether its builds tell what they brought."""
        return findings(self._api)

    def budgets(self) -> Sequence[Budget]:
        """How calls stand."""
        return self._api.budgets

    def hooks(self) -> HookVerifier | None:
        """Who verifies its webhooks; None where no webhook_secret is configured."""
        if not self._settings.webhook_secret:
            return None
        secret = self._given.secrets.resolve(self._settings.webhook_secret)
        return JenkinsHooks(self._system, self._settings, secret)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()
