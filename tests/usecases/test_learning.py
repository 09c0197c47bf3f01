"""Learning from what people answered: only enough answers teach, what judges worse is not used, and it can be taken back."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from loopbot.domain.questions import Lesson
from loopbot.domain.records import Change, Incident, Ref
from loopbot.domain.rulebook import Rulebook
from loopbot.domain.rules import Match
from loopbot.judgement import versions
from loopbot.judgement.cause import JUDGEMENT, Suspects, gathered
from loopbot.judgement.cause_answers import Answered, in_force, known_causes, searched, surprise
from loopbot.judgement.cause_features import FEATURES
from loopbot.judgement.cause_model import shipped_model
from loopbot.judgement.cause_training import Sample
from loopbot.ports import Store
from loopbot.store import open_store
from loopbot.usecases.learning import learn_causes, something_new
from loopbot.usecases.loop import Loop
from tests.support.clock import FakeClock
from tests.support.made import START

DAY = timedelta(days=1)


@pytest.fixture
def loop(store_url: str, clock: FakeClock) -> Iterator[Loop]:
    store = open_store(store_url, clock=clock)
    yield Loop(cast("Store", store), Rulebook(()), {}, clock, "one")
    store.close()


def _incident(number: int) -> Incident:
    ref = Ref("servicenow", "incident", f"INC{number:04d}")
    at = START - DAY * (100 - number)
    return Incident(
        ref=ref,
        ident=str(number),
        title="Orders are late",
        state="new",
        opened_at=at,
        updated_at=at,
        services=frozenset({"orders"}),
    )


def _change(number: int, minutes: float, service: str, **fields: object) -> Change:
    ref = Ref("servicenow", "change", f"CHG{number:04d}")
    at = START - DAY * (100 - number % 1000) - timedelta(minutes=minutes)
    return Change(
        ref=ref,
        ident=str(number),
        title=f"Work on {service}",
        state="closed",
        updated_at=at,
        started_at=at,
        finished_at=at,
        services=frozenset({service}),
        **fields,  # type: ignore[arg-type]
    )


def _taught(loop: Loop, count: int) -> None:
    """Each day an incident, a change of its own service and one of the database; people say that it was the database."""
    with loop.store.write() as tx:
        for number in range(count):
            guilty = _change(1000 + number, 90, "database", outcome="failed")
            tx.mirror.put([_incident(number), guilty, _change(2000 + number, 30, "orders")])
            tx.lessons.add(
                [
                    Lesson(
                        kind="cause",
                        subject=_incident(number).ref,
                        other=str(guilty.ref),
                        verdict="yes",
                        by="person:kim",
                        at=tx.now(),
                    )
                ]
            )


def _taught_nothing(loop: Loop, first: int, count: int) -> None:
    """As many incidents more, each with a change of its service shortly before; people say that no change caused them."""
    with loop.store.write() as tx:
        for number in range(first, first + count):
            it, near = _incident(number), _change(2000 + number, 30, "orders")
            tx.mirror.put([it, near])
            none = Lesson(kind="cause", subject=it.ref, other="", verdict="yes", by="person:kim", at=tx.now())
            tx.lessons.add([none])


def _chance_of_none(loop: Loop, number: int) -> float:
    match = Match(kind="change", rank="suspect", within=DAY * 365)
    with loop.store.read() as tx:
        pool = gathered(_incident(number), tx, match)
        return 1 - sum(in_force(tx).shares(pool))


def _likeliest(loop: Loop, number: int) -> float:
    match = Match(kind="change", rank="suspect", within=DAY * 365)
    with loop.store.read() as tx:
        return max(one.score for one in Suspects().rank(_incident(number), tx, match))


def test_that_no_change_caused_it_is_an_answer_that_teaches(loop: Loop) -> None:
    _taught_nothing(loop, 0, 90)
    none, likeliest = _chance_of_none(loop, 89), _likeliest(loop, 89)
    assert learn_causes(loop).used
    assert _chance_of_none(loop, 89) > none
    assert _likeliest(loop, 89) < likeliest


def test_that_nothing_is_likelier_puts_no_candidate_behind_another() -> None:
    sample = Sample([(1.0,) * len(FEATURES), (0.0,) * len(FEATURES)], [(0.0,) * 14] * 2, [True, False])
    shipped = shipped_model()
    before, after = (
        surprise([(sample, sample)], model)["where the causes stand"]
        for model in (shipped, replace(shipped, none=shipped.none + 3))
    )
    assert after == pytest.approx(before)


def test_few_of_such_answers_leave_how_likely_no_change_is_as_it_was(loop: Loop) -> None:
    _taught(loop, 40)
    _taught_nothing(loop, 60, 29)
    with loop.store.read() as tx:
        before = in_force(tx).none
    lesson = learn_causes(loop)
    assert lesson.learnt
    with loop.store.write() as tx:
        versions.use(tx, JUDGEMENT, lesson.learnt.version)
        assert in_force(tx).none == before
    _taught_nothing(loop, 89, 2)
    lesson = learn_causes(loop)
    assert lesson.learnt
    with loop.store.write() as tx:
        versions.use(tx, JUDGEMENT, lesson.learnt.version)
        assert in_force(tx).none != before


def test_a_cause_that_is_found_later_outweighs_that_there_was_none(loop: Loop) -> None:
    _taught(loop, 1)
    with loop.store.write() as tx:
        none = Lesson(kind="cause", subject=_incident(0).ref, other="", verdict="yes", by="person:kim", at=tx.now())
        tx.lessons.add([none])
        (one,) = known_causes(tx)
    assert one.causes
    assert not one.nothing


def test_it_is_learnt_among_the_kinds_that_known_causes_have() -> None:
    change, out = Ref("servicenow", "change", "CHG1"), Ref("github", "deployment", "7")
    asked = [
        searched([Answered(_incident(number), frozenset(causes), frozenset())]).kinds
        for number, causes in enumerate(({change}, {out}, {change, out}, set[Ref]()))
    ]
    assert asked == [("change",), ("deployment",), ("change", "deployment"), ("change",)]


def _first(loop: Loop, number: int) -> str:
    match = Match(kind="change", rank="suspect", within=DAY * 365)
    with loop.store.read() as tx:
        return max(Suspects().rank(_incident(number), tx, match), key=lambda one: one.score).record.key


def test_a_few_answers_teach_nothing_yet(loop: Loop) -> None:
    _taught(loop, 5)
    lesson = learn_causes(loop)
    assert not lesson.used
    assert "5 incidents have a known cause" in lesson.why


def test_what_people_answered_changes_who_is_suspected_and_can_be_taken_back(loop: Loop) -> None:
    _taught(loop, 60)
    assert something_new(loop)
    assert _first(loop, 59) == "CHG2059"
    lesson = learn_causes(loop)
    assert lesson.used
    assert _first(loop, 59) == "CHG1059"
    with loop.store.read() as tx:
        assert (
            [one.version for one in versions.listed(tx, JUDGEMENT)] == [lesson.learnt.version]
            if lesson.learnt
            else False
        )
        assert versions.in_use(tx, JUDGEMENT) != versions.SHIPPED
    with loop.store.write() as tx:
        assert not versions.use(tx, JUDGEMENT, "nonsense")
        assert versions.use(tx, JUDGEMENT, versions.SHIPPED)
    assert _first(loop, 59) == "CHG2059"


def test_what_a_person_chose_stays_in_use_until_they_let_what_is_learnt_follow(loop: Loop) -> None:
    _taught(loop, 60)
    first = learn_causes(loop)
    assert first.used
    with loop.store.write() as tx:
        assert not versions.choose(tx, JUDGEMENT, "nonsense")
        assert not versions.chosen(tx, JUDGEMENT)
        assert versions.choose(tx, JUDGEMENT, versions.SHIPPED)
    again = learn_causes(loop)
    assert (again.used, again.held) == (False, True)
    assert again.why.endswith("it is kept, and not used, since a person chose shipped")
    with loop.store.write() as tx:
        assert versions.in_use(tx, JUDGEMENT) == versions.SHIPPED
        assert versions.listed(tx, JUDGEMENT)
        versions.follow(tx, JUDGEMENT)
    assert learn_causes(loop).used
    with loop.store.read() as tx:
        assert versions.in_use(tx, JUDGEMENT) != versions.SHIPPED
