"""How effects, times and numbers read, in the terminal and in a chat."""

from datetime import UTC, datetime

from loopbot.domain.effects import (
    Align,
    Ask,
    Comment,
    Effect,
    LinkTickets,
    OpenTicket,
    Post,
    SetFields,
    Tell,
    Transition,
)
from loopbot.domain.pending import PENDING_KIND, PENDING_MARK
from loopbot.domain.records import Ref
from loopbot.domain.scoring import span_in_words
from loopbot.domain.texts import shorten

_A = {"incident": "an incident", "issue": "an issue"}


def said(text: str, limit: int = 90) -> str:
    """A text in one line, quoted, pending tickets shown as such."""
    flat = " ".join(PENDING_MARK.sub("(its key)", text).split())
    return f"“{shorten(flat, limit)}”"


def ref_words(ref: Ref) -> str:
    """A record as people call it."""
    return "the new ticket" if ref.kind == PENDING_KIND else ref.key


def linked_words(source: Ref, relation: str, target: Ref) -> str:
    """A link as people read it: INC1 to CHG1 (caused by)."""
    return f"{ref_words(source)} to {ref_words(target)} ({relation.replace('_', ' ')})"


def what_it_does(effect: Effect, limit: int = 90) -> str:  # noqa: PLR0911  # one line a verb
    """One effect as a sentence without a subject: what is written, where."""
    match effect:
        case OpenTicket():
            return f"open {_A.get(effect.kind, f'a {effect.kind}')} in {effect.place}: {said(effect.title, limit)}"
        case LinkTickets():
            words = linked_words(effect.source, effect.relation, effect.target)
            return f"clear the link {words}" if effect.gone else f"link {words}"
        case Comment():
            whom = "internal note on" if effect.audience == "internal" else "comment for the customer on"
            return f"{whom} {ref_words(effect.target)}: {said(effect.text, limit)}"
        case Transition():
            return f"move {ref_words(effect.target)} to {effect.to.replace('_', ' ')}"
        case SetFields():
            fields = ", ".join(f"{name} = {said(value, 40)}" for name, value in effect.fields)
            return f"set on {ref_words(effect.target)}: {fields}"
        case Align():
            return f"set the {effect.field} of {ref_words(effect.target)} to {said(effect.value, 40)}, as on its other side"
        case Post():
            return f"post to #{effect.channel.lstrip('#')}: {said(effect.text, limit)}"
        case Ask():
            return f"ask in #{effect.channel.lstrip('#')}: {said(effect.text, limit)}"
        case Tell():
            return f"tell {effect.person.name or effect.person.email or effect.person.key}: {said(effect.text, limit)}"
        case _:
            return effect.verb


def ago(at: datetime, now: datetime | None = None) -> str:
    """A time, relative and absolute: 22 minutes ago (14:05 UTC)."""
    now = now or datetime.now(UTC)
    seconds = (now - at).total_seconds()
    when = f"{at:%H:%M} UTC" if abs(seconds) < 86_400 else f"{at:%d %b %Y %H:%M} UTC"
    if abs(seconds) < 1:
        return f"just now ({when})"
    return f"{span_in_words(seconds)} ago ({when})" if seconds > 0 else f"in {span_in_words(-seconds)} ({when})"


def counted(number: int, thing: str, things: str = "") -> str:
    """1 effect, 2 effects."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"
