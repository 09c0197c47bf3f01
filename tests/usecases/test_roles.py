"""Who may do what in a chat: look and answer for all, decide for operators, and nobody is one by what they call themselves."""

import pytest

from loopbot.domain.errors import Rejected, Uncertain
from loopbot.domain.records import Involved, Person
from loopbot.domain.rulebook import Rulebook
from loopbot.domain.speech import plain
from loopbot.store import SqlStore
from loopbot.usecases.deliver import deliver
from loopbot.usecases.ingest import ingest
from loopbot.usecases.listen import Conversation
from loopbot.usecases.loop import Loop
from loopbot.usecases.roles import GROUPS, Roles
from tests.support.clock import FakeClock
from tests.support.made import incident
from tests.support.ruling import TellReporter, rule
from tests.support.systems import FakeSink, FakeSource

OPS = Person("slack", "U1", "Ops", "ops@example.com")
GUEST = Person("slack", "U2", "ops@example.com", None)
STREAM = "servicenow:incident"


def members(group: str) -> frozenset[str]:
    if group == "SDENIED":
        raise Rejected("slack", "missing_scope")
    return frozenset({"U7"}) if group == "SCREW" else frozenset()


ROLES = Roles(frozenset({"OPS@example.com", "SCREW", "SDENIED"}), members)


@pytest.mark.parametrize(
    ("person", "decides"),
    [
        (OPS, True),
        (Person("slack", "U9", "", " Ops@Example.com "), True),
        (Person("slack", "U7", "in the group"), True),
        (GUEST, False),
        (Person("slack", "U8", "SCREW", "someone@example.com"), False),
        (Person("slack", "", "", ""), False),
    ],
)
def test_operators_are_known_by_address_id_or_group_and_never_by_name(person: Person, decides: bool) -> None:
    assert ROLES.may(person, "look")
    assert ROLES.may(person, "decide") is decides


def test_nobody_decides_where_no_role_is_given() -> None:
    assert not Roles().may(OPS, "decide")


def test_operators_are_in_every_group_and_others_only_in_theirs() -> None:
    roles = Roles(frozenset({"ops@example.com"}), members, {"agents": frozenset({"SCREW"})})
    assert roles.of(OPS) == frozenset(GROUPS)
    assert roles.of(Person("slack", "U7")) == {"agents"}
    assert roles.of(GUEST) == frozenset()


@pytest.fixture
def loop(store: SqlStore, clock: FakeClock) -> Loop:
    sink = FakeSink(mishaps={1: lambda: Uncertain("servicenow", "the answer was lost")}, blind=True)
    made = Loop(store, Rulebook((rule(),)), {"servicenow": sink}, clock, "one")
    ingest(made, FakeSource(STREAM, [incident()]))
    deliver(made, "servicenow")
    return made


def stuck_key(loop: Loop) -> str:
    with loop.store.read() as tx:
        return tx.outbox.rows({"uncertain"})[0].effect.key


def state(loop: Loop) -> str:
    with loop.store.read() as tx:
        return tx.outbox.rows()[0].state


@pytest.mark.parametrize("command", ["retry", "confirm", "drop", "DROP"])
def test_a_guest_decides_nothing(loop: Loop, command: str) -> None:
    said = plain(Conversation(loop, ROLES).command(GUEST, f"{command} {stuck_key(loop)[:8]}"))
    assert "is for operators" in said
    assert state(loop) == "uncertain"
    assert "for operators" in plain(Conversation(loop, ROLES).command(GUEST, "stuck"))
    assert "retry" not in plain(Conversation(loop, ROLES).command(GUEST, "help"))


@pytest.mark.parametrize(("command", "becomes"), [("retry", "planned"), ("confirm", "settled"), ("drop", "dropped")])
def test_an_operator_decides_and_it_is_written_down(loop: Loop, command: str, becomes: str) -> None:
    talk, key = Conversation(loop, ROLES), stuck_key(loop)
    assert key[:8] in plain(talk.command(OPS, "stuck"))
    assert key[:8] in plain(talk.command(OPS, f"{command} {key[:8]}"))
    assert state(loop) == becomes
    assert "there is nothing to" in plain(talk.command(OPS, f"confirm {key[:8]}"))
    with loop.store.read() as tx:
        assert any("ops@example.com decided" in entry.because for entry in tx.journal_of(incident().ref))
    assert "not the key" in plain(talk.command(OPS, "retry ffffffff"))
    assert "retry EFFECT" in plain(talk.command(OPS, ""))


def test_everybody_may_ask_for_a_status(loop: Loop) -> None:
    assert "INC0000001" in plain(Conversation(loop, ROLES).command(GUEST, "status INC0000001"))


def test_only_who_was_asked_can_answer(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink("slack")
    mara = Person("servicenow", "u17", "Mara", "mara@example.com")
    loop = Loop(store, Rulebook((rule(then=(TellReporter(),)),)), {"slack": sink}, clock, "one")
    ingest(loop, FakeSource(STREAM, [incident(people=(Involved("reporter", mara),))]))
    deliver(loop, "slack")
    talk, key = Conversation(loop), sink.ledger[0].effect.key
    assert "someone else" in plain(talk.answer(OPS, key, "yes"))
    with store.read() as tx:
        assert not [one for one in tx.journal_of(incident().ref) if one.what.startswith("answered")]
    assert "someone else" not in plain(talk.answer(Person("slack", "U4", "Mara", "Mara@example.com"), key, "yes"))
