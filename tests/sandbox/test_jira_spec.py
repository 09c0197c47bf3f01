"""The twin's requests and answers against Atlassian's own OpenAPI document, and the judge itself against bad ones."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from loopbot.sandbox.jira import adf
from tests.support.jira_site import Site, Stage, jira_site
from tests.support.jira_spec import BreaksSpec, JiraSpec

NEW = {"project": {"key": "LOOP"}, "issuetype": {"name": "Bug"}, "summary": "x", "description": adf.document("why")}
Checked = Callable[..., requests.Response]


@pytest.fixture
def site(stage: Stage) -> Iterator[Site]:
    with jira_site(stage, context_path="/jira") as one:
        one.twin.add_user("mia", "Mia Krüger")
        one.twin.add_version("LOOP", "1.0", released=True)
        one.twin.create_issue("LOOP", "Export stands still", description="Why\nnot", labels=["ops"], assignee="mia")
        yield one


@pytest.fixture
def checked(site: Site, jira_spec: JiraSpec) -> Checked:
    """A call of which the request and the answer have to satisfy the document."""

    def call(method: str, path: str, body: Any = None, **params: Any) -> requests.Response:
        answer = site.call(method, path, body, **params)
        jira_spec.check_request(method, str(answer.request.url), body)
        jira_spec.check_answer(answer)
        return answer

    return call


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "serverInfo", None, 200),
        ("GET", "myself", None, 200),
        ("GET", "project/search", None, 200),
        ("GET", "project/LOOP", None, 200),
        ("GET", "project/LOOP/versions", None, 200),
        ("GET", "project/LOOP/statuses", None, 200),
        ("GET", "field", None, 200),
        ("GET", "status", None, 200),
        ("GET", "priority", None, 200),
        ("GET", "issuetype", None, 200),
        ("GET", "issueLinkType", None, 200),
        ("GET", "issue/createmeta/LOOP/issuetypes", None, 200),
        ("GET", "issue/createmeta/LOOP/issuetypes/10000", None, 200),
        ("GET", "mypermissions?permissions=CREATE_ISSUES", None, 200),
        ("GET", "user/search?query=mia", None, 200),
        ("GET", "user?accountId=712020:mia", None, 200),
        ("POST", "issue", {"fields": NEW}, 201),
        ("POST", "issue", {"fields": {"summary": "x"}}, 400),
        ("POST", "issue/bulk", {"issueUpdates": [{"fields": NEW}, {"fields": {**NEW, "summary": "x\ny"}}]}, 201),
        ("POST", "issue/bulk", {"issueUpdates": [{"fields": {}}]}, 400),
        ("GET", "issue/LOOP-1?expand=changelog&properties=*all", None, 200),
        ("GET", "issue/LOOP-99", None, 404),
        ("PUT", "issue/LOOP-1", {"fields": {"summary": "y"}, "update": {"labels": [{"add": "z"}]}}, 204),
        ("POST", "issue/bulkfetch", {"issueIdsOrKeys": ["LOOP-1", "LOOP-99"], "fields": ["summary"]}, 200),
        ("POST", "search/jql", {"jql": "project = LOOP", "fields": ["*all"], "maxResults": 1}, 200),
        ("POST", "search/jql", {"jql": "project = LOOP"}, 200),
        ("GET", "search/jql?jql=project%20%3D%20LOOP&fields=summary", None, 200),
        ("POST", "search/approximate-count", {"jql": "project = LOOP"}, 200),
        ("GET", "issue/LOOP-1/transitions", None, 200),
        ("POST", "issue/LOOP-1/transitions", {"transition": {"id": "41"}}, 204),
        ("POST", "issue/LOOP-1/comment", {"body": adf.document("told")}, 201),
        ("GET", "issue/LOOP-1/comment?expand=properties", None, 200),
        ("POST", "issue/LOOP-1/remotelink", {"globalId": "a", "object": {"url": "https://x.test", "title": "t"}}, 201),
        ("PUT", "issue/LOOP-1/properties/loopbot", {"key": "abc"}, 201),
    ],
)
def test_request_and_answer_satisfy_the_vendors_document(
    checked: Checked, method: str, path: str, body: Any, status: int
) -> None:  # fmt: skip
    answer = checked(method, path, body)
    assert answer.status_code == status, answer.text


def test_what_is_written_can_be_read_by_the_document_too(checked: Checked, site: Site) -> None:
    site.twin.create_issue("LOOP", "other")
    comment = checked("POST", "issue/LOOP-1/comment", {"body": adf.document("told")}).json()["id"]
    checked("PUT", f"issue/LOOP-1/comment/{comment}", {"body": adf.document("told again")})
    link = {"globalId": "a", "object": {"url": "https://x.test", "title": "t"}}
    assert [checked("POST", "issue/LOOP-1/remotelink", link).status_code for _ in range(2)] == [201, 200]
    checked("GET", "issue/LOOP-1/remotelink")
    ends = {"inwardIssue": {"key": "LOOP-1"}, "outwardIssue": {"key": "LOOP-2"}}
    checked("POST", "issueLink", {"type": {"name": "Relates"}, **ends})
    checked("PUT", "issue/LOOP-1/properties/loopbot", {"key": "abc"})
    checked("GET", "issue/LOOP-1/properties/loopbot")
    checked("POST", "issue/LOOP-1/transitions", {"transition": {"id": "41"}})
    checked("GET", "issue/LOOP-1/changelog")
    checked("DELETE", "issue/LOOP-1/remotelink", globalId="a")
    checked("DELETE", "issue/LOOP-1")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "issue", {"fields": {**NEW, "description": "plain"}}),
        ("POST", "issue", {"fields": {**NEW, "sumary": "misspelt"}}),
        ("POST", "issue", {"fields": "x"}),
        ("POST", "issue", None),
        ("POST", "issue/bulk", {"issueUpdates": [{"fields": {**NEW, "description": "plain"}}]}),
        ("PUT", "issue/LOOP-1", {"fields": {"descripton": adf.document("x")}}),
        ("POST", "issue/LOOP-1/comment", {"body": "plain"}),
        ("PUT", "issue/LOOP-1/comment/7", {"body": {"type": "doc", "version": 1, "content": [{"type": "text"}]}}),
        ("POST", "issue/LOOP-1/transitions", {"update": {"comment": [{"add": {"body": "plain"}}]}}),
        ("POST", "issue/LOOP-1/remotelink", {"globalId": "a"}),
        ("POST", "search/jql", {"jql": "project = LOOP", "startAt": 3}),
        ("POST", "search/jql", {"jql": "project = LOOP", "maxResults": "3"}),
        ("POST", "issueLink", {"type": {"name": "Relates"}, "inwardIssue": {"key": "LOOP-1"}}),
        ("POST", "issue/bulkfetch", {"fields": ["summary"]}),
        ("GET", "issues/LOOP-1", None),
        ("PATCH", "issue/LOOP-1", {}),
    ],
)
def test_the_judge_catches_what_jira_would_not_take(jira_spec: JiraSpec, method: str, path: str, body: Any) -> None:
    with pytest.raises(BreaksSpec):
        jira_spec.check_request(method, f"https://any.test/ctx/rest/api/3/{path}", body)


def test_the_judge_catches_an_answer_that_is_not_jiras(site: Site, jira_spec: JiraSpec) -> None:
    answer = site.call("GET", "issue/LOOP-1/transitions")
    jira_spec.check_answer(answer)
    answer._content = b'{"transitions": {}}'
    with pytest.raises(BreaksSpec):
        jira_spec.check_answer(answer)
