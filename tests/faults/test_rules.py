"""E, C and R: writes that come back, writes that cross, rules that want too much. And what always holds."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from loopbot.ports import Hook
from loopbot.sandbox.jira.hooks import jira_letter
from loopbot.sandbox.servicenow.hooks import servicenow_letter
from loopbot.usecases.deliver import deliver
from loopbot.usecases.hints import Bounds, hinted, keep
from loopbot.usecases.preview import preview
from tests.faults.catalogue import fault
from tests.faults.conftest import both_stores
from tests.faults.ground import CASES, ISSUES, NOTES, SECRETS, Case, Ground, Running, judge

each_writer = pytest.mark.parametrize("case", CASES, ids=str)


@fault("E1", "I4", "I7")
@each_writer
@both_stores
def test_our_own_writes_come_back_and_set_off_nothing(ground: Ground, case: Case) -> None:
    """Not even rules that act at each new stamp, which our own write gives a record."""
    ground.rule("diary", DIARY)
    case = replace(case, rule=case.rule.replace('on = "incident"', 'on = "incident"\nonce = "{it.updated_at}"'))
    with ground.running(case, servicenow=HOOKED, jira=HOOKED) as it:
        it.turn()
        keys = [ground.incident(f"Number {number} fails") for number in range(3)]
        for stream in ("servicenow:incident", "jira:issue"):
            it.read(stream)
            it.pass_time(90)
            deliver(it.loop, case.system)
        assert [case.count(ground, key) for key in keys] == [1] * 3
        assert len(ground.entries("jira", "comment")) == {"jira": 3}.get(case.system, 0)
        written, planned = len(ground.ledger.entries()), len(it.rows())
        it.pass_time(60)
        echo = _called(ground, it.turn)
        it.pass_time(60)
        assert echo == _called(ground, it.turn), "what came back cost no call that an idle poll does not make"
        hooked = [_heard(ground, it, stream) for stream in _told_of(ground, it, case, keys)]
        assert len(hooked) == {"servicenow": 1, "jira": 1, "slack": 0}[case.system]
        for _ in range(3):
            it.pass_time(60)
            it.turn()
            it.read(sweep=True)
        assert (len(ground.ledger.entries()), len(it.rows())) == (written, planned)
        judge(ground, it)
    assert [case.count(ground, key) for key in keys] == [1] * 3


DIARY = """
about = "Whenever an issue was touched, that is told on it."
on = "issue"
once = "{it.updated_at}"
[[then]]
do = "comment"
internal = true
text = "Touched."
"""
HOOKED = 'webhook_secret = "file:servicenow.secret"'


def _called(ground: Ground, what: Callable[[], object]) -> Counter[tuple[str, str]]:
    """Which calls this makes, whatever they ask for."""
    before = len(ground.ledger.requests())
    what()
    return Counter((method, path.partition("?")[0]) for _, method, path, _ in ground.ledger.requests()[before:])


def _told_of(ground: Ground, it: Running, case: Case, keys: list[str]) -> list[str]:
    """The webhooks of our own writes arrive, each twice; the streams that are to be read for them."""
    secret = SECRETS["servicenow"]
    letters = {
        "servicenow": lambda: [servicenow_letter(ground.servicenow, "incident", key, secret) for key in keys],
        "jira": lambda: [jira_letter(ground.jira, one.key, secret) for one in ground.jira.issues("LOOP")],
        "slack": list,
    }[case.system]()
    hooks = []
    for letter in [*letters, *letters]:
        heads = {name.lower(): text for name, text in letter.headers.items()}
        hook = it.here.connectors[case.system].hooks().verify(heads, letter.body)
        assert isinstance(hook, Hook)
        hooks.append(hook)
    it.pass_time(1)
    keep(it.loop.store, hooks, Bounds())
    it.pass_time(10)
    return hinted(it.loop)


def _heard(ground: Ground, it: Running, stream: str) -> None:
    """A reading for a hint costs what an idle one does, and makes nothing wake."""
    once = _called(ground, lambda: (it.read(stream), [deliver(it.loop, system) for system in it.loop.sinks]))
    it.pass_time(60)
    assert once == _called(ground, lambda: it.read(stream))
    assert hinted(it.loop) == [], "and it is answered"


ANSWERS = """
about = "Each change of an issue is told on it."
on = "issue"
once = "{it.updated_at} {it.text.length}"
[[then]]
do = "comment"
internal = true
text = "Changed: {it.title}"
"""


@fault("E2", "I7", "I8")
def test_a_bot_that_answers_each_of_our_writes_is_not_answered_for_ever(ground: Ground) -> None:
    key = ground.jira.create_issue("LOOP", "An issue").key
    other = ground.jira.create_issue("LOOP", "A quiet one").key
    ground.rule("answers", ANSWERS.replace("{it.updated_at} {it.text.length}", "{it.text}"))
    with ground.running() as it:
        for number in range(30):
            it.turn()
            it.pass_time(10)
            # The other bot writes on the issue whenever we do.
            ground.jira.edit(key, {"description": f"The other bot has seen comment {number}"}, actor="admin")
        ours = [one for one in ground.entries("jira", "comment") if one.key == key]
        assert 3 <= len(ours) <= 6
        held = it.rows("held")
        assert held
        assert "another bot" in held[0].why
        assert len([one for one in ground.entries("jira", "comment") if one.key == other]) == 1
        with it.loop.store.write() as tx:
            assert tx.outbox.retry(held[-1].effect.key, "it is no bot")
        it.turn()
        judge(ground, it)
        assert len([one for one in ground.entries("jira", "comment") if one.key == key]) == len(ours) + 1
        it.pass_time(1200)
        ground.jira.edit(key, {"description": "Much later"}, actor="admin")
        it.rest()
        assert len([one for one in ground.entries("jira", "comment") if one.key == key]) == len(ours) + 2


SETS = """
about = "Every incident gets its team."
on = "incident"
[[then]]
do = "set"
fields = { category = "software" }
"""


@fault("C2", "I5")
def test_a_person_who_edits_between_our_reading_and_our_writing_is_noticed(ground: Ground) -> None:
    key = ground.incident(description="As it was")
    ground.rule("sets", SETS)
    with ground.running() as it:
        it.read()
        it.clock.sleep(5)
        ground.servicenow.update("incident", key, {"description": "What a person wrote"}, actor="mara")
        deliver(it.loop, "servicenow")
        (row,) = it.rows("planned")
        assert "was changed since loopbot last saw it" in row.why
        assert ground.ledger.entries("servicenow", "update") == []
        it.rest()
        judge(ground, it)
    seen = ground.servicenow.row("incident", key)
    assert (seen["category"], seen["description"]) == ("software", "What a person wrote")
    (update,) = ground.ledger.entries("servicenow", "update")
    assert set(update.payload) == {"category"}, "only what is to change is written"


@fault("I5", "C2")
def test_the_value_that_a_rule_replaces_is_kept_in_its_receipt(ground: Ground) -> None:
    key = ground.incident(category="hardware")
    issue = ground.jira.create_issue("LOOP", "What a person wrote").key
    ground.rule("sets", SETS)
    ground.rule(
        "names", SETS.replace('"incident"', '"issue"').replace('category = "software"', 'summary = "A better title"')
    )
    with ground.running() as it:
        it.rest()
        judge(ground, it)
        notes = {row.effect.cause.subject.key: row.receipt.note for row in it.rows("settled") if row.receipt}
    assert ground.servicenow.row("incident", key)["category"] == "software"
    assert "category was 'hardware'" in notes[key]
    assert "Summary was 'What a person wrote'" in notes[issue]


MIRRORS = """
about = "An incident has an issue that says the same."
on = "incident"
[[then]]
do = "mirror"
system = "jira"
into = "issue"
place = "LOOP"
fields = { title = "WINNER" }
"""


@fault("C1", "I5", "I8")
@pytest.mark.parametrize(("winner", "stands"), [("it", "The incident's words"), ("other", "The issue's words")])
@both_stores
def test_where_both_sides_edit_a_field_the_winner_stands_and_the_losers_words_are_kept(
    ground: Ground, winner: str, stands: str
) -> None:
    key = ground.incident("As it was")
    ground.rule("mirrors", MIRRORS.replace("WINNER", winner))
    with ground.running() as it:
        it.rest()
        (issue,) = ground.jira.issues("LOOP")
        it.pass_time(60)
        ground.servicenow.update("incident", key, {"short_description": "The incident's words"}, actor="mara")
        ground.jira.edit(issue.key, {"summary": "The issue's words"}, actor="admin")
        it.rest()
        it.turn()
        judge(ground, it)
        with it.loop.store.read() as tx:
            lost = tx.agreements.conflicts()
    assert ground.servicenow.row("incident", key)["short_description"] == stands
    assert stands in str(ground.jira.issue(issue.key))
    (loser,) = {"The incident's words", "The issue's words"} - {stands}
    assert loser in str(lost)


MANY = """
about = "A note on each incident."
on = "incident"
limit = 20
[[then]]
do = "comment"
internal = true
text = "Seen by loopbot: {it.key}"
"""


@fault("R1", "I8")
def test_a_rule_that_suddenly_fits_everything_stops_at_its_limit_and_asks(ground: Ground) -> None:
    for number in range(300):
        ground.incident(f"Number {number}")
    with ground.running() as it:
        it.rest()
    ground.rule("edited", MANY)
    for number in range(300):
        ground.incident(f"Number {number} again")
    with ground.running() as it:
        (source,) = [one for one in it.here.sources if one.stream == "servicenow:incident"]
        foreseen = [effect for one in preview(it.loop, [source]).enacted for effect in one.new]
        assert len(foreseen) >= 300, "`plan` counts them before the first write"
        assert it.states() == {}
        it.rest()
        assert it.states()["settled"] == 20
        assert it.states()["held"] == len(foreseen) - 20
        judge(ground, it)
    assert len(ground.ledger.entries("servicenow", "work_note")) == 20


STATES = """
about = "Each state of an incident is noted."
on = "incident"
once = "{it.state} {it.text}"
[[then]]
do = "comment"
internal = true
text = "Now {it.state}: {it.text}"
"""


@fault("R2", "E2")
def test_what_flaps_is_told_in_order_a_few_times_and_then_held(ground: Ground) -> None:
    key = ground.incident()
    ground.rule("states", STATES)
    with ground.running() as it:
        for number in range(20):
            closing = {"close_code": "Solved", "close_notes": "x"} if number % 2 else {}
            values = {"state": "6" if number % 2 else "2", "description": f"flip {number:02}", **closing}
            ground.servicenow.update("incident", key, values, actor="mara")
            it.turn()
            it.pass_time(20)
        told = [str(one.payload["value"]) for one in ground.ledger.entries("servicenow", "work_note")]
        assert told == sorted(told, key=lambda text: text[-2:]), "in order"
        assert len(told) <= 6
        assert all("more than 6 times" in row.why for row in it.rows("held"))
        assert it.rows("held")
        judge(ground, it)


DEBOUNCED = STATES.replace('on = "incident"', 'on = "incident"\nsettle = "10m"').replace("{it.text}", "")


@fault("R2")
def test_with_settle_what_flaps_in_its_first_minutes_is_looked_at_once(ground: Ground) -> None:
    key = ground.incident()
    ground.rule("states", DEBOUNCED)
    with ground.running() as it:
        for number in range(8):
            closing = {"close_code": "Solved", "close_notes": "x"} if number % 2 else {}
            ground.servicenow.update("incident", key, {"state": "6" if number % 2 else "2", **closing}, actor="mara")
            it.turn()
            it.pass_time(60)
        assert ground.ledger.entries("servicenow", "work_note") == []
        it.pass_time(300)
        it.rest()
        judge(ground, it)
    (note,) = ground.ledger.entries("servicenow", "work_note")
    assert "resolved" in str(note.payload["value"])


@fault("I1", "I2", "I4", "I7", "I8")
@both_stores
def test_everything_at_once_leaves_one_effect_each(ground: Ground) -> None:
    keys = []
    for round_ in range(4):
        for system, match in (("servicenow", NOTES.writing), ("jira", ISSUES.writing), ("slack", r"chat\.post")):
            kinds = ("lose_answer", "refuse", "html", "truncate")
            ground.fault(system, kinds[round_], match)
            ground.fault(system, kinds[-1 - round_], "", skip=3)
            ground.fault(system, "status", match, status=(429, 500, 503, 502)[round_], skip=2)
        keys += [ground.incident(f"Number {number} of {round_}") for number in range(5)]
        with ground.running(*CASES) as it:
            it.turn()
            it.pass_time(45)
            it.turn()
    ground.heal()
    with ground.running(*CASES) as it:
        it.rest()
        assert it.states() == {"settled": 60}
        judge(ground, it)
    assert {case.count(ground, key) for case in CASES for key in keys} == {1}
    assert ground.ledger.calls() < 400
