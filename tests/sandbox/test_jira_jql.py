import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loopbot.sandbox.jira import JiraTwin
from loopbot.sandbox.jira.jql import Both, Clause, Either, Empty, Negation, Sort, Value, parse
from loopbot.sandbox.jira.lexing import JqlError, tokens
from loopbot.sandbox.jira.matching import Matcher
from loopbot.sandbox.ledger import Ledger

BERLIN_NOON = datetime(2026, 11, 22, 11, 0, 30, 500_000, tzinfo=UTC)


def quoted(text: str) -> str:
    """The reference for quoting: backslash and quote escaped, what the grammar refuses as \\uXXXX."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(one if one.isprintable() and ord(one) < 0xFDD0 else _escaped(one) for one in plain) + '"'


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else character


@given(st.text())
@example('" OR project=SEC OR summary ~ "')
@example('\\" OR project = SEC --')
@example("\\")
@example("'; DROP TABLE issues; \x00\x07\u202e\n\r\t")
@example(") ORDER BY created")
def test_a_hostile_text_quoted_is_one_value_and_nothing_else(text: str) -> None:
    query = parse(f"project = LOOP AND labels = {quoted(text)} ORDER BY id")
    expected = Both((Clause("project", "=", (Value("LOOP"),)), Clause("labels", "=", (Value(text),))))
    assert query.where == expected
    assert query.order == (Sort("id", descending=False),)


_PIECES = st.sampled_from(
    [*"()=~!<>,'\\\"&|-5", "and", "or", "not", "in", "is", "empty", "order by", "a", "b = 1", "cf[1]", "now()", " "],
)


@given(st.one_of(st.text(), st.lists(_PIECES).map(" ".join), st.lists(_PIECES).map("".join)))
def test_no_text_makes_the_parser_do_anything_but_parse_or_refuse(text: str) -> None:
    with contextlib.suppress(JqlError):
        parse(text)


def test_and_binds_closer_than_or_and_not_closest() -> None:
    one, two, three = (Clause(name, "=", (Value("1", 1),)) for name in "abc")
    assert parse("a=1 OR b=1 AND NOT c=1").where == Either((one, Both((two, Negation(three)))))
    assert parse("(a=1 OR b=1) && !c=1").where == Both((Either((one, two)), Negation(three)))


def test_lists_functions_and_empties_are_operands() -> None:
    assert parse("a not in (x, 'y z', 3)").where == Clause("a", "not in", (Value("x"), Value("y z"), Value("3", 3)))
    assert parse("a is not EMPTY").where == Clause("a", "is not", (Empty(),))
    assert parse("updated >= -5m").where == Clause("updated", ">=", (Value("-5m"),))


def test_order_by_takes_several_fields() -> None:
    order = parse("project = LOOP order by updated asc, key DESC, id").order
    assert order == (Sort("updated", descending=False), Sort("key", descending=True), Sort("id", descending=False))


@pytest.mark.parametrize(
    ("jql", "complaint"),
    [
        ("project = select", "'select' is a reserved JQL word"),
        ("project = a@b", "The character '@' is a reserved JQL character"),
        ('summary ~ "open', "has not been completed"),
        (r'summary ~ "\x"', "illegal JQL escape sequence"),
        ("project LOOP", "Expecting operator but got 'LOOP'"),
        ("project = LOOP status = Done", "Expecting either 'OR' or 'AND' but got 'status'"),
        ("(project = LOOP", "Expecting ')' but got end of line"),
        ("project in LOOP", "Expecting '('"),
        ("(" * 5000, "nested too deeply"),
        ("order by " + ",".join("abcdefgh"), "maximum of 7 fields"),
        ('summary ~ "a\x00b"', "reserved JQL character"),
    ],
)
def test_a_broken_query_is_refused_with_the_reason(jql: str, complaint: str) -> None:
    with pytest.raises(JqlError) as caught:
        parse(jql)
    assert complaint in str(caught.value)


def test_a_complaint_says_where() -> None:
    with pytest.raises(JqlError) as caught:
        tokens("project = LOOP AND\n  labels = a;b")
    assert "(line 2, character 13)" in str(caught.value)


@pytest.fixture
def twin() -> JiraTwin:
    moments = iter(BERLIN_NOON + timedelta(seconds=10 * number) for number in range(10_000))
    held = [BERLIN_NOON]

    def now() -> datetime:
        return held[0]

    one = JiraTwin(Ledger(), now=now)
    one.add_project("LOOP", "Closing the loop")
    one.add_project("SEC", "Secrets")
    one.add_user("mia", "Mia Krüger")
    one.add_version("LOOP", "1.0")
    for summary, fields in (
        ("Export queue stands still", {"labels": ["ops", "Queue"], "priority": "High", "issue_type": "Bug"}),
        ("Login page is slow", {"assignee": "mia", "description": "The queue for export is full"}),
        ("Add dark mode", {"fixVersions": ["1.0"], "reporter": "mia", "priority": "Low"}),
    ):
        held[0] = next(moments)
        one.create_issue("LOOP", summary, **fields)
    one.create_issue("SEC", "Nobody may see this")
    one.transition("LOOP-3", "Done")
    return one


def found(twin: JiraTwin, jql: str) -> list[str]:
    site = twin._site
    matcher = Matcher(site, twin.user("loopbot"), parse(jql))
    return [one.key for one in site.indexed() if matcher.matches(one)]


@pytest.mark.parametrize(
    ("jql", "keys"),
    [
        ("project = loop", ["LOOP-1", "LOOP-2", "LOOP-3"]),
        ("project = 'Closing the loop' and statusCategory != Done", ["LOOP-1", "LOOP-2"]),
        ("project not in (SEC)", ["LOOP-1", "LOOP-2", "LOOP-3"]),
        ("key in (LOOP-1, SEC-1)", ["LOOP-1", "SEC-1"]),
        ("key > LOOP-1", ["LOOP-2", "LOOP-3"]),
        ("status = done", ["LOOP-3"]),
        ("issuetype = Bug", ["LOOP-1"]),
        ("labels = queue", ["LOOP-1"]),
        ("labels is EMPTY and project = LOOP", ["LOOP-2", "LOOP-3"]),
        # A field that is empty is not found by != or NOT, as everywhere in Jira.
        ("labels != queue", []),
        ("not labels = queue", []),
        ("not (labels = queue or project = SEC)", []),
        ("priority >= High", ["LOOP-1"]),
        ("priority in (High, Low)", ["LOOP-1", "LOOP-3"]),
        ("assignee = 'mia@example.com'", ["LOOP-2"]),
        ("assignee is EMPTY and project = LOOP", ["LOOP-1", "LOOP-3"]),
        ("assignee = currentUser()", []),
        ("reporter = '712020:mia'", ["LOOP-3"]),
        ("fixVersion = '1.0'", ["LOOP-3"]),
        ("resolution = Unresolved and project = LOOP", ["LOOP-1", "LOOP-2"]),
        ("resolution = Done", ["LOOP-3"]),
        ("summary ~ 'queue export'", ["LOOP-1"]),
        (r"""text ~ '"queue for export"'""", ["LOOP-2"]),
        ("text ~ 'que*'", ["LOOP-1", "LOOP-2"]),
        ("summary !~ queue and project = LOOP", ["LOOP-2", "LOOP-3"]),
    ],
)
def test_a_query_finds_what_jira_finds(twin: JiraTwin, jql: str, keys: list[str]) -> None:
    assert found(twin, jql) == keys


@pytest.mark.parametrize(
    ("jql", "complaint"),
    [
        ("sprint = 1", "Field 'sprint' does not exist or you do not have permission to view it."),
        ("status = Dnoe", "The value 'Dnoe' does not exist for the field 'status'."),
        ("key = LOOP-99", "An issue with key 'LOOP-99' does not exist for field 'key'."),
        ("assignee in membersOf(x)", "Unable to find JQL function 'membersOf(x)'."),
        ("summary = x", "The operator '=' is not supported by the 'summary' field."),
        ("updated > yesterday", "Date value 'yesterday' for field 'updated' is invalid."),
        ("status > Done", "The operator '>' is not supported"),
        ("project = LOOP order by mood", "Field 'mood' does not exist"),
    ],
)
def test_a_name_that_does_not_exist_is_refused(twin: JiraTwin, jql: str, complaint: str) -> None:
    with pytest.raises(JqlError) as caught:
        found(twin, jql)
    assert complaint in str(caught.value)


def test_epoch_milliseconds_are_exact_and_a_bare_date_is_a_minute_of_the_accounts_zone(twin: JiraTwin) -> None:
    first = twin.issue("LOOP-1").created
    exact = int(first.timestamp() * 1000)
    assert "LOOP-1" in found(twin, f"created >= {exact}")
    assert "LOOP-1" not in found(twin, f"created > {exact}")
    assert "LOOP-1" not in found(twin, f"created >= {exact + 1}")
    # 12:00 in Berlin is 11:00 in UTC; whoever writes UTC there is an hour wrong.
    assert "LOOP-1" in found(twin, 'created >= "2026-11-22 12:00" and created < "2026-11-22 12:01"')
    assert found(twin, 'created >= "2026-11-22 11:00" and created < "2026-11-22 11:01"') == []
    assert found(twin, 'created <= "2026-11-22 12:00"') == [], "the rest of the minute is lost"
    assert "LOOP-1" in found(twin, 'created = "2026-11-22 12:00"')
    assert "LOOP-1" in found(twin, "created >= -1d")
    assert found(twin, "created <= -1d") == []
    assert "LOOP-1" in found(twin, "created >= startOfDay()")
