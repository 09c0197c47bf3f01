"""Who may do what in a chat: everybody may look and answer what they were asked; groups of people see and decide more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

from loopbot.domain.errors import SystemTrouble
from loopbot.domain.records import Person

Deed = Literal["look", "decide"]
Group = Literal["operators", "agents", "problem_managers", "release_managers", "product_owners", "engineers"]
"""operators decide what is stuck; agents answer reporters; problem managers look for causes; release managers ship; product
owners decide what is built; engineers build it."""
GROUPS: tuple[Group, ...] = get_args(Group)


def _no_groups(_group: str) -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, slots=True)
class Roles:
    """Who is in a group: e-mail addresses, people's ids in the chat, or ids of user groups; nobody is by name.

    `members` gives the ids of the people in a user group. Where the chat does not say who is in it, nobody is.
    """

    operators: frozenset[str] = frozenset()
    members: Callable[[str], frozenset[str]] = _no_groups
    groups: Mapping[Group, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    def may(self, person: Person, deed: Deed) -> bool:
        """Whether this person may do that."""
        return deed == "look" or self.belongs(person, "operators")

    def belongs(self, person: Person, group: Group) -> bool:
        """Whether this person is in that group; operators are in every one."""
        known = self.operators | self.groups.get(group, frozenset())
        named = {one.casefold() for one in known} - {""}
        if person.key.casefold() in named or (person.email or "").strip().casefold() in named:
            return True
        return any(person.key in self._in(one) for one in known if "@" not in one)

    def of(self, person: Person) -> frozenset[Group]:
        """Every group this person is in."""
        return frozenset(group for group in GROUPS if self.belongs(person, group))

    def _in(self, group: str) -> frozenset[str]:
        try:
            return self.members(group)
        except SystemTrouble:
            return frozenset()
