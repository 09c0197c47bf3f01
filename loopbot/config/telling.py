"""`[telling]` and `[people]`: when and how often people are told, and which people of several systems are one."""

import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from loopbot.domain.errors import ConfigError
from loopbot.domain.people import Alias, Roster
from loopbot.domain.telling import Manners, Quiet, is_zone

DEFAULT_FILE = Path("people.toml")
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class Telling(BaseModel):
    """`[telling]`: digests, quiet hours, and how much a channel hears."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    digest_seconds: Seconds = Field(
        600,
        description="What comes within this time after a message to a person is gathered into the next; 0: what is due at once.",
    )
    quiet: str = Field(
        "", description="Hours in which nobody is written to, each in their own zone, such as 22:00-07:00."
    )
    zone: str = Field(
        "UTC",
        description="The time zone of people whose profile names none, such as Europe/Berlin; points in time in comments are said in it as well.",
    )
    channel_per_hour: int = Field(
        30, ge=0, description="At most so many messages to one channel an hour; the rest is gathered. 0: any number."
    )
    burst: int = Field(10, ge=0, description="So many due at once for a channel become one message. 0: never.")
    threads: bool = Field(
        True,
        description="What is posted about a ticket again goes to the thread of the channel's first message about it.",
    )
    environments: Mapping[str, str] = Field(
        default_factory=dict,
        description="Where tickets name no environment: a service, an account or an e-mail domain = the one its people use.",
    )
    report_to: str = Field("", description="The channel that reads once a day what was not sent, and why; empty: none.")
    report_at: str = Field("08:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="When it does, UTC.")
    report_in: str = Field("slack", description="The system that channel is in.")

    @field_validator("quiet")
    @classmethod
    def _hours(cls, value: str) -> str:
        return str(Quiet.parse(value)) if value else ""

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if not is_zone(value):
            message = f"{value!r} is not a time zone; write one such as Europe/Berlin"
            raise ValueError(message)
        return value

    @property
    def manners(self) -> Manners:
        """The same, as the use cases know it."""
        hour, minute = self.report_at.split(":")
        return Manners(
            digest=timedelta(seconds=self.digest_seconds),
            quiet=Quiet.parse(self.quiet) if self.quiet else None,
            zone=self.zone,
            channel_per_hour=self.channel_per_hour,
            burst=self.burst,
            threads=self.threads,
            environments=MappingProxyType(dict(self.environments)),
            report_to=self.report_to.removeprefix("#"),
            report_at=(int(hour), int(minute)),
            report_in=self.report_in,
        )


class People(BaseModel):
    """`[people]`: where it is written down which people are one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path | None = Field(
        None, description="The alias file, relative to this one; people.toml beside it where there is one."
    )


class _Person(BaseModel):
    """One `[[person]]` of the alias file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    email: str = ""
    ids: Mapping[str, str] = Field(default_factory=dict)
    also: tuple[str, ...] = ()


class _AliasFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    person: tuple[_Person, ...] = ()


def load_roster(path: Path, *, wanted: bool) -> Roster:
    """Read the alias file; raises ConfigError. Not `wanted`: there need not be one."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if wanted:
            raise ConfigError(str(path), "there is no such file", "docs/telling.md shows one") from None
        return Roster()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(str(path), f"can not be read: {' '.join(str(error).split())}") from None
    try:
        people = _AliasFile.model_validate(raw).person
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path.name}, {where}", str(first["msg"]), "docs/telling.md shows an alias file") from None
    for number, one in enumerate(people, start=1):
        if not one.email and not one.ids:
            why = "has neither an email nor ids: nobody can be found by it"
            raise ConfigError(f"{path.name}, person[{number}]", why, 'write email = "ann@example.com"')
        for name in one.also:
            if "@" not in name and ":" not in name:
                why = f"{name!r} is neither an e-mail address nor an id"
                raise ConfigError(f"{path.name}, person[{number}].also", why, 'write "jira:712020:3b1c", or an e-mail')
    try:
        return Roster(Alias(one.name, one.email, dict(one.ids), frozenset(one.also)) for one in people)
    except ValueError as error:
        raise ConfigError(path.name, str(error), "each may stand for one human only") from None
