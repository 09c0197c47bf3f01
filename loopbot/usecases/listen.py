"""What people say to loopbot in a chat: commands, answers under its messages, forms, reactions, addresses they share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from loopbot.domain.errors import Declined
from loopbot.domain.forms import Filled, Form, Wrong
from loopbot.domain.records import Person, Record
from loopbot.domain.speech import Context, Heard, Home, Message, Paragraph, say
from loopbot.ports import Kept
from loopbot.usecases import gathered, once
from loopbot.usecases.conversation import (
    belonging,
    linking,
    notices,
    operating,
    personal,
    reporting,
    returning,
    selfhelp,
    shipping,
    status,
    wishing,
)
from loopbot.usecases.conversation import measuring as measures
from loopbot.usecases.conversation.desk import SAY, Desk, ReportPlaces, offer
from loopbot.usecases.conversation.finding import Meant, meant
from loopbot.usecases.conversation.helping import help_for, unfurled
from loopbot.usecases.conversation.reading import Asked, asked, tickets_in
from loopbot.usecases.conversation.vocabulary import WRITES
from loopbot.usecases.loop import Loop
from loopbot.usecases.questions import hearing
from loopbot.usecases.roles import Roles
from loopbot.usecases.telling import answering

T = TypeVar("T")
_ABOUT = frozenset({"status", "why", "ack", "link", "same", "apart", "follow", "unfollow"})
_SEVERAL = {"link": 2, "same": 20, "apart": 20}
SHORTCUTS = ("feedback", "incident", "attach")
"""The shortcuts of the app: message -> feedback, message -> incident, message -> a ticket; the first two also by themselves."""


class Conversation:
    """Listens for one installation. Implements ports.Ear."""

    def __init__(
        self,
        loop: Loop,
        roles: Roles | None = None,
        places: ReportPlaces | None = None,
        command: str = "/loop",
        ring: Callable[[str], None] = lambda _bell: None,
    ) -> None:
        self._loop, self._bell = loop, ring
        self._desk = Desk(loop, roles or Roles(), places or ReportPlaces(), command)

    def keep(self, kept: Kept) -> bool:
        """Keep it before the chat is told that it was heard; False where any node kept it before."""
        return once.keep(self._loop, kept)

    def once(self, delivery: str) -> "Conversation":
        """The same conversation for what follows from one delivery, once."""
        loop = replace(self._loop, store=once.OnceStore(self._loop.store, delivery))
        return Conversation(loop, self._desk.roles, self._desk.places, self._desk.command, self._bell)

    def end(self, delivery: str) -> None:
        """There is nothing more to do about it."""
        once.end(self._loop, delivery)

    def left(self, system: str) -> list[Kept]:
        """What was kept and not done in time, now the caller's to do."""
        return once.left(self._loop, system)

    def _rung(self, said: T) -> T:
        """What somebody said makes rules write: at once."""
        self._ring()
        return said

    def _ring(self) -> None:
        """What was answered is shown, and written, at once."""
        for system in self._loop.sinks:
            self._bell(f"deliver:{system}")

    def command(self, person: Person, text: str) -> Message | Form:
        """Answer what somebody typed, by what this person may do."""
        verb, _, rest = text.strip().partition(" ")
        if verb.lower() in hearing.COMMANDS:
            answered = hearing.commanded(self._loop, self._desk.roles, person, verb.lower(), rest)
            self._ring()
            return answered
        said = asked(text)
        if not said.verb and not said.guess:
            return self._lost(person, said)
        if not said.verb and said.guess in WRITES | {"feedback", "report"}:
            again = " ".join(part for part in (said.guess, said.words) if part)
            return offer(
                f"“{said.typed}” is not a command. Did you mean {said.guess}?", (again, again[:70]), ("help", "Help")
            )
        answer = self._answer_to(person, said)
        if said.verb or not isinstance(answer, Message):
            return answer
        return answer + Message((Context(f"“{said.typed}” was read as {said.guess}."),))

    def answer(self, person: Person, key: str, answer: str, words: str = "") -> Message | Form:
        """Note what a person answered under a message; rules wake for it. Twice does no harm. Raises Declined."""
        try:
            question = hearing.pressed(self._loop, self._desk.roles, person, key, answer, words)
        except Declined:
            self._ring()
            raise
        if question is not None:
            self._ring()
            return question
        if key == SAY:
            return self.command(person, answer)
        if key.startswith(linking.UNLINK):
            return linking.unlink(self._desk, person, key)
        if key.startswith(belonging.NOT_THE_SAME):
            return belonging.form(self._desk, person, key)
        if key.startswith(belonging.UNSAY):
            return self._rung(belonging.unsay(self._desk, person, key))
        if key.startswith(selfhelp.HELPED):
            return selfhelp.helped(self._desk, person, key, answer)
        said = answering.answered(self._loop, person, key, answer, words)
        self._ring()
        return said

    def home(self, person: Person) -> Home:
        """What concerns this person."""
        return personal.home(self._desk, person)

    def shortcut(self, person: Person, callback: str, message: Heard | None) -> Message | Form:
        """The form that a shortcut asks to fill in."""
        if callback == "feedback":
            return reporting.feedback_form(message)
        if callback == "incident":
            return reporting.incident_form(message)
        if callback == "attach" and message is not None:
            return reporting.attach_form(message)
        self._loop.witness.noted("shortcut not known", person=person.key, shortcut=callback)
        return say("loopbot does not know this shortcut.")

    def submitted(self, person: Person, filled: Filled) -> Message | Wrong:
        """Keep what a form says."""
        if filled.form in SHORTCUTS:
            return reporting.submitted(self._desk, person, filled)
        if filled.form == notices.NOTICES:
            return notices.submitted(self._desk, person, filled)
        if filled.form == belonging.APART:
            return self._rung(belonging.submitted(self._desk, person, filled))
        answered = hearing.submitted(self._loop, self._desk.roles, person, filled)
        if answered is not None:
            self._ring()
            return answered
        if filled.form == answering.STILL_BROKEN:
            said = answering.submitted(self._loop, person, filled)
            self._ring()
            return said
        self._loop.witness.noted("form not known", person=person.key, form=filled.form)
        return say("loopbot does not know this form any more.")

    def link_shared(self, person: Person, urls: Sequence[str]) -> Mapping[str, str]:
        """One quiet line for each address of a ticket that is known here."""
        self._loop.witness.noted("addresses shared", person=person.key, number=len(urls))
        with self._loop.store.read() as tx:
            found = {url: meant(tx, named).found for url in urls for named in list(tickets_in(url))[:1]}
        return {url: unfurled(records[0]) for url, records in found.items() if len(records) == 1}

    def reaction(self, person: Person, emoji: str, message: Heard) -> Message | None:
        """A message becomes feedback where its reaction says so; once, however many people react."""
        topic = self._desk.places.emojis.get(emoji)
        if topic is None or not message.text.strip():
            return None
        return reporting.reacted(self._desk, person, message, topic)

    def emojis(self) -> frozenset[str]:
        """The reactions that make a message feedback."""
        return frozenset(self._desk.places.emojis)

    def first(self, delivery: str) -> bool:
        """Whether this was not heard before, by any node, also before a restart."""
        with self._loop.store.write() as tx:
            return bool(tx.inbox.fresh([delivery]))

    def _answer_to(self, person: Person, said: Asked) -> Message | Form:
        verb = said.verb or said.guess
        if verb in operating.DECISIONS:
            key = next(iter(said.rest), said.words.split(" ")[0] if said.words else "")
            return operating.decide(self._desk, person, verb, key)
        if verb in _ABOUT or (verb in {"mute", "unmute"} and said.tickets):
            return self._about(person, verb, said)
        if verb in {"feedback", "report"}:
            return self._reported(person, verb, said.words)
        simple: dict[str, Callable[[], Message | Form]] = {
            "ask": lambda: selfhelp.answered(self._desk, said.words),
            "notices": lambda: notices.form(self._desk, person),
            "recurring": lambda: self._recurring(person),
            "loop": lambda: measures.listening(self._desk, said.rest),
            "release": lambda: shipping.releases(self._desk, said.rest),
            "dora": lambda: shipping.four_keys(self._desk, said.rest),
            "queue": lambda: personal.queue(self._desk, person),
            "mine": lambda: personal.mine(self._desk, person),
            "stuck": lambda: operating.stuck(self._desk, person),
            "mute": lambda: wishing.mute(self._desk, person, None, said.words),
            "unmute": lambda: wishing.unmute(self._desk, person, None),
        }
        return simple.get(verb, lambda: help_for(self._desk, person))()

    def _recurring(self, person: Person) -> Message:
        """What was seen last; where that is no longer fresh, somebody looks again meanwhile."""
        with self._loop.store.read() as tx:
            wanted = gathered.due(tx)
        if wanted:
            self._bell(gathered.GATHER)
        return returning.recurring(self._desk, person)

    def _about(self, person: Person, verb: str, said: Asked) -> Message:
        """What is said about one ticket, or two."""
        if not said.tickets:
            second = {"link": " CHG0000042", "same": " INC0012346", "apart": " INC0012346"}.get(verb, "")
            example = f"{self._desk.command} {verb} INC0012345{second}"
            if verb == "status":
                return personal.mine(self._desk, person) + Message((Context(f"For any other: {example}"),))
            return say(f"Which ticket? For example: {example}")
        with self._loop.store.read() as tx:
            found = [meant(tx, one) for one in said.tickets[: _SEVERAL.get(verb, 1)]]
        missing = next((one for one in found if not one.found), None)
        if missing is not None:
            return self._not_known(missing, verb)
        several = next((one for one in found if len(one.found) > 1), None)
        if several is not None:
            choices = ((f"{verb} {one.ref}", f"{one.key} in {one.system}") for one in several.found[:5])
            return offer(f"{several.typed} is the name of several records. Which one?", *choices)
        records = [one.found[0] for one in found]
        return self._with(person, verb, records, said)

    def _with(self, person: Person, verb: str, records: list[Record], said: Asked) -> Message:
        record, desk = records[0], self._desk
        if verb == "link" and len(records) < 2:
            return say(f"Link it with what? For example: {desk.command} link {record.key} CHG0000042")
        acts: dict[str, Callable[[], Message]] = {
            "why": lambda: status.why(desk, person, record),
            "ack": lambda: personal.acknowledge(desk, person, record, _after_ticket(said)),
            "link": lambda: linking.link(desk, person, record, records[1], said.rest),
            "same": lambda: self._rung(belonging.same(desk, person, records)),
            "apart": lambda: self._rung(belonging.apart(desk, person, records)),
            "follow": lambda: wishing.follow(desk, person, record),
            "unfollow": lambda: wishing.unfollow(desk, person, record),
            "mute": lambda: wishing.mute(desk, person, record, ""),
            "unmute": lambda: wishing.unmute(desk, person, record),
        }
        return acts.get(verb, lambda: status.status(desk, person, record))()

    def _not_known(self, missing: Meant, verb: str) -> Message:
        near = tuple((f"{verb} {one.ref}", f"{one.key} {one.title}"[:70]) for one in missing.near)
        said = f"{missing.typed} is not known here."
        return (
            offer(f"{said} Did you mean one of these?", *near)
            if near
            else say(f"{said} Is it in a system that loopbot reads?")
        )

    def _lost(self, person: Person, said: Asked) -> Message:
        lead = f"“{said.typed}” is not something loopbot can be asked." if said.typed else ""
        helped = help_for(self._desk, person)
        return Message((Paragraph(lead),)) + helped if lead else helped

    def _reported(self, person: Person, verb: str, words: str) -> Message | Form:
        if not words.strip():
            return reporting.feedback_form() if verb == "feedback" else reporting.incident_form()
        report = reporting.typed(self._desk, person, words)
        return (
            reporting.give_feedback(self._desk, report)
            if verb == "feedback"
            else reporting.report_incident(self._desk, report)
        )


def _after_ticket(said: Asked) -> str:
    """The words that follow the ticket's name."""
    typed = said.tickets[0].typed
    before, found, after = said.words.partition(typed)
    return (after if found else before).strip(" :,-")
