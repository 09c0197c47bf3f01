"""One person over all systems: found by e-mail, or by what a team wrote down about them. Never by name: that is a guess."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from loopbot.domain.records import Person


def who(person: Person) -> str:
    """What a person is remembered by: the e-mail in lower case, else `system:key`."""
    email = (person.email or "").strip().casefold()
    return email or f"{person.system}:{person.key}"


def named_by(who_: str) -> Person:
    """The person that is remembered by this."""
    if "@" in who_ and ":" not in who_.partition("@")[0]:
        return Person("", who_, "", who_)
    system, _, key = who_.partition(":")
    return Person(system, key)


@dataclass(frozen=True, slots=True)
class Alias:
    """What a team says of one human: the e-mail they go by, their ids by system, and what else they are known as.

    `also` holds further e-mail addresses and ids, each written `system:key`.
    """

    name: str = ""
    email: str = ""
    ids: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    also: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """Everything this human is remembered by."""
        listed = {one.strip().casefold() if "@" in one else one.strip() for one in (self.email, *self.also)}
        return frozenset({*listed, *(f"{system}:{key}" for system, key in self.ids.items())} - {""})

    @property
    def who(self) -> str:
        """The one name that stands for all."""
        return self.email.strip().casefold() or min(f"{system}:{key}" for system, key in self.ids.items())


class Roster:
    """The aliases of an installation. Raises ValueError where one name stands for two humans."""

    def __init__(self, aliases: Iterable[Alias] = ()) -> None:
        self.aliases = tuple(aliases)
        self._named: dict[str, Alias] = {}
        for alias in self.aliases:
            for name in alias.names:
                if name in self._named:
                    message = f"{name} stands for two people, {self._named[name].who} and {alias.who}"
                    raise ValueError(message)
                self._named[name] = alias

    def same(self, person: Person) -> Person:
        """The person under the name that stands for all of theirs; unknown to the team: as they are."""
        alias = self._of(person)
        if alias is None:
            return person
        if alias.email:
            return replace(person, email=alias.email, name=alias.name or person.name)
        return replace(named_by(alias.who), name=alias.name or person.name)

    def ident(self, person: Person, system: str) -> str | None:
        """Their id in a system, where the team wrote it down or the person comes from there."""
        alias = self._of(person)
        if alias is not None and system in alias.ids:
            return alias.ids[system]
        return person.key if person.system == system else None

    def _of(self, person: Person) -> Alias | None:
        return self._named.get(f"{person.system}:{person.key}") or self._named.get(who(person))
