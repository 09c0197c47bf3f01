"""Jira, Cloud (version 3) or Data Center (version 2), as loopbot reads and writes it."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from connectors.jira.articles import Articles
from connectors.jira.checks import check
from connectors.jira.client import Client
from connectors.jira.hooks import JiraHooks
from connectors.jira.mapping import mapper_of
from connectors.jira.settings import Settings as JiraSettings
from connectors.jira.sink import JiraSink
from connectors.jira.sources import Issues, Releases, Search
from loopbot.ports import Budget, Finding, HookVerifier, Sink, Source, Surroundings


class Jira:
    """One configured Jira. Constructing it makes no call and does not import the library."""

    Settings: ClassVar[type[JiraSettings]] = JiraSettings

    def __init__(self, system: str, settings: JiraSettings, surroundings: Surroundings) -> None:
        self._system, self._settings, self._given = system, settings, surroundings
        self._client = Client(system, settings, surroundings)
        self._mapper = mapper_of(system, settings)
        self._sink = JiraSink(self._client, self._mapper)

    @property
    def system(self) -> str:
        """Its name in the configuration."""
        return self._system

    def sources(self) -> Sequence[Source]:
        """system:issue, and system:release and system:article where they are read; articles first, as they answer others."""
        sources: list[Source] = [Issues(self._client, self._mapper, Search(self._client))]
        if self._settings.read_releases:
            sources.append(Releases(self._client, self._mapper))
        if self._settings.articles is not None:
            sources.insert(0, Articles(self._client, self._settings.articles))
        return sources

    def sink(self) -> Sink | None:
        """open, comment, transition, set, link."""
        return self._sink

    def check(self) -> Iterator[Finding]:
        """Look at the credentials, permissions, screens, statuses, the search and the clock; reads only."""
        return check(self._client, self._mapper)

    def budgets(self) -> Sequence[Budget]:
        """How calls stand."""
        return (self._client.budget,)

    def hooks(self) -> HookVerifier | None:
        """Who verifies its webhooks; None where no webhook_secret is configured."""
        if not self._settings.webhook_secret:
            return None
        secret = self._given.secrets.resolve(self._settings.webhook_secret)
        return JiraHooks(self._system, self._settings, secret, self._given.clock)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()
