"""Slack as a connector: where messages go out, and through which people speak to loopbot."""

from collections.abc import Iterator, Sequence

from connectors.slack.calls import Calls
from connectors.slack.checking import findings
from connectors.slack.directory import Directory
from connectors.slack.listening import Listening
from connectors.slack.messages import Messages
from connectors.slack.settings import SlackSettings
from loopbot.domain.errors import ConfigError
from loopbot.ports import Budget, Ear, Finding, Sink, Source, Surroundings


class Slack:
    """One workspace. Implements ports.Chat; building it makes no call and imports neither slack_sdk nor slack_bolt."""

    Settings = SlackSettings

    def __init__(self, system: str, settings: SlackSettings, surroundings: Surroundings) -> None:
        self._system, self._settings, self._surroundings = system, settings, surroundings
        self._calls = Calls(system, settings, surroundings)
        self._directory = Directory(self._calls, settings, surroundings.clock)
        self._messages = Messages(self._calls, self._directory, settings, surroundings)
        self._listening: Listening | None = None

    @property
    def system(self) -> str:
        """Its name in the configuration."""
        return self._system

    def sources(self) -> Sequence[Source]:
        """None: loopbot hears people through commands and buttons, and reads no channel."""
        return ()

    def sink(self) -> Sink | None:
        """Posts, direct messages, updates of both."""
        return self._messages

    def listen(self, ear: Ear) -> None:
        """Hear commands and buttons from now on, in the background; raises Unauthorized, Transient, ConfigError."""
        if self._settings.app_token is None:
            raise ConfigError(
                f"{self._system}.app_token", "without it nothing can be heard", "create an app-level token (xapp-)"
            )
        token = self._surroundings.secrets.resolve(self._settings.app_token)
        self._stop()
        listening = Listening(self._calls, self._directory, ear, self._settings.command)
        listening.start(token)
        self._listening = listening

    def members(self, group: str) -> frozenset[str]:
        """The ids of the people in a user group (S0123ABCD); nobody where there is no such group. Needs usergroups:read."""
        return self._directory.members(group)

    def check(self) -> Iterator[Finding]:
        """Tokens, scopes, clock, and the channels the configuration names."""
        return findings(self._calls, self._settings, self._surroundings.secrets)

    def budgets(self) -> Sequence[Budget]:
        """How calls stand."""
        return (self._calls.budget,)

    def close(self) -> None:
        """Stop hearing, and close the connections."""
        self._stop()
        self._calls.close()

    def _stop(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None
