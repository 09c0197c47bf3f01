from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.servicenow.mapping import Shape, shape
from connectors.servicenow.rows import UnmappableError, key_of
from connectors.servicenow.settings import FeedbackTable, TicketTable
from loopbot.domain.records import Change, Feedback, Incident, Link, Person, Problem, Ref
from loopbot.domain.rules import Match
from loopbot.judgement.cause import Suspects, gathered
from loopbot.judgement.cause_features import FEATURES
from loopbot.language.scene import Scene

ROW = {
    "sys_id": "a" * 32,
    "sys_updated_on": "2026-03-02 12:00:00",
    "sys_created_on": "2026-03-02 10:00:00",
    "sys_mod_count": "7",
    "number": "INC0010001",
    "short_description": "Checkout is slow",
    "description": "When I pay,\r\nit takes a minute.",
    "state": "2",
    "opened_at": "2026-03-02 09:59:00",
    "priority": "2",
    "correlation_id": "",
    "assignment_group.name": "Shop",
    "category": "software",
    "resolved_at": "",
    "closed_at": "",
    "close_code": "",
    "reopen_count": "1",
    "caused_by": "",
    "caused_by.number": "",
    "rfc.number": "",
    "problem_id": "",
    "problem_id.number": "",
    "caller_id": "c" * 32,
    "caller_id.name": "Ada Lovelace",
    "caller_id.email": "ada@example.com",
    "assigned_to": "",
    "opened_by": "d" * 32,
    "opened_by.name": "",
    "opened_by.user_name": "desk",
    "opened_by.email": "",
    "business_service.name": "Shop",
    "cmdb_ci.name": "web01",
}


def _url(table: str, sys_id: str, number: str) -> str:
    return f"https://it.example.com/{table}/{number}"


def _shape(kind: Any = "incident", table: TicketTable | None = None) -> Shape:
    return shape("sn", kind, table or TicketTable(table=kind), _url)


def _incident(table: TicketTable | None = None, **changes: Any) -> Incident:
    found = _shape(table=table).record({**ROW, **changes})
    assert isinstance(found, Incident)
    return found


def test_an_incident_is_read_whole() -> None:
    found = _incident()
    assert found.ref == Ref("sn", "incident", "INC0010001")
    assert found.state == "in_progress"
    assert found.text == "When I pay,\nit takes a minute."
    assert found.updated_at == datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert found.opened_at == datetime(2026, 3, 2, 9, 59, tzinfo=UTC)
    assert (found.version, found.priority, found.group, found.reopened) == (7, 2, "Shop", 1)
    assert found.services == {"Shop", "web01"}
    assert found.person("reporter") == Person("sn", "c" * 32, "Ada Lovelace", "ada@example.com")
    assert found.person("assignee") is None
    assert found.person("opener") == Person("sn", "d" * 32, "desk", None)
    assert found.url == "https://it.example.com/incident/INC0010001"


def test_an_empty_value_is_none_and_not_an_empty_text() -> None:
    found = _incident(category="", close_code="", correlation_id="", priority="")
    assert (found.category, found.close_code, found.correlation, found.priority) == (None, None, None, None)


def test_fields_of_the_system_itself_become_links() -> None:
    found = _incident(**{"caused_by.number": "CHG1", "problem_id.number": "PRB1", "rfc.number": "CHG2"})
    because = "the field caused_by says so"
    assert Link(found.ref, "caused_by", Ref("sn", "change", "CHG1"), 1.0, because, "system:sn") in found.links
    assert {(link.source.key, link.relation, link.target.key) for link in found.links} == {
        ("INC0010001", "caused_by", "CHG1"),
        ("PRB1", "problem_of", "INC0010001"),
    }
    # The change that is to mend it did not cause it.
    assert found.extra["rfc"] == "CHG2"


def test_a_hidden_field_is_told_apart_from_an_empty_one() -> None:
    row = {name: value for name, value in ROW.items() if name not in {"priority", "category"}}
    found = _shape().record(row)
    assert (
        found.extra["unreadable"] == "assigned_to, category, priority"
        or "category, priority" in found.extra["unreadable"]
    )
    assert "unreadable" not in _incident().extra


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "18"}, "state '18' is not in the map"),
        ({"state": None}, "may not see state"),
        ({"number": ""}, "number is empty"),
        ({"short_description": None}, "may not see short_description"),
        ({"sys_updated_on": "yesterday"}, "sys_updated_on is 'yesterday'"),
        ({"priority": "high"}, "priority is 'high'"),
        ({"opened_at": "0000-00-00 00:00:00"}, "which is not a time"),
    ],
)
def test_a_row_that_is_no_record_says_why(changes: dict[str, Any], said: str) -> None:
    row = {name: value for name, value in {**ROW, **changes}.items() if value is not None}
    with pytest.raises(UnmappableError, match=said.replace("'", ".")):
        _shape().record(row)


def test_hostile_text_loses_its_controls_and_nothing_else() -> None:
    found = _incident(short_description="a\x00b\u202ec <!channel> \U0001f980", description="x" * 200_000)
    assert found.title == "abc <!channel> \U0001f980"
    assert len(found.text) == 100_000
    assert found.text.endswith("…")


def test_the_form_with_links_is_understood_as_well() -> None:
    found = _incident(caller_id={"link": "https://x/api/now/table/sys_user/e", "value": "e" * 32})
    person = found.person("reporter")
    assert person is not None
    assert person.key == "e" * 32


def test_states_of_your_own_replace_the_map() -> None:
    table = TicketTable(table="incident", states={"20": "on_hold"}, environment_field="u_env")
    found = _incident(table, state="20", u_env="production")
    assert (found.state, found.environment) == ("on_hold", "production")


@pytest.mark.parametrize(
    ("state", "known", "word"),
    [
        ("101", "false", "new"),
        ("103", "true", "known_error"),
        ("104", "true", "fix_in_progress"),
        ("2", "", "known_error"),
    ],
)
def test_problems_of_both_generations_are_read(state: str, known: str, word: str) -> None:
    found = _shape("problem").record({**ROW, "number": "PRB1", "state": state, "known_error": known, "workaround": ""})
    assert isinstance(found, Problem)
    assert (found.state, found.workaround) == (word, None)


@pytest.mark.parametrize(
    ("state", "code", "outcome"),
    [("3", "successful", "successful"), ("3", "unsuccessful", "failed"), ("-1", "successful", None), ("3", "", None)],
)
def test_a_change_has_an_outcome_once_it_is_closed(state: str, code: str, outcome: str | None) -> None:
    row = {
        **ROW,
        "number": "CHG1",
        "state": state,
        "close_code": code,
        "type": "normal",
        "risk": "2",
        "work_start": "2026-03-02 11:00:00",
        "work_end": "2026-03-02 11:30:00",
    }
    found = _shape("change").record(row)
    assert isinstance(found, Change)
    assert (found.outcome, found.risk, found.type) == (outcome, "high", "normal")
    assert found.started_at == datetime(2026, 3, 2, 11, tzinfo=UTC)
    assert found.finished_at == datetime(2026, 3, 2, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(("risk", "words"), [("1", "very high"), ("2", "high"), ("3", None), ("", None)])
def test_a_change_that_the_instance_calls_risky_is_suspected_for_it(risk: str, words: str | None) -> None:
    broken = _incident(number="INC1", opened_at="2026-03-02 12:00:00")
    row = {**ROW, "number": "CHG1", "state": "3", "risk": risk, "work_start": "2026-03-02 11:00:00"}
    change = _shape("change").record({**row, "work_end": "2026-03-02 11:30:00"})
    scene = Scene(datetime(2026, 3, 2, 13, tzinfo=UTC), {one.ref: one for one in (broken, change)})
    (found,) = Suspects().rank(broken, scene, Match(kind="change", rank="suspect"))
    assert [one for one in found.because if "risk" in one] == ([f"its risk was {words}"] if words else [])
    pool = gathered(broken, scene, Match(kind="change", rank="suspect"))
    assert pool.vectors[0][FEATURES.index("risky")] == float(words is not None)


def test_feedback_is_read_from_a_table_of_your_own() -> None:
    table = FeedbackTable(
        table="u_feedback",
        number="u_key",
        title="u_title",
        text="u_said",
        state="",
        topic="u_kind",
        topics={"idea": "feature"},
        reporter="u_by",
        environment_field="u_env",
        service_fields=("u_service.name",),
        marker_field="",
    )
    row = {
        "sys_id": "f" * 32,
        "sys_updated_on": "2026-03-02 12:00:00",
        "sys_created_on": "2026-03-02 12:00:00",
        "sys_mod_count": "0",
        "u_key": "F-1",
        "u_title": "Dark mode",
        "u_said": "Please",
        "u_kind": "idea",
        "u_by": "c" * 32,
        "u_by.email": "ada@example.com",
        "u_env": "test",
        "u_service.name": "Shop",
    }
    found = _shape("feedback", table).record(row)
    assert isinstance(found, Feedback)
    assert (found.ref.key, found.state, found.topic, found.environment) == ("F-1", "new", "feature", "test")
    assert found.reporter == "ada@example.com"
    assert found.channel == "u_feedback"


def test_rows_without_a_place_in_the_order_have_no_key() -> None:
    assert key_of(ROW) == ("2026-03-02 12:00:00", "a" * 32)
    assert key_of({"sys_id": "a"}) is None


def test_how_a_ticket_was_resolved_is_told_only_where_a_field_is_named_for_everybody_to_read() -> None:
    notes = {"close_notes": "Clear the cache, then log in again.", "state": "6"}
    named = TicketTable(table="incident", resolution_field="close_notes")

    assert "close_notes" not in _shape().fields
    assert "resolution" not in _incident(**notes).extra
    assert "close_notes" in _shape(table=named).fields
    assert _incident(named, **notes).extra["resolution"] == "Clear the cache, then log in again."
    for hidden in (None, "", "  "):
        assert "resolution" not in _incident(named, close_notes=hidden).extra


def test_a_text_that_stands_there_only_so_that_a_state_can_be_set_is_no_resolution() -> None:
    formal = {"resolved": {"close_notes": "Resolved; see the comments."}}
    table = TicketTable(table="incident", resolution_field="close_notes", on_state=formal)

    assert "resolution" not in _incident(table, close_notes="Resolved; see the comments.", state="6").extra
    assert _incident(table, close_notes="Restart it.", state="6").extra["resolution"] == "Restart it."


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (
            "<p>Export <b>one month</b> at a time.</p><p>Then join&nbsp;them.</p>",
            "Export one month at a time.\n\nThen join them.",
        ),
        ("Set retries < 3 & timeout > 5,\r\nthen <restart>.", "Set retries < 3 & timeout > 5,\nthen <restart>."),
        ("<p><script>alert(1)</script></p>", None),
        ("  ", None),
    ],
)
def test_a_workaround_is_told_as_text_whether_it_is_held_as_html_or_not(held: str, told: str | None) -> None:
    found = _shape("problem").record({**ROW, "number": "PRB1", "state": "101", "workaround": held})
    assert isinstance(found, Problem)
    assert found.workaround == told
