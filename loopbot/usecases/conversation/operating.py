"""What operators decide in the chat: what is stuck, and what becomes of it."""

from typing import Final

from loopbot.domain.records import Person
from loopbot.domain.speech import Bullets, Button, Buttons, Context, Lead, Message, say
from loopbot.ports import JournalEntry
from loopbot.usecases.conversation.desk import SAY, Desk, refused

DECISIONS: Final = {"retry": "will be sent", "confirm": "counts as done", "drop": "will never be sent"}
_MOST: Final = 15


def stuck(desk: Desk, person: Person) -> Message:
    """What waits for a decision."""
    if not desk.roles.may(person, "decide"):
        return _not_for(desk, person, "stuck")
    with desk.loop.store.read() as tx:
        rows = tx.outbox.rows({"uncertain", "parked", "held"}, limit=_MOST)
    if not rows:
        return say("Nothing is stuck.")
    lines = tuple(
        f"{row.effect.key[:8]} {row.state}: {row.effect.verb} in {row.effect.system} for {row.effect.cause.subject.key}"
        + (f" - {row.why}" if row.why else "")
        for row in rows
    )
    first = rows[0]
    buttons = tuple(
        Button(f"{verb} {first.effect.key[:8]}", f"{verb.capitalize()} {first.effect.key[:8]}") for verb in DECISIONS
    )
    hint = Context("uncertain: perhaps there; parked: refused by the system; held: over a rule's limit.")
    return Message((Lead("These wait for a decision"), Bullets(lines), hint, Buttons(SAY, buttons)))


def decide(desk: Desk, person: Person, verb: str, key: str) -> Message:
    """Send it, count it as done, or never send it."""
    if not desk.roles.may(person, "decide"):
        return _not_for(desk, person, verb)
    if not key:
        return say(f"Which one? {desk.command} stuck lists them; then: {desk.command} {verb} EFFECT")
    who = person.email or person.name or person.key
    with desk.loop.store.write() as tx:
        row = tx.outbox.get(key)
        if row is None:
            return say(f"{key} is not the key of one effect; {desk.command} stuck lists them.")
        act = {"retry": tx.outbox.retry, "confirm": tx.outbox.confirm, "drop": tx.outbox.drop}[verb]
        if not act(row.effect.key, f"{who}: {verb}"):
            return say(f"{row.effect.key[:8]} is {row.state}: there is nothing to {verb}.")
        subject = row.effect.cause.subject
        what = f"{verb}: {row.effect.verb} in {row.effect.system}"
        tx.journal([JournalEntry(tx.now(), row.effect.cause.rule, subject, what, f"{who} decided so in the chat")])
    desk.loop.witness.noted("decided", effect=row.effect.key, verdict=verb, person=person.key)
    return say(f"{row.effect.key[:8]} {DECISIONS[verb]}.")


def _not_for(desk: Desk, person: Person, verb: str) -> Message:
    desk.loop.witness.noted("command refused", person=person.key, command=verb)
    return refused(verb, "operators", desk.command)
