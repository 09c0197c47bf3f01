"""The public client library of Jira is a judge: what it is content with is honest."""

from collections.abc import Iterator

import pytest
from jira import JIRA, JIRAError

from loopbot.sandbox.jira import adf
from tests.support.jira_site import Site, Stage, jira_site


@pytest.fixture(params=["cloud", "datacenter"])
def site(request: pytest.FixtureRequest, stage: Stage) -> Iterator[Site]:
    with jira_site(stage, flavour=request.param, context_path="/jira") as one:
        yield one


@pytest.fixture
def jira(site: Site) -> JIRA:
    who = (
        {"basic_auth": (site.twin.email, site.twin.token)}
        if site.twin.flavour == "cloud"
        else {"token_auth": site.twin.token}
    )
    return JIRA(site.url, max_retries=0, timeout=5, get_server_info=True, **who)


def test_it_creates_searches_and_updates(site: Site, jira: JIRA) -> None:
    issue = jira.create_issue(project="LOOP", summary="Export stands still", issuetype="Bug", description="It hangs")
    assert (issue.key, issue.fields.description, issue.fields.status.name) == ("LOOP-1", "It hangs", "To Do")
    found = jira.search_issues('project = LOOP AND summary ~ "export"', maxResults=False)
    assert [one.key for one in found] == ["LOOP-1"]
    issue.update(fields={"labels": ["ops"]})
    assert jira.issue("LOOP-1").fields.labels == ["ops"]
    assert [one.action for one in site.ledger.entries()] == ["create", "update"]


def test_it_pages_through_a_search(site: Site, jira: JIRA) -> None:
    for number in range(120):
        site.twin.create_issue("LOOP", f"number {number}")
    found = jira.search_issues("project = LOOP ORDER BY key", maxResults=False, fields="summary")
    assert [one.key for one in found] == [f"LOOP-{number}" for number in range(1, 121)]
    if site.twin.flavour == "cloud":
        more = jira.enhanced_search_issues("project = LOOP", maxResults=0, fields="summary")
        assert (len(more), jira.approximate_issue_count("project = LOOP")) == (120, 120)


def test_it_creates_many_and_hears_which_failed(site: Site, jira: JIRA) -> None:
    wanted = [{"project": {"key": "LOOP"}, "summary": one, "issuetype": {"name": "Task"}} for one in ("a", "b\nc", "d")]
    made = jira.create_issues(wanted, prefetch=False)
    assert [one["status"] for one in made] == ["Success", "Error", "Success"]
    assert [one.payload["summary"] for one in site.ledger.entries()] == ["a", "d"]


def test_it_comments_moves_and_links(site: Site, jira: JIRA) -> None:
    for name in "ab":
        site.twin.create_issue("LOOP", name)
    jira.add_comment("LOOP-1", "only for us", is_internal=True)
    assert "Done" in [one["name"] for one in jira.transitions("LOOP-1")]
    jira.transition_issue("LOOP-1", "Done", comment="It works again")
    jira.add_remote_link("LOOP-1", {"url": "https://sn.test/INC1", "title": "INC1"}, globalId="sn=INC1")
    jira.create_issue_link("Blocks", "LOOP-1", "LOOP-2")
    jira.add_issue_property("LOOP-1", "loopbot", {"key": "abc"})
    issue = jira.issue("LOOP-1")
    assert [one.body for one in jira.comments("LOOP-1")] == ["only for us", "It works again"]
    assert (issue.fields.status.name, issue.fields.resolution.name) == ("Done", "Done")
    assert [one.globalId for one in jira.remote_links("LOOP-1")] == ["sn=INC1"]
    assert issue.fields.issuelinks[0].outwardIssue.key == "LOOP-2"
    assert jira.issue_property("LOOP-1", "loopbot").value.key == "abc"
    actions = [(one.action, one.key) for one in site.ledger.entries()]
    assert actions == [
        ("comment", "LOOP-1"),
        ("transition", "LOOP-1"),
        ("comment", "LOOP-1"),
        ("remotelink", "LOOP-1"),
        ("link", "LOOP-2"),
        ("property", "LOOP-1"),
    ]


def test_it_reads_what_surrounds_the_issues(site: Site, jira: JIRA) -> None:
    site.twin.add_version("LOOP", "1.0")
    assert jira.myself()["emailAddress"] == site.twin.email
    assert [one.key for one in jira.projects()] == ["LOOP"]
    assert [one.name for one in jira.project_versions("LOOP")] == ["1.0"]
    assert {one.name for one in jira.statuses()} >= {"To Do", "Done"}
    assert next(one.name for one in jira.priorities()) == "Highest"
    assert {one.name for one in jira.issue_types()} == {"Task", "Bug", "Story", "Epic"}
    assert "summary" in [one["id"] for one in jira.fields()]


def test_a_refusal_reaches_it_in_words(site: Site, jira: JIRA) -> None:
    with pytest.raises(JIRAError, match="cannot be set") as caught:
        jira.create_issue(project="LOOP", summary="x", issuetype="Bug", sumary="y")
    assert caught.value.status_code == 400
    with pytest.raises(JIRAError) as missing:
        jira.issue("LOOP-99")
    assert missing.value.status_code == 404


def test_it_speaks_version_3_with_documents(stage: Stage) -> None:
    with jira_site(stage) as site:
        who = (site.twin.email, site.twin.token)
        jira = JIRA(site.url, options={"rest_api_version": "3"}, basic_auth=who, max_retries=0, timeout=5)
        issue = jira.create_issue(
            project="LOOP", summary="x", issuetype={"name": "Bug"}, description=adf.document("hangs")
        )
        assert issue.raw["fields"]["description"] == adf.document("hangs")
        with pytest.raises(JIRAError, match="Comment body is not valid!"):
            jira.add_comment("LOOP-1", "plain")
