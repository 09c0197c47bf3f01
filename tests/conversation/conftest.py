"""A small shop whose loop went round: tickets, a problem, an item, deployments, and the people in it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from loopbot.domain.forms import Form
from loopbot.domain.records import (
    Change,
    Deployment,
    Feedback,
    Incident,
    Involved,
    Issue,
    Link,
    Person,
    Problem,
    Record,
    Ref,
    Release,
)
from loopbot.domain.rulebook import Rulebook
from loopbot.domain.speech import Message, plain
from loopbot.store import SqlStore
from loopbot.usecases.absorb import absorb
from loopbot.usecases.conversation.desk import Place, ReportPlaces
from loopbot.usecases.listen import Conversation
from loopbot.usecases.loop import Loop
from loopbot.usecases.roles import Roles
from tests.support.clock import FakeClock
from tests.support.made import at
from tests.support.systems import FakeSink

MARA = Person("servicenow", "u1", "Mara Lindqvist", "mara@example.com")
MARA_IN_CHAT = Person("slack", "U1", "Mara Lindqvist", "mara@example.com")
TOM = Person("slack", "U2", "Tom Brandt", "tom@example.com")
OPS = Person("slack", "U3", "Ops", "ops@example.com")
ROLES = Roles(frozenset({"ops@example.com"}), groups={"agents": frozenset({"tom@example.com"})})
PLACES = ReportPlaces(
    Place("servicenow", "feedback", "u_feedback", topic_field="u_topic"),
    Place("servicenow", "incident", "incident"),
    {"bulb": "feature", "bug": "bug"},
)


def ref(kind: str, key: str, system: str = "servicenow") -> Ref:
    return Ref(system, kind, key)


def incident(number: int, **fields: object) -> Incident:
    given = {
        "title": "The export hangs at 80 percent",
        "text": "Since Tuesday the nightly export of orders hangs.",
        "state": "in_progress",
        "updated_at": at(0),
        "opened_at": at(0),
        "services": frozenset({"Order Export"}),
        "people": (Involved("reporter", MARA), Involved("assignee", Person("servicenow", "u7", "Priya Nair"))),
        "priority": 2,
        "group": "Shop",
        "url": f"https://it.example.com/incident/INC{number:07d}",
    } | fields
    return Incident(ref=ref("incident", f"INC{number:07d}"), ident=f"{number:032x}", **given)  # type: ignore[arg-type]


def shop() -> list[Record]:
    problem = ref("problem", "PRB0000001")
    item = ref("issue", "LOOP-7", "jira")
    first, second = ref("incident", "INC0012345"), ref("incident", "INC0012346")
    shipped = ref("deployment", "77", "github")
    return [
        incident(12345, links=(Link(first, "caused_by", ref("change", "CHG0000042"), 0.9, "same service, finished 22 minutes before"),)),
        incident(12346, title="Export of orders stops"),
        incident(20000, title="Printer is out of paper", state="new", people=(), links=()),
        Problem(ref=problem, ident="p1", title="Export locks the orders table", state="known_error", updated_at=at(5), opened_at=at(5), workaround="Run the export after 22:00.", links=(Link(problem, "problem_of", first), Link(problem, "problem_of", second))),
        Issue(ref=item, ident="7", title="Do not lock the table while exporting", state="in_review", updated_at=at(9), opened_at=at(6), people=(Involved("assignee", Person("jira", "x", "Ines Moreau")),), links=(Link(item, "fixes", problem),)),
        Change(ref=ref("change", "CHG0000042"), ident="c42", title="Upgrade the export", state="closed", outcome="successful", updated_at=at(-20), started_at=at(-40), finished_at=at(-22), services=frozenset({"Order Export"})),
        Feedback(ref=ref("feedback", "FBK0000001"), ident="f1", title="Please export to Parquet", text="It would be great.", state="planned", updated_at=at(3), opened_at=at(3), people=(Involved("reporter", MARA),)),
        Deployment(ref=shipped, ident="77", title="shop 4.2", state="succeeded", environment="staging", commit="abcdef1234567890", updated_at=at(12), finished_at=at(12), services=frozenset({"Order Export"}), extra={"range": "3 commits since 1234567", "first_commit_at": at(0).isoformat()}, links=(Link(shipped, "delivers", item),)),
        Release(ref=ref("release", "LOOP-R5", "jira"), ident="r5", title="Shop 5.0", state="planned", updated_at=at(1), extra={"planned_for": "2026-06-01"}),
    ]  # fmt: skip


@dataclass
class Chat:
    loop: Loop
    talk: Conversation

    def said(self, text: str, person: Person = TOM) -> str:
        answer = self.talk.command(person, text)
        assert isinstance(answer, Message), answer
        return plain(answer)

    def form(self, text: str, person: Person = TOM) -> Form:
        answer = self.talk.command(person, text)
        assert isinstance(answer, Form), answer
        return answer

    def put(self, *records: Record) -> None:
        with self.loop.store.write() as tx:
            absorb(self.loop, tx, records)

    def move(self, key: str, **changes: object) -> None:
        with self.loop.store.write() as tx:
            [record] = tx.mirror.find(key)
            absorb(self.loop, tx, [replace(record, updated_at=record.updated_at + timedelta(hours=1), **changes)])  # type: ignore[arg-type]


Chats = Callable[..., Chat]


@pytest.fixture
def chat(store: SqlStore, clock: FakeClock) -> Chat:
    sinks = {"servicenow": FakeSink(), "slack": FakeSink("slack"), "jira": FakeSink("jira")}
    loop = Loop(store, Rulebook(()), sinks, clock, "one")  # type: ignore[arg-type]
    made = Chat(loop, Conversation(loop, ROLES, PLACES))
    made.put(*shop())
    return made
