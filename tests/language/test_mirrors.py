"""Rules that mirror: what is wrong with one is said where it stands, with the remedy."""

import pytest

from loopbot.language.loader import parse_rule

GOOD = """about = "x"
on = "incident"
{rule}
[[then]]
do = "mirror"
system = "jira"
into = "{into}"
place = "LOOP"
fields = {fields}
{then}
"""


def errors_of(rule: str = "", into: str = "issue", fields: str = '{ title = "it" }', then: str = "") -> list[str]:
    text = GOOD.format(rule=rule, into=into, fields=fields, then=then)
    return [str(error).removeprefix("keep.toml, ") for error in parse_rule(text, "keep").errors]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"rule": 'when = "not it.finished"'},
            "when: a pair is kept in step whatever becomes of `it` (which records get a mirror is said by `if` in [[then]])",
        ),
        ({"rule": 'once = "{it.state}"'}, "once: a record has one mirror (leave it out)"),
        (
            {"rule": '[match]\nkind = "issue"'},
            "match: a rule that mirrors finds the other record by itself (leave it out)",
        ),
        (
            {"into": "change"},
            "then[1].into: a change can not mirror an incident (incidents, problems and issues can mirror each other)",
        ),
        (
            {"fields": "{}"},
            'then[1].fields: nothing is kept in step (write title = "it", state = "newest" ...)',
        ),
        (
            {"fields": '{ titel = "it" }'},
            "then[1].fields.titel: `titel` is not a key here (did you mean `title`?)",
        ),
        (
            {"then": 'states = { out = { new = "to_do" }, back = {} }'},
            'then[1].states.out: "to_do" is not a state of an issue (did you mean `todo`?)',
        ),
        (
            {"into": "problem", "fields": '{ state = "it" }'},
            "then[1].states: how an incident and a problem fit is not known (add states)",
        ),
        (
            {"then": '[[then]]\ndo = "post"\nchannel = "a"\ntext = "b"'},
            "then: a rule that mirrors does nothing else (put the other actions into a rule of their own)",
        ),
    ],
)
def test_a_mistake_in_a_mirror_is_told_with_its_remedy(given: dict[str, str], told: str) -> None:
    assert errors_of(**given) == [told]


def test_a_rule_that_mirrors_wakes_for_both_sides() -> None:
    (rule,) = parse_rule(GOOD.format(rule="", into="issue", fields='{ title = "it" }', then=""), "keep").rules
    assert rule.wakes_for == {"incident", "issue"}
    assert rule.systems == {"jira"}
