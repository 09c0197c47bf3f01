"""What keeps coming back, as it is told in the chat: from the last look, with its time, to each what they may read."""

from dataclasses import replace

import pytest

from loopbot.domain.forms import Filled, Form, Wrong
from loopbot.domain.records import Involved, Link, Person, Problem
from loopbot.domain.speech import Buttons, Message, plain
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
        "As of 20",
    ):
        assert one in told, (one, told)
    assert "/loop same" not in told
    assert "/loop same INC0060003 INC0060002" in said(busy, OPS), "to those who may say so"
    assert "/loop apart INC0060003 INC0060002" in said(busy, OPS)
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


def pressed(chat: Chat, message: Message, label: str, person: Person) -> Message | Form:
    row = next(
        one for one in message.blocks if isinstance(one, Buttons) and label in {each.label for each in one.buttons}
    )
    return chat.talk.answer(person, row.key, next(one.answer for one in row.buttons if one.label == label))


def clustered(chat: Chat) -> set[str]:
    look = gather(chat.loop)
    assert look is not None
    return {ref.key for one in look.clusters for ref in one.members}


def test_a_ticket_that_does_not_belong_is_taken_apart_by_a_button_and_back_by_another(busy: Chat) -> None:
    assert len(clustered(busy)) == 4
    seen = busy.talk.command(TOM, "recurring")
    assert isinstance(seen, Message)
    assert not any(isinstance(one, Buttons) for one in seen.blocks), "agents only look"
    seen = busy.talk.command(OPS, "recurring")
    assert isinstance(seen, Message)
    form = pressed(busy, seen, "Not the same…", OPS)
    assert isinstance(form, Form)
    wrong = busy.talk.submitted(OPS, Filled(form.name, {"which": "INC0012345"}, context=form.context))
    assert isinstance(wrong, Wrong)
    assert "INC0012345 is not one of them: INC0060000" in wrong.errors["which"]
    refused = busy.talk.submitted(TOM, Filled(form.name, {"which": "INC0060003"}, context=form.context))
    assert isinstance(refused, Message)
    assert "is for problem managers" in plain(refused)
    assert len(clustered(busy)) == 4
    done = busy.talk.submitted(OPS, Filled(form.name, {"which": "inc 60003"}, context=form.context))
    assert isinstance(done, Message)
    assert "INC0060003 is no longer counted with INC0060000, INC0060001 and INC0060002" in plain(done)
    assert clustered(busy) == {"INC0060000", "INC0060001", "INC0060002"}
    back = pressed(busy, done, "Take it back", OPS)
    assert isinstance(back, Message)
    assert "Taken back" in plain(back)
    assert len(clustered(busy)) == 4
    again = pressed(busy, done, "Take it back", OPS)
    assert isinstance(again, Message)
    assert "taken back before" in plain(again)


def test_people_say_by_a_command_what_is_the_same_and_what_is_not(busy: Chat) -> None:
    assert "is for problem managers" in busy.said("same INC0060000 INC0070001")
    assert "Which ticket? For example: /loop same INC0012345 INC0012346" in busy.said("same", OPS)
    assert "is not two different tickets" in busy.said("same INC0060000", OPS)
    said = busy.talk.command(OPS, "same INC0060000 INC0070001")
    assert isinstance(said, Message)
    assert "INC0060000 and INC0070001 tell of the same pain" in plain(said)
    with busy.loop.store.read() as tx:
        [link] = [one for one in tx.links.of(ref("incident", "INC0070001")) if one.relation == "duplicates"]
        assert (link.target.key, link.by) == ("INC0060000", "person:ops@example.com")
        assert [(one.verdict, one.by) for one in tx.lessons.all("same")] == [("yes", "person:ops@example.com")] * 2
    assert "Taken back" in plain(pressed(busy, said, "Take it back", OPS))  # type: ignore[arg-type]
    with busy.loop.store.read() as tx:
        assert [one for one in tx.links.of(ref("incident", "INC0070001")) if one.relation == "duplicates"] == []
        assert tx.lessons.all("same") == []
    assert "INC0060003 is no longer counted with INC0060000" in busy.said("apart INC0060003 from INC0060000", OPS)


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
