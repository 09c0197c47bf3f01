"""What keeps coming back, as it is told in the chat: from the last look, with its time, to each what they may read."""

from dataclasses import replace

import pytest

from loopbot.domain.records import Involved, Link, Person, Problem
from loopbot.domain.speech import Message, plain
from loopbot.judgement.shipped import shipped_judgement
from loopbot.usecases.gathered import FRESH, GATHER, due, gather, last_look
from loopbot.usecases.listen import Conversation
from loopbot.usecases.recurring import split
from tests.conversation.conftest import MARA_IN_CHAT, OPS, PLACES, ROLES, TOM, Chat, incident, ref
from tests.support.made import at

LIKE = (
    "CSV export fails with a timeout",
    "The CSV export fails again",
    "Export to CSV fails: timeout",
    "The CSV export fails with a timeout again",
)


@pytest.fixture
def busy(chat: Chat) -> Chat:
    """Four who tell of the same, among others who do not."""
    loop = replace(chat.loop, judgement=shipped_judgement())
    made = Chat(loop, Conversation(loop, ROLES, PLACES))
    tickets = [
        incident(60000 + number, title=title, text="", services=frozenset({"Reports"}), opened_at=at(-600 * (5 - number)), links=(),
                 people=(Involved("reporter", Person("servicenow", f"r{number}", f"Reporter {number}", f"r{number}@example.com")),))
        for number, title in enumerate(LIKE)
    ]  # fmt: skip
    made.put(
        *tickets, *(incident(70000 + number, title=f"Unlike {number}", text="", people=()) for number in range(30))
    )
    return made


def said(chat: Chat, person: Person = TOM) -> str:
    return chat.said("recurring", person)


def test_before_anybody_has_looked_the_problems_are_told_and_a_look_is_asked_for(busy: Chat) -> None:
    rung: list[str] = []
    talk = Conversation(busy.loop, ROLES, PLACES, ring=rung.append)
    answer = talk.command(TOM, "recurring")
    assert isinstance(answer, Message)
    assert "2 incidents: Export locks the orders table" in plain(answer)
    assert "nobody has looked yet" in plain(answer)
    assert rung == [GATHER]
    gather(busy.loop)
    talk.command(TOM, "recurring")
    assert rung == [GATHER], "what is fresh is not looked at again"


def test_those_who_work_on_reports_read_which_tickets_why_and_what_to_do(busy: Chat) -> None:
    gather(busy.loop)
    told = said(busy)
    for one in (
        "1 matter keeps coming back",
        "4 tickets of 4 people in the last ",
        "% sure",
        "No problem explains it yet",
        "Concerns Reports",
        "“The CSV export fails with a timeout again”",
        "both mention",
        "loopbot recurring split INC0060003 --from INC0060002",
        "loopbot recurring merge INC0060003 INC0060002",
        "As of 20",
    ):
        assert one in told, (one, told)
    assert "Unlike" not in told
    assert "Export locks the orders table" not in told, "problems are told where no tickets are"


def test_whoever_only_asks_reads_how_many_and_neither_tickets_nor_reasons(busy: Chat) -> None:
    gather(busy.loop)
    told = said(busy, MARA_IN_CHAT)
    assert "4 tickets of 4 people" in told
    for hidden in ("INC0060003", "both mention", "loopbot recurring", "Reporter 1", "r1@example.com"):
        assert hidden not in told


def test_the_problem_that_explains_them_is_named_as_it_is_now(busy: Chat) -> None:
    problem = ref("problem", "PRB0000060")
    links = tuple(Link(problem, "problem_of", ref("incident", f"INC{60000 + number:07d}")) for number in range(4))
    busy.put(
        Problem(
            ref=problem,
            ident="p60",
            title="INTERNAL: db01 is small",
            state="investigating",
            updated_at=at(0),
            links=links,
        )
    )
    gather(busy.loop)
    busy.move("PRB0000060", state="known_error", workaround="INTERNAL: restart db01")
    assert "Explained by PRB0000060 INTERNAL: db01 is small (known error; there is a way around it)" in said(busy)
    assert "Explained by PRB0000060 (known error; there is a way around it)" in said(busy, MARA_IN_CHAT)
    assert "INTERNAL" not in said(busy, MARA_IN_CHAT)


def test_a_look_is_never_old_in_silence(busy: Chat) -> None:
    gather(busy.loop)
    with busy.loop.store.read() as tx:
        look = last_look(tx)
        assert look is not None
        assert not due(tx)
    assert f"As of {look.at:%Y-%m-%d %H:%M} UTC" in said(busy)
    with busy.loop.store.write() as tx:
        [one], [other] = tx.mirror.find("INC0060003"), tx.mirror.find("INC0060000")
        split(busy.loop, tx, [one], [other], "person:tom")
        assert due(tx)
    assert "People have said since then" in said(busy)
    busy.loop.clock.sleep(FRESH.total_seconds() + 1)  # type: ignore[attr-defined]
    gather(busy.loop)
    assert "People have said since then" not in said(busy)
    busy.loop.clock.sleep(FRESH.total_seconds() + 1)  # type: ignore[attr-defined]
    with busy.loop.store.read() as tx:
        assert due(tx)


def test_a_look_that_is_ended_early_is_not_kept(busy: Chat) -> None:
    assert gather(busy.loop, lambda: True) is None
    with busy.loop.store.read() as tx:
        assert last_look(tx) is None


def test_what_another_version_wrote_down_is_not_read(busy: Chat) -> None:
    with busy.loop.store.write() as tx:
        tx.remember("recurring: last look", '{"at": 3}')
        assert last_look(tx) is None
        assert due(tx)
    assert "nobody has looked yet" in said(busy)


def test_the_home_tab_of_those_who_work_on_reports_names_the_biggest(busy: Chat) -> None:
    gather(busy.loop)
    assert "Keeps coming back" in plain(busy.talk.home(OPS))
    assert "4 tickets of 4 people" in plain(busy.talk.home(OPS))
    assert "4 tickets of 4 people" not in plain(busy.talk.home(MARA_IN_CHAT))
