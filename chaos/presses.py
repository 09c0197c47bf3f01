"""What people press in Slack, and how it reaches a daemon: late, in any order, more than once, or only after its death."""

import random
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

import orjson

from chaos.truth import is_there
from chaos.world import PEOPLE, World
from connectors.slack.blocks import pressed
from loopbot.domain.records import Person
from loopbot.ports import QuestionRow, Tx
from loopbot.sandbox.slack.payloads import elements
from loopbot.sandbox.slack.sockets import Envelope, EnvelopeType
from loopbot.sandbox.slack.workspace import Message
from loopbot.usecases.questions.showing import UNDO
from loopbot.usecases.roles import Roles

ROLES = Roles(
    operators=frozenset({"aiko@northwind.example"}), groups={"problem_managers": frozenset({"mara@northwind.example"})}
)
# They ask for a ticket's key in a form, and nothing follows from the press alone.
_ONLY_A_FORM = frozenset({"apart", "other"})
_MOST_DELIVERIES = 3


@dataclass(frozen=True, slots=True)
class Button:
    """A button as people see it now: of whose message, what it stands for, and who can see it."""

    message: Message
    action: str
    key: str
    answer: str
    seen_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """An answer that a daemon acted on, somewhere between two moments (counted, not timed)."""

    answer: str
    began: int
    ended: int


@dataclass(frozen=True, slots=True)
class Press:
    """Somebody pressed a button, so many times."""

    who: str
    key: str
    answer: str


class AtOnce(Executor):
    """A pool that does everything where it is asked to: a daemon of the simulation is one thread."""

    def submit(self, act: Any, /, *given: Any, **more: Any) -> Future[Any]:
        """Done, when it returns; who dies in it dies here."""
        done: Future[Any] = Future()
        try:
            done.set_result(act(*given, **more))
        except Exception as error:  # noqa: BLE001 - as a pool keeps it
            done.set_exception(error)
        return done


class Presses:
    """Implements sandbox.slack.twin.Ways: what people do waits here until the simulation hands it to a daemon."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.waiting: list[Envelope] = []
        self.made: Counter[Press] = Counter()
        self._said: dict[str, list[Said]] = {}
        self._taken: dict[str, int] = {}
        self._moments = count(1)
        self._heard: set[str] = set()
        self._died_at: set[tuple[str, str]] = set()
        self._perhaps: dict[str, tuple[str, Said]] = {}
        self._world, self._chance, self._numbers = world, chance, count(1)
        world.slack.api.root = "https://slack.test"
        world.slack.speak_through(self)

    # ------------------------------------------------------------------ the way

    def push(self, kind: EnvelopeType, payload: dict[str, Any], *, accepts_response_payload: bool = False) -> Envelope:
        """It waits to be delivered."""
        made = Envelope(f"envelope-{next(self._numbers)}", kind, payload, accepts_response_payload)
        self.waiting.append(made)
        return made

    def redeliver(self, envelope: Envelope) -> None:
        """It waits to be delivered once more."""
        self.waiting.append(envelope)

    def settle(self, envelope: Envelope, within: float) -> None:
        """Nobody waits: whoever pressed goes on with their work."""

    def taken_out(self) -> Envelope:
        """The one that is delivered next: the first, or any of those that come again."""
        ready = [one for one in self.waiting if one.sent or one is self._next()]
        envelope = self._chance.choice(ready)
        self.waiting.remove(envelope)
        envelope.sent += 1
        self._taken.setdefault(envelope.id, next(self._moments))
        return envelope

    def acked(self, envelope: Envelope, *, again: float) -> None:
        """It was acked, so far as the daemon knows; so likely (0 to 1) Slack does not, and delivers it again."""
        if self._chance.random() < again and envelope.sent < _MOST_DELIVERIES:
            self.redeliver(envelope)

    def cut_short(self, envelope: Envelope, *, acked: bool) -> None:
        """A daemon died at it: what it acked is done now or later; else whoever pressed sees so, and may press again."""
        if envelope.id in self._heard:
            return
        for key, answer in _answers_in(envelope):
            if acked:
                self._died_at.add((key, answer))
            # Before its death it may have kept what it did not ack any more.
            began = self._taken[envelope.id] if acked else 0
            self._perhaps[envelope.id] = (key, Said(answer, began, sys.maxsize))

    def heard(self, envelope: Envelope, *, for_certain: bool = True) -> None:
        """A daemon has done what follows from it; not for certain where its disk may have refused to keep that: then now or later."""
        if envelope.id in self._heard:
            return
        if not for_certain:
            for key, answer in _answers_in(envelope):
                self._perhaps[envelope.id] = (key, Said(answer, self._taken[envelope.id], sys.maxsize))
            return
        self._heard.add(envelope.id)
        self._perhaps.pop(envelope.id, None)
        for key, answer in _answers_in(envelope):
            made = Said(answer, self._taken[envelope.id], next(self._moments))
            self._said.setdefault(key, []).append(made)

    def last(self, key: str) -> set[str]:
        """What may have been said last under a message: several, where daemons were at them at the same time."""
        said = [*self._said.get(key, []), *(one for about, one in self._perhaps.values() if about == key)]
        return {one.answer for one in said if not any(other.began > one.ended for other in said)}

    def _next(self) -> Envelope | None:
        return next((one for one in self.waiting if not one.sent), None)

    # ------------------------------------------------------------------ people

    @property
    def began(self) -> datetime:
        """Before everything."""
        return self._world.began

    def person(self, name: str) -> Person:
        """Somebody, as Slack knows them."""
        return self._world.person(name)

    def buttons(self) -> Iterator[Button]:
        """Everything somebody can press now."""
        slack = self._world.slack
        places = [(slack.messages(self._world.accounts[name]), (name,)) for name in PEOPLE]
        for messages, seen_by in (*places, (slack.messages("questions"), PEOPLE)):
            for message in messages:
                for _, element in elements(message.blocks):
                    said = pressed(str(element.get("value", ""))) if element["type"] == "button" else None
                    if said is not None and said.answer not in _ONLY_A_FORM:
                        yield Button(message, element["action_id"], said.key, said.answer, seen_by)

    def somebody_presses(self, tx: Tx) -> str:
        """A person presses something they see, perhaps twice, or sends a form they have open; what it was."""
        chance = self._chance
        forms = [(name, view) for name in PEOPLE for view in self._world.slack.open_views(self._world.accounts[name])]
        if forms and chance.random() < 0.5:
            return self._sends(*chance.choice(forms))
        seen = list(self.buttons())
        if not seen:
            return "nobody sees anything to press"
        one = chance.choice(seen)
        if (one.answer == UNDO and chance.random() < 0.7) or not self._honest(tx, one):
            return "somebody looks at a message, and presses nothing"
        return self.press(one, chance.choice(one.seen_by), chance.choice([1, 1, 2]))

    def press(self, one: Button, who: str, times: int = 1) -> str:
        """This person presses this button."""
        self.made[Press(who, one.key, one.answer)] += times
        self._world.slack.click(one.message, one.action, self._world.accounts[who], times=times)
        return f"{who} presses {one.answer} of {one.key[:8]} x{times}"

    def again(self, tx: Tx) -> list[str]:
        """Whoever pressed in vain presses once more, where they still see the button and may; what was pressed."""
        done = []
        for one in list(self.buttons()):
            done += [
                self.press(one, who)
                for who in one.seen_by
                if self.made[Press(who, one.key, one.answer)] and self._in_vain(tx, one, who) and self._honest(tx, one)
            ]
        return done

    def lost(self, tx: Tx) -> list[str]:
        """What was pressed, acked, and never heard: nobody has to press again because a daemon died."""
        return [
            f"{who} pressed {one.answer} of {one.key[:8]}, it was acked, and nothing came of it"
            for one in self.buttons()
            for who in one.seen_by
            if self.made[Press(who, one.key, one.answer)]
            and (one.key, one.answer) in self._died_at
            and self._in_vain(tx, one, who)
            and not self._answered_ever(tx, one)
        ]

    def _answered_ever(self, tx: Tx, one: Button) -> bool:
        row = question_of(tx, one.key)
        return row is not None and bool(tx.questions.answers(row.key))

    def _in_vain(self, tx: Tx, one: Button, who: str) -> bool:
        row = question_of(tx, one.key)
        if row is None:
            return not any(reply.key == one.key for reply in tx.people.replies(self.began))
        person = self._world.person(who)
        return row.state == "open" and one.answer != UNDO and ROLES.belongs(person, row.question.audience)

    def _sends(self, who: str, view: dict[str, Any]) -> str:
        names = [element.get("action_id") for _, element in elements(view["blocks"])]
        if names != ["words"]:
            return f"{who} leaves a form alone"
        self._world.slack.view_submission(
            self._world.accounts[who], view, {"words": f"it hangs {self._chance.randrange(1000)}"}
        )
        return f"{who} sends a form"

    def _honest(self, tx: Tx, one: Button) -> bool:
        """People who are asked whether something is there look before they answer, and wait until nothing more can come."""
        row = question_of(tx, one.key)
        if row is None or row.question.kind != "uncertain" or one.answer == UNDO:
            return True
        effect = tx.outbox.get(row.question.about)
        if effect is None or self._world.late:
            return False
        return is_there(self._world, effect.effect, tx.outbox.rows(limit=100_000)) == (one.answer == "there")


def _answers_in(envelope: Envelope) -> Iterator[tuple[str, str]]:
    """What somebody said with it, and under what."""
    action = (envelope.payload.get("actions") or [{}])[0]
    said = pressed(str(action.get("value", "")))
    if said is not None:
        yield said.key, said.answer
    elif envelope.payload["type"] == "view_submission":
        # The only form that is sent says in words what is still broken.
        yield orjson.loads(envelope.payload["view"]["private_metadata"])["context"], "no"


def question_of(tx: Tx, key: str) -> QuestionRow | None:
    """The question that a button stands for; None for a message to a person."""
    carried = tx.questions.carried(key)
    return tx.questions.get(key) or (tx.questions.get(carried[0].key) if len(carried) == 1 else None)
