"""People: what they want, who they are in a chat, when they were last written to."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from loopbot.domain.records import Person, Ref

Standing = Literal["known", "unknown", "left"]
"""known: has an id in the chat; unknown: nobody there is certainly this person; left: their account is deactivated."""


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """Who somebody is in one chat: `ident` their id there, `zone` the one of their profile; `why` where they are not known."""

    who: str
    system: str
    standing: Standing
    checked_at: datetime
    ident: str = ""
    name: str = ""
    zone: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Replied:
    """What somebody answered to the message of an effect (`key`): `who` is "" where nobody did in time."""

    key: str
    who: str
    about: Ref
    question: str
    answer: str
    words: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """When a lane was last written to, and how many messages it had since the moment that was asked about."""

    last: datetime | None = None
    first: datetime | None = None
    count: int = 0


class People(Protocol):
    """What is kept about people. `who` is what a person is remembered by (domain/people.py)."""

    def prefer(self, who: str, name: str, value: str | None) -> None:
        """Keep what somebody wants; None: forget it."""

    def wishes(self, whos: Collection[str]) -> dict[str, dict[str, str]]:
        """What each of them wants, by name."""

    def followers(self, refs: Collection[Ref]) -> dict[Ref, list[str]]:
        """Who said that they follow these records, the first to say so first."""

    def keep(self, acquaintances: Iterable[Acquaintance]) -> None:
        """Note who somebody is in a chat."""

    def forget(self, system: str, whos: Collection[str]) -> None:
        """Nobody is looked for under these names any more."""

    def known(self, system: str, whos: Collection[str]) -> dict[str, Acquaintance]:
        """Those who were looked for in this chat."""

    def all_known(self, system: str | None = None, standing: Standing | None = None) -> list[Acquaintance]:
        """Everybody who was looked for, in order of name."""

    def replied(self, reply: Replied) -> bool:
        """Keep an answer, the last word of each person to each message; false where it says nothing new."""

    def answered(self, key: str, who: str) -> str | None:
        """What somebody has answered to this message; None while they have not."""

    def replies(self, since: datetime) -> list[Replied]:
        """What was answered since then, the latest first."""

    def spoke(self, lane: str) -> None:
        """A message went out in this lane now."""

    def spoken(self, lane: str, since: datetime) -> Spoken:
        """What went out in a lane since then."""


class Introduces(Protocol):
    """A sink that can tell who somebody is among its people."""

    def meet(self, person: Person, ident: str | None) -> Acquaintance:
        """Find a person by id where one is given, else by e-mail; raises SystemTrouble where that can not be known now."""
