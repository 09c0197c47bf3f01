import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from loopbot.domain.records import Incident
from loopbot.domain.rules import Scope
from loopbot.language.expressions import clauses
from loopbot.language.mistakes import Mistake
from loopbot.language.names import Names, names_for
from loopbot.language.predicates import condition, number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("it.priority <= 3", True),
        ("it.priority < 2", False),
        ("it.priority in [1, 2]", True),
        ('it.state != "cancelled"', True),
        ('it.state in ["new", "on_hold"]', True),
        ('it.state not in ["new", "on_hold"]', False),
        ('"checkout" in it.services', True),
        ('"mail" in it.services', False),
        ("it.services.is_empty", False),
        ("it.labels.is_empty", True),
        ("it.services.length == 1", True),
        ("(it.services & other.services).is_empty", True),
        ('"error" in it.title', True),
        ('it.title.as_lower.starts_with("checkout")', True),
        ('it.title =~ "Checkout"', True),
        ('it.title =~ "error"', False),
        ('it.title =~~ "err[oa]r"', True),
        ('it.title !~~ "err[oa]r"', False),
        ("now - it.opened_at > 2h", True),
        ("now - it.opened_at > 3h1m", False),
        ("it.opened_at > now - 1d", True),
        ('it.opened_at > d"2026-11-22T00:00:00"', True),
        ('it.reporter == "Ann Lee"', True),
        ("it.finished", False),
        ("not it.finished and it.reopened == 0", True),
        ("it.priority == 1 or it.priority == 2", True),
        ('it.environment ?? "production" == "production"', None),
        ('(it.environment ?? "production") == "production"', True),
        ("(it.priority == 1 ? 10 : 20) == 20", True),
        ('it.kind == "incident"', True),
        ('it.extra["team"] == "blue"', False),
        ("score > 0.8", True),
    ],
)
def test_a_condition_means_what_it_says(text: str, expected: bool | None, names: Names, scope: Scope) -> None:
    if expected is None:
        with pytest.raises(Mistake):
            condition(text, names)
    else:
        assert condition(text, names).holds(scope) is expected


@pytest.mark.parametrize(
    "text",
    [
        "it.priority <= 3",
        "it.priority > 0",
        "it.priority in [1, 2]",
        "now - it.closed_at > 1h",
        "it.priority + 1 > 0",
        "-it.priority < 0",
        "it.priority / 0 > 1",
        'it.environment == "production"',
        '"prod" in it.environment',
        'it.environment =~~ "prod"',
        'it.environment.as_lower == "production"',
        'it.environment.starts_with("p")',
        "it.environment.length > 0",
        "it.priority != null and it.priority <= 3",
        "before.priority <= 3",
        'before.title =~~ "x"',
        '"x" in before.services',
        "before.services.length >= 0",
        "before != null and before.state != it.state",
    ],
)
def test_what_is_not_there_never_holds_and_never_breaks_a_rule(
    text: str, names: Names, scope: Scope, incident: Callable[..., Incident], now: Any
) -> None:
    assert condition(text, names).holds(Scope(it=incident(priority=None, environment=None), now=now)) is False


def test_null_differs_from_every_word(names: Names, scope: Scope) -> None:
    assert condition('it.environment != "staging"', names).holds(scope) is True
    assert condition('it.environment !~~ "staging"', names).holds(scope) is True
    assert condition("it.environment == null", names).holds(scope) is True


@pytest.mark.parametrize(
    ("text", "why", "hint"),
    [
        ("it.prioriy < 3", "an incident has no `prioriy`", "did you mean `it.priority`?"),
        ("othr.state == null", "`othr` is unknown", "did you mean `other`?"),
        ("priority < 3", "`priority` is unknown", "did you mean `it.priority`?"),
        ("it.state == closed", "`closed` is unknown", 'a text needs quotes: "closed"'),
        ("it.environment == None", "`None` is unknown", "write `null`"),
        (
            'it.priority == "1"',
            '`it.priority` is a number and `"1"` is a text: they are never equal',
            "write 1 without quotes",
        ),
        (
            'it.services == "checkout"',
            '`it.services` is a set of texts and `"checkout"` is a text: they are never equal',
            'write `"checkout" in it.services`',
        ),
        (
            'now - it.opened_at > "2h"',
            '`now - it.opened_at` is a span of time and `"2h"` is a text: they have no order',
            "write a span without quotes, such as 2h or 14d",
        ),
        (
            'it.state == "closd"',
            '"closd" is none of its words',
            'did you mean "closed"? it is one of new, in_progress, on_hold, resolved, closed, cancelled',
        ),
        (
            'it.state in ["new", "done"]',
            '"done" is none of its words',
            "it is one of new, in_progress, on_hold, resolved, closed, cancelled",
        ),
        (
            'other.outcome == "success"',
            '"success" is none of its words',
            'did you mean "successful"? it is one of successful, failed, rolled_back',
        ),
        ('it.state = "new"', 'the expression can not be read at `= "new"`', "compare with `==`"),
        ("it.finished && it.priority == 1", "the expression can not be read at `&`", "write `and`"),
        ("it.priority ==", "the expression ends too early", ""),
        ("", "the expression is empty", ""),
        ("it.title", "`it.title` is a text, not a condition", "compare it with something"),
        ("it.environment", "`it.environment` is a text, not a condition", "such as `it.environment != null`"),
        ("true", "the condition is the same for every record", "leave it out, or name `it`"),
        ("it.title != null", "`it.title` is never null", "leave this comparison out"),
        (
            "it.title > 'a'",
            '`it.title > "a"` orders a text',
            "only numbers, moments and spans have an order; use == or in",
        ),
        ("it.priority in ['1']", '`it.priority` is a number, and `"1"` in the list is a text', ""),
        ("it.opened_at + 2 > now", "`+` does not go with a moment and a number", "a span is written 2h or 14d"),
        (
            "it.priority or it.finished",
            "`or` joins conditions, and `it.priority` is a number",
            "such as `it.priority == ...`",
        ),
        ("$now > it.opened_at", "`$now` is not part of the rule language", "write `now`"),
        ("it.priority ** 9 > 1", "the operator ** is not part of the rule language", ""),
        ("[x for x in it.services].length > 0", "`[x for ...]` is not part of the rule language", ""),
        ("it.title[0:3] == 'abc'", "`[a:b]` is not part of the rule language", ""),
        ("it.extra.team == 'blue'", "`it.extra.team` can not be read", 'write `it.extra["team"]`'),
        ("it == other", "`it == other` compares whole records", "compare their keys"),
        ("now - it.opened_at > 99999999d", "'99999999d' is longer than a hundred years", ""),
        ("it.title =~ '(a'", '"(a" is not a pattern: missing ): (a', ""),
        (
            "it.title =~ '(?=a)'",
            '"(?=a)" is not a pattern: invalid perl operator: (?=',
            "patterns are RE2's: no look-around, no back-references",
        ),
        ("'aaa' =~ '(a+)+$'", "`=~` looks into a constant text", "name `it` before it"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(text: str, why: str, hint: str, names: Names) -> None:
    with pytest.raises(Mistake) as caught:
        condition(text, names)
    assert (caught.value.why, caught.value.hint) == (why, hint)


@pytest.mark.parametrize(
    "text",
    [
        "it.__class__ == null",
        "it.people.length > 0",
        "it.links.length > 0",
        'it.ref == "x"',
        "it.ident == 'x'",
        "it.title.__len__ == 3",
        'it.title.format("x") == ""',
        "now.year == 2026",
        "it.extra.get('a') == 'b'",
    ],
)
def test_only_the_named_fields_of_a_record_can_be_reached(text: str, names: Names) -> None:
    with pytest.raises(Mistake):
        condition(text, names)


def test_a_name_of_several_kinds_must_mean_the_same_in_each() -> None:
    both = Names(names_for(["incident", "problem"]))
    assert condition("it.priority <= 2", both).text == "it.priority <= 2"
    assert condition('it.state == "known_error"', both)
    with pytest.raises(Mistake, match="problem has no `reopened`"):
        condition("it.reopened > 1", both)


def test_other_is_unknown_before_a_match_can_be_made() -> None:
    asking = Names(names_for(["incident"]), {"other": "this rule has no [match]"})
    with pytest.raises(Mistake, match=r"this rule has no \[match\]"):
        condition("other.state == null", asking)


def test_a_pattern_that_would_explode_costs_nothing(names: Names, incident: Callable[..., Incident], now: Any) -> None:
    bomb = condition('it.text =~~ "^(a+)+$"', names)
    scope = Scope(it=incident(text="a" * 100_000 + "!"), now=now)
    began = time.process_time()
    assert bomb.holds(scope) is False
    assert time.process_time() - began < 0.5


def test_a_pattern_sees_every_character_as_one(names: Names, incident: Callable[..., Incident], now: Any) -> None:
    scope = Scope(it=incident(title="Größe ☃ \ud800"), now=now)
    assert condition('it.title =~ "^Gr..e . .$"', names).holds(scope)


def test_an_expression_nested_too_deeply_is_refused(names: Names) -> None:
    with pytest.raises(Mistake, match=r"nested too deeply|longer than"):
        condition("not " * 900 + "it.finished", names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a and b", ["a", "b"]),
        ("a and (b and c)", ["a", "(b and c)"]),
        ("a and b or c", ["a and b or c"]),
        ('a == " and " and b', ['a == " and "', "b"]),
        ("a in [1, 2] and not b", ["a in [1, 2]", "not b"]),
        ("a\nand b", ["a", "b"]),
        ("android and sandy", ["android", "sandy"]),
    ],
)
def test_a_condition_falls_apart_at_its_ands(text: str, expected: list[str]) -> None:
    assert clauses(text) == expected


def test_a_condition_tells_what_it_saw(names: Names, scope: Scope) -> None:
    made = condition('it.priority <= 3 and it.state != "cancelled" and it.opened_at < now - 1h', names)
    assert [clause.text for clause in made.clauses] == [
        "it.priority <= 3",
        'it.state != "cancelled"',
        "it.opened_at < now - 1h",
    ]
    assert made.clauses[0].seen(scope) == "it.priority is 2"
    assert made.clauses[2].seen(scope) == "it.opened_at is 22 Nov 2026, 11:05 UTC and now is 22 Nov 2026, 14:05 UTC"
    assert condition("it.environment == null", names).seen(scope) == "it.environment is not set"


def test_numbers_come_back_as_python_numbers(names: Names, scope: Scope) -> None:
    assert type(number("it.priority + 1", names)(scope)) is int
    with pytest.raises(Mistake, match="a number is wanted"):
        number("it.title", names)


def test_times_are_utc_whatever_the_machine_says(names: Names, scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        assert condition('it.opened_at == d"2026-11-22T11:05:00"', names).holds(scope)
        assert condition('it.opened_at == d"2026-11-22T12:05:00+01:00"', names).holds(scope)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert timedelta(0) == scope.now.utcoffset()
