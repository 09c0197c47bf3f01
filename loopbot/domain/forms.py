"""Forms: what people are asked where there is more than one thing to fill in, and how they come back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from loopbot.domain.records import Person
from loopbot.domain.speech import Block, Option


@dataclass(frozen=True, slots=True)
class TextField:
    """Words to be typed. At most `most` characters; a form is not taken while a field that is not `optional` is empty."""

    name: str
    label: str
    hint: str = ""
    initial: str = ""
    lines: bool = False
    optional: bool = False
    most: int = 3_000


@dataclass(frozen=True, slots=True)
class ChoiceField:
    """One of several."""

    name: str
    label: str
    options: tuple[Option, ...]
    initial: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class TicketField:
    """What people call a ticket; `example` shows how."""

    name: str
    label: str
    initial: str = ""
    optional: bool = False
    example: str = "INC0012345"


@dataclass(frozen=True, slots=True)
class PeopleField:
    """Some people, at most `most`."""

    name: str
    label: str
    optional: bool = True
    most: int = 10


Field = TextField | ChoiceField | TicketField | PeopleField


@dataclass(frozen=True, slots=True)
class Form:
    """Asked where there is more than one thing to fill in; `context` comes back with the answers, unseen, unchanged."""

    name: str
    title: str
    fields: tuple[Field, ...]
    submit: str = "Send"
    before: tuple[Block, ...] = ()
    context: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as somebody sent it: what they typed or chose, by field; "" where nothing."""

    form: str
    values: Mapping[str, str]
    people: Mapping[str, tuple[Person, ...]] = field(default_factory=lambda: MappingProxyType({}))
    context: str = ""

    def value(self, name: str) -> str:
        """What stands in a field, without the blanks around it."""
        return self.values.get(name, "").strip()


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a form is not taken, by field; what was typed stays as it is."""

    errors: Mapping[str, str]
