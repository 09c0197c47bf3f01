"""Learning which tickets are the same from what people merged, took apart and promoted: held near what ships, and reversible."""

from collections.abc import Iterator
from datetime import timedelta
from typing import cast

import pytest

from loopbot.domain.questions import Lesson
from loopbot.domain.records import Incident, Link, Ref
from loopbot.domain.rulebook import Rulebook
from loopbot.domain.rules import Repeat
from loopbot.judgement import versions
from loopbot.judgement.recurrence import JUDGEMENT, PAIN, Recurrences, read_model
from loopbot.judgement.recurrence_answers import fitted, known_repeats, sample_of, version_of, written
from loopbot.ports import Store
from loopbot.store import open_store
from loopbot.usecases.learning import learn, learn_repeats, something_new
from loopbot.usecases.loop import Loop
from loopbot.usecases.recurring import merge, split, unsay
from tests.support.clock import FakeClock
from tests.support.made import START

DAY = timedelta(days=1)
PLACES = ("Lyon", "Oslo", "Graz", "Turin", "Bern", "Porto", "Ghent", "Derby", "Varna", "Malmo")
ALL = Repeat(at_least=2, within=timedelta(days=300), same_service=False, alike=0.0001)


@pytest.fixture
def loop(store_url: str, clock: FakeClock) -> Iterator[Loop]:
    store = open_store(store_url, clock=clock)
    yield Loop(cast("Store", store), Rulebook(()), {}, clock, "one")
    store.close()


def ticket(number: int, title: str, text: str) -> Incident:
    at = START - DAY * (200 - number)
    ref = Ref("servicenow", "incident", f"INC{number:04d}")
    return Incident(ref=ref, ident=str(number), title=title, text=text, state="new", opened_at=at, updated_at=at)


def later(number: int) -> Incident:
    """A ticket whose title says nothing: only its text says where it hurts, as that of an earlier one does."""
    place = PLACES[number % 10]
    return ticket(2 * number + 1, f"Ticket {number}", f"The {place} warehouse scanner number {number} lost its pairing")


def earlier(number: int) -> Incident:
    place = PLACES[number % 10]
    return ticket(2 * number, f"Help wanted {number}", f"Scanner number {number} in {place} is not found any more")


def told(loop: Loop, count: int, verdict: str = "yes") -> None:
    """Each of so many pairs is the same (or is not), as a person says; of the like of them nobody said anything."""
    with loop.store.write() as tx:
        for number in range(count):
            tx.mirror.put([earlier(number), later(number)])
            one = Lesson(
                kind="same",
                subject=later(number).ref,
                other=str(earlier(number).ref),
                verdict="yes" if verdict == "yes" else "no",
                by="person:kim",
                at=tx.now(),
            )
            tx.lessons.add([one])


def sure(loop: Loop, number: int) -> float:
    """How sure it is that a ticket is the same as its earlier one."""
    with loop.store.read() as tx:
        found = {one.record.ref: one.score for one in Recurrences().alike(later(number), tx, ALL)}
    return found.get(earlier(number).ref, 0.0)


def test_a_few_merges_teach_nothing_yet(loop: Loop) -> None:
    told(loop, 5)
    lesson = learn_repeats(loop)
    assert not lesson.used
    assert lesson.learnt is None
    assert "5 pairs of tickets the same; 30 are needed" in lesson.why


def test_merges_make_their_like_likelier_and_that_can_be_taken_back(loop: Loop, clock: FakeClock) -> None:
    told(loop, 50)
    clock.sleep(60)
    assert something_new(loop)
    before = sure(loop, 7)

    (lesson,) = learn(loop)

    assert lesson.judgement == JUDGEMENT
    assert lesson.used
    assert lesson.learnt is not None
    assert not something_new(loop)
    after = sure(loop, 7)
    assert after > 10 * before, "though held near what ships"
    assert after < 0.5
    with loop.store.read() as tx:
        assert [one.version for one in versions.listed(tx, JUDGEMENT)] == [lesson.learnt.version]
        assert versions.in_use(tx, JUDGEMENT) == lesson.learnt.version
        assert versions.in_use(tx, "cause") == versions.SHIPPED
    with loop.store.write() as tx:
        assert versions.use(tx, JUDGEMENT, versions.SHIPPED)
    assert sure(loop, 7) == before
    with loop.store.write() as tx:
        assert versions.use(tx, JUDGEMENT, lesson.learnt.version)
    assert sure(loop, 7) == after


def test_the_like_of_what_people_took_apart_becomes_less_likely(loop: Loop) -> None:
    told(loop, 40)
    with loop.store.write() as tx:
        for number in range(40):
            place = PLACES[number % 10]
            one = ticket(100 + 2 * number, f"Report of {place} is late", f"Batch {number} failed.")
            other = ticket(101 + 2 * number, f"Report of {place} is late", f"Page {number} is empty.")
            tx.mirror.put([one, other])
            split(loop, tx, [other], [one], "person:kim")
    with loop.store.read() as tx:
        samples = [sample_of(one, tx) for one in known_repeats(tx)]
    model, merges_alone = fitted(samples), fitted([one for one in samples if any(one.truths)])
    apart = [
        row
        for one in samples
        for row, said, same in zip(one.rows, one.told, one.truths, strict=True)
        if said and not same
    ]

    assert len(apart) == 40
    assert sum(map(model.probability, apart)) < 0.9 * sum(map(merges_alone.probability, apart))


def test_what_nobody_linked_stays_as_improbable_on_average_and_no_measure_joins_that_counts_for_nothing(
    loop: Loop,
) -> None:
    told(loop, 50)
    with loop.store.read() as tx:
        samples = [sample_of(one, tx) for one in known_repeats(tx)]
    model = fitted(samples)
    silent = [row for one in samples for row, said in zip(one.rows, one.told, strict=True) if not said]

    assert len(silent) > 500
    assert sum(map(model.probability, silent)) == pytest.approx(sum(map(PAIN.probability, silent)), rel=0.01)
    assert model.weights.still_open == PAIN.weights.still_open == 0
    assert model.weights.place == PAIN.weights.place == 0


def test_the_same_answers_teach_the_same_and_what_is_kept_is_read_as_it_was(loop: Loop) -> None:
    told(loop, 40)
    with loop.store.read() as tx:
        samples = [sample_of(one, tx) for one in known_repeats(tx)]
    model = fitted(samples)

    assert fitted(samples) == model
    assert read_model(written(model)) == model
    assert version_of(model) == version_of(fitted(samples)) != version_of(PAIN)
    assert read_model('{"base": 1, "weights": {"another": 2}}') is None
    assert read_model("") is None


def test_a_person_s_last_word_on_a_pair_is_what_is_learnt(loop: Loop) -> None:
    one, two, three = ticket(1, "a", "b"), ticket(2, "c", "d"), ticket(3, "e", "f")
    with loop.store.write() as tx:
        tx.mirror.put([one, two, three])
        merge(loop, tx, [one, two, three], "person:kim")
        split(loop, tx, [two], [one], "person:kim")
    with loop.store.read() as tx:
        known = {told.it.ref: told for told in known_repeats(tx)}
    assert known[two.ref].apart == {one.ref}
    assert known[two.ref].same == frozenset()
    assert known[three.ref].same == {one.ref, two.ref}
    with loop.store.write() as tx:
        unsay(loop, tx, [one, two, three], [one, two, three])
        assert known_repeats(tx) == []


def test_what_one_problem_explains_or_a_link_joins_does_not_teach_that_it_is_not_the_same(loop: Loop) -> None:
    told(loop, 8)
    problem = Ref("servicenow", "problem", "PRB1")
    with loop.store.write() as tx:
        tx.links.put(
            [
                Link(problem, "problem_of", later(7).ref, by="rule:x"),
                Link(problem, "problem_of", later(1).ref, by="rule:x"),
                Link(later(7).ref, "duplicates", later(3).ref, by="rule:x"),
            ]
        )
        one = next(one for one in known_repeats(tx) if one.it.ref == later(7).ref)
        linked = len(sample_of(one, tx).rows)
        for link in tx.links.of(later(7).ref):
            tx.links.reject(link.source, link.relation, link.target, "person:kim")
        assert len(sample_of(one, tx).rows) == linked + 2
