"""Slack as a connector: where messages go out, and through which people speak to loopbot."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.slack.calls import Calls
from connectors.slack.checking import findings
from connectors.slack.directory import Directory
from connectors.slack.door import SlackDoor
from connectors.slack.listening import Listening
from connectors.slack.messages import Messages
from connectors.slack.settings import SlackSettings
from connectors.slack.socketmode import Socket
from loopbot.domain.errors import ConfigError, SystemTrouble
from loopbot.ports import Budget, ChatDoor, Ear, Finding, Sink, Source, Surroundings


class Slack:
    """One workspace. Implements ports.Chat; building it makes no call and imports neither slack_sdk nor slack_bolt."""

    Settings = SlackSettings

    def __init__(self, system: str, settings: SlackSettings, surroundings: Surroundings) -> None:
        self._system, self._settings, self._surroundings = system, settings, surroundings
        self._calls = Calls(system, settings, surroundings)
        self._directory = Directory(self._calls, settings, surroundings.clock)
        self._messages = Messages(self._calls, self._directory, settings, surroundings)
        self._listening: Listening | None = None
        self._socket: Socket | None = None
        self._doors: list[Listening] = []

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

    @property
    def command(self) -> str:
        """The slash command people type."""
        return self._settings.command

    def listen(self, ear: Ear) -> None:
        """Hear people over Socket Mode from now on, in the background; raises Unauthorized, Transient, ConfigError.

        Without an app-level token, and with a signing secret, nothing is done: Slack sends what people say to `door`.
        """
        if self._settings.app_token is None:
            if self._settings.signing_secret is not None:
                return
            raise ConfigError(
                f"{self._system}.app_token", "without it nothing can be heard", "create an app-level token (xapp-)"
            )
        token = self._surroundings.secrets.resolve(self._settings.app_token)
        self._stop()
        told, _ = self._calls.whoami()
        self._listening = self._heard_by(ear, told)
        self._socket = Socket(self._calls, self._listening.app, token)
        try:
            self._socket.open()
        except SystemTrouble:
            self._stop()
            raise

    def door(self, ear: Ear) -> ChatDoor | None:
        """Where Slack sends what people say over HTTP; None where no signing secret is configured. Raises ConfigError."""
        if self._settings.signing_secret is None:
            return None
        secret = self._surroundings.secrets.resolve(self._settings.signing_secret)
        try:
            told, _ = self._calls.whoami()
        except SystemTrouble:
            # What people say is heard all the same; only our own messages would not be known as such.
            told = {}
        listening = self._heard_by(ear, told)
        self._doors.append(listening)
        return SlackDoor(listening.app, secret, self._surroundings.clock)

    def resume(self) -> None:
        """Do what another process had heard and did not do, where people are heard here."""
        for one in [self._listening, *self._doors]:
            if one is not None:
                one.resume()
                return

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
        for one in self._doors:
            one.close()
        self._calls.close()

    def _heard_by(self, ear: Ear, told: Mapping[str, Any]) -> Listening:
        threads = self._surroundings.threads
        return Listening(self._calls, self._directory, ear, self._settings.command, told, threads)

    def _stop(self) -> None:
        for one in (self._socket, self._listening):
            if one is not None:
                one.close()
        self._socket = self._listening = None
