"""A workspace of Slack, its connector and a store: what people are told there is judged by the twin's ledger."""

import contextlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from connectors.slack.connector import Slack
from loopbot.domain.effects import Cause, Effect, Post, Tell
from loopbot.domain.people import Roster
from loopbot.domain.records import Person, Record, Ref
from loopbot.domain.rulebook import Rulebook
from loopbot.domain.rules import Rule
from loopbot.domain.telling import Manners
from loopbot.ports import Sink, Surroundings
from loopbot.sandbox.faults import Faults
from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.slack import BOT_TOKEN, SlackTwin
from loopbot.store import SqlStore
from loopbot.usecases.deliver import Delivered, deliver
from loopbot.usecases.loop import Loop
from loopbot.usecases.reconcile import Reconciled, reconcile
from tests.support.clock import FakeClock
from tests.support.door import Door

TEN_MINUTES = timedelta(minutes=10)


class Token:
    """One secret."""

    def resolve(self, reference: str) -> str:
        del reference
        return BOT_TOKEN


@dataclass
class Bureau:
    """One installation that tells people in Slack."""

    store: SqlStore
    clock: FakeClock
    twin: SlackTwin
    url: str
    sinks: dict[str, Sink] = field(default_factory=dict)
    manners: Manners = field(default_factory=lambda: Manners(digest=TEN_MINUTES))
    roster: Roster = field(default_factory=Roster)
    rules: tuple[Rule, ...] = ()
    _number: int = 0

    @property
    def loop(self) -> Loop:
        return Loop(
            self.store,
            Rulebook(self.rules),
            self.sinks,
            self.clock,
            "one",
            roster=self.roster,
            manners=self.manners,
        )

    def restart(self) -> None:
        """Another process on the same store: what was known in memory only is forgotten."""
        settings = Slack.Settings(token="env:BOT", base_url=f"{self.url}/api/", seconds_between_posts=0)
        slack = Slack("slack", settings, Surroundings(self.clock, random.Random(1), Token()))
        self.sinks["slack"] = slack.sink()  # type: ignore[assignment]

    def person(self, name: str, tz: str = "Europe/Berlin") -> Person:
        """Somebody with an account."""
        email = f"{name.lower()}@example.com"
        self.twin.add_user(name, email, tz)
        return Person("servicenow", f"id-{name.lower()}", name, email)

    def told(self, person: Person) -> list[Any]:
        """The messages that a person got."""
        user = next(one.id for one in self.twin.workspace.users.values() if one.email == person.email)
        return self.twin.messages(user)

    def plan(self, *effects: Effect) -> None:
        with self.store.write() as tx:
            tx.outbox.plan(effects)

    def tell(self, person: Person, text: str, number: int | None = None, **fields: Any) -> Tell:
        """A message about an incident, planned."""
        self._number += 1
        about = Ref("servicenow", "incident", f"INC{number or self._number}")
        given: dict[str, Any] = {"question": "fixed", "buttons": (("yes", "Yes"), ("no", "No")), **fields}
        cause = Cause("announce", about, f"tell|{person.email or person.key}", str(self._number), "it is fixed")
        effect = Tell(system="slack", cause=cause, person=person, text=text, about=about, **given)
        self.plan(effect)
        return effect

    def post(self, channel: str, text: str, number: int | None = None, **fields: Any) -> Post:
        """A message to a channel, planned."""
        self._number += 1
        subject = Ref("servicenow", "incident", f"INC{number or self._number}")
        effect = Post(
            system="slack",
            cause=Cause("post", subject, "post", str(self._number)),
            channel=channel,
            text=text,
            **fields,
        )
        self.plan(effect)
        return effect

    def deliver(self) -> Delivered:
        return deliver(self.loop, "slack")

    def reconcile(self) -> Reconciled:
        return reconcile(self.loop, "slack")

    def after(self, **span: float) -> "Bureau":
        self.clock.sleep(timedelta(**span).total_seconds())
        return self

    def state(self, effect: Effect) -> tuple[str, str]:
        with self.store.read() as tx:
            row = tx.outbox.get(effect.key)
        assert row is not None
        return row.state, row.why

    def mirrored(self, *records: Record) -> None:
        with self.store.write() as tx:
            tx.mirror.put(records)

    def posts(self) -> list[Any]:
        return [one.payload for one in self.twin.ledger.entries("slack", "post")]

    def calls(self) -> int:
        return self.twin.ledger.calls("slack")


@contextlib.contextmanager
def bureau_at(door: Door, url: str, store: SqlStore, clock: FakeClock) -> Iterator[Bureau]:
    """A new workspace behind a door that stays open."""
    twin = SlackTwin(Ledger(), faults=Faults(), echoes=False, now=clock.now)
    door.app = twin.app
    made = Bureau(store, clock, twin, url)
    made.restart()
    yield made


def keys_in(payload: Any) -> set[str]:
    """The effects that a message holds, by its metadata."""
    told = payload["metadata"]["event_payload"]
    return {told["key"], *str(told.get("also", "")).split(",")} - {""}


def words_in(blocks: Sequence[dict[str, Any]]) -> str:
    """Everything a person reads in some blocks."""
    found: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("type") in {"text", "plain_text", "link"} and isinstance(node.get("text"), str):
                found.append(node["text"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(list(blocks))
    return "\n".join(found)
