"""What a picture is, and how messages, forms and views become one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.slack import speaking
from loopbot.domain.forms import Form
from loopbot.domain.records import Person
from loopbot.domain.speech import Message
from loopbot.sandbox.slack import blocks as limits

Json = Mapping[str, Any]
ONLY_YOU = "only visible to you"


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture: where it is seen and by whom, what led to it, its blocks; a view also has a title and buttons below."""

    name: str
    by: str
    blocks: list[Json]
    title: str = ""
    submit: str = ""
    close: str = ""
    seen: str = ""
    faults: tuple[str, ...] = ()


def whispered(name: str, person: Person, said: Message | Form) -> Shown:
    """The answer to what somebody typed."""
    by = f"typed by {person.name}"
    if isinstance(said, Form):
        return view(name, by, speaking.modal(said))
    return shown(name, by, speaking.message(said)["blocks"], ONLY_YOU)


def shown(name: str, by: str, made: list[Any], seen: str = "") -> Shown:
    """A message."""
    return Shown(name, by, made, seen=seen, faults=tuple(limits.faults(made)))


def view(name: str, by: str, made: Json) -> Shown:
    """A form, an answer in one, or the home tab."""

    def text(part: str) -> str:
        return str((made.get(part) or {}).get("text", ""))

    blocks = list(made["blocks"])
    wrong = tuple(limits.faults(blocks, limits.BLOCKS_A_VIEW))
    return Shown(name, by, blocks, text("title") or "Home", text("submit"), text("close"), faults=wrong)
