"""What every answer in a chat is made with: the installation, who may what, and where new reports are kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from loopbot.domain.records import Person, Record
from loopbot.domain.speech import Address, Button, Buttons, Message, Paragraph, Span, say
from loopbot.domain.texts import clean, shorten
from loopbot.domain.words import Kind
from loopbot.usecases.loop import Loop
from loopbot.usecases.roles import Roles

SAY: Final = "say"
"""The key of buttons that say a command for whoever presses them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a new report is kept: a table or project of a system. `topic_field`: where the kind of feedback is written."""

    system: str
    kind: Kind
    place: str
    type: str | None = None
    topic_field: str = ""


@dataclass(frozen=True, slots=True)
class ReportPlaces:
    """Where feedback and incidents are kept, and which reactions make a message feedback (emoji -> topic, "" for none)."""

    feedback: Place | None = None
    incident: Place | None = None
    emojis: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Desk:
    """One installation's desk in a chat."""

    loop: Loop
    roles: Roles = field(default_factory=Roles)
    places: ReportPlaces = field(default_factory=ReportPlaces)
    command: str = "/loop"

    def insider(self, person: Person) -> bool:
        """Whether somebody works on what others report."""
        return bool(self.roles.of(person))


def quoted(text: str, most: int = 120) -> str:
    """Somebody's words in a sentence."""
    return f"“{shorten(' '.join(clean(text).split()), most)}”"


def key_of(record: Record) -> Span:
    """What people call it, leading to where it lives; deployments and articles are called by their titles."""
    return Address(
        record.url, record.title if record.kind in {"deployment", "article"} and record.title else record.key
    )


def called(person: Person) -> str:
    """Who did something, as a record of it names them."""
    return person.name or person.email or person.key


def offer(said: str, *commands: tuple[str, str]) -> Message:
    """A sentence, and commands to choose from: (command, label)."""
    buttons = Buttons(SAY, tuple(Button(command, label) for command, label in commands))
    return Message((Paragraph(said), buttons)) if commands else say(said)


def refused(verb: str, whom: str, command: str) -> Message:
    """Something that is not for everybody."""
    return say(f"{command} {verb} is for {whom}: whoever runs loopbot can add you under [roles] in its configuration.")
