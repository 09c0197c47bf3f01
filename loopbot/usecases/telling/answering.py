"""What people answer under a message: noted, counted, and judged by the rules; silence is an answer, too."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Final

from loopbot.domain.effects import BETWEEN_KEYS, Tell
from loopbot.domain.events import SILENCE, SILENT, Answered, Timer
from loopbot.domain.forms import Filled, Form, TextField
from loopbot.domain.people import who
from loopbot.domain.records import Person, Record
from loopbot.domain.speech import Message, Quote, say
from loopbot.domain.texts import clean, shorten
from loopbot.ports import JournalEntry, Replied, Tx
from loopbot.usecases.conversation import selfhelp
from loopbot.usecases.enact import Enacted, decide
from loopbot.usecases.loop import Loop

STILL_BROKEN: Final = "still-broken"
_THANKS: Final = {
    "yes": "Good. It counts as fixed for you.",
    "no": "It is noted that this still does not work for you; the people who work on it see it now.",
}
_ALL_WELL: Final = "Good. All {count} count as fixed for you."
_UNKNOWN: Final = "This question is no longer known here."
_MOST_WORDS: Final = 3_000


@dataclass(frozen=True, slots=True)
class Tally:
    """The answers to one question: how many of each, the mean where they are numbers, and the latest words."""

    question: str
    counts: tuple[tuple[str, int], ...]
    mean: float | None
    words: tuple[Replied, ...]


def answered(loop: Loop, person: Person, key: str, answer: str, words: str = "") -> Message | Form:
    """Note what a person answered to a message; rules wake for it. Twice does no harm; words may come later.

    Who says that it is still broken is asked what happens: what they write comes with the same answer.
    """
    if BETWEEN_KEYS in key:
        return _all_answered(loop, person, key.split(BETWEEN_KEYS), answer)
    words = loop.redacted(clean(words, _MOST_WORDS)).strip()
    with loop.store.write() as tx:
        row = tx.outbox.get(key)
        if row is None or not isinstance(row.effect, Tell):
            return say(_UNKNOWN)
        effect = row.effect
        if not _is_asked(loop, tx, effect, person):
            return say("This question was asked to someone else.")
        # Whoever was asked is one person, whether Slack says their address with this press or does not.
        asked = who(loop.roster.same(effect.person))
        reply = Replied(effect.key, asked, effect.about, effect.question or "", answer, words)
        record = tx.mirror.get(effect.about)
        if tx.people.replied(reply):
            _note(loop, tx, person, effect, reply, record)
    loop.witness.noted("answered", record=str(effect.about), answer=answer)
    if answer == "no" and not words and effect.question == "fixed":
        return _what_happens(effect, record)
    thanks = selfhelp.THANKS if effect.question == selfhelp.QUESTION else _THANKS
    return say(thanks.get(answer, "Noted."))


def _all_answered(loop: Loop, person: Person, keys: Sequence[str], answer: str) -> Message | Form:
    """The same answer to several messages, each noted by itself. What somebody answered otherwise before stays so."""
    with loop.store.read() as tx:
        left = [key for key in keys if _so_far(loop, tx, key) in {None, answer}]
    said = [answered(loop, person, key, answer) for key in left]
    usual = say(_THANKS.get(answer, "Noted."))
    strange = next((one for one in said if one != usual), None)
    if strange is not None:
        return strange
    return say(_ALL_WELL.format(count=len(left))) if answer == "yes" and len(left) > 1 else usual


def _so_far(loop: Loop, tx: Tx, key: str) -> str | None:
    """What was answered to a message by whoever was asked."""
    row = tx.outbox.get(key)
    if row is None or not isinstance(row.effect, Tell):
        return None
    return tx.people.answered(row.effect.key, who(loop.roster.same(row.effect.person)))


def submitted(loop: Loop, person: Person, filled: Filled) -> Message:
    """What they wrote about what is still broken."""
    words = filled.value("words")
    said = answered(loop, person, filled.context, "no", words) if words else say(_THANKS["no"])
    return said if isinstance(said, Message) else say(_THANKS["no"])


def silence(loop: Loop, tx: Tx, timer: Timer) -> list[Enacted]:
    """Nobody answered in time: the rules hear that, and decide."""
    key = timer.name.removeprefix(SILENT)
    row, record = tx.outbox.get(key), tx.mirror.get(timer.subject)
    if row is None or record is None or not isinstance(row.effect, Tell):
        return []
    effect = row.effect
    because = f"nobody answered “{effect.question}” in time"
    tx.journal([JournalEntry(tx.now(), effect.cause.rule, effect.about, f"answered: {SILENCE}", because)])
    tx.people.replied(Replied(key, "", effect.about, effect.question or "", SILENCE))
    by_reporter = _reported(loop, record, effect.person)
    event = Answered("", effect.question or "", SILENCE, record, tx.now(), by_reporter=by_reporter, asked=key)
    return decide(loop, tx, [event])


def tallies(loop: Loop, since: datetime) -> list[Tally]:
    """What was answered since then, by question."""
    with loop.store.read() as tx:
        replies = tx.people.replies(since)
    found = []
    for question in sorted({one.question for one in replies}):
        here = [one for one in replies if one.question == question]
        counts = {answer: sum(one.answer == answer for one in here) for answer in sorted({one.answer for one in here})}
        numbers = [int(one.answer) for one in here if one.answer.isdecimal()]
        said = tuple(one for one in here if one.words)
        found.append(Tally(question, tuple(counts.items()), fmean(numbers) if numbers else None, said))
    return found


def _note(loop: Loop, tx: Tx, person: Person, effect: Tell, reply: Replied, record: Record | None) -> None:
    called = person.name or person.email or person.key
    because = f"{called} answered {reply.answer!r} to “{effect.question or 'a question'}”"
    because += f": {reply.words}" if reply.words else ""
    # Whether something helped meanwhile says nothing about whether it is fixed.
    what = f"{selfhelp.COUNTED if reply.question == selfhelp.QUESTION else 'answered: '}{reply.answer}"
    tx.journal([JournalEntry(tx.now(), effect.cause.rule, effect.about, what, because)])
    if reply.question == selfhelp.QUESTION and record is not None:
        selfhelp.credit(tx, record, reply.answer, because, effect.text)
    tx.timers.cancel(effect.cause.rule, effect.about, f"{SILENT}{effect.key}")
    if record is None:
        return
    by_reporter = _reported(loop, record, effect.person)
    event = Answered(called, reply.question, reply.answer, record, tx.now(), reply.words, by_reporter, asked=effect.key)
    decide(loop, tx, [event])


def _what_happens(effect: Tell, record: Record | None) -> Form:
    title = record.title if record is not None else effect.about.key
    field = TextField(
        "words", "What happens now?", "In your own words; whoever works on it reads them.", lines=True, optional=True
    )
    return Form(STILL_BROKEN, "Still broken", (field,), "Send", (Quote(shorten(title, 300)),), effect.key)


def _reported(loop: Loop, record: Record, person: Person) -> bool:
    """Whether this is who reported it."""
    name = who(loop.roster.same(person))
    return any(one.role == "reporter" and who(loop.roster.same(one.person)) == name for one in record.people)


def _is_asked(loop: Loop, tx: Tx, effect: Tell, person: Person) -> bool:
    """Whether this is who was asked; where only one of the two has an e-mail address, the chat's delivery decides."""
    asked, here = loop.roster.same(effect.person), loop.roster.same(person)
    known = tx.people.known(effect.system, [who(asked)]).get(who(asked))
    if known is not None and known.standing == "known" and person.system == effect.system:
        return known.ident == person.key
    if asked.system == here.system:
        return asked.key == here.key
    return not asked.email or not here.email or who(asked) == who(here)
