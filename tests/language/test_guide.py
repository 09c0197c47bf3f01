"""docs/writing-a-rule.md: whatever it shows is true."""

import re
from pathlib import Path

import pytest

from loopbot.language.cases import run_text
from loopbot.language.loader import parse_rule
from loopbot.language.model import VERBS, RuleFile, keys_of
from loopbot.language.names import Names, acting_names, names_for
from loopbot.language.predicates import condition

GUIDE = (Path(__file__).parents[2] / "docs" / "writing-a-rule.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\S*(?: broken)?)\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
GOOD = [text for kind, text in BLOCKS if kind == "toml" and text.startswith("# rules/") and "/tests/" not in text[:20]]
CASES = [text for kind, text in BLOCKS if kind == "toml" and text.startswith("# rules/tests/")]
BROKEN = [(text, BLOCKS[number + 1][1]) for number, (kind, text) in enumerate(BLOCKS) if kind == "toml broken"]
CONDITIONS = [line for kind, text in BLOCKS if kind == "conditions" for line in text.splitlines()]


def name_of(text: str) -> str:
    found = re.match(r"# rules/(?:tests/)?(.+)\.toml\n", text)
    assert found
    return found[1]


def test_the_guide_has_no_example_that_is_not_run() -> None:
    assert {kind for kind, _ in BLOCKS} == {"toml", "toml broken", "text", "conditions", ""}
    assert len(GOOD) + len(CASES) == sum(kind == "toml" for kind, _ in BLOCKS)
    assert (len(GOOD), len(CASES), len(BROKEN)) == (9, 2, 3)


@pytest.mark.parametrize("text", GOOD, ids=name_of)
def test_each_rule_of_the_guide_can_be_used(text: str) -> None:
    assert parse_rule(text, name_of(text)).errors == ()


@pytest.mark.parametrize(("text", "told"), BROKEN)
def test_each_mistake_of_the_guide_is_told_as_it_shows(text: str, told: str) -> None:
    name = name_of(text)
    assert "\n".join(map(str, parse_rule(text, name, f"rules/{name}.toml").errors)) == told.strip()


@pytest.mark.parametrize("text", CASES, ids=name_of)
def test_the_cases_of_the_guide_pass(text: str) -> None:
    (written,) = [rule for rule in GOOD if name_of(rule) == name_of(text)]
    (rule,) = parse_rule(written, name_of(text)).rules
    results = run_text(rule, text)
    assert len(results) == 2
    assert [result.difference for result in results if not result.passed] == []


@pytest.mark.parametrize("text", CONDITIONS)
def test_each_condition_of_the_guide_can_be_used(text: str) -> None:
    assert condition(text, Names(acting_names(names_for(["incident"], ["change"]), ranked=True))).text == text


def test_the_guide_names_every_verb_with_its_keys() -> None:
    for part in VERBS:
        verb = part.__name__.removesuffix("Part").lower()
        (row,) = re.findall(rf"^\| `{verb}` \| `([^`]*)` \|", GUIDE, re.MULTILINE)
        assert sorted(row.split()) == sorted(set(keys_of(part)) - {"do", "if", "slot", "unless_linked"})


def test_the_guide_explains_every_key_of_a_rule() -> None:
    for key in keys_of(RuleFile):
        assert re.search(rf"`{key}`|`{key} =|`\[{key}\]`|`\[\[{key}\]\]`", GUIDE), key


def test_the_reminder_of_the_guide_waits_a_week_and_then_speaks() -> None:
    (written,) = [rule for rule in GOOD if name_of(rule) == "remind-about-stale-feedback"]
    (rule,) = parse_rule(written, "remind-about-stale-feedback").rules
    case = """
[[case]]
about = "{about}"
now = 2026-11-22T14:05:00Z
event = "servicenow:feedback:FB1"
{due}
record = [{{ ref = "servicenow:feedback:FB1", title = "Please", opened_at = "{age} ago" }}]
expect = {expect}
"""
    young = case.format(about="young", due="", age="6d", expect="[]")
    old = case.format(
        about="old", due='due = "settle"', age="7d", expect='[{ do = "post", contains = "Please (FB1)" }]'
    )
    assert [result.difference for result in run_text(rule, young + old) if not result.passed] == []
