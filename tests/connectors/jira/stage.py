"""The Jira connector on its twin, Cloud and Data Center, for the contract suite."""

import atexit
import functools
import html
import re
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Self

from loopbot.domain.effects import Align, Cause, Comment, Effect, LinkTickets, OpenTicket, SetFields, Transition
from loopbot.domain.receipts import Delivery
from loopbot.domain.records import Ref
from loopbot.ports import Connector, Surroundings
from loopbot.sandbox.faults import Fault, Faults
from loopbot.sandbox.ledger import Ledger
from tests.connectors.contract import Traits, surroundings

SYSTEM = "jira"
TOKEN = "the-right-token"
INCIDENT = Ref("servicenow", "incident", "INC0012345")
TRAITS = Traits(system=SYSTEM, stream="issue", reading=r"POST /rest/api/./search", resolution=timedelta(milliseconds=1))
_WRITES = {
    "open": r"POST /rest/api/./issue(/bulk)?$",
    "comment": r"POST .*/comment$",
    "transition": r"POST .*/transitions$",
    "set": r"PUT /rest/api/./issue/",
    "align": r"PUT /rest/api/./issue/",
    "link": r"POST .*/remotelink$",
}


@functools.cache
def _server() -> Any:
    """One server for all stages, one after the other: stopping one takes longer than most tests."""
    from tests.support.jira_site import staged

    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(staged())


class CloudStage:
    """Issues of one project are read; every verb acts on an issue of its own."""

    traits = TRAITS
    flavour: ClassVar[Literal["cloud", "datacenter"]] = "cloud"

    def __init__(self) -> None:
        from loopbot.sandbox.jira import JiraTwin

        self.ledger, self.faults = Ledger(), Faults()
        self.at: datetime | None = None
        self.latest: datetime | None = None
        self.twin = JiraTwin(self.ledger, flavour=self.flavour, faults=self.faults, now=self._now, token=TOKEN)
        self.twin.add_project("LOOP")
        self._made = 0

    def __enter__(self) -> Self:
        server = _server()
        server.app, self.url = self.twin.app, server.url
        return self

    def __exit__(self, *_: object) -> None:
        """The server stays, for the next stage."""

    def connector(
        self, given: Surroundings, *, base_url: str = "", wrong_token: bool = False, **more: Any
    ) -> Connector:
        from connectors.jira.connector import Jira

        settings = Jira.Settings(
            base_url=base_url or self.url,
            flavour=self.flavour,
            email=self.twin.email if self.flavour == "cloud" else "",
            token="env:WRONG" if wrong_token else "env:JIRA",
            projects=("LOOP",),
            **more,
        )
        return Jira(SYSTEM, settings, surroundings(given.clock, {"JIRA": TOKEN, "WRONG": "not-the-token"}))

    # ------------------------------------------------------------------ reading

    def add(self, count: int, at: datetime) -> list[str]:
        self._set(at)
        found = [self.twin.create_issue("LOOP", f"Row {number}").key for number in range(count)]
        self.at = None
        return found

    def edit(self, key: str, title: str, at: datetime) -> None:
        self._set(at)
        self.twin.edit(key, {"summary": title})
        self.at = None

    def spoil(self, at: datetime) -> str:
        (key,) = self.add(1, at)
        self._set(at)
        site = self.twin._site
        site._keep(replace(self.twin.issue(key), summary=None))  # type: ignore[arg-type] - what no one can see is null
        self.at = None
        return key

    def stuck(self) -> Fault:
        import orjson

        fields = {
            "summary": "again",
            "status": {"name": "To Do", "statusCategory": {"key": "new"}},
            "updated": "2026-01-01T10:00:00.000+0000",
        }
        rows = [{"id": str(number), "key": f"LOOP-{number}", "fields": fields} for number in range(1, 101)]
        page = {"issues": rows, "nextPageToken": "again", "isLast": False, "startAt": 0, "total": 100_000}
        return Fault("body", match=self.traits.reading, times=1000, status=200, body=orjson.dumps(page))

    # ------------------------------------------------------------------ writing

    def delivery(self, verb: str, text: str) -> Delivery:
        self._made += 1
        target = Ref(SYSTEM, "issue", self.twin.create_issue("LOOP", "The export hangs").key)
        cause = Cause("contract", INCIDENT, verb, once=str(self._made))
        effect: Effect
        if verb == "open":
            effect = OpenTicket(
                system=SYSTEM,
                cause=cause,
                kind="issue",
                place="LOOP",
                title=text,
                text=text,
                priority=2,
                labels=("bug",),
            )
        elif verb == "comment":
            effect = Comment(system=SYSTEM, cause=cause, target=target, text=text, audience="public")
        elif verb == "transition":
            effect = Transition(system=SYSTEM, cause=cause, target=target, to="in_review")
        elif verb == "set":
            effect = SetFields(system=SYSTEM, cause=cause, target=target, fields=(("description", text),))
        elif verb == "align":
            effect = Align(system=SYSTEM, cause=cause, target=target, field="title", value=text, was="The export hangs")
        else:
            url = "https://servicenow.example/INC0012345"
            effect = LinkTickets(
                system=SYSTEM, cause=cause, source=target, relation="fixes", target=INCIDENT, title=text, url=url
            )
        return Delivery(effect, 1)

    def refused(self) -> Delivery:
        delivery = self.delivery("open", "This one has a type that is none.")
        return replace(delivery, effect=replace(delivery.effect, type="Nonsense"))  # type: ignore[call-arg]

    def writing(self, verb: str) -> str:
        return _WRITES[verb]

    def done(self, delivery: Delivery) -> int:
        return len(self._entries(delivery))

    def seen(self, delivery: Delivery) -> str:
        (entry,) = self._entries(delivery)
        return self._shown(str(entry.payload["text"]))

    def _shown(self, text: str) -> str:
        return text

    def _entries(self, delivery: Delivery) -> list[Any]:
        effect = delivery.effect
        if isinstance(effect, OpenTicket | Comment):
            action = "create" if isinstance(effect, OpenTicket) else "comment"
            return [one for one in self.ledger.entries(SYSTEM, action) if effect.key in str(one.payload["properties"])]
        action = {"transition": "transition", "set": "update", "align": "update", "link": "remotelink"}[effect.verb]
        return [one for one in self.ledger.entries(SYSTEM, action) if one.key == effect.mentions[0].key]

    def _now(self) -> datetime:
        """The time on the twin: what the suite says, else the present, which is after all the suite says."""
        from loopbot.sandbox.jira.site import wall_clock

        if self.at:
            return self.at
        return max(wall_clock(), self.latest + timedelta(hours=1)) if self.latest else wall_clock()

    def _set(self, at: datetime) -> None:
        self.at, self.latest = at, max(at, self.latest or at)


class DataCenterStage(CloudStage):
    """The same on Data Center."""

    flavour = "datacenter"

    def _shown(self, text: str) -> str:
        """As the wiki renderer shows it: a backslash and an entity stand for the character itself."""
        return html.unescape(re.sub(r"\\([^\w\s]|_)", r"\1", text))


class WikiStage(CloudStage):
    """Pages of one open space of the wiki are read, listed at each poll; nothing is written there."""

    traits = Traits(
        system=SYSTEM,
        stream="article",
        reading=r"GET /wiki/rest/api/content/search",
        writes=False,
        resolution=timedelta(milliseconds=1),
        many=600,
        cannot=MappingProxyType(
            {
                "test_a_stream_without_records_is_read_in_one_call_and_keeps_the_beginning": "when the pages were last listed "
                "is kept, also where there is none: or an empty space would be listed at each poll",
            }
        ),
    )

    def __init__(self) -> None:
        super().__init__()
        self.twin.wiki.add_space("HELP", "Help")

    def connector(
        self, given: Surroundings, *, base_url: str = "", wrong_token: bool = False, **more: Any
    ) -> Connector:
        usual: dict[str, Any] = {"articles": {"spaces": ["HELP"], "every": "PT0S"}}
        return super().connector(given, base_url=base_url, wrong_token=wrong_token, **{**usual, **more})

    def add(self, count: int, at: datetime) -> list[str]:
        self._set(at)
        found = [self.twin.wiki.add("HELP", f"Row {number}", "<p>Text</p>") for number in range(count)]
        self.at = None
        return found

    def edit(self, key: str, title: str, at: datetime) -> None:
        self._set(at)
        self.twin.wiki.edit(key, title=title)
        self.at = None

    def spoil(self, at: datetime) -> str:
        (key,) = self.add(1, at)
        self._set(at)
        wiki = self.twin.wiki
        wiki._keep(replace(wiki._leaves[key], title=7))  # type: ignore[arg-type] - what is no text
        self.at = None
        return key

    def stuck(self) -> Fault:
        import orjson

        rows = [{"id": str(number), "title": "again"} for number in range(200)]
        page = {"results": rows, "_links": {"next": "/rest/api/content/search?cursor=again"}}
        return Fault("body", match=self.traits.reading, times=1000, status=200, body=orjson.dumps(page))


STAGES = MappingProxyType({"jira cloud": CloudStage, "jira datacenter": DataCenterStage, "jira wiki": WikiStage})
