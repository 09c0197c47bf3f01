"""Events: what a rule wakes for. All of them are durable: each is a row of the store before it is judged."""

from dataclasses import dataclass
from datetime import datetime

from loopbot.domain.records import Record, Ref

SILENCE = "silence"
SILENT = "silent:"
"""How timers are called that end the wait for an answer, before the key of the message that asked."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A record is new or its content changed; `echo` marks a change that loopbot itself wrote."""

    record: Record
    before: Record | None = None
    echo: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """A timer that a rule set on a record has run out (`settle`, a watch, silence after a question)."""

    rule: str
    record: Record
    timer: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """A person answered a question that loopbot asked about a record.

    `words` is what they wrote with it, `asked` the key of the message that asked. Nobody answering for as long as the question says is an answer, too: SILENCE, by no person.
    """

    person: str
    question: str
    answer: str
    record: Record
    at: datetime
    words: str = ""
    by_reporter: bool = False
    asked: str = ""


Event = Changed | Due | Answered


@dataclass(frozen=True, slots=True)
class Timer:
    """Asks to be woken as `Due` at a time; setting it again moves it."""

    rule: str
    subject: Ref
    name: str
    at: datetime
