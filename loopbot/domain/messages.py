"""What messages to people are made of, beside their words."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Dated:
    """A point in time (UTC) that a text names with these words from this character on; where it stands is checked before it is used."""

    start: int
    words: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Shared:
    """How a message reads beside others that say the same of other records: `lead` is said once, `line` stands for this one."""

    lead: str
    line: str
    lead_dated: tuple[Dated, ...] = ()
    line_dated: tuple[Dated, ...] = ()


@dataclass(frozen=True, slots=True)
class AskPart:
    """One question in a message: its words, the key that a press names, its buttons (answer, label).

    `places`: where what it is about can be looked at (what it is called, address). `note` is in small print. `moments`:
    points in time that the words name, for a channel that shows each reader their own zone.
    """

    text: str
    key: str = ""
    buttons: tuple[tuple[str, str], ...] = ()
    places: tuple[tuple[str, str], ...] = ()
    note: str = ""
    moments: tuple[datetime, ...] = ()

    @property
    def plain(self) -> str:
        """As it is read without buttons and links."""
        lines = [self.text, *(f"{name}: {url}" for name, url in self.places), self.note]
        return "\n".join([*(line for line in lines if line), *(f"[{label}]" for _, label in self.buttons)])
