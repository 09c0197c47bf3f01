from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from loopbot.domain.records import Incident, Involved, Issue, Link, Person, Record, Ref
from loopbot.domain.rules import Match, Repeat
from loopbot.judgement.likeness import open_at
from loopbot.judgement.recurrence import MOST_SAID, Recurrences, Similars
from loopbot.language.scene import Scene
from tests.support.made import at

DAY = 1440
TWO_WEEKS = Repeat(at_least=3, within=timedelta(days=14), alike=0.15)


def ticket(key: str, title: str, days: float = 0, **fields: Any) -> Incident:
    given: dict[str, Any] = {"state": "new", "opened_at": at(-days * DAY), "services": frozenset({"reports"}), **fields}
    return Incident(ref=Ref("servicenow", "incident", key), ident=key, title=title, updated_at=at(0), **given)


def found(it: Record, others: Sequence[Record], repeat: Repeat = TWO_WEEKS, links: tuple[Link, ...] = ()) -> list[str]:
    scene = Scene(at(0), {one.ref: one for one in (it, *others)}, links)
    return [one.record.key for one in Recurrences().alike(it, scene, repeat)]


EXPORT = ticket("INC1", "Export to CSV fails", 9)
TIMEOUT = ticket("INC2", "CSV exports failing with a timeout", 2)
TONER = ticket("INC3", "Printer is out of toner", 1)
NOW = ticket("INC9", "The CSV export fails")


def test_the_same_pain_is_found_in_other_words_and_other_pains_are_not() -> None:
    assert set(found(NOW, [EXPORT, TIMEOUT, TONER])) == {"INC1", "INC2"}


def test_each_comes_with_a_probability_and_its_reasons_in_the_writers_words() -> None:
    scene = Scene(at(0), {one.ref: one for one in (NOW, EXPORT)})
    one = next(iter(Recurrences().alike(NOW, scene, TWO_WEEKS)))
    assert 0.15 <= one.score < 1
    assert one.because == (
        "the same title",
        "both mention CSV, export and fails",
        "same service (reports)",
        "9 days after it",
    )


@pytest.mark.parametrize(
    ("now", "earlier", "told"),
    [
        ("OrderExport stands still since noon", "The export stands still", "Export and stands"),
        ("The export via OrderExport stands still", "The exports stand still", "export and stands"),
        ("FSNamesystem locks up", "FSNamesystem locks up again", "FSNamesystem and locks"),
        ("注文のエクスポートが途中で止まる", "昨日からエクスポートが途中で失敗する", "エクスポートが途中で"),
        ("导出订单时系统报错", "系统报错无法导出", "导出 and 系统报错"),
        ("CSVエクスポートが止まる", "CSVの取り込みが遅い", "CSV"),
    ],
)
def test_what_both_are_said_to_mention_stands_in_both(now: str, earlier: str, told: str) -> None:
    one, other = ticket("INC9", now), ticket("INC1", earlier, 1)
    scene = Scene(at(0), {each.ref: each for each in (one, other)})
    (ranked,) = Recurrences().alike(one, scene, replace(TWO_WEEKS, alike=0.001))
    assert f"both mention {told}" in ranked.because


def test_that_the_earlier_one_was_fixed_does_not_hide_that_it_came_back() -> None:
    fixed = ticket("INC1", "Export to CSV fails", 9, state="closed", resolved_at=at(-8 * DAY))
    scene = Scene(at(0), {one.ref: one for one in (NOW, fixed)})
    open_too = Scene(at(0), {one.ref: one for one in (NOW, EXPORT)})
    scores = [next(iter(Recurrences().alike(NOW, each, TWO_WEEKS))).score for each in (scene, open_too)]
    assert scores[0] == scores[1]


def test_a_person_who_says_that_they_are_the_same_is_certain() -> None:
    said = Link(NOW.ref, "duplicates", TONER.ref, by="person:mara")
    assert found(NOW, [EXPORT, TONER], links=(said,)) == ["INC3", "INC1"]
    by_rule = Link(NOW.ref, "duplicates", TONER.ref, by="rule:other")
    assert found(NOW, [EXPORT, TONER], links=(by_rule,)) == ["INC1"]


def test_so_many_at_most_are_followed_that_people_linked() -> None:
    many = [ticket(f"INC{100 + number}", f"Pain {number}x", 10 - number / 100) for number in range(MOST_SAID + 20)]
    chain = [Link(later.ref, "duplicates", one.ref, by="person:mara") for one, later in pairwise(many)]
    star = [Link(one.ref, "duplicates", many[0].ref, by="person:mara") for one in many[1:]]
    for links in (chain, star):
        scene = Scene(at(0), {one.ref: one for one in many}, tuple(links))
        certain = [one for one in Recurrences().alike(many[-1], scene, TWO_WEEKS) if one.score == 1.0]
        assert len(certain) == MOST_SAID


def test_other_services_and_older_ones_are_not_counted() -> None:
    elsewhere = ticket("INC4", "CSV export fails", 1, services=frozenset({"mail"}))
    long_ago = ticket("INC5", "CSV export fails", 20)
    assert found(NOW, [elsewhere, long_ago]) == []
    anywhere = Repeat(at_least=2, within=timedelta(days=30), alike=0.15, same_service=False)
    assert set(found(NOW, [elsewhere, long_ago], anywhere)) == {"INC4", "INC5"}


def test_without_a_bar_the_service_alone_counts() -> None:
    assert set(found(NOW, [EXPORT, TONER], Repeat(at_least=2, within=timedelta(days=14)))) == {"INC1", "INC3"}


def test_the_item_that_says_it_already_is_ranked_first() -> None:
    items = [
        Issue(ref=Ref("jira", "issue", key), ident=key, title=title, state="todo", updated_at=at(-DAY))
        for key, title in (("L-1", "Rotate certificates"), ("L-2", "Add a dark mode"), ("L-3", "Faster mode of search"))
    ]
    wish = ticket("FB1", "Please add dark mode, it hurts my eyes")
    scene = Scene(at(0), {one.ref: one for one in items})
    ranked = list(Similars().rank(wish, scene, Match(kind="issue", rank="similar")))
    assert ranked[0].record.key == "L-2"
    assert ranked[0].score > 0.6
    assert all(one.score < 0.6 for one in ranked[1:])
    among = list(Similars().rank(wish, scene, Match(kind="issue", rank="similar"), [items[0], items[2]]))
    assert [one.record.key for one in among] == ["L-3"]


def test_what_was_open_at_a_moment_is_told_by_when_it_was_resolved() -> None:
    done = ticket("INC1", "x", state="closed", resolved_at=at(10))
    assert open_at(done, at(5))
    assert not open_at(done, at(15))
    assert open_at(ticket("INC2", "x"), at(15))


def test_in_a_storm_of_one_message_each_is_known_for_the_same() -> None:
    text = "Since this morning the checkout of the shop takes a minute."
    storm = [ticket(f"INC{n}", "Checkout answers slowly", n / DAY, text=text) for n in range(300)]
    assert len(found(storm[0], storm[1:])) >= 100


def test_one_word_that_many_say_is_no_pain_and_one_that_few_say_may_be() -> None:
    many = [ticket(f"INC{n}", f"Problem {n}", n / DAY) for n in range(30)]
    assert found(many[0], many[1:]) == []
    few = [ticket(f"INC{n}", f"Stromausfall {n}", n / DAY) for n in range(3)]
    others = [ticket(f"INC{n}", f"Trouble with part{n}z", n / DAY) for n in range(10, 40)]
    assert set(found(few[0], [*few[1:], *others])) == {"INC1", "INC2"}


def test_a_form_that_everybody_fills_in_is_not_one_pain() -> None:
    asked = ("a laptop for Mara", "the wiki of sales", "a badge for hall 2", "more disk space", "a phone in Lyon")
    forms = [ticket(f"INC{n}", "Request for access", n, text=f"I need {what}.") for n, what in enumerate(asked * 20)]
    same = {f"INC{n}" for n in range(5, 100, 5)}
    assert set(found(forms[0], forms[1:])) <= same


def by(person: str) -> tuple[Involved, ...]:
    return (Involved(role="reporter", person=Person(system="servicenow", key=person)),)


def test_what_one_person_files_about_one_thing_after_the_other_is_a_series_and_no_pain_that_comes_back() -> None:
    older = ticket("INC1", "The nightly export to the warehouse waits forever", 3, people=by("mara"))
    newer = ticket("INC9", "The nightly export to the archive waits forever", people=by("mara"))
    assert found(newer, [older]) == []
    assert found(replace(newer, people=by("ines")), [older]) == ["INC1"]
    assert found(replace(newer, people=()), [replace(older, people=())]) == ["INC1"]


def test_the_same_person_who_says_the_same_again_is_heard() -> None:
    older = ticket("INC1", "The nightly export to the warehouse waits forever", 3, people=by("mara"))
    again = ticket("INC9", "Once more the nightly export to the warehouse waits forever", people=by("mara"))
    assert found(again, [older]) == ["INC1"]
