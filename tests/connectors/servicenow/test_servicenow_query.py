from datetime import UTC, datetime, timedelta, timezone

import pytest

from connectors.servicenow.query import Filter, among, safe, stamp, where, window
from loopbot.domain.errors import ConfigError, Rejected


@pytest.mark.parametrize(
    "value",
    ["x^ORactive=true", "a\nb", "a\rb", "javascript:gs.getUserID()", "JavaScript:1", " javascript :1", "x\x00"],
)
def test_a_value_that_would_be_more_than_a_value_is_refused_before_the_call(value: str) -> None:
    with pytest.raises(Rejected):
        where("sn", "email", "=", value)


def test_an_ordinary_value_stays_as_it_is() -> None:
    assert safe("sn", "O'Hara & Söhne <x> 100%") == "O'Hara & Söhne <x> 100%"


def test_a_comma_can_not_smuggle_a_further_value() -> None:
    assert among("sn", "sys_id", ["a", "b"]) == "sys_idINa,b"
    with pytest.raises(Rejected):
        among("sn", "sys_id", ["a,b"])


def test_the_next_page_repeats_the_filter_in_both_halves() -> None:
    only = Filter.parse("q", "active=true^priority=1^ORpriority=2")
    narrowed = "active=true^priority=1^ORpriority=2"
    assert window(only, ("2026-03-02 12:00:00", "ab"), "") == (
        f"sys_updated_on=2026-03-02 12:00:00^sys_id>ab^{narrowed}"
        f"^NQsys_updated_on>2026-03-02 12:00:00^{narrowed}^ORDERBYsys_updated_on^ORDERBYsys_id"
    )


def test_a_first_reading_has_no_lower_bound() -> None:
    assert window(Filter(), None, "") == "ORDERBYsys_updated_on^ORDERBYsys_id"


def test_times_are_asked_for_in_utc() -> None:
    berlin = timezone(timedelta(hours=1))
    assert stamp(datetime(2026, 3, 2, 13, 0, 0, 999, tzinfo=berlin)) == "2026-03-02 12:00:00"
    assert stamp(datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)) == "2026-03-02 12:00:00"


@pytest.mark.parametrize(
    "text",
    [
        "active=true^NQpriority=1",
        "active",
        "active=javascript:true",
        "a=1\nb=2",
        "ORDERBYnumber",
        "Active=true",
        "^a=1",
    ],
)
def test_a_filter_that_can_not_be_checked_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Filter.parse("servicenow:incident, query", text)
    assert "servicenow:incident" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "row", "fits"),
    [
        ("active=true", {"active": "true"}, True),
        ("active=true", {"active": "false"}, False),
        ("priority=1^ORpriority=2", {"priority": "2"}, True),
        ("priorityIN1,2^active=true", {"priority": "2", "active": "false"}, False),
        ("short_descriptionLIKEpay", {"short_description": "It does not PAY"}, True),
        ("assigned_toISEMPTY", {"assigned_to": ""}, True),
        ("assigned_toISNOTEMPTY", {"assigned_to": ""}, False),
        ("category!=inquiry", {"category": ""}, True),
        ("numberSTARTSWITHINC", {"number": "PRB1"}, False),
        ("priority>2", {"priority": "1"}, True),
    ],
)
def test_rows_are_checked_again(text: str, row: dict[str, str], *, fits: bool) -> None:
    assert Filter.parse("q", text).holds(row) is fits
