"""How people want to be told: when, how often, about what; and what an installation allows itself. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType
from typing import Final, Self
from zoneinfo import ZoneInfo

from loopbot.domain.records import Person, Record, Ref

MUTE: Final = "mute"
QUIET: Final = "quiet"
ZONE: Final = "zone"
DIGEST: Final = "digest"
FOLLOW: Final = "follow:"
ALWAYS: Final = "always"
FOR_GOOD: Final = datetime.max.replace(tzinfo=UTC)
NEVER_QUIET: Final = "never"
_QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Quiet:
    """The hours in which somebody is left alone, by the clock on their wall; from 22:00 to 07:00 goes over midnight."""

    begins: time
    ends: time

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `22:00-07:00`; raises ValueError."""
        found = _QUIET.fullmatch(text.strip())
        if found is None:
            message = f"{text!r} are no quiet hours; write 22:00-07:00"
            raise ValueError(message)
        hours = [int(part) for part in found.groups()]
        return cls(time(hours[0], hours[1]), time(hours[2], hours[3]))

    def __str__(self) -> str:
        return f"{self.begins:%H:%M}-{self.ends:%H:%M}"

    def until(self, now: datetime, zone: str) -> datetime | None:
        """When the quiet that holds at `now` ends, UTC; None where it does not hold."""
        there = now.astimezone(zone_named(zone))
        clock = there.time().replace(tzinfo=None)
        over_midnight = self.begins > self.ends
        holds = clock >= self.begins or clock < self.ends if over_midnight else self.begins <= clock < self.ends
        if not holds:
            return None
        tomorrow = over_midnight and clock >= self.begins
        day = there.date() + timedelta(days=1 if tomorrow else 0)
        return datetime.combine(day, self.ends, there.tzinfo).astimezone(UTC)


def zone_named(name: str) -> "ZoneInfo":
    """The zone of that name; an unknown one is UTC."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return ZoneInfo("UTC")


def moment(at: datetime, zone: str = "UTC") -> str:
    """A point in time as a text names it: 22 Nov 2026, 14:05 UTC."""
    there = at.astimezone(zone_named(zone)) if zone != "UTC" else at.astimezone(UTC)
    return f"{there.day} {there:%b %Y, %H:%M} {there:%Z}"


def is_zone(name: str) -> bool:
    """Whether there is a zone of that name, such as Europe/Berlin."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Wishes:
    """What one person wants. None: what the installation does."""

    muted_until: datetime | None = None
    muted_about: frozenset[Ref] = frozenset()
    quiet: Quiet | None = None
    never_quiet: bool = False
    zone: str = ""
    digest: timedelta | None = None

    @classmethod
    def of(cls, rows: Mapping[str, str]) -> Self:
        """Read their rows; what can not be read is as if it were not there."""
        muted = rows.get(MUTE, "")
        quiet = rows.get(QUIET, "")
        about = (name.removeprefix(f"{MUTE}:") for name in rows if name.startswith(f"{MUTE}:"))
        return cls(
            muted_until=FOR_GOOD if muted == ALWAYS else _moment(muted),
            muted_about=frozenset(Ref.parse(one) for one in about),
            quiet=Quiet.parse(quiet) if _QUIET.fullmatch(quiet) else None,
            never_quiet=quiet == NEVER_QUIET,
            zone=rows.get(ZONE, ""),
            digest=timedelta(seconds=float(rows[DIGEST])) if DIGEST in rows else None,
        )


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody was told about a record, or is to be: `out` when it is (or may be) there, `at` when that was noted.

    `person` is who; for an answer in a thread of a chat, `place` is the channel and `thread` the message it answers.
    """

    key: str
    rule: str
    out: bool
    at: datetime | None = None
    person: Person | None = None
    system: str = ""
    place: str = ""
    thread: str = ""


def environment_of(record: Record, mapped: Mapping[str, str]) -> str | None:
    """The environment whoever said it uses, by what is mapped: their services, their account, the domain of their e-mail."""
    reporter = record.person("reporter")
    domain = (reporter.email or "").rpartition("@")[2].casefold() if reporter else ""
    for name in (*sorted(record.services), record.extra.get("account", ""), domain):
        if name and name in mapped:
            return mapped[name]
    return None


@dataclass(frozen=True, slots=True)
class Manners:
    """What an installation allows itself.

    `digest`: what comes within this time after a message to a person is gathered into the next; None: nothing is gathered.
    `quiet` holds for everybody who says nothing else, in their own zone, or in `zone` where that is not known.
    `channel_per_hour`: at most so many messages to one channel, 0: any number. `burst`: so many due at once for a channel
    become one message, 0: never. `threads`: what is posted about a ticket again goes to the thread of its first message.
    `environments`: services, accounts and e-mail domains, and the environment their people use.
    `report_to`: the channel that reads once a day (at `report_at`, hours and minutes UTC) what was not sent; "": none does.
    """

    digest: timedelta | None = None
    quiet: Quiet | None = None
    zone: str = "UTC"
    channel_per_hour: int = 0
    burst: int = 0
    threads: bool = False
    environments: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    report_to: str = ""
    report_at: tuple[int, int] = (8, 0)
    report_in: str = "slack"


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
