"""What people say to loopbot in a chat: answers under its messages, and commands."""

from collections.abc import Mapping, Sequence

from loopbot.domain.effects import Tell
from loopbot.domain.events import Answered
from loopbot.domain.records import Person
from loopbot.domain.speech import Filled, Heard, Home, Message, say
from loopbot.ports import JournalEntry
from loopbot.usecases.enact import decide
from loopbot.usecases.inspect import chain, named
from loopbot.usecases.loop import Loop
from loopbot.usecases.roles import Roles

_THANKS = {
    "yes": "Good. It counts as fixed for you.",
    "no": "It is noted that this still does not work for you; the people who work on it see it now.",
}
_HELP = "/loop status KEY says where a ticket stands, for example: /loop status INC0012345"
_OPERATORS_HELP = """
/loop stuck lists what waits for a decision
/loop retry EFFECT sends it (again), /loop confirm EFFECT says that it is there, /loop drop EFFECT that it is never to be sent"""
_DECIDED = {"retry": "will be sent", "confirm": "counts as done", "drop": "will never be sent"}
_MOST_STUCK = 15


class Conversation:
    """Listens for one installation."""

    def __init__(self, loop: Loop, roles: Roles | None = None) -> None:
        self._loop, self._roles = loop, roles or Roles()

    def command(self, person: Person, text: str) -> Message:
        """Answer a slash command, by what this person may do; whatever else is typed gets the help."""
        return say(self._commanded(person, text))

    def answer(self, person: Person, key: str, answer: str, words: str = "") -> Message:
        """Note what a person answered to the message that an effect became; rules wake for it. Twice does no harm."""
        return say(self._answered(person, key, answer, words))

    def home(self, person: Person) -> Home:
        """What loopbot can be asked."""
        return say(self._commanded(person, "help"))

    def shortcut(self, person: Person, callback: str, message: Heard | None) -> Message:
        """There are none yet."""
        self._loop.witness.noted("shortcut not known", person=person.key, shortcut=callback, on=bool(message))
        return say("loopbot does not know this shortcut.")

    def submitted(self, person: Person, filled: Filled) -> Message:
        """There are no forms yet."""
        self._loop.witness.noted("form not known", person=person.key, form=filled.form)
        return say("loopbot does not know this form.")

    def link_shared(self, person: Person, urls: Sequence[str]) -> Mapping[str, str]:
        """Nothing is said about addresses yet."""
        self._loop.witness.noted("addresses shared", person=person.key, number=len(urls))
        return {}

    def reaction(self, person: Person, emoji: str, message: Heard) -> Message | None:
        """No reaction is of account yet."""
        self._loop.witness.noted("reaction", person=person.key, emoji=emoji, message=message.ident)
        return None

    def emojis(self) -> frozenset[str]:
        """No reaction is of account yet."""
        return frozenset()

    def _commanded(self, person: Person, text: str) -> str:
        parts = text.split()
        verb = parts[0].lower() if parts else ""
        if len(parts) == 2 and verb == "status":
            return self._status(parts[1])
        if verb in _DECIDED or verb == "stuck":
            if not self._roles.may(person, "decide"):
                self._loop.witness.noted("command refused", person=person.key, command=verb)
                return f"/loop {verb} is for operators: whoever runs loopbot can add you under [roles] in its configuration."
            if verb == "stuck":
                return self._stuck()
            if len(parts) == 2:
                return self._decide(person, verb, parts[1])
        return _HELP + (_OPERATORS_HELP if self._roles.may(person, "decide") else "")

    def _answered(self, person: Person, key: str, answer: str, words: str) -> str:
        with self._loop.store.write() as tx:
            row = tx.outbox.get(key)
            if row is None or not isinstance(row.effect, Tell):
                return "This question is no longer known here."
            effect = row.effect
            if not _is_asked(effect.person, person):
                return "This question was asked to someone else."
            name = f"answer:{key}:{person.key}"
            if tx.recall(name) == answer:
                return _THANKS.get(answer, "Noted.")
            tx.remember(name, answer)
            who = person.name or person.email or person.key
            because = f"{who} answered {answer!r} to “{effect.question or 'a question'}”"
            because += f": {words}" if words else ""
            tx.journal([JournalEntry(tx.now(), effect.cause.rule, effect.about, f"answered: {answer}", because)])
            record = tx.mirror.get(effect.about)
            if record is not None:
                decide(self._loop, tx, [Answered(who, effect.question or "", answer, record, tx.now())])
        self._loop.witness.noted("answered", record=str(effect.about), answer=answer)
        return _THANKS.get(answer, "Noted.")

    def _stuck(self) -> str:
        with self._loop.store.read() as tx:
            rows = tx.outbox.rows({"uncertain", "parked", "held"}, limit=_MOST_STUCK)
        lines = [
            f"• {row.effect.key[:8]} {row.state}: {row.effect.verb} in {row.effect.system} for "
            f"{row.effect.cause.subject.key}" + (f" - {row.why}" if row.why else "")
            for row in rows
        ]
        return "\n".join(lines) or "Nothing is stuck."

    def _decide(self, person: Person, verb: str, key: str) -> str:
        who = person.email or person.name or person.key
        with self._loop.store.write() as tx:
            row = tx.outbox.get(key)
            if row is None:
                return f"{key} is not the key of one effect; /loop stuck lists them."
            act = {"retry": tx.outbox.retry, "confirm": tx.outbox.confirm, "drop": tx.outbox.drop}[verb]
            if not act(row.effect.key, f"{who}: {verb}"):
                return f"{row.effect.key[:8]} is {row.state}: there is nothing to {verb}."
            subject = row.effect.cause.subject
            what = f"{verb}: {row.effect.verb} in {row.effect.system}"
            tx.journal([JournalEntry(tx.now(), row.effect.cause.rule, subject, what, f"{who} decided so in the chat")])
        self._loop.witness.noted("decided", effect=row.effect.key, verdict=verb, person=person.key)
        return f"{row.effect.key[:8]} {_DECIDED[verb]}."

    def _status(self, reference: str) -> str:
        found = named(self._loop, reference)
        if not found:
            return f"{reference} is not known here."
        steps = chain(self._loop, found[0])
        return "\n".join(
            f"• {step.record.key} ({step.record.kind}): {step.record.title} - {step.record.state.replace('_', ' ')}"
            for step in steps
        )


def _is_asked(asked: Person, person: Person) -> bool:
    """Whether this is who was asked; where only one of the two has an e-mail address, the chat's delivery decides."""
    if asked.system == person.system:
        return asked.key == person.key
    if not asked.email or not person.email:
        return True
    return asked.email.strip().casefold() == person.email.strip().casefold()
