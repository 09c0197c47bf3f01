import logging
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.jira.connector import Jira
from loopbot.ports import Cursor
from tests.connectors.contract import surroundings
from tests.connectors.jira.conftest import Make
from tests.support.jira_site import Site, Stage, jira_site

GOOD: dict[str, Any] = {"base_url": "https://jira.example", "token": "env:T", "projects": ["LOOP"]}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"projects": []}, "at least 1"),
        ({"projects": ["LOOP OR 1=1"]}, "not a project key"),
        ({"base_url": "jira.example"}, "https://host"),
        ({"base_url": "https://me:secret@jira.example"}, "without credentials"),
        ({"jql": "a) OR (b"}, "no opening"),
        ({"jql": "a = 1 order by key"}, "leave it out"),
        ({"states": {"Done": "finished"}}, "in_review"),
        ({"priorities": {"Urgent": 0}}, "1 \\(highest\\) to 5"),
        ({"overlap": 60}, "300"),
        ({"flavour": "cloud"}, "needs the e-mail"),
        ({"nonsense": 1}, "Extra"),
    ],
)
def test_a_wrong_setting_is_refused_with_the_reason(change: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Jira.Settings(**{**GOOD, **change})


def test_every_setting_is_explained() -> None:
    for name, field in Jira.Settings.model_fields.items():
        assert field.description, name


def test_constructing_makes_no_call_and_does_not_import_the_library() -> None:
    program = (
        "import sys; from connectors.jira.connector import Jira; from tests.connectors.contract import surroundings;"
        "j = Jira('j', Jira.Settings(base_url='https://127.0.0.1:9', token='env:T', projects=['LOOP']), surroundings());"
        "j.sources(); j.sink(); j.close(); sys.exit('jira.client' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)  # noqa: S603


def test_plain_http_is_refused_outside_loopback() -> None:
    from loopbot.domain.errors import Rejected

    connector = Jira(
        "jira", Jira.Settings(**{**GOOD, "base_url": "http://jira.example", "flavour": "datacenter"}), surroundings()
    )

    with pytest.raises(Rejected, match="without encryption"):
        list(connector.sources()[0].read(Cursor()))


def test_a_context_path_is_kept(jira_stage: Stage, make: Make) -> None:
    with jira_site(jira_stage, flavour="datacenter", context_path="/jira") as site:
        site.twin.create_issue("LOOP", "one")
        connector = make(site)
        (page,) = connector.sources()[0].read(Cursor())

        assert page.records[0].url == f"{site.url}/browse/LOOP-1"
        assert not [one for one in connector.check() if one.level == "error"]


def test_the_libraries_logs_hold_no_secret(site: Site, make: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    site.twin.create_issue("LOOP", "one")
    list(make(site).check())

    assert site.twin.token not in caplog.text
    assert "Authorization" not in caplog.text
