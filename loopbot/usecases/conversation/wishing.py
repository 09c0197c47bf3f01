"""`/loop follow`, `unfollow`, `mute`, `unmute`: what somebody wants to hear, in the words they type."""

import re
from datetime import datetime, timedelta
from typing import Final

from loopbot.domain.records import Person, Record
from loopbot.domain.speech import Lead, Message, Moment, Paragraph, say
from loopbot.usecases.conversation.desk import Desk, quoted
from loopbot.usecases.telling import preferences

_SPAN: Final = re.compile(r"(?<!\w)(\d{1,3})\s*(h|hours?|d|days?|w|weeks?|stunden?|tage?|wochen?)(?!\w)", re.IGNORECASE)
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOURS: Final = {"h": 1, "s": 1, "d": 24, "t": 24, "w": 168}


def follow(desk: Desk, person: Person, record: Record) -> Message:
    """They hear what becomes of it."""
    preferences.follow(desk.loop, person, record.ref)
    return Message((Lead(f"You hear what becomes of {record.key}."), Paragraph(quoted(record.title))))


def unfollow(desk: Desk, person: Person, record: Record) -> Message:
    """They do not any more."""
    preferences.unfollow(desk.loop, person, record.ref)
    return say(f"You follow {record.key} no longer. What you reported yourself you still hear about.")


def mute(desk: Desk, person: Person, record: Record | None, words: str) -> Message:
    """They hear nothing: about one record, or about anything until a moment."""
    if record is not None:
        preferences.mute(desk.loop, person, record.ref)
        return say(f"You hear nothing more about {record.key}. {desk.command} unmute {record.key} ends that.")
    until = _until(words, desk.loop.clock.now())
    preferences.mute(desk.loop, person, None, until)
    if until is None:
        return say(f"You hear nothing until you say {desk.command} unmute.")
    return Message(
        (Paragraph(("You hear nothing until ", Moment(until), f". {desk.command} unmute ends that earlier.")),)
    )


def unmute(desk: Desk, person: Person, record: Record | None) -> Message:
    """They hear again."""
    preferences.unmute(desk.loop, person, record.ref if record else None)
    return say(f"You hear about {record.key} again." if record else "You hear what concerns you again.")


def _until(words: str, now: datetime) -> datetime | None:
    """The moment that was meant: `3d`, `2 weeks`, `until monday`, `tomorrow`; None where none was named."""
    said = words.lower()
    found = _SPAN.search(said)
    if found:
        return now + timedelta(hours=int(found[1]) * _HOURS[found[2][0].lower()])
    midnight = now.replace(hour=6, minute=0, second=0, microsecond=0)
    if "tomorrow" in said or "morgen" in said:
        return midnight + timedelta(days=1)
    for number, day in enumerate(_DAYS):
        if day in said:
            return midnight + timedelta(days=(number - now.weekday() - 1) % 7 + 1)
    return None
