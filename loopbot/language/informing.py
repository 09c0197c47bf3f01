"""Telling people: who they are is read off the records, the follow list and what was told before; never guessed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from loopbot.domain.effects import Effect, Post, Tell
from loopbot.domain.messages import Shared
from loopbot.domain.people import who as known_as
from loopbot.domain.records import Person, Ref
from loopbot.domain.rules import Bench, Scope, Wanted
from loopbot.domain.telling import Told
from loopbot.domain.views import View
from loopbot.language.actions import NOTHING, caused
from loopbot.language.aims import Aim
from loopbot.language.templates import Text

THREAD = "thread"
FOLLOWER = "follower"
_TAKEN_BACK = "it was taken back before it was told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inform:
    """Tells the people of some records, each of them once; or, with `after`, those whom these rules have told.

    What those rules have planned and not told yet is taken back then.
    """

    slot: str
    system: str
    who: tuple[str, ...]
    of: Aim
    about: Aim
    text: Text
    after: tuple[str, ...] = ()
    comment_instead: bool = False
    question: str | None = None
    buttons: tuple[tuple[str, str], ...] = ()
    silent_after: timedelta | None = None
    shared: tuple[Text, Text] | None = None

    def want(self, scope: Scope, bench: Bench) -> Wanted:
        """One message a person; none where there is nobody, or nothing to tell about."""
        about = self.about.ends(scope)
        if not about:
            return NOTHING
        text, dated = self.text.dated(scope)
        tell = Tell(
            system=self.system,
            cause=caused(bench, self.slot),
            person=Person("", ""),
            text=text,
            dated=dated,
            about=about[0].ref,
            question=self.question,
            buttons=self.buttons,
            comment_instead=self.comment_instead,
            shared=_shared(self.shared, scope),
            silent_after=int(self.silent_after.total_seconds()) if self.silent_after and self.question else 0,
        )
        if self.after:
            return self._to_those_told(tell, bench)
        people = self._people(scope, bench.view)
        effects: list[Effect] = [
            replace(tell, person=person, cause=caused(bench, self.slot, whom)) for whom, person in people.items()
        ]
        return Wanted(effects=(*effects, *self._in_threads(scope, tell, bench)))

    def _to_those_told(self, tell: Tell, bench: Bench) -> Wanted:
        effects: list[Effect] = []
        withdraws: list[tuple[Told, str]] = []
        for told in bench.view.told(tell.about):
            if told.rule not in self.after:
                continue
            if not told.out:
                withdraws.append((told, _TAKEN_BACK))
            elif told.person is not None:
                cause = caused(bench, self.slot, known_as(told.person))
                effects.append(replace(tell, system=told.system, person=told.person, cause=cause))
            else:
                origin = Ref(told.system, "message", f"{told.place}/{told.thread}")
                effects.append(self._answer(tell, origin, bench))
        return Wanted(effects=tuple(effects), withdraws=tuple(withdraws))

    def _people(self, scope: Scope, view: View) -> dict[str, Person]:
        """Each person once: by e-mail where known, else by their id in their system."""
        found: dict[str, Person] = {}
        records = self.of.records(scope)
        for role in self.who:
            for record in records:
                for involved in record.people:
                    if involved.role == role:
                        found.setdefault(known_as(involved.person), involved.person)
        if FOLLOWER in self.who:
            for person in view.followers([record.ref for record in records]):
                found.setdefault(known_as(person), person)
        return found

    def _in_threads(self, scope: Scope, tell: Tell, bench: Bench) -> Iterator[Post]:
        """Where the records were said first in a chat, an answer there."""
        if THREAD not in self.who:
            return
        for record in self.of.records(scope):
            origin = bench.view.said_in(record.ref)
            if origin is not None:
                yield self._answer(tell, origin, bench)

    def _answer(self, tell: Tell, origin: Ref, bench: Bench) -> Post:
        place, _, stamp = origin.key.partition("/")
        cause = caused(bench, self.slot, f"{THREAD}|{origin.key}")
        return Post(system=origin.system, cause=cause, channel=place, text=tell.text, thread=stamp, dated=tell.dated)


def _shared(words: tuple[Text, Text] | None, scope: Scope) -> Shared | None:
    if words is None:
        return None
    (lead, lead_dated), (line, line_dated) = (each.dated(scope) for each in words)
    return Shared(lead, line, lead_dated, line_dated)
