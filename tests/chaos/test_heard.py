"""The judge of what people are told and say sees what it is there to see."""

import random
from collections.abc import Iterator

import pytest

from chaos.clocks import Clock
from chaos.databases import databases
from chaos.heard import heard
from chaos.presses import Presses
from chaos.process import Birth, Diary, Process, born
from chaos.verdict import judged
from chaos.wire import Request, Wires
from chaos.world import World
from loopbot.domain.effects import Cause, Post, Tell
from loopbot.domain.records import Person, Ref
from loopbot.domain.rulebook import Rulebook
from loopbot.sandbox.slack.workspace import Message

MARA = Person("servicenow", "mara", "Mara", "mara@northwind.example")


class Calm:
    """Implements wire.Traffic: nothing happens to any request."""

    def approaching(self, what: str) -> None:
        pass

    def sending(self, request: Request) -> str:
        del request
        return ""

    def received(self, request: Request) -> None:
        pass


class Scene:
    """Mara's incident is fixed, she was told so and asked; nothing else has happened."""

    def __init__(self, world: World, process: Process, presses: Presses) -> None:
        self.world, self.process, self.presses = world, process, presses
        number = world.report("It stands still", ("2", "2"), "Checkout", "mara")
        process.do("poll:servicenow:incident")
        about = Ref("servicenow", "incident", number)
        self.tell = Tell(
            system="slack",
            cause=Cause("done", about, "tell", "0"),
            person=MARA,
            about=about,
            text="It is fixed",
            question="fixed",
            buttons=(("yes", "Yes"), ("no", "No")),
        )
        with process.loop.store.write() as tx:
            tx.outbox.plan([self.tell])
        process.do("deliver:slack")
        [self.message] = world.slack.messages(world.accounts["mara"])

    def flaws(self) -> list[tuple[str, str]]:
        return [(flaw.kind, flaw.what) for flaw in heard(self.world, self.process, self.presses)]

    def posted(self, who: str) -> None:
        """The same message once more, by nobody's plan."""
        where = self.world.slack.workspace.direct(self.world.accounts[who]).id
        payload = {"ts": "1.1", "text": "x", "metadata": self.message.metadata}
        self.world.ledger.write("slack", "post", "message", where, "loopbot", payload)

    def press(self, answer: str) -> None:
        [button] = [one for one in self.presses.buttons() if one.answer == answer]
        self.presses.press(button, "mara")

    def hear(self) -> None:
        envelope = self.presses.taken_out()
        assert self.process.hears(envelope.type, envelope.payload)
        self.presses.heard(envelope)


@pytest.fixture
def scene() -> Iterator[Scene]:
    clock = Clock()
    world = World(clock)
    with databases("sqlite") as place, Wires(Calm(), world.hosts).connected():
        process = born("one", Birth(place.fresh(), Rulebook(()), clock, "1", lambda _: None), Diary())
        yield Scene(world, process, Presses(world, random.Random(1)))
        process.bury()


def test_nothing_is_found_where_everybody_was_told_once_and_heard(scene: Scene) -> None:
    scene.press("yes")
    scene.hear()
    assert scene.flaws() == []


def test_a_message_to_somebody_else_is_found(scene: Scene) -> None:
    scene.posted("jonas")
    [(kind, what)] = scene.flaws()
    assert kind == "doubled"
    assert scene.world.accounts["jonas"] in what


def test_an_answer_that_was_not_kept_is_found(scene: Scene) -> None:
    scene.press("yes")
    assert [kind for kind, _ in scene.flaws()] == ["lost"]


def test_a_no_that_nothing_follows_from_is_found(scene: Scene) -> None:
    scene.press("no")
    scene.hear()
    [(kind, what)] = scene.flaws()
    assert kind == "lost"
    assert "not acted on" in what


def test_an_earlier_answer_that_stands_is_found(scene: Scene) -> None:
    scene.press("yes")
    scene.press("no")
    scene.hear()
    scene.presses.heard(scene.presses.taken_out())  # so says the daemon, which did nothing
    assert ("lost", "said after it") in [(kind, what[-13:]) for kind, what in scene.flaws()]


def test_of_two_answers_that_two_daemons_were_at_together_either_may_stand(scene: Scene) -> None:
    scene.press("no")
    scene.press("yes")
    first, second = scene.presses.taken_out(), scene.presses.taken_out()
    for envelope in (second, first):
        assert scene.process.hears(envelope.type, envelope.payload)
    for envelope in (first, second):
        scene.presses.heard(envelope)
    assert scene.presses.last(scene.tell.key) == {"no", "yes"}
    assert "said after it" not in [what[-13:] for _, what in scene.flaws()]


def test_a_message_that_is_not_kept_current_is_found(scene: Scene) -> None:
    cause = Cause("board", scene.tell.about, "post")
    with scene.process.loop.store.write() as tx:
        tx.outbox.plan([Post(system="slack", cause=cause, channel="outages", text="It stands", keep_current=True)])
    scene.process.do("deliver:slack")
    [message] = scene.world.slack.messages("outages")
    assert message.metadata is not None

    def outdated() -> list[str]:
        return [flaw.what for flaw in judged(scene.world, scene.process, ()) if "as it did before" in flaw.what]

    assert outdated() == []
    message.metadata["event_payload"]["text"] = "what it read an hour ago"
    assert len(outdated()) == 1


def test_people_see_the_buttons_of_their_own_messages_alone(scene: Scene) -> None:
    assert {one.seen_by for one in scene.presses.buttons()} == {("mara",)}
    assert all(isinstance(one.message, Message) for one in scene.presses.buttons())
