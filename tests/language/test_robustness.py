"""Whatever a person types, the answer is a rule or a list of mistakes: never a traceback."""

from hypothesis import given, settings
from hypothesis import strategies as st

from loopbot.domain.errors import RuleError
from loopbot.language.loader import parse_rule
from loopbot.language.mistakes import Mistake
from loopbot.language.names import Names, acting_names, names_for
from loopbot.language.predicates import Condition, condition
from loopbot.language.templates import Text, template

NAMES = Names(acting_names(names_for(["incident"], ["change"]), ranked=True))
TOKENS = [
    *("it", "it.priority", "it.title", "it.services", "it.extra", "other.state", "before", "now", "$now", "count", "x"),
    *(
        "==",
        "!=",
        "<",
        ">=",
        "=~",
        "=~~",
        "!~",
        "in",
        "not",
        "and",
        "or",
        "??",
        "?",
        ":",
        "+",
        "-",
        "*",
        "/",
        "//",
        "%",
    ),
    *("&", "|", "^", "**", "<<", "(", ")", "[", "]", "{", "}", ",", ".", "&.", "for", "if", "#", "=", "!"),
    *('"new"', "'a'", '"(a+"', '"(a+)+$"', 'd"2026-11-22"', 'd"x"', 't"P1D"', 't"x"', 'b"x"', 'r"\\d"', '"\\x"'),
    *("1", "1.5", "0x1f", "07", "1e400", "nan", "inf", "2h", "14d", "99999999999d", "1h30m", "null", "true", "false"),
    *(".length", ".is_empty", ".as_lower", '.starts_with("a")', "[0]", "[1:2]", '["a"]', "()", "\n", "\x00", "é", "☃"),
]
GOOD = """about = "x"
on = "incident"
when = 'it.priority <= 3'
settle = "10m"
once = { per = "{it.state}", for = "1d" }
[match]
kind = "change"
[[then]]
do = "link"
relation = "caused_by"
[[then]]
do = "tell"
text = "{it.title}"
"""
VALUES = ['"x"', "1", "1.5", "-1", "true", "[]", "{}", '["it"]', "[1]", "[[]]", "{ a = 1 }", "2026-11-22", "nan", '""']


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), min_size=1, max_size=9).map(" ".join) | st.text(max_size=30))
def test_any_condition_is_understood_or_refused(text: str) -> None:
    try:
        assert isinstance(condition(text, NAMES), Condition)
    except Mistake as mistake:
        assert mistake.why  # noqa: PT017 (either way out is good, and the way out is what is judged)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*TOKENS, "{it.title}", "{{", "}}", "{", "}", "{others}"]), max_size=9).map("".join))
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        assert isinstance(template(text, NAMES), Text)
    except Mistake as mistake:
        assert mistake.why  # noqa: PT017 (as above)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(GOOD.splitlines()) - 1), st.sampled_from(VALUES), st.booleans())
def test_any_value_in_any_place_of_a_file_gives_a_rule_or_mistakes(number: int, value: str, nested: bool) -> None:
    lines = GOOD.splitlines()
    key = lines[number].partition(" = ")[0]
    lines[number] = f"[{key.strip('[]')}.deeper]" if nested else f"{key.strip('[]')} = {value}"
    loaded = parse_rule("\n".join(lines), "a-rule")
    assert bool(loaded.rules) is not bool(loaded.errors)
    assert all(isinstance(error, RuleError) and error.why for error in loaded.errors)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_any_file_gives_a_rule_or_mistakes(text: str) -> None:
    assert parse_rule(text, "a-rule").errors
