"""Who is heard: systems by their webhooks, people in a chat."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from loopbot.domain.records import Person
from loopbot.ports.systems import Connector


@dataclass(frozen=True, slots=True)
class Hint:
    """Something changed in a stream, says a webhook: fetch it. What it says about the change itself is never taken.

    `key` is what people call the record ("": some record of the stream, not known which); `changed_at` its own system's
    stamp of the change, where the webhook tells.
    """

    stream: str
    key: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook that is certainly its system's. `deliveries` are names by which the same one is known again.

    No hints: it is of no account here.
    """

    deliveries: tuple[str, ...]
    hints: tuple[Hint, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a webhook is not taken; for the log, not for its sender. `tolerant`: it is answered as if it were taken."""

    why: str
    tolerant: bool = False


class HookVerifier(Protocol):
    """Tells a system's own webhooks from forged, changed and stale ones."""

    def verify(self, headers: Mapping[str, str], body: bytes) -> Hook | Refusal:
        """Look at the bytes as they came; header names are in lower case. Never raises for anything a stranger may send."""


class Hooked(Connector, Protocol):
    """A connector whose system can send webhooks."""

    def hooks(self) -> HookVerifier | None:
        """Who verifies them; None where no secret is configured. Raises ConfigError where the secret is not there."""


class Ear(Protocol):
    """Who listens to people in a chat."""

    def command(self, person: Person, text: str) -> str:
        """Someone typed a command; the answer, as plain text, only for them."""

    def answer(self, person: Person, key: str, answer: str) -> str:
        """Someone pressed a button under the message that the effect `key` became; what to show instead of the buttons.

        Called again for the same press it does nothing more.
        """


class Chat(Connector, Protocol):
    """A connector through which people also speak to loopbot.

    It may also have `members(group) -> frozenset[str]`: the ids of the people in a user group.
    """

    def listen(self, ear: Ear) -> None:
        """Start listening in the background; returns when connected, raises Unauthorized or Transient."""
