"""Who may do what in a chat: everybody may look and answer what they were asked; operators decide about what is stuck."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from loopbot.domain.errors import SystemTrouble
from loopbot.domain.records import Person

Deed = Literal["look", "decide"]


def _no_groups(_group: str) -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, slots=True)
class Roles:
    """`operators` are e-mail addresses, people's ids in the chat, or ids of user groups; nobody is one by name.

    `members` gives the ids of the people in a user group. Where the chat does not say who is in it, nobody is.
    """

    operators: frozenset[str] = frozenset()
    members: Callable[[str], frozenset[str]] = _no_groups

    def may(self, person: Person, deed: Deed) -> bool:
        """Whether this person may do that."""
        return deed == "look" or self._operates(person)

    def _operates(self, person: Person) -> bool:
        known = {one.casefold() for one in self.operators}
        if person.key.casefold() in known or (person.email or "").strip().casefold() in known - {""}:
            return True
        return any(person.key in self._in(group) for group in self.operators if "@" not in group)

    def _in(self, group: str) -> frozenset[str]:
        try:
            return self.members(group)
        except SystemTrouble:
            return frozenset()
