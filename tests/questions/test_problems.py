"""Problem work: the root cause in four dimensions, and a workaround that reaches everybody it helps, once."""

from loopbot.wiring import starter_rules
from tests.questions.conftest import Desk, Open, until

RULES = {
    name: (starter_rules() / f"{name}.toml").read_text(encoding="utf-8")
    for name in ("ask-root-cause", "share-workaround")
}


def problem(desk: Desk, incidents: list[str], workaround: str = "") -> str:
    """A known error that holds these incidents."""
    made = desk.servicenow.insert(
        "problem",
        {
            "short_description": "The export stops halfway",
            "business_service": desk.town.company.services["Order Export"],
            "state": "103",
            "known_error": "true",
            "workaround": workaround,
        },
        actor="priya.nair",
    )
    for number in incidents:
        desk.servicenow.update("incident", number, {"problem_id": made["sys_id"]}, actor="priya.nair")
    return str(made["number"])


def reports(desk: Desk, *people: str) -> list[str]:
    return [
        desk.town.company.report(who, "The export stops", "Again", "Order Export", minutes_ago=30) for who in people
    ]


def journal(desk: Desk, table: str, number: str, element: str) -> list[str]:
    return [row["value"] for row in desk.servicenow.journal(table, number) if row["element"] == element]


def test_the_root_cause_form_holds_the_evidence_and_the_answer_is_written_to_the_problem(open_desk: Open) -> None:
    desk = open_desk(RULES)
    made = reports(desk, "ines.moreau", "aiko.tanaka")
    number = problem(desk, made)
    desk.round()
    desk.round()
    message = next(one for one in desk.asked() if "root cause" in desk.read(one))
    text = desk.read(message)
    assert f"What is the root cause of {number}" in text
    assert "Information and technology: concerns Order Export; 2 incidents" in text
    assert "Partners and suppliers: nothing known yet" in text
    desk.press(message, "Fill in…", "priya.nair")
    user = desk.person("priya.nair")
    until(lambda: desk.slack.open_views(user), "the form")
    view = desk.slack.open_views(user)[-1]
    assert "concerns Order Export" in str(view)
    desk.submit("priya.nair", {"information": "No timeout on pages", "organisations": "One person knows the export"})
    until(
        lambda: any("No timeout on pages" in one for one in journal(desk, "problem", number, "work_notes")), "the note"
    )
    assert desk.first().state == "open", "two of the four are empty still"
    desk.press(next(one for one in desk.asked() if "root cause" in desk.read(one)), "Fill in…", "priya.nair")
    until(lambda: "'initial_value': 'No timeout" in str(desk.slack.open_views(user)[-1]), "what was said before in it")
    desk.submit(
        "priya.nair",
        {
            "information": "No timeout on pages",
            "organisations": "One person knows the export",
            "partners": "None",
            "value_streams": "Changes are not tested with big exports",
        },
    )
    until(lambda: desk.first().state == "answered", "the end")
    desk.round()
    notes = [one for one in journal(desk, "problem", number, "work_notes") if "four dimensions" in one]
    assert len(notes) == 2
    assert "Value streams and processes:\nChanges are not tested" in notes[-1] + notes[0]
    shown = desk.town.says("explain", number)
    assert "Changes are not tested with big exports" in shown.out


def test_the_answer_goes_into_fields_where_the_configuration_names_them(open_desk: Open) -> None:
    fields = 'root_cause_fields = { organisations = "u_people", information = "u_tech" }'
    desk = open_desk(RULES, questions=fields)
    for name in ("u_people", "u_tech"):
        desk.servicenow.add_field("problem", name, "string:4000")
    number = problem(desk, reports(desk, "ines.moreau"))
    desk.round()
    desk.round()
    row = next(row for row in desk.rows() if row.question.kind == "root_cause")
    desk.press(next(one for one in desk.asked() if "root cause" in desk.read(one)), "Fill in…", "priya.nair")
    desk.submit("priya.nair", {"information": "No timeout", "organisations": "Nobody on duty"})
    until(lambda: desk.servicenow.row("problem", number)["u_tech"] == "No timeout", "the field")
    assert desk.servicenow.row("problem", number)["u_people"] == "Nobody on duty"
    assert row.question.audience == "problem_managers"


def test_a_workaround_reaches_agents_at_once_and_reporters_once_it_is_released(open_desk: Open) -> None:
    desk = open_desk({"share-workaround": RULES["share-workaround"]})
    made = reports(desk, "ines.moreau", "aiko.tanaka")
    number = problem(desk, made, "Export month by month.")
    desk.round()
    desk.round()
    for one in made:
        assert len([note for note in journal(desk, "incident", one, "work_notes") if "month by month" in note]) == 1
        assert journal(desk, "incident", one, "comments") == []
    (message,) = desk.asked()
    assert f"{number} “The export stops halfway” has a workaround" in desk.read(message)
    desk.slack.slash(desk.person("ines.moreau"), "/loop", f"status {made[0]}")
    desk.hears("ines.moreau", "The way so far")
    assert not [one for one in desk.whispered("ines.moreau") if "month by month" in one], "not released yet"
    desk.press(message, "Release to reporters", "priya.nair")
    desk.shows("priya.nair: Release to reporters")
    desk.round()
    for one in made:
        (public,) = journal(desk, "incident", one, "comments")
        assert "month by month" in public
        assert number not in public, "what is internal stays so"
    told = [one for one in desk.slack.messages(desk.person("ines.moreau")) if "month by month" in one.text]
    assert len(told) == 1
    (late,) = reports(desk, "jonas.weber")
    row = next(one for one in desk.servicenow.rows("problem") if one["number"] == number)
    desk.servicenow.update("incident", late, {"problem_id": row["sys_id"]}, actor="priya.nair")
    desk.round()
    desk.round()
    assert len(journal(desk, "incident", late, "comments")) == 1, "who joins later gets it too"
    for one in made:
        assert len(journal(desk, "incident", one, "comments")) == 1, "and nobody gets it twice"
    assert len(desk.asked()) == 1


def test_a_changed_workaround_is_an_update_and_is_released_anew(open_desk: Open) -> None:
    desk = open_desk({"share-workaround": RULES["share-workaround"]})
    (incident,) = reports(desk, "ines.moreau")
    number = problem(desk, [incident], "Export month by month.")
    desk.round()
    desk.round()
    desk.press(desk.asked()[0], "Release to reporters", "priya.nair")
    desk.shows("Release to reporters (")
    desk.round()
    desk.servicenow.update("problem", number, {"workaround": "Ask operations to restart it."}, actor="priya.nair")
    desk.round()
    desk.round()
    notes = journal(desk, "incident", incident, "work_notes")
    assert len([one for one in notes if "The workaround has changed" in one and "restart it" in one]) == 1
    assert len(journal(desk, "incident", incident, "comments")) == 1, "the new version is not released yet"
    ask = desk.asked()[-1]
    assert "has changed. May the people" in desk.read(ask)
    desk.press(ask, "Only for agents", "priya.nair")
    until(lambda: desk.rows()[0].state == "answered", "the answer")
    desk.round()
    assert len(journal(desk, "incident", incident, "comments")) == 1
