"""What people say to loopbot in a chat: answers under its messages, and commands."""

from loopbot.domain.effects import Tell
from loopbot.domain.events import Answered
from loopbot.domain.records import Person
from loopbot.ports import JournalEntry
from loopbot.usecases.enact import decide
from loopbot.usecases.inspect import chain, named
from loopbot.usecases.loop import Loop

_THANKS = {
    "yes": "Good. It counts as fixed for you.",
    "no": "It is noted that this still does not work for you; the people who work on it see it now.",
}
_HELP = "/loop status KEY says where a ticket stands, for example: /loop status INC0012345"


class Conversation:
    """Listens for one installation."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def command(self, person: Person, text: str) -> str:
        """Answer a slash command; whatever else is typed gets the help."""
        del person
        parts = text.split()
        if len(parts) == 2 and parts[0].lower() == "status":
            return self._status(parts[1])
        return _HELP

    def answer(self, person: Person, key: str, answer: str) -> str:
        """Note what a person answered to the message that an effect became; rules wake for it. Twice does no harm."""
        with self._loop.store.write() as tx:
            row = tx.outbox.get(key)
            if row is None or not isinstance(row.effect, Tell):
                return "This question is no longer known here."
            effect = row.effect
            name = f"answer:{key}:{person.key}"
            if tx.recall(name) == answer:
                return _THANKS.get(answer, "Noted.")
            tx.remember(name, answer)
            who = person.name or person.email or person.key
            because = f"{who} answered {answer!r} to “{effect.question or 'a question'}”"
            tx.journal([JournalEntry(tx.now(), effect.cause.rule, effect.about, f"answered: {answer}", because)])
            record = tx.mirror.get(effect.about)
            if record is not None:
                decide(self._loop, tx, [Answered(who, effect.question or "", answer, record, tx.now())])
        self._loop.witness.noted("answered", record=str(effect.about), answer=answer)
        return _THANKS.get(answer, "Noted.")

    def _status(self, reference: str) -> str:
        found = named(self._loop, reference)
        if not found:
            return f"{reference} is not known here."
        steps = chain(self._loop, found[0])
        return "\n".join(
            f"• {step.record.key} ({step.record.kind}): {step.record.title} - {step.record.state.replace('_', ' ')}"
            for step in steps
        )
