"""A company on twins, an installation on either store that listens over a real websocket, and people who press buttons."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from loopbot.cli.rounds import one_round
from loopbot.config import load_config
from loopbot.ports import QuestionRow
from loopbot.sandbox.ledger import Entry
from loopbot.sandbox.slack import Message
from loopbot.usecases.deliver import deliver
from loopbot.usecases.loop import Waits
from loopbot.usecases.reconcile import reconcile
from loopbot.wiring import Installation, Outfit, installed
from tests.connectors.slack.stage import read_aloud
from tests.support.town import Doors, Town, opened_doors, town_in

SUSPECTS = """
about = "An incident is linked to the change that caused it."
on = "incident"
when = 'it.priority <= 2 and it.state != "cancelled"'

[match]
kind = "change"
within = "7d"
rank = "suspect"
link_at = 0.999
ask_at = 0.02

[[then]]
do = "link"
relation = "caused_by"
in = ["servicenow"]
unless_linked = "caused_by"
"""


def until(true: Callable[[], object], what: str | Callable[[], str], within: float = 10.0) -> None:
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, f"waited for {what if isinstance(what, str) else what()}"
        threading.Event().wait(0.01)


@dataclass
class Desk:
    """The company's town and loopbot at work in it."""

    town: Town
    here: Installation
    channel: str
    deaf: bool = False

    @property
    def slack(self) -> Any:
        return self.town.estate.slack

    @property
    def servicenow(self) -> Any:
        return self.town.estate.servicenow

    def person(self, who: str) -> str:
        return self.town.company.slack_ids[who]

    def round(self) -> None:
        """Read, judge, ask and deliver."""
        one_round(self.here, quiet=True)

    def ring(self, bell: str) -> None:
        """What the engine would do at once."""
        kind, _, system = bell.partition(":")
        if kind == "deliver" and not self.deaf:
            deliver(self.here.loop, system)

    def asked(self) -> list[Message]:
        return list(self.slack.messages(self.channel))

    def read(self, message: Message) -> str:
        return read_aloud(message.blocks)

    def labels(self, message: Message) -> list[str]:
        return [
            one["text"]["text"] for block in message.blocks for one in block.get("elements", []) if one.get("value")
        ]

    def press(self, message: Message, label: str, who: str, **how: Any) -> Any:
        """Press the button that says so."""
        action = next(
            one["action_id"]
            for block in message.blocks
            for one in block.get("elements", [])
            if one.get("value") and one["text"]["text"] == label
        )
        return self.slack.click(message, action, self.person(who), **how)

    def shows(self, words: str, number: int = 0) -> None:
        """The message says so, sooner or later."""
        until(
            lambda: len(self.asked()) > number and words in self.read(self.asked()[number]),
            lambda: f"{words!r} in: {[self.read(one) for one in self.asked()]}",
        )

    def whispered(self, who: str) -> list[str]:
        return [one.text for one in self.slack.ephemerals(self.person(who))]

    def hears(self, who: str, words: str) -> None:
        """Somebody alone is told so."""
        until(lambda: any(words in one for one in self.whispered(who)), lambda: f"{words!r} in {self.whispered(who)}")

    def submit(self, who: str, answers: dict[str, Any]) -> Any:
        """Fill in the form that opened for somebody, and send it."""
        user = self.person(who)
        until(lambda: self.slack.open_views(user), "a form")
        return self.slack.view_submission(user, self.slack.open_views(user)[-1], answers)

    def rows(self) -> list[QuestionRow]:
        with self.here.store.read() as tx:
            return tx.questions.rows()

    def first(self) -> QuestionRow:
        """The first question that was asked."""
        return self.rows()[-1]

    def written(self, action: str, kind: str | None = None, system: str = "servicenow") -> list[Entry]:
        return [
            one
            for one in self.town.estate.ledger.entries(system, action, kind)
            if one.actor not in self.town.company.users
        ]

    def caused_by(self, number: str) -> str:
        """The number of the change that ServiceNow itself names."""
        row = self.servicenow.row("incident", number)
        named = row.get("caused_by", "")
        return next((one["number"] for one in self.servicenow.rows("change_request") if one["sys_id"] == named), "")


Open = Callable[..., Desk]


@pytest.fixture(scope="session")
def doors() -> Iterator[Doors]:
    with opened_doors() as opened:
        yield opened


@pytest.fixture
def open_desk(doors: Doors, tmp_path: Path, store_url: str) -> Iterator[Open]:
    """Opens a desk with these rules, on either store."""
    with contextlib_stack() as stack:

        def opened(rules: dict[str, str], *, questions: str = "", listens: bool = True, **waits: float) -> Desk:
            town = stack.enter_context(town_in(doors, tmp_path))
            for name, text in rules.items():
                town.rule(name, text)
            channel = town.estate.slack.add_channel("questions", list(town.company.slack_ids.values()))
            settle(town, store_url, questions)
            outfit = Outfit(waits=Waits(look=0.0, **waits))
            here = stack.enter_context(installed(load_config(town.config), outfit))
            desk = Desk(town, here, channel)
            if listens:
                (chat,) = here.chats
                chat.listen(here.conversation(chat, desk.ring))
                assert town.estate.slack.sockets.wait_connected()
            return desk

        yield opened


@contextmanager
def contextlib_stack() -> Iterator[Any]:
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield stack


def settle(town: Town, store_url: str, questions: str) -> None:
    """Who may answer what, and where they are asked."""
    text = town.config.read_text(encoding="utf-8").replace("sqlite:///loopbot.db", store_url)
    text += f"""
[roles]
operators = ["tom.brandt@northwind.example"]
agents = ["beth.anglin@northwind.example", "jonas.weber@northwind.example"]
problem_managers = ["priya.nair@northwind.example"]
product_owners = ["aiko.tanaka@northwind.example"]

[questions]
channel = "questions"
gather_seconds = 0
{questions}
"""
    text = text.replace('type = "slack"', 'type = "slack"\nseconds_between_posts = 0.0')
    town.config.write_text(text, encoding="utf-8")


def looked_for(desk: Desk) -> None:
    """Find out what became of lost answers, and deliver what was not there."""
    reconcile(desk.here.loop, "slack")
    deliver(desk.here.loop, "slack")
