"""Slack's twin and connector for the contract suite: it writes and reads nothing."""

import itertools
from datetime import datetime
from typing import Any, Self

from loopbot.domain.effects import Ask, Cause, Effect, Post, Tell
from loopbot.domain.messages import AskPart
from loopbot.domain.receipts import Delivery
from loopbot.domain.records import Person, Ref
from loopbot.ports import Surroundings
from loopbot.sandbox.faults import Fault, Faults
from loopbot.sandbox.ledger import Ledger
from tests.connectors.contract import Traits, surroundings
from tests.support.door import behind_the_door

SUBJECT = Ref("servicenow", "incident", "INC0000001")


class SlackStage:
    traits = Traits(system="slack", stream="", reading="^POST /api/(auth|conversations|users)")

    def __enter__(self) -> Self:
        from loopbot.sandbox.slack import SlackTwin

        self.ledger, self.faults = Ledger(), Faults()
        self.twin = SlackTwin(self.ledger, faults=self.faults, echoes=False)
        self.server = behind_the_door(self.twin.app)
        self._numbers = itertools.count(1)
        for number in range(1, 60):  # all of them before the first is looked for: a listing is good for a minute
            self.twin.add_channel(f"ops-{number}")
        return self

    def __exit__(self, *_: object) -> None:
        """The server stays, for the next stage."""

    def connector(self, given: Surroundings, *, base_url: str = "", wrong_token: bool = False, **more: Any) -> Any:
        from connectors.slack.connector import Slack
        from loopbot.sandbox.slack import APP_TOKEN, BOT_TOKEN

        token = "xoxb-somebody-elses" if wrong_token else BOT_TOKEN
        known = {"SLACK_BOT": token, "SLACK_APP": APP_TOKEN}
        told = {
            "token": "env:SLACK_BOT",
            "app_token": "env:SLACK_APP",
            "base_url": f"{base_url or self.server.url}/api/",
        }
        made = surroundings(given.clock, known)  # type: ignore[arg-type]
        return Slack("slack", Slack.Settings(**(told | more)), made)

    def delivery(self, verb: str, text: str) -> Delivery:
        number = next(self._numbers)
        cause = Cause("announce", SUBJECT, "1", once=str(number))
        effect: Effect
        if verb == "tell":
            email = f"person{number}@example.com"
            self.twin.add_user(f"Person {number}", email)
            person = Person("servicenow", f"u{number}", f"Person {number}", email)
            effect = Tell(system="slack", cause=cause, person=person, text=text, about=SUBJECT)
        else:
            name = f"ops-{number}"
            if verb == "ask":
                effect = Ask(system="slack", cause=cause, channel=name, parts=(AskPart(text),))
                return Delivery(effect, 1)
            effect = Post(system="slack", cause=cause, channel=name, text=text)
        return Delivery(effect, 1)

    def refused(self) -> Delivery:
        cause = Cause("announce", SUBJECT, "1", once=str(next(self._numbers)))
        return Delivery(Post(system="slack", cause=cause, channel="nowhere", text="Hello"), 1)

    def writing(self, verb: str) -> str:
        return r"POST /api/chat\.postMessage"

    def done(self, delivery: Delivery) -> int:
        return len(self._entries(delivery.effect.key))

    def seen(self, delivery: Delivery) -> str:
        entry = self._entries(delivery.effect.key)[-1]
        return read_aloud(entry["blocks"])

    def _entries(self, key: str) -> list[Any]:
        entries = self.ledger.entries("slack", kind="message")
        marked = [(one.payload.get("metadata") or {}, one.payload) for one in entries]
        return [payload for mark, payload in marked if mark.get("event_payload", {}).get("key") == key]  # type: ignore[attr-defined]

    # It reads nothing.

    def add(self, count: int, at: datetime) -> list[str]:
        raise NotImplementedError

    def edit(self, key: str, title: str, at: datetime) -> None:
        raise NotImplementedError

    def spoil(self, at: datetime) -> str:
        raise NotImplementedError

    def stuck(self) -> Fault:
        raise NotImplementedError


def read_aloud(blocks: list[dict[str, Any]]) -> str:
    """What a person reads: the spans of rich_text in a line, its parts below each other."""
    lines: list[str] = []
    for block in blocks:
        for part in block.get("elements", []):
            if part["type"] == "rich_text_list":
                lines += ["• " + _spans(item) for item in part["elements"]]
            elif part["type"] == "rich_text_section":
                lines.append(_spans(part))
            elif part["type"] == "plain_text":
                lines.append(part["text"])
    return "\n".join(lines)


def _spans(section: dict[str, Any]) -> str:
    return "".join(one["fallback"] if one["type"] == "date" else one["text"] for one in section["elements"])


STAGES = {"slack": SlackStage}
