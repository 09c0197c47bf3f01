from typing import Any

from connectors.jira.connector import Jira
from loopbot.sandbox.faults import Fault
from tests.connectors.jira.conftest import Make
from tests.support.jira_site import Site


def findings(connector: Jira, level: str) -> str:
    return "\n".join(f"{one.about}: {one.what} ({one.hint})" for one in connector.check() if one.level == level)


def test_a_good_configuration_has_no_errors_and_writes_nothing(site: Site, make: Make) -> None:
    site.twin.create_issue("LOOP", "one")
    connector = make(site)

    assert findings(connector, "error") == ""
    assert "as Loopbot" in findings(connector, "ok")
    assert site.ledger.entries("jira") == []


def test_missing_permissions_are_named(site: Site, make: Make) -> None:
    site.twin.deny("CREATE_ISSUES", "LINK_ISSUES")

    assert "lacks Create issues and Link issues" in findings(make(site), "warning")


def test_required_fields_that_loopbot_does_not_fill_are_named(site: Site, make: Make) -> None:
    ident = site.twin.add_field("Root cause")
    site.twin.require("LOOP", "Task", ident)

    assert f"a new Task must have Root cause ({ident})" in findings(make(site), "warning")


def test_an_unknown_issue_type_is_named_with_those_there_are(site: Site, make: Make) -> None:
    assert "no issue type 'Taks'" in findings(make(site, issue_type="Taks"), "warning")


def test_labels_that_are_not_on_the_screen_are_named(site: Site, make: Make) -> None:
    site.twin.hide("LOOP", "labels")

    assert "lacks labels, which loopbot sets" in findings(make(site), "warning")


def test_a_field_that_can_not_be_seen_is_named(site: Site, make: Make) -> None:
    site.twin.create_issue("LOOP", "one")

    assert "customfield_1" in findings(make(site, extra_fields=["customfield_1"]), "warning")


def test_a_wrong_token_is_one_error_and_no_more_calls(site: Site, make: Make) -> None:
    site.twin.faults.add(Fault("status", "", times=99, status=401))
    connector = make(site)

    assert "check the token" in findings(connector, "error")
    assert site.ledger.calls("jira") == 1


def test_a_removed_endpoint_is_a_clear_error(site: Site, make: Make) -> None:
    site.twin.faults.add(Fault("status", "/search", times=99, status=410, body=b'{"errorMessages": ["removed"]}'))

    assert "answered 410: removed" in findings(make(site), "error")


def test_a_filter_jira_does_not_understand_is_shown(site: Site, make: Make) -> None:
    site.twin.create_issue("LOOP", "one")

    assert "nonsense" in findings(make(site, jql="nonsense = 1"), "error")


def test_a_clock_far_off_is_named(site: Site, make: Make, clock: Any) -> None:
    clock.slept += 7200

    assert "differs from this machine's by 7" in findings(make(site), "warning")


def test_one_broken_part_does_not_hide_the_others(site: Site, make: Make) -> None:
    site.twin.deny("CREATE_ISSUES")
    site.twin.faults.add(Fault("body", "/myself", status=200, body=b"[1"))
    connector = make(site)

    found = list(connector.check())
    assert any(one.level == "error" for one in found)
    assert any("Create issues" in one.what for one in found)


def test_a_project_without_internal_comments_is_named(site: Site, make: Make) -> None:
    assert "also sees its internal comments" in findings(make(site), "warning")
    assert "internal comments" not in findings(make(site, internal_role="Developers"), "warning")
