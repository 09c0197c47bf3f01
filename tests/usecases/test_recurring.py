"""What keeps coming back, and that what people say about it stays said."""

from datetime import timedelta
from typing import Any

import pytest

from loopbot.clock import SystemClock
from loopbot.domain.errors import UserError
from loopbot.domain.records import Incident, Record, Ref
from loopbot.domain.rulebook import Rulebook
from loopbot.domain.rules import Repeat
from loopbot.judgement.shipped import shipped_judgement
from loopbot.store import SqlStore
from loopbot.usecases.loop import Loop
from loopbot.usecases.recurring import Cluster, cluster_of, clusters, merge, repeat_of, split
from tests.support.made import START, at
from tests.support.ruling import rule

DAY = 1440
REPEAT = Repeat(at_least=2, within=timedelta(days=14), alike=0.12)
MARA = "person:mara"


def ticket(number: int, title: str, days: float, **fields: Any) -> Incident:
    given: dict[str, Any] = {"state": "new", "services": frozenset({"reports"}), **fields}
    key = f"INC{number}"
    return Incident(
        ref=Ref("servicenow", "incident", key),
        ident=key,
        title=title,
        opened_at=at(-days * DAY),
        updated_at=at(0),
        **given,
    )


EXPORTS = [
    ticket(1, "Export to CSV fails", 9),
    ticket(2, "CSV export fails with a timeout", 5),
    ticket(3, "The CSV export fails again", 1),
]
TONERS = [ticket(4, "Printer is out of toner", 8), ticket(5, "The printer is out of toner", 2)]
LONE = ticket(6, "Portal logs me out while I type", 3)


@pytest.fixture
def loop(store: SqlStore) -> Loop:
    with store.write() as tx:
        tx.mirror.put([*EXPORTS, *TONERS, LONE])
    rules = Rulebook([rule("note", repeat=Repeat(at_least=3, within=timedelta(days=20), alike=0.2))])
    return Loop(store, rules, {}, SystemClock(), "test", judgement=shipped_judgement())  # type: ignore[arg-type]  # Tx by shape


def found(loop: Loop, repeat: Repeat = REPEAT) -> list[Cluster]:
    with loop.store.read() as tx:
        assert tx.now() == START
        return clusters(tx, loop.judgement, repeat)


def keys(cluster: Cluster) -> list[str]:
    return [one.record.key for one in cluster.members]


def say(loop: Loop, what: Any, *given: Any) -> None:
    with loop.store.write() as tx:
        what(loop, tx, *given, MARA)


def test_tickets_that_tell_of_the_same_gather_with_a_name_a_centre_and_reasons(loop: Loop) -> None:
    exports, toners = found(loop)
    assert keys(exports) == ["INC1", "INC2", "INC3"]
    assert keys(toners) == ["INC4", "INC5"]
    assert exports.name == exports.centre.title
    assert exports.centre in EXPORTS
    assert 0.12 <= exports.sure < 1
    assert exports.members[2].because[0].startswith("like INC")
    assert exports.services == {"reports"}


def test_fewer_than_asked_for_are_not_listed(loop: Loop) -> None:
    assert [keys(one) for one in found(loop, Repeat(at_least=3, within=timedelta(days=14), alike=0.12))] == [
        ["INC1", "INC2", "INC3"]
    ]


def test_what_a_person_takes_apart_stays_apart(loop: Loop) -> None:
    say(loop, split, [EXPORTS[1]], [EXPORTS[0], EXPORTS[2]])
    assert keys(found(loop)[0]) in (["INC1", "INC3"], ["INC4", "INC5"])
    assert sorted(len(one.members) for one in found(loop)) == [2, 2]
    with loop.store.read() as tx:
        assert keys(cluster_of(tx, loop.judgement, EXPORTS[2], REPEAT)) == ["INC1", "INC3"]


def test_what_a_person_puts_together_is_together_whatever_the_words(loop: Loop) -> None:
    say(loop, merge, [EXPORTS[2], LONE])
    assert "INC6" in next(keys(one) for one in found(loop) if "INC3" in keys(one))
    with loop.store.read() as tx:
        mine = cluster_of(tx, loop.judgement, EXPORTS[2], REPEAT)
    assert next(one.score for one in mine.members if one.record.key == "INC6") == 1.0


def certain(loop: Loop, it: Record) -> set[str]:
    """What counts as the same as a ticket because people said so."""
    within = Repeat(at_least=2, within=timedelta(days=14), alike=0.9)
    with loop.store.read() as tx:
        return {one.record.key for one in loop.judgement.repeats.alike(it, tx, within) if one.score == 1.0}


def test_three_that_a_person_puts_together_count_as_three_for_each_of_them(loop: Loop) -> None:
    say(loop, merge, [TONERS[0], LONE, EXPORTS[2]])
    assert certain(loop, EXPORTS[2]) == {"INC4", "INC6"}
    assert certain(loop, LONE) == {"INC4"}, "what came later does not count for it"
    say(loop, split, [EXPORTS[2]], [LONE])
    assert certain(loop, EXPORTS[2]) == {"INC4"}


def test_what_was_taken_apart_leads_nowhere(loop: Loop) -> None:
    say(loop, merge, [TONERS[0], EXPORTS[2]])
    say(loop, merge, [TONERS[0], TONERS[1]])
    say(loop, merge, [TONERS[1], LONE])
    assert certain(loop, EXPORTS[2]) == {"INC4", "INC5", "INC6"}
    say(loop, split, [EXPORTS[2]], [TONERS[1]])
    assert certain(loop, EXPORTS[2]) == {"INC4"}


def test_the_last_word_counts(loop: Loop) -> None:
    before = [keys(one) for one in found(loop)]
    say(loop, split, [EXPORTS[1]], [EXPORTS[0], EXPORTS[2]])
    say(loop, merge, EXPORTS)
    assert [keys(one) for one in found(loop)] == before
    say(loop, split, [EXPORTS[1]], [EXPORTS[0], EXPORTS[2]])
    assert sorted(len(one.members) for one in found(loop)) == [2, 2]


def test_a_rule_does_not_overrule_a_person(loop: Loop) -> None:
    say(loop, split, [EXPORTS[1]], [EXPORTS[0], EXPORTS[2]])
    with loop.store.read() as tx:
        assert tx.apart(EXPORTS[1].ref) == {EXPORTS[0].ref, EXPORTS[2].ref}
        assert not tx.linked(EXPORTS[1].ref, "duplicates")


@pytest.mark.parametrize("given", [[], [EXPORTS[0]], [EXPORTS[0], EXPORTS[0]]])
def test_one_ticket_alone_can_not_be_the_same(loop: Loop, given: list[Record]) -> None:
    with pytest.raises(UserError, match="two different tickets"):
        say(loop, merge, given)


def test_the_rule_in_force_says_what_counts_as_coming_back(loop: Loop) -> None:
    assert repeat_of(loop).within == timedelta(days=20)
    assert repeat_of(loop, "issue").within == timedelta(days=14)
