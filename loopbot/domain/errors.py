"""Errors, named by what to do next. Raised once, at the border, with the thing and the remedy in the message."""

from dataclasses import dataclass
from datetime import datetime

from loopbot.domain.redaction import scrubbed


class LoopbotError(Exception):
    """Anything loopbot says about itself; its text is meant for people."""


@dataclass
class UserError(LoopbotError):
    """A mistake in what a person wrote (config, rule, command): say where, what and how to mend it. Exit code 2."""

    where: str
    why: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.why}" + (f" ({self.hint})" if self.hint else "")


class ConfigError(UserError):
    """The configuration can not be used."""


class RuleError(UserError):
    """A rule can not be used."""


@dataclass
class StoreTrouble(LoopbotError):
    """The store can not be used as it is: the disk is full, the file is damaged, someone holds it."""

    where: str
    why: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.why}" + (f" ({self.hint})" if self.hint else "")


@dataclass
class SystemTrouble(LoopbotError):
    """Something between loopbot and one system; the other systems go on. What it quotes of an answer holds no secret."""

    system: str
    why: str
    hint: str = ""

    def __post_init__(self) -> None:
        """A system may repeat what it was sent, in whatever field of its answer a reason is taken from."""
        self.why, self.hint = scrubbed(self.why), scrubbed(self.hint)

    def __str__(self) -> str:
        return f"{self.system}: {self.why}" + (f" ({self.hint})" if self.hint else "")


@dataclass
class Transient(SystemTrouble):
    """Definitely not done; try again, after `after` seconds where the server said so.

    `scope` tells what has to wait: `host` (the endpoint is throttled: not a failure) or `item` (only this one).
    """

    after: float | None = None
    scope: str = "host"


@dataclass
class Uncertain(SystemTrouble):
    """The answer to a write was lost: it may or may not be there. Find out; never send again blindly.

    `shut` tells that the system seems to be closed to us (credentials, single sign-on): nothing else is sent there for a while.
    """

    shut: bool = False


@dataclass
class Rejected(SystemTrouble):
    """The system said no to this one thing, and will say so again: park it and show it.

    `status` is the HTTP status that said so, where one did.
    """

    status: int | None = None


@dataclass
class Unauthorized(SystemTrouble):
    """The credentials are not accepted (or a login page came back): stop this system and ask a person."""


@dataclass
class BrokenAnswer(SystemTrouble):
    """A read brought something that is not an answer (HTML, cut JSON, a page that repeats): the cursor stays."""


def shut_out(outcome: object) -> Unauthorized | None:
    """What an outcome means for all else that was to be sent to that system, where it means that nothing is to be."""
    if isinstance(outcome, Uncertain) and outcome.shut:
        return Unauthorized(outcome.system, outcome.why, outcome.hint)
    return outcome if isinstance(outcome, Unauthorized) else None


Trouble = Transient | Uncertain | Rejected | Unauthorized


class Declined(LoopbotError):
    """What someone asked for in a chat is not done, for a reason that is told to them alone; what is shown stays as it is.

    `moments` are the points in time that the reason names.
    """

    def __init__(self, why: str, moments: tuple[datetime, ...] = ()) -> None:
        super().__init__(why)
        self.moments = moments
