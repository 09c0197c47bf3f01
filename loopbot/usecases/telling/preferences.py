"""What a person wants to hear: follow, mute, quiet hours, zone, digest. The chat's commands and the terminal call these.

A person is known by the name that stands for all of theirs (people.toml), so that what is said in the chat holds for what is
told about tickets of any system.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from loopbot.domain.errors import UserError
from loopbot.domain.people import who
from loopbot.domain.records import Person, Ref
from loopbot.domain.telling import ALWAYS, DIGEST, FOLLOW, MUTE, NEVER_QUIET, QUIET, ZONE, Quiet, Wishes, is_zone
from loopbot.ports import Tx
from loopbot.usecases.loop import Loop

LONGEST_DIGEST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Preferences:
    """What one person has said, and what holds for them: `follows` in the order they said so."""

    who: str
    wishes: Wishes
    follows: tuple[Ref, ...]
    zone: str


def follow(loop: Loop, person: Person, ref: Ref) -> None:
    """They hear what becomes of a record, whoever reported it."""
    _prefer(loop, person, f"{FOLLOW}{ref}", "")


def unfollow(loop: Loop, person: Person, ref: Ref) -> None:
    """They do not follow it any more."""
    _prefer(loop, person, f"{FOLLOW}{ref}", None)


def mute(loop: Loop, person: Person, what: Ref | None = None, until: datetime | None = None) -> None:
    """They hear nothing about a record, or nothing at all, for good or until a moment (UTC)."""
    value = ALWAYS if until is None else until.astimezone(UTC).isoformat()
    _prefer(loop, person, MUTE if what is None else f"{MUTE}:{what}", value if what is None else ALWAYS)


def unmute(loop: Loop, person: Person, what: Ref | None = None) -> None:
    """They hear again; about a record, or (None) in general."""
    _prefer(loop, person, MUTE if what is None else f"{MUTE}:{what}", None)


def quiet(loop: Loop, person: Person, hours: str | None, zone: str = "") -> None:
    """They are left alone in these hours (`22:00-07:00`) of their zone; "never": not even in those of the installation.

    None: as the installation does. Raises UserError for hours or a zone that do not exist.
    """
    if hours is not None and hours != NEVER_QUIET:
        try:
            hours = str(Quiet.parse(hours))
        except ValueError as error:
            raise UserError("quiet hours", str(error)) from None
    if zone:
        in_zone(loop, person, zone)
    _prefer(loop, person, QUIET, hours)


def in_zone(loop: Loop, person: Person, zone: str | None) -> None:
    """Their clock goes by this zone, such as Europe/Berlin; None: by that of their profile. Raises UserError."""
    if zone is not None and not is_zone(zone):
        raise UserError(zone, "is not a time zone", "write one such as Europe/Berlin or America/New_York")
    _prefer(loop, person, ZONE, zone)


def digest(loop: Loop, person: Person, window: timedelta | None) -> None:
    """What comes within this time after a message is gathered into the next; zero: at once. None: as the installation does."""
    if window is not None and not timedelta(0) <= window <= LONGEST_DIGEST:
        raise UserError("the digest", "can not wait longer than a day", "write 0 (at once) to 24 hours")
    _prefer(loop, person, DIGEST, None if window is None else str(window.total_seconds()))


def preferences(loop: Loop, person: Person) -> Preferences:
    """What they have said, and the zone that holds for them."""
    with loop.store.read() as tx:
        rows = rows_of(tx, loop, person)
        known = tx.people.known(person.system, [who(loop.roster.same(person))])
    wishes = Wishes.of(rows)
    zone = wishes.zone or next((one.zone for one in known.values() if one.zone), "") or loop.manners.zone
    follows = tuple(Ref.parse(name.removeprefix(FOLLOW)) for name in rows if name.startswith(FOLLOW))
    return Preferences(who(loop.roster.same(person)), wishes, follows, zone)


def rows_of(tx: Tx, loop: Loop, person: Person) -> Mapping[str, str]:
    """What a person wants, under any name they are known by: as somebody in the chat, and by e-mail."""
    same = loop.roster.same(person)
    names = [f"{person.system}:{person.key}", who(same)]
    found = tx.people.wishes(names)
    return {name: value for one in names for name, value in found[one].items()}


def _prefer(loop: Loop, person: Person, name: str, value: str | None) -> None:
    same = loop.roster.same(person)
    with loop.store.write() as tx:
        tx.people.prefer(who(same), name, value)
        if value is None:
            # It may have been said before anybody knew their e-mail.
            tx.people.prefer(f"{person.system}:{person.key}", name, None)
    loop.witness.noted("preference", person=who(same), name=name, value="" if value is None else value or "yes")
