"""Who and where: names, e-mail addresses and people's ids turned into Slack's ids, each asked for once."""

import math
import re
import threading
from typing import Any, Final

from connectors.slack.calls import Calls
from connectors.slack.settings import SlackSettings
from loopbot.domain.errors import Rejected, SystemTrouble
from loopbot.domain.records import Person
from loopbot.domain.texts import clean
from loopbot.ports import Acquaintance, Clock

_CHANNEL_ID: Final = re.compile(r"[CGD][A-Z0-9]{8,}")
_USER_ID: Final = re.compile(r"[UW][A-Z0-9]{6,}")
_GROUP_ID: Final = re.compile(r"S[A-Z0-9]{2,}")
_FRESH = 60.0
_MOST = 10_000
# Slack's words for "there is no such person, or you can not see them".
_NOBODY: Final = ("users_not_found", "user_not_found", "user_not_visible")


class Directory:
    """Finds channels and people; what was found is kept while the process runs, what was not is asked again."""

    def __init__(self, calls: Calls, settings: SlackSettings, clock: Clock) -> None:
        self._calls, self._aliases, self._clock = calls, settings.channels, clock
        self._channels: dict[str, str] = {}
        self._listed = -math.inf
        self._users: dict[str, str] = {}
        self._directs: dict[str, str] = {}
        self._people: dict[str, Person] = {}
        self._lock = threading.Lock()

    def channel(self, named: str) -> str:
        """The id of a channel by alias, name (with or without #) or id; raises Rejected where loopbot sees none."""
        name = self._aliases.get(named) or self._aliases.get(named.removeprefix("#")) or named
        if _CHANNEL_ID.fullmatch(name):
            return name
        name = name.removeprefix("#").lower()
        with self._lock:
            if name not in self._channels and self._clock.monotonic() - self._listed > _FRESH:
                self._channels = self._listing()
                self._listed = self._clock.monotonic()
            found = self._channels.get(name)
        if found is None:
            raise Rejected(
                self._calls.system,
                f"there is no channel #{name} that loopbot can see",
                "check the name; a private channel has to invite it: /invite @loopbot",
            )
        return found

    def direct(self, person: Person) -> str:
        """The id of the conversation with a person, opened if need be; who it is, is never guessed."""
        user = self.user(person)
        with self._lock:
            known = self._directs.get(user)
        if known:
            return known
        # Opening a conversation that is open answers the same one, so it may be asked again.
        told = self._calls.read("conversations.open", users=user)
        made = str((told.get("channel") or {}).get("id", ""))
        self._keep(self._directs, user, made)
        return made

    def user(self, person: Person) -> str:
        """The Slack id of a person, by e-mail; raises Rejected where there is none."""
        system = self._calls.system
        if person.system == system and _USER_ID.fullmatch(person.key):
            return person.key
        email = (person.email or "").strip().casefold()
        called = person.name or person.key
        if not email:
            raise Rejected(system, f"{called} has no e-mail address to be found by", "add the person to people.toml")
        with self._lock:
            known = self._users.get(email)
        if known:
            return known
        try:
            told = self._calls.read("users.lookupByEmail", email=email)
        except Rejected as error:
            if "users_not_found" not in error.why:
                raise
            raise Rejected(
                system, f"nobody in Slack has the e-mail {email} ({called})", "add the person to people.toml"
            ) from error
        found = str((told.get("user") or {}).get("id", ""))
        self._keep(self._users, email, found)
        return found

    def meet(self, person: Person, ident: str | None) -> Acquaintance:
        """Who a person is here, by id where it is known, else by e-mail: one call, and never by name. Raises SystemTrouble."""
        system, email = self._calls.system, (person.email or "").strip().casefold()
        called = person.name or person.key
        if ident is None and not email:
            return self._stranger(f"{called} has no e-mail address to be found by; add the person to people.toml")
        try:
            if ident is not None:
                told = self._calls.read("users.info", user=ident).get("user") or {}
            else:
                told = self._calls.read("users.lookupByEmail", email=email).get("user") or {}
        except Rejected as error:
            if not any(word in error.why for word in _NOBODY):
                raise
            by = f"the id {ident}" if ident is not None else f"the e-mail {email}"
            return self._stranger(f"nobody in Slack has {by} ({called}); add the person to people.toml")
        user = str(told.get("id") or ident or "")
        zone, profile = clean(str(told.get("tz") or ""), 100), told.get("profile") or {}
        name = clean(str(profile.get("real_name") or told.get("real_name") or called), 200)
        if told.get("deleted"):
            why = f"the Slack account of {name} is deactivated; if somebody took over, add them to people.toml"
            return Acquaintance("", system, "left", self._clock.now(), user, name, zone, why)
        if told.get("is_bot"):
            return self._stranger(f"{name} is a bot; add the person behind it to people.toml")
        return Acquaintance("", system, "known", self._clock.now(), user, name, zone)

    def _stranger(self, why: str) -> Acquaintance:
        return Acquaintance("", self._calls.system, "unknown", self._clock.now(), why=why)

    def person(self, user: str, name: str = "") -> Person:
        """The person behind a Slack id, with name and e-mail; only the id and the given name where Slack does not say."""
        with self._lock:
            known = self._people.get(user)
        if known:
            return known
        try:
            told = self._calls.read("users.info", user=user).get("user") or {}
        except SystemTrouble:
            # What the person did must not be lost because of it; asked again the next time.
            return Person(self._calls.system, user, name)
        made = _person(self._calls.system, user, told, name)
        self._keep(self._people, user, made)
        return made

    def members(self, group: str) -> frozenset[str]:
        """The ids of the people in a user group; raises Rejected where it may not be read."""
        if not _GROUP_ID.fullmatch(group):
            return frozenset()
        try:
            told = self._calls.read("usergroups.users.list", usergroup=group).get("users")
        except Rejected as error:
            if "no_such_subteam" not in error.why:
                raise
            return frozenset()
        return frozenset(str(one) for one in told) if isinstance(told, list) else frozenset()

    def forget(self, channel: str) -> None:
        """Slack does not know this id any more: whatever led to it has to be asked again."""
        with self._lock:
            self._channels = {name: one for name, one in self._channels.items() if one != channel}
            self._listed = -math.inf
            self._directs = {user: one for user, one in self._directs.items() if channel not in {user, one}}
            self._users = {email: one for email, one in self._users.items() if one != channel}

    def _keep(self, known: dict[str, Any], name: str, value: object) -> None:
        with self._lock:
            if len(known) >= _MOST:
                known.clear()
            known[name] = value

    def _listing(self) -> dict[str, str]:
        try:
            return self._names("public_channel,private_channel")
        except Rejected as error:
            if "missing_scope" not in error.why:
                raise
            return self._names("public_channel")

    def _names(self, types: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for rows in self._calls.pages("conversations.list", "channels", types=types, exclude_archived=True):
            found.update(
                (str(row["name"]).lower(), str(row["id"])) for row in rows if row.get("name") and row.get("id")
            )
        return found


def _person(system: str, user: str, told: dict[str, Any], name: str) -> Person:
    profile = told.get("profile") or {}
    called = profile.get("real_name") or told.get("real_name") or profile.get("display_name") or name
    email = profile.get("email")
    return Person(system, user, clean(str(called), 200), clean(str(email), 320) if email else None)
