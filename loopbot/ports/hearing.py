"""Who is heard: systems by their webhooks, people in a chat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from loopbot.domain.errors import LoopbotError
from loopbot.domain.forms import Filled, Form, Wrong
from loopbot.domain.records import Person
from loopbot.domain.speech import Heard, Home, Message
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


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that people did in a chat: the name by which it is known again, what it was, and what the chat said of it.

    `about`: who spoke about what ("": nothing in particular); of several that were left behind the last one counts.
    """

    name: str
    system: str
    kind: str
    body: str
    about: str = ""


class HeardAlreadyError(LoopbotError):
    """What follows from this delivery was done already, here or elsewhere."""


class Ear(Protocol):
    """Who listens to people in a chat. Called again for the same thing, each method does nothing more."""

    def command(self, person: Person, text: str) -> Message | Form:
        """Someone typed a command; the answer, only for them, or what they have to fill in."""

    def answer(self, person: Person, key: str, answer: str, words: str = "") -> Message | Form:
        """Someone pressed a button or chose an option under `key`; what to show instead of it, or what to fill in.

        `key` is that of the effect that became the message, or of a question. `words`: what they typed with it.
        """

    def home(self, person: Person) -> Home:
        """Someone looks at loopbot itself: what concerns them."""

    def shortcut(self, person: Person, callback: str, message: Heard | None) -> Message | Form:
        """Someone chose one of loopbot's shortcuts, on a message or by itself."""

    def submitted(self, person: Person, filled: Filled) -> Message | Wrong:
        """Someone sent a form: what came of it, or what is wrong in which field."""

    def link_shared(self, person: Person, urls: Sequence[str]) -> Mapping[str, str]:
        """Someone shared addresses with others: one quiet line for each that is a ticket everybody there may know of."""

    def reaction(self, person: Person, emoji: str, message: Heard) -> Message | None:
        """Someone reacted to a message; what to tell them alone, None where it is of no account."""

    def emojis(self) -> frozenset[str]:
        """The reactions that are of account; only their messages are looked at."""

    def first(self, delivery: str) -> bool:
        """Whether this delivery was not heard before, by any node, also before a restart; it counts as heard from now on."""

    def keep(self, kept: Kept) -> bool:
        """Keep this for good, before the chat is told that it was heard; False where any node kept it before.

        For a minute it is the caller's to do; then any node may find it among what is `left`.
        """

    def once(self, delivery: str) -> "Ear":
        """An ear for what follows from one kept delivery: it ends with the first thing that is written for it.

        Its methods raise HeardAlreadyError where that was done already.
        """

    def end(self, delivery: str) -> None:
        """There is nothing more to do about it, also where nothing was written."""

    def left(self, system: str) -> Sequence[Kept]:
        """What was kept and not done, since a process died or took too long: now the caller's to do."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered to a request."""

    status: int
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"


class ChatDoor(Protocol):
    """Where a chat sends what people say, one signed request each."""

    def receive(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer a request by the bytes as they came; header names are in lower case. Never raises."""


class Chat(Connector, Protocol):
    """A connector through which people also speak to loopbot.

    It may also have `members(group) -> frozenset[str]`: the ids of the people in a user group; `command`: what people type
    before a command; and `door(ear) -> ChatDoor | None`: where the chat sends what they say over HTTP.
    """

    def listen(self, ear: Ear) -> None:
        """Start listening in the background; returns when connected, raises Unauthorized or Transient."""

    def resume(self) -> None:
        """Do what another process had heard and did not do, where people are heard here; called again and again."""
