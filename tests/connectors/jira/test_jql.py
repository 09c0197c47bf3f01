import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.jira import jql
from loopbot.sandbox.jira.jql import Both, Clause, Value, parse

HOSTILE = [
    '" OR project = SEC',
    "a\\",
    '\\"',
    "it's",
    "a\nb\tc",
    "ORDER BY key",
    "\x00\u2028\ufffe",
    ") OR (1=1",
    "",
    "\ud800",
]


@given(st.text())
@example(HOSTILE[0])
@example(HOSTILE[1])
@example(HOSTILE[2])
@example(HOSTILE[6])
def test_a_value_stays_one_value_whatever_is_in_it(value: str) -> None:
    query = parse(jql.query(jql.equals("labels", value), jql.one_of("project", ["LOOP", value]), order="key DESC"))

    assert query.where == Both(
        (Clause("labels", "=", (Value(value),)), Clause("project", "in", (Value("LOOP"), Value(value)))),
    )


@pytest.mark.parametrize("value", HOSTILE)
def test_known_injections_stay_one_value(value: str) -> None:
    assert parse(jql.equals("labels", value)).where == Clause("labels", "=", (Value(value),))


def test_a_stamp_is_a_bare_number_of_milliseconds() -> None:
    assert parse(jql.since("updated", 1_700_000_000_123)).where == Clause(
        "updated", ">=", (Value("1700000000123", 1_700_000_000_123),)
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a = 1) OR (b = 2", "no opening"),
        ("(a = 1", "not closed"),
        ('a = "x', "string"),
        ("a = 1 ORDER BY key", "ORDER BY"),
        ("a = 1 order\n by key", "ORDER BY"),
        ("a = \\q", "escape"),
        ('a = "x\\"', "string"),
    ],
)
def test_a_filter_that_would_leak_out_of_its_parentheses_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        jql.inner(text)


def test_a_filter_may_speak_of_order_by_inside_quotes() -> None:
    assert parse(jql.query("project = LOOP", jql.inner('labels = "order by )"'), order="key")).where is not None


@given(st.text(alphabet="ab=()'\"\\ \n"))
def test_what_passes_as_a_filter_can_not_widen_the_query(text: str) -> None:
    try:
        inner = jql.inner(text)
    except ValueError:
        return
    from loopbot.sandbox.jira.lexing import JqlError

    try:
        where = parse(jql.query("project = LOOP", inner)).where
    except JqlError:
        return
    assert where == Clause("project", "=", (Value("LOOP"),)) or isinstance(where, Both)
