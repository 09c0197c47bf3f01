"""`/loop notices`: what somebody hears, at which hours and how often; shown on the home tab, changed in a form."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from loopbot.domain.forms import ChoiceField, Filled, Form, TextField, Wrong
from loopbot.domain.records import Person
from loopbot.domain.scoring import span_in_words
from loopbot.domain.speech import Block, Bullets, Button, Buttons, Lead, Message, Moment, Option, Words
from loopbot.domain.telling import FOR_GOOD, NEVER_QUIET, Quiet, is_zone
from loopbot.domain.texts import listed
from loopbot.usecases.conversation.desk import SAY, Desk
from loopbot.usecases.telling import preferences
from loopbot.usecases.telling.identity import acquaint
from loopbot.usecases.telling.preferences import Preferences

NOTICES: Final = "notices"
_AS_ALL: Final = "as_all"
_HEAR: Final = (Option("all", "Everything that concerns me"), Option("nothing", "Nothing, until I say otherwise"))
_WINDOWS: Final = (
    Option("0", "Each message at once"),
    Option("3600", "At once, then at most once an hour"),
    Option("86400", "At once, then at most once a day"),
)
_MOST: Final = 10


def form(desk: Desk, person: Person) -> Form:
    """What holds now, to be changed. Asks the chat once a week for the person's time zone."""
    acquaint(desk.loop, person.system, [person])
    now = preferences.preferences(desk.loop, person)
    wishes, manners = now.wishes, desk.loop.manners
    common = span_in_words(manners.digest.total_seconds()) if manners.digest else ""
    usual = f"As for everybody: what comes within {common} is gathered" if common else "As for everybody: each at once"
    chosen = _AS_ALL if wishes.digest is None else f"{wishes.digest.total_seconds():.0f}"
    quiet = NEVER_QUIET if wishes.never_quiet else str(wishes.quiet or "")
    hint = f"Such as 22:00-07:00; “{NEVER_QUIET}” for none. Empty: as for everybody ({manners.quiet or 'none'})."
    elsewhere = "" if wishes.zone else f" ({now.zone})"
    fields = (
        ChoiceField("hear", "What do you want to hear?", _HEAR, "nothing" if _muted(desk, now) else "all"),
        ChoiceField("gather", "How often?", (Option(_AS_ALL, usual), *_WINDOWS), chosen),
        TextField("quiet", "Hours in which you are left alone", hint, quiet, optional=True, most=20),
        TextField("zone", "Your time zone", f"Such as Europe/Berlin. Empty: that of your profile{elsewhere}.", wishes.zone, optional=True, most=60),
    )  # fmt: skip
    return Form(NOTICES, "My notices", fields, "Save")


def submitted(desk: Desk, person: Person, filled: Filled) -> Message | Wrong:
    """Keep it, or say what is wrong; nothing is kept of a form with a mistake."""
    quiet, zone, gather = filled.value("quiet"), filled.value("zone"), filled.value("gather")
    wrong = dict(_mistakes(quiet, zone))
    if wrong:
        return Wrong(wrong)
    loop, before = desk.loop, preferences.preferences(desk.loop, person)
    muted = _muted(desk, before)
    if filled.value("hear") == "nothing" and not muted:
        preferences.mute(loop, person)
    elif filled.value("hear") == "all" and muted:
        preferences.unmute(loop, person)
    preferences.quiet(loop, person, quiet or None)
    preferences.in_zone(loop, person, zone or None)
    preferences.digest(loop, person, timedelta(seconds=int(gather)) if gather.isdecimal() else None)
    return Message((Lead("It is noted."), Bullets(tuple(_lines(desk, preferences.preferences(loop, person))))))


def shown(desk: Desk, person: Person) -> list[Block]:
    """What holds for somebody, in words, and the way to change it."""
    lines = tuple(_lines(desk, preferences.preferences(desk.loop, person)))
    return [Lead("My notices"), Bullets(lines), Buttons(SAY, (Button(NOTICES, "Change…"),))]


def _mistakes(quiet: str, zone: str) -> Iterator[tuple[str, str]]:
    if quiet and quiet != NEVER_QUIET:
        try:
            Quiet.parse(quiet)
        except ValueError as error:
            yield "quiet", f"{str(error)[:1].upper()}{str(error)[1:]}."
    if zone and not is_zone(zone):
        yield "zone", "There is no such zone. Write one such as Europe/Berlin or America/New_York."


def _lines(desk: Desk, now: Preferences) -> Iterator[Words]:
    wishes, manners = now.wishes, desk.loop.manners
    if not _muted(desk, now):
        yield "You hear everything that concerns you."
    elif wishes.muted_until == FOR_GOOD or wishes.muted_until is None:
        yield f"You hear nothing until you say {desk.command} unmute."
    else:
        yield ("You hear nothing until ", Moment(wishes.muted_until), ".")
    window = manners.digest if wishes.digest is None else wishes.digest
    if window:
        span = span_in_words(window.total_seconds())
        yield f"A message comes at once; what follows within {span} is gathered into the next."
    else:
        yield "Each message comes at once."
    quiet = None if wishes.never_quiet else wishes.quiet or manners.quiet
    yield (
        f"You are left alone {quiet} ({now.zone})." if quiet else f"No hours in which you are left alone ({now.zone})."
    )
    for lead, refs in (("Followed", now.follows), ("Muted", tuple(sorted(wishes.muted_about)))):
        if refs:
            more = [f"{len(refs) - _MOST} more"] if len(refs) > _MOST else []
            yield f"{lead}: {listed([*(one.key for one in refs[:_MOST]), *more])}"


def _muted(desk: Desk, now: Preferences) -> bool:
    until = now.wishes.muted_until
    return until is not None and until > desk.loop.clock.now()
