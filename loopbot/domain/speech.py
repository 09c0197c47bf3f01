"""What loopbot says to people, before any chat or terminal gives it a shape: messages made of blocks, and forms.

Every text is literal by its type: no block, span or field holds markup, so what somebody typed into a ticket can name
nobody, link nowhere and break no layout. What leads somewhere is an `Address`, whose label never passes for another one.
How long anything may be is the business of the channel that shows it; it marks what it cuts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final, Literal

from loopbot.domain.records import Person
from loopbot.domain.texts import clean

_BULLET: Final = "• "
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"'|]{1,2000}")
_CUT: Final = "…"
_TRAILING: Final = ".,;:!?)]}…"
_LIKE_AN_ADDRESS: Final = re.compile(r"://|\bwww\.|\w\.[a-z]{2,}\b|/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """Literal words; `strong` where the eye should go first."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """A web address, shown by its label; where the label looks like an address itself, the address is shown instead."""

    url: str
    label: str = ""

    @property
    def shown(self) -> str:
        """What is read in its place."""
        label = self.label.strip()
        return label if label and not _LIKE_AN_ADDRESS.search(label) else self.url or label

    @property
    def leads(self) -> bool:
        """Whether it is an address that may be followed; else it is words."""
        return _ADDRESS.fullmatch(self.url) is not None


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time (UTC), shown in the reader's own zone where the channel knows it; `by_date`: never as today or yesterday."""

    at: datetime
    by_date: bool = False

    @property
    def shown(self) -> str:
        """As it is read where nobody knows the reader's zone."""
        return f"{self.at:%Y-%m-%d %H:%M} UTC"


Span = Said | Address | Moment
Words = str | Span | tuple[str | Span, ...]
"""A run of words: a plain string is literal, whatever it holds."""


@dataclass(frozen=True, slots=True)
class Lead:
    """What matters, in one line, first."""

    words: Words


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some sentences."""

    words: Words


@dataclass(frozen=True, slots=True)
class Quote:
    """Somebody's own words."""

    words: Words


@dataclass(frozen=True, slots=True)
class Fields:
    """Names and what stands for them, one below the other."""

    rows: tuple[tuple[str, Words], ...]


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list; `numbered` where the order says something."""

    items: tuple[Words, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """A remark in small print."""

    text: str


@dataclass(frozen=True, slots=True)
class Divider:
    """A line between two things."""


@dataclass(frozen=True, slots=True)
class Confirm:
    """What is asked once more before something that can not be taken back."""

    title: str
    text: str
    yes: str = "Yes"
    no: str = "No"


@dataclass(frozen=True, slots=True)
class Button:
    """`answer` is what a press says; `label` what is read on it."""

    answer: str
    label: str
    style: Literal["", "primary", "danger"] = ""
    confirm: Confirm | None = None


@dataclass(frozen=True, slots=True)
class Buttons:
    """Answers to choose from; a press arrives as (key, answer)."""

    key: str
    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class Option:
    """One of several to choose from."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Select:
    """Many answers to choose one from; the choice arrives as (key, value)."""

    key: str
    label: str
    options: tuple[Option, ...]


Block = Lead | Paragraph | Quote | Fields | Bullets | Context | Divider | Buttons | Select


@dataclass(frozen=True, slots=True)
class Message:
    """What is said at once, from the first thing that matters to the last."""

    blocks: tuple[Block, ...]

    def __add__(self, other: "Message") -> "Message":
        """Both, one below the other."""
        return Message((*self.blocks, *other.blocks))


Home = Message
"""What one person sees when they look at loopbot itself."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of a chat that somebody pointed at: `place` and `stamp` name it for good, `url` leads to it."""

    system: str
    place: str
    stamp: str
    text: str
    author: Person | None = None
    url: str = ""

    @property
    def ident(self) -> str:
        """The same for the same message, whoever points at it and however often."""
        return f"{self.system}/{self.place}/{self.stamp}"


def say(text: str) -> Message:
    """A plain text as blocks: lines that start with a bullet are a list, blank lines part paragraphs."""
    return Message(tuple(_blocks(text)) or (Paragraph(""),))


def spans(words: Words) -> Iterator[Span]:
    """The parts of a run of words; addresses that stand in a plain string lead where they say."""
    for part in words if isinstance(words, tuple) else (words,):
        if isinstance(part, str):
            yield from _found(part)
        else:
            yield part


def plain(message: Message) -> str:
    """The message as plain text, for a terminal, a log or a notification."""
    return "\n".join(_plain_block(block) for block in message.blocks if not isinstance(block, Divider)).strip("\n")


def read(words: Words) -> str:
    """A run of words as it is read aloud."""
    return "".join(_read(span) for span in spans(words))


def _read(span: Span) -> str:
    if isinstance(span, Said):
        return span.text
    if isinstance(span, Moment):
        return span.shown
    return f"{span.shown} ({span.url})" if span.leads and span.shown != span.url else span.shown


def _plain_block(block: Block) -> str:
    match block:
        case Lead(words) | Paragraph(words):
            return read(words)
        case Quote(words):
            return "\n".join(f"> {line}" for line in read(words).splitlines() or [""])
        case Fields(rows):
            return "\n".join(f"{name}: {read(words)}" for name, words in rows)
        case Bullets(items, numbered):
            marks = (f"{place}. " if numbered else _BULLET for place in range(1, len(items) + 1))
            return "\n".join(mark + read(item) for mark, item in zip(marks, items, strict=False))
        case Context(text):
            return text
        case Buttons(_, buttons):
            return " ".join(f"[{one.label}]" for one in buttons)
        case Select(_, label, options):
            return f"{label}: " + ", ".join(one.label for one in options)
        case Divider():
            return ""


def _blocks(text: str) -> Iterator[Block]:
    for listed, lines in groupby(clean(text, len(text)).strip("\n").split("\n"), lambda line: line.startswith(_BULLET)):
        if listed:
            yield Bullets(tuple(line.removeprefix(_BULLET) or " " for line in lines))
        elif words := "\n".join(lines).strip("\n"):
            yield Paragraph(words)


def _found(text: str) -> Iterator[Span]:
    end = 0
    for found in _ADDRESS.finditer(text):
        address = found.group().rstrip(_TRAILING)
        if _CUT in found.group() or text[found.end() : found.end() + 2].strip().startswith(_CUT):
            continue  # Half an address leads elsewhere.
        if found.start() > end:
            yield Said(text[end : found.start()])
        yield Address(address)
        end = found.start() + len(address)
    if end < len(text):
        yield Said(text[end:])
