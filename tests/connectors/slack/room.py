"""A room in Slack with two people in it, and the real conversation on a real store."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopbot.domain.effects import OpenTicket
from loopbot.domain.rulebook import Rulebook
from loopbot.sandbox.slack import SlackTwin
from loopbot.sandbox.slack.posting import Requests
from loopbot.store import SqlStore, open_store
from loopbot.usecases.absorb import absorb
from loopbot.usecases.listen import Conversation
from loopbot.usecases.loop import Loop
from tests.connectors.contract import QuickClock
from tests.connectors.slack.conftest import Build
from tests.conversation.conftest import PLACES, ROLES, shop
from tests.support.systems import FakeSink


def until(true: Callable[[], object], within: float = 8.0) -> None:
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


@dataclass
class Room:
    twin: SlackTwin
    store: SqlStore
    loop: Loop
    build: Build
    mara: str
    tom: str
    channel: str
    talk: Conversation
    requests: Requests | None = None

    def whispered(self, user: str, number: int = 1) -> str:
        until(lambda: len(self.twin.ephemerals(user)) >= number)
        return read(self.twin.ephemerals(user)[-1].blocks)

    def modal(self, user: str) -> dict[str, Any]:
        until(lambda: self.twin.open_views(user))
        return self.twin.open_views(user)[-1]

    def tickets(self) -> list[OpenTicket]:
        with self.store.read() as tx:
            return [row.effect for row in tx.outbox.rows() if isinstance(row.effect, OpenTicket)]


def read(blocks: list[dict[str, Any]]) -> str:
    """Every word in blocks, in order."""
    told: list[str] = []

    def walk(thing: Any) -> None:
        if isinstance(thing, list):
            for one in thing:
                walk(one)
        elif isinstance(thing, dict):
            if isinstance(thing.get("text"), str):
                told.append(thing["text"])
            elif thing.get("type") == "date":
                told.append(thing["fallback"])
            for value in thing.values():
                walk(value)

    walk(blocks)
    return "".join(told)


def furnished(twin: SlackTwin, build: Build, clock: QuickClock, folder: Path) -> Room:
    """The room, with the shop's tickets in a store of SQLite; whoever asks for it closes the store."""
    store = open_store(f"sqlite:///{folder}/loop.db")
    sinks = {"servicenow": FakeSink(), "jira": FakeSink("jira")}
    loop = Loop(store, Rulebook(()), sinks, clock, "one")  # type: ignore[arg-type]
    with store.write() as tx:
        absorb(loop, tx, shop())
    mara, tom = (twin.add_user(name, f"{name.split()[0].lower()}@example.com") for name in ("Mara Lindqvist", "Tom Brandt"))  # fmt: skip
    channel = twin.add_channel("ops", [mara, tom])
    return Room(twin, store, loop, build, mara, tom, channel, Conversation(loop, ROLES, PLACES))
