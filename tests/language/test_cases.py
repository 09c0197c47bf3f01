import tomllib
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from loopbot.domain.rules import Rule
from loopbot.judgement.shipped import shipped_judgement
from loopbot.language.cases import run, run_text
from loopbot.language.loader import load_rules
from loopbot.language.schema import rule_schema

RULES = Path(__file__).parents[2] / "rules"
STARTER = [path.stem for path in sorted(RULES.glob("*.toml"))]
RULE = """
about = "x"
on = "incident"
when = "it.priority <= 2"
[[then]]
do = "comment"
internal = true
text = "Look at {it.title}"
"""
CASE = """
[[case]]
about = "An urgent incident is commented on"
now = 2026-11-22T14:05:00Z
event = "servicenow:incident:INC1"
record = [{ ref = "servicenow:incident:INC1", title = "Printer", priority = 1, opened_at = "20m ago" }]
expect = [{ do = "comment", on = "servicenow:incident:INC1", internal = true, text = "Look at Printer" }]
"""


@pytest.fixture
def commenting(rule: Callable[[str], Rule]) -> Rule:
    return rule(RULE)


def test_the_starter_pack_has_no_mistakes() -> None:
    assert load_rules(RULES).errors == ()
    assert len(STARTER) >= 7


@pytest.mark.parametrize("name", STARTER)
def test_each_starter_rule_does_what_its_cases_say(name: str) -> None:
    (rule,) = [rule for rule in load_rules(RULES).rules if rule.name == name]
    results = run(rule, RULES / "tests" / f"{name}.toml", shipped_judgement())
    assert [result for result in results if not result.passed] == []
    assert len(results) >= 3


@pytest.mark.parametrize("name", STARTER)
def test_each_starter_rule_has_a_case_in_which_it_does_nothing_and_a_hostile_one(name: str) -> None:
    cases = tomllib.loads((RULES / "tests" / f"{name}.toml").read_text())["case"]
    assert any(case["expect"] == [] for case in cases)
    assert any("{" in record.get("title", "") for case in cases for record in case["record"])


def test_no_case_lies_about_for_a_rule_that_is_gone() -> None:
    assert sorted(path.stem for path in (RULES / "tests").glob("*.toml")) == STARTER


def test_a_case_passes_when_the_plan_is_the_expected_one(commenting: Rule) -> None:
    (result,) = run_text(commenting, CASE)
    assert result.passed
    assert result.name == "An urgent incident is commented on"


def difference(rule: Rule, text: str) -> str:
    (result,) = run_text(rule, text)
    assert not result.passed
    return result.difference


def test_another_text_is_shown_beside_the_expected_one(commenting: Rule) -> None:
    changed = CASE.replace("Look at Printer", "Look at the printer")
    assert difference(commenting, changed) == "comment: text should be 'Look at the printer', and is 'Look at Printer'"


def test_a_text_can_be_held_to_contain_and_to_lack(commenting: Rule) -> None:
    assert run_text(
        commenting, CASE.replace('text = "Look at Printer"', 'contains = ["Look", "Printer"], lacks = "{"')
    )[0].passed
    changed = CASE.replace('text = "Look at Printer"', 'contains = "Fax", lacks = "Printer"')
    assert difference(commenting, changed) == (
        "comment: the text does not contain 'Fax':\n  Look at Printer\n"
        "comment: the text contains 'Printer':\n  Look at Printer"
    )


def test_an_effect_too_much_is_named(commenting: Rule) -> None:
    changed = CASE[: CASE.index("expect")] + "expect = []"
    assert difference(commenting, changed).startswith("asked for, and not expected: comment (system = 'servicenow'")


def test_a_rule_that_did_not_act_says_why(commenting: Rule) -> None:
    assert difference(commenting, CASE.replace("priority = 1", "priority = 4")) == (
        "expected, and not asked for: comment (on = 'servicenow:incident:INC1', internal = True, text = 'Look at Printer')\n"
        "the rule did not act on INC1: it.priority <= 2 (it.priority is 4)"
    )


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("title =", "titel =", "cases, case[1]: incident has no `titel` (did you mean `title`?)"),
        ('"20m ago"', '"20 m ago"', "cases, case[1]: `opened_at`: '20 m ago' is not a moment"),
        ("priority = 1", 'priority = "1"', "cases, case[1]: `priority`: '1' is not a whole number"),
        ("event =", "evnt =", "cases, case[1].evnt: `evnt` is not a key here (did you mean `event`?)"),
        (
            'event = "servicenow:incident:INC1"',
            'event = "servicenow:incident:INC2"',
            "cases, case[1]: the event is about",
        ),
        (
            'do = "comment"',
            'do = "coment"',
            "expect[1]: `coment` is not something a rule can do (did you mean `comment`?)",
        ),
        ("internal = true", "intern = true", "expect[1]: `intern` is not known of comment (did you mean `internal`?)"),
        (
            '"Printer", priority',
            '"Printer", state = "open", priority',
            'servicenow:incident:INC1: "open" is not a state',
        ),
        ("now = 2026", "now = x2026", "cases, line 4, column 7: this is not TOML: invalid value"),
    ],
)
def test_a_mistake_in_a_case_is_a_failed_case_that_says_so(commenting: Rule, old: str, new: str, why: str) -> None:
    results = run_text(commenting, CASE.replace(old, new, 1))
    assert not any(result.passed for result in results)
    assert any(why in result.difference for result in results)


def test_a_case_file_that_is_not_there_is_a_failed_case(commenting: Rule, tmp_path: Path) -> None:
    (result,) = run(commenting, tmp_path / "none.toml")
    assert not result.passed


@pytest.mark.parametrize("name", STARTER)
def test_editors_find_nothing_wrong_with_the_starter_pack(name: str) -> None:
    schema = rule_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(tomllib.loads((RULES / f"{name}.toml").read_text()), schema)


@pytest.mark.parametrize("change", ['settle = "soon"', "lmit = 3", 'on = "incidnt"', "[match]\nkind = 3"])
def test_editors_see_what_the_shape_alone_tells(change: str) -> None:
    text = (
        RULE.replace('on = "incident"', "")
        if "on =" in change
        else 'on = "incident"' + RULE.replace('on = "incident"', "")
    )
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(
            tomllib.loads(f"{change}\n{text}" if "[" not in change else f"{text}\n{change}"), rule_schema()
        )
