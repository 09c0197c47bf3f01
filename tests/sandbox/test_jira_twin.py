from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from loopbot.sandbox.faults import Fault
from loopbot.sandbox.jira import Move, Workflow, adf
from tests.support.jira_site import Site, Stage, jira_site

START = datetime(2026, 11, 22, 9, 0, 0, 123_000, tzinfo=UTC)


class Hands:
    """A clock that people move."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def turn(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def cloud(clock: Hands, stage: Stage) -> Iterator[Site]:
    with jira_site(stage, now=clock) as site:
        yield site


@pytest.fixture
def datacenter(clock: Hands, stage: Stage) -> Iterator[Site]:
    with jira_site(stage, flavour="datacenter", context_path="/jira", now=clock) as site:
        yield site


def fields(summary: str = "Export stands still", **more: Any) -> dict[str, Any]:
    return {"project": {"key": "LOOP"}, "issuetype": {"name": "Bug"}, "summary": summary, **more}


def errors(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 400, answer.text
    found: dict[str, str] = answer.json()["errors"]
    return found


def test_a_created_issue_can_be_read_at_once_and_stands_in_the_ledger(cloud: Site) -> None:
    text = adf.document("It stands\nstill")
    made = cloud.call("POST", "issue", {"fields": fields(description=text, labels=["ops"], priority={"name": "High"})})
    assert made.status_code == 201
    read = cloud.call("GET", f"issue/{made.json()['key']}").json()
    assert read["key"] == "LOOP-1"
    assert read["fields"]["description"] == text
    assert read["fields"]["created"] == "2026-11-22T10:00:00.123+0100"
    assert read["fields"]["priority"]["name"] == "High"
    (entry,) = cloud.ledger.entries("jira")
    assert (entry.action, entry.kind, entry.key, entry.actor) == ("create", "issue", "LOOP-1", "loopbot@example.com")
    assert entry.payload["text"] == "It stands\nstill"


def test_version_2_speaks_plain_text_about_the_same_issue(cloud: Site) -> None:
    cloud.call("POST", "issue", {"fields": fields(description=adf.document("one\ntwo"))})
    assert cloud.call("GET", "/rest/api/2/issue/LOOP-1").json()["fields"]["description"] == "one\ntwo"
    cloud.call("PUT", "/rest/api/2/issue/LOOP-1", {"fields": {"description": "three"}})
    assert cloud.call("GET", "issue/LOOP-1").json()["fields"]["description"] == adf.document("three")


@pytest.mark.parametrize(
    ("given", "field", "complaint"),
    [
        ({"description": "plain"}, "description", "Operation value must be an Atlassian Document"),
        ({"customfield_99": "x"}, "customfield_99", "Field 'customfield_99' cannot be set. It is not on the"),
        ({"sumary": "x"}, "sumary", "cannot be set"),
        ({"status": {"name": "Done"}}, "status", "cannot be set"),
        ({"labels": ["two words"]}, "labels", "The label 'two words' contains spaces which is invalid."),
        ({"summary": "x" * 256}, "summary", "Summary can't exceed 255 characters."),
        ({"summary": "x\ny"}, "summary", "contains newline characters"),
        ({"summary": None}, "summary", "You must specify a summary of the issue."),
        ({"priority": {"name": "Urgent"}}, "priority", "Priority name 'Urgent' is not valid"),
        ({"fixVersions": [{"name": "9"}]}, "fixVersions", "Version name '9' is not valid"),
        ({"assignee": {"accountId": "nobody"}}, "assignee", "User 'nobody' does not exist."),
        ({"issuetype": {"name": "Wish"}}, "issuetype", "Specify a valid issue type"),
        ({"project": {"key": "NOPE"}}, "project", "valid project is required"),
        ({"description": adf.document("x" * 32_768)}, "description", "exceeds the allowed limit of 32,767"),
    ],
)
def test_a_create_is_refused_by_field_and_leaves_nothing(
    cloud: Site, given: dict[str, Any], field: str, complaint: str
) -> None:  # fmt: skip
    answer = cloud.call("POST", "issue", {"fields": {**fields(), **given}})
    assert complaint in errors(answer)[field]
    assert cloud.ledger.entries() == []
    assert cloud.twin.issues() == []


def test_a_document_that_is_broken_inside_is_refused_without_a_word_of_help(cloud: Site) -> None:
    empty = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": ""}]}]}
    answer = cloud.call("POST", "issue", {"fields": fields(description=empty)})
    assert (answer.status_code, answer.json()["errorMessages"]) == (400, ["INVALID_INPUT"])


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": "loose"}],
        [{"type": "paragraph", "text": "no", "colour": 1}],
        [{"type": "heading", "attrs": {"level": 7}}],
        [{"type": "bulletList", "content": []}],
        [{"type": "bulletList", "content": [{"type": "paragraph"}]}],
        [{"type": "codeBlock", "content": [{"type": "text", "text": "x", "marks": [{"type": "strong"}]}]}],
        [{"type": "paragraph", "content": [{"type": "text", "text": "x", "marks": [{"type": "link"}]}]}],
        [{"type": "marquee"}],
        "text",
    ],
)
def test_a_document_has_its_grammar(content: Any) -> None:
    assert adf.flaw({"type": "doc", "version": 1, "content": content})


def test_a_rich_document_is_accepted_and_read_as_text() -> None:
    link = {"type": "text", "text": "CHG1", "marks": [{"type": "link", "attrs": {"href": "https://x.test/"}}]}
    item = {"type": "listItem", "content": [{"type": "paragraph", "content": [link]}]}
    rich = {
        "type": "doc",
        "version": 1,
        "content": [
            {"type": "heading", "attrs": {"level": 2}, "content": [{"type": "text", "text": "Why"}]},
            {"type": "bulletList", "content": [item]},
            {"type": "codeBlock", "content": [{"type": "text", "text": "a = 1"}]},
        ],
    }
    assert adf.flaw(rich) is None
    assert adf.plain(rich) == "Why\nCHG1\na = 1"


def test_a_bulk_create_makes_what_it_can_and_says_which_failed(cloud: Site) -> None:
    updates = [{"fields": fields(one)} for one in ("one", "two\nlines", "three")]
    answer = cloud.call("POST", "issue/bulk", {"issueUpdates": updates})
    assert answer.status_code == 201
    assert [one["key"] for one in answer.json()["issues"]] == ["LOOP-1", "LOOP-2"]
    (error,) = answer.json()["errors"]
    assert (error["failedElementNumber"], error["status"]) == (1, 400)
    assert "newline" in error["elementErrors"]["errors"]["summary"]
    assert [one.payload["summary"] for one in cloud.ledger.entries("jira", "create")] == ["one", "three"]


def test_a_bulk_create_of_nothing_good_is_a_400_and_more_than_fifty_are_refused(cloud: Site) -> None:
    bad = cloud.call("POST", "issue/bulk", {"issueUpdates": [{"fields": {}}]})
    assert (bad.status_code, bad.json()["errors"][0]["failedElementNumber"]) == (400, 0)
    many = cloud.call("POST", "issue/bulk", {"issueUpdates": [{"fields": fields()}] * 51})
    assert many.status_code == 400
    assert cloud.ledger.entries() == []


def test_a_field_can_become_required_while_all_runs(cloud: Site) -> None:
    severity = cloud.twin.add_field("Severity")
    cloud.twin.require("LOOP", "Bug", severity)
    assert errors(cloud.call("POST", "issue", {"fields": fields()})) == {severity: "Severity is required."}
    assert cloud.call("POST", "issue", {"fields": fields(**{severity: "high"})}).status_code == 201
    bug = cloud.twin.project("LOOP").issue_types[1].id
    shown = cloud.call("GET", f"issue/createmeta/LOOP/issuetypes/{bug}").json()["fields"]
    assert {one["fieldId"] for one in shown if one["required"]} == {"summary", "project", "issuetype", severity}
    cloud.twin.hide("LOOP", "priority")
    assert "priority" in errors(cloud.call("POST", "issue", {"fields": fields(priority={"id": "1"})}))


def test_search_sees_a_write_only_after_the_lag_but_reads_see_it_at_once(cloud: Site, clock: Hands) -> None:
    cloud.twin.create_issue("LOOP", "before")
    cloud.twin.index_lag = 30
    cloud.call("POST", "issue", {"fields": fields("new")})
    cloud.call("PUT", "issue/LOOP-1", {"fields": {"summary": "later"}})
    ident = int(cloud.twin.issue("LOOP-2").id)
    assert cloud.keys("project = LOOP") == ["LOOP-1"]
    assert cloud.keys("summary ~ later") == []
    assert cloud.keys("project = LOOP", reconcileIssues=[ident]) == ["LOOP-2", "LOOP-1"]
    bulk = cloud.call("POST", "issue/bulkfetch", {"issueIdsOrKeys": ["LOOP-1", str(ident), "LOOP-77"]}).json()
    assert [one["fields"]["summary"] for one in bulk["issues"]] == ["later", "new"]
    clock.turn(29.9)
    assert cloud.keys("project = LOOP") == ["LOOP-1"]
    clock.turn(0.1)
    assert cloud.keys("summary ~ later OR summary ~ new ORDER BY id") == ["LOOP-1", "LOOP-2"]


def test_pages_end_with_an_absent_token_and_never_with_a_short_page(cloud: Site) -> None:
    for number in range(7):
        cloud.twin.create_issue("LOOP", f"number {number}")
    cloud.twin.shrink_pages([2, 0, 1])
    every = [f"LOOP-{number}" for number in range(1, 8)]
    assert cloud.keys("project = LOOP ORDER BY key", maxResults=3) == every
    # 2 + 0 + 1 of the shrunk pages, then 3 + 1.
    assert cloud.ledger.calls("jira") == 5


def test_a_search_answers_ids_only_unless_fields_are_asked(cloud: Site) -> None:
    cloud.twin.create_issue("LOOP", "one")
    bare = cloud.call("GET", "search/jql", jql="project = LOOP").json()
    assert bare["issues"] == [{"id": str(cloud.twin.issue("LOOP-1").id)}]
    assert "total" not in bare
    asked = cloud.call("GET", "search/jql", jql="project = LOOP", fields="summary,status").json()["issues"][0]
    assert set(asked["fields"]) == {"summary", "status"}


@pytest.mark.parametrize(
    ("jql", "complaint"),
    [
        ("", "Unbounded JQL queries are not allowed here."),
        ("ORDER BY created", "Unbounded JQL queries are not allowed here."),
        ("mood = good", "Field 'mood' does not exist"),
        ('labels = "x" OR project = SEC"', "has not been completed"),
    ],
)
def test_a_search_that_can_not_be_is_a_400_with_the_vendors_words(cloud: Site, jql: str, complaint: str) -> None:
    answer = cloud.call("POST", "search/jql", {"jql": jql})
    assert answer.status_code == 400
    assert complaint in answer.json()["errorMessages"][0]


def test_the_old_search_is_gone_from_cloud(cloud: Site) -> None:
    gone = cloud.call("GET", "search", jql="project = LOOP")
    assert gone.status_code == 410
    assert "/rest/api/3/search/jql" in gone.json()["errorMessages"][0]


def test_the_search_of_data_center_has_offsets_and_a_total(datacenter: Site) -> None:
    for number in range(3):
        datacenter.twin.create_issue("LOOP", f"number {number}")
    page = datacenter.call("GET", "search", jql="ORDER BY key", startAt=1, maxResults=1, fields="summary").json()
    assert (page["total"], page["startAt"], page["maxResults"]) == (3, 1, 1)
    assert [one["fields"] for one in page["issues"]] == [{"summary": "number 1"}]
    assert datacenter.call("GET", "search/jql", jql="project = LOOP").status_code == 404


def test_data_center_speaks_text_and_names_below_its_context_path(datacenter: Site) -> None:
    datacenter.twin.add_user("mia", "Mia Krüger")
    body = {"fields": fields(description="h2. Why", assignee={"name": "mia"})}
    made = datacenter.call("POST", "issue", body)
    assert made.json()["self"].startswith(datacenter.url + "/rest/api/2/issue/")
    read = datacenter.call("GET", "issue/LOOP-1").json()["fields"]
    assert (read["description"], read["assignee"]["name"]) == ("h2. Why", "mia")
    assert "accountId" not in read["assignee"]
    refused = datacenter.call("POST", "issue", {"fields": fields(description=adf.document("x"))})
    assert errors(refused) == {"description": "Operation value must be a string"}
    assert datacenter.call("GET", "/rest/api/3/myself").status_code == 404


@pytest.mark.parametrize("auth", [None, ("loopbot@example.com", "wrong"), ("mia@example.com", "jira-sandbox-token")])
def test_a_wrong_token_is_a_401(cloud: Site, auth: tuple[str, str] | None) -> None:
    answer = requests.get(f"{cloud.url}/rest/api/3/myself", auth=auth, timeout=5)
    assert answer.status_code == 401
    assert requests.get(f"{cloud.url}/rest/api/3/serverInfo", auth=auth, timeout=5).status_code == 200


def test_a_token_of_data_center_is_a_bearer(datacenter: Site) -> None:
    url = f"{datacenter.url}/rest/api/2/myself"
    assert requests.get(url, headers={"Authorization": "Bearer nonsense"}, timeout=5).status_code == 401
    assert datacenter.call("GET", "myself").json()["name"] == "loopbot"


def test_a_transition_is_open_only_where_the_workflow_says_and_sets_the_resolution(cloud: Site) -> None:
    flow = cloud.twin.project("LOOP").workflow
    moves = (
        Move("5", "Start", "In Progress", frozenset({"To Do"})),
        Move("7", "Finish", "Done", frozenset({"In Progress"})),
    )
    cloud.twin.set_workflow("LOOP", Workflow(flow.statuses, moves))
    cloud.twin.create_issue("LOOP", "one")
    listed = cloud.call("GET", "issue/LOOP-1/transitions").json()["transitions"]
    assert [(one["id"], one["to"]["name"]) for one in listed] == [("5", "In Progress")]
    early = cloud.call("POST", "issue/LOOP-1/transitions", {"transition": {"id": "7"}})
    assert early.status_code == 400
    assert "not valid for the current state" in early.json()["errorMessages"][0]
    assert cloud.call("POST", "issue/LOOP-1/transitions", {"transition": {"id": 5}}).status_code == 204
    with_comment = {"transition": {"id": "7"}, "update": {"comment": [{"add": {"body": adf.document("Done it")}}]}}
    assert cloud.call("POST", "issue/LOOP-1/transitions", with_comment).status_code == 204
    read = cloud.call("GET", "issue/LOOP-1", expand="changelog").json()
    assert (read["fields"]["resolution"]["name"], read["fields"]["comment"]["total"]) == ("Done", 1)
    items = [(one["field"], one["toString"]) for entry in read["changelog"]["histories"] for one in entry["items"]]
    assert items == [("status", "Done"), ("resolution", "Done"), ("status", "In Progress")]
    told = [(one.action, one.payload.get("to")) for one in cloud.ledger.entries()]
    assert told == [("transition", "In Progress"), ("transition", "Done"), ("comment", None)]


def test_a_transition_can_be_taken_away_and_people_are_told_so(cloud: Site) -> None:
    cloud.twin.create_issue("LOOP", "one")
    cloud.twin.remove_transition("LOOP", "Done")
    with pytest.raises(KeyError, match="no transition leads to Done"):
        cloud.twin.transition("LOOP-1", "Done")


def test_comments_keep_their_properties_and_say_whether_customers_see_them(cloud: Site, clock: Hands) -> None:
    cloud.twin.create_issue("LOOP", "one")
    internal = [{"key": "sd.public.comment", "value": {"internal": True}}, {"key": "loopbot", "value": {"key": "abc"}}]
    made = cloud.call("POST", "issue/LOOP-1/comment", {"body": adf.document("hidden"), "properties": internal}).json()
    assert made["jsdPublic"] is False
    clock.turn(5)
    changed = cloud.call("PUT", f"issue/LOOP-1/comment/{made['id']}", {"body": adf.document("still hidden")}).json()
    assert (changed["jsdPublic"], changed["updated"][11:19]) == (False, "10:00:05")
    listed = cloud.call("GET", "issue/LOOP-1/comment", expand="properties").json()
    assert listed["comments"][0]["properties"] == internal
    assert [one.action for one in cloud.ledger.entries()] == ["comment", "comment_update"]
    assert cloud.ledger.entries()[0].payload["internal"] is True
    for body in ("plain", adf.document(""), {"type": "doc"}):
        assert cloud.call("POST", "issue/LOOP-1/comment", {"body": body}).status_code == 400


def test_a_remote_link_with_a_global_id_is_one_of_its_kind(cloud: Site) -> None:
    cloud.twin.create_issue("LOOP", "one")
    link = {
        "globalId": "sn=INC1",
        "object": {"url": "https://sn.test/INC1", "title": "INC1"},
        "relationship": "caused by",
    }
    first = cloud.call("POST", "issue/LOOP-1/remotelink", link)
    link["object"]["title"] = "INC1: export"
    second = cloud.call("POST", "issue/LOOP-1/remotelink", link)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert [one["object"]["title"] for one in cloud.call("GET", "issue/LOOP-1/remotelink").json()] == ["INC1: export"]
    assert cloud.call("GET", "issue/LOOP-1/remotelink", globalId="sn=INC1").json()["relationship"] == "caused by"
    assert errors(cloud.call("POST", "issue/LOOP-1/remotelink", {"object": {"url": "https://x.test"}}))["title"]
    assert cloud.call("DELETE", "issue/LOOP-1/remotelink", globalId="sn=INC1").status_code == 204
    assert cloud.call("DELETE", "issue/LOOP-1/remotelink", globalId="sn=INC1").status_code == 404
    assert [one.action for one in cloud.ledger.entries()] == ["remotelink", "remotelink", "delete"]


def test_an_issue_link_is_seen_from_both_ends_and_made_once(cloud: Site) -> None:
    for name in "ab":
        cloud.twin.create_issue("LOOP", name)
    link = {"type": {"name": "Blocks"}, "inwardIssue": {"key": "LOOP-1"}, "outwardIssue": {"key": "LOOP-2"}}
    for _ in range(2):
        answer = cloud.call("POST", "issueLink", link)
        assert (answer.status_code, answer.content) == (201, b"")
    (one,) = cloud.call("GET", "issue/LOOP-1").json()["fields"]["issuelinks"]
    (other,) = cloud.call("GET", "issue/LOOP-2").json()["fields"]["issuelinks"]
    assert (one["outwardIssue"]["key"], other["inwardIssue"]["key"]) == ("LOOP-2", "LOOP-1")
    assert len(cloud.ledger.entries("jira", "link")) == 1
    assert cloud.call("POST", "issueLink", {**link, "type": {"name": "Loves"}}).status_code == 404


def test_properties_are_set_read_and_removed_without_touching_updated(cloud: Site, clock: Hands) -> None:
    cloud.twin.create_issue("LOOP", "one")
    before = cloud.twin.issue("LOOP-1").updated
    clock.turn(5)
    codes = [cloud.call("PUT", "issue/LOOP-1/properties/loopbot", {"key": number}).status_code for number in (1, 2)]
    assert codes == [201, 200]
    assert cloud.call("GET", "issue/LOOP-1/properties/loopbot").json() == {"key": "loopbot", "value": {"key": 2}}
    assert cloud.call("GET", "issue/LOOP-1", properties="loopbot").json()["properties"] == {"loopbot": {"key": 2}}
    assert cloud.call("DELETE", "issue/LOOP-1/properties/loopbot").status_code == 204
    assert cloud.call("GET", "issue/LOOP-1/properties/loopbot").status_code == 404
    assert cloud.twin.issue("LOOP-1").updated == before


def test_a_moved_issue_answers_to_its_old_key_and_a_deleted_one_to_none(cloud: Site) -> None:
    cloud.twin.add_project("OPS")
    cloud.twin.create_issue("LOOP", "one")
    assert cloud.twin.move("LOOP-1", "OPS").key == "OPS-1"
    assert cloud.call("GET", "issue/LOOP-1").json()["key"] == "OPS-1"
    bulk = cloud.call("POST", "issue/bulkfetch", {"issueIdsOrKeys": ["LOOP-1"], "fields": ["summary"]}).json()
    assert [one["key"] for one in bulk["issues"]] == ["OPS-1"]
    cloud.twin.delete("OPS-1")
    for key in ("LOOP-1", "OPS-1"):
        assert cloud.call("GET", f"issue/{key}").status_code == 404
    assert cloud.twin.create_issue("OPS", "next").key == "OPS-2"


def test_an_archived_issue_leaves_the_search_and_is_read_only(cloud: Site) -> None:
    cloud.twin.create_issue("LOOP", "one")
    cloud.twin.archive("LOOP-1")
    assert cloud.keys("project = LOOP") == []
    assert cloud.call("GET", "issue/LOOP-1").status_code == 200
    assert cloud.call("PUT", "issue/LOOP-1", {"fields": {"summary": "two"}}).status_code == 400


def test_a_concealed_issue_looks_deleted_and_comes_back_whole(cloud: Site) -> None:
    cloud.twin.create_issue("LOOP", "one")
    cloud.twin.conceal("LOOP-1")
    assert cloud.call("GET", "issue/LOOP-1").status_code == 404
    assert cloud.call("POST", "issue/bulkfetch", {"issueIdsOrKeys": ["LOOP-1"]}).json()["issues"] == []
    assert cloud.keys("project = LOOP") == []
    cloud.twin.reveal("LOOP-1")
    assert cloud.keys("project = LOOP") == ["LOOP-1"]


def test_a_custom_field_is_searched_by_its_name_and_its_number(cloud: Site) -> None:
    marker = cloud.twin.add_field("Loopbot marker")
    made = cloud.call("POST", "issue", {"fields": fields(**{marker: "a1b2c3"})})
    assert made.status_code == 201
    cloud.twin.create_issue("LOOP", "other")
    for jql in ('"Loopbot marker" ~ a1b2c3', f"cf[{marker[12:]}] ~ a1b2c3"):
        assert cloud.keys(jql) == ["LOOP-1"]
    assert cloud.keys('"Loopbot marker" is EMPTY') == ["LOOP-2"]


def test_an_issue_that_changes_while_pages_are_read_is_seen_again_not_lost(cloud: Site, clock: Hands) -> None:
    for number in range(4):
        cloud.twin.create_issue("LOOP", f"number {number}")
        clock.turn(1)
    body = {"jql": "project = LOOP ORDER BY updated ASC", "fields": ["key"], "maxResults": 2}
    first = cloud.call("POST", "search/jql", body).json()
    cloud.twin.edit("LOOP-1", {"summary": "changed"})
    second = cloud.call("POST", "search/jql", {**body, "maxResults": 9, "nextPageToken": first["nextPageToken"]}).json()
    assert [one["key"] for one in second["issues"]] == ["LOOP-3", "LOOP-4", "LOOP-1"]


def test_an_edit_adds_and_removes_and_keeps_its_history(cloud: Site) -> None:
    for name in ("1.0", "1.1"):
        cloud.twin.add_version("LOOP", name)
    cloud.twin.create_issue("LOOP", "one", labels=["a", "b"], fixVersions=["1.0"])
    update = {
        "labels": [{"add": "c"}, {"remove": "a"}],
        "fixVersions": [{"add": {"name": "1.1"}}, {"remove": {"name": "1.0"}}],
    }
    assert cloud.call("PUT", "issue/LOOP-1", {"update": update}).status_code == 204
    read = cloud.call("GET", "issue/LOOP-1").json()["fields"]
    assert (read["labels"], [one["name"] for one in read["fixVersions"]]) == (["b", "c"], ["1.1"])
    (entry,) = cloud.call("GET", "issue/LOOP-1/changelog").json()["values"]
    assert [(one["field"], one["fromString"], one["toString"]) for one in entry["items"]] == [
        ("labels", "a b", "b c"),
        ("Fix Version", "1.0", None),
        ("Fix Version", None, "1.1"),
    ]
    assert "sumary" in errors(cloud.call("PUT", "issue/LOOP-1", {"fields": {"sumary": "x"}}))
    cloud.twin.release("LOOP", "1.1")
    versions = cloud.call("GET", "project/LOOP/versions").json()
    assert [(one["name"], one["released"], one.get("releaseDate")) for one in versions] == [
        ("1.0", False, None),
        ("1.1", True, "2026-11-22"),
    ]


def test_a_permission_can_be_taken_away(cloud: Site) -> None:
    cloud.twin.create_issue("LOOP", "one")
    cloud.twin.deny("CREATE_ISSUES", "ADD_COMMENTS")
    shown = cloud.call("GET", "mypermissions", permissions="CREATE_ISSUES,EDIT_ISSUES").json()["permissions"]
    assert {name: one["havePermission"] for name, one in shown.items()} == {"CREATE_ISSUES": False, "EDIT_ISSUES": True}
    assert "project" in errors(cloud.call("POST", "issue", {"fields": fields()}))
    assert cloud.call("POST", "issue/LOOP-1/comment", {"body": adf.document("x")}).status_code == 403
    assert cloud.call("GET", "mypermissions").status_code == 400


def test_people_are_found_by_mail_and_hidden_mail_stays_hidden(cloud: Site) -> None:
    cloud.twin.add_user("mia", "Mia Krüger", email_visible=False)
    (found,) = cloud.call("GET", "user/search", query="mia@example.com").json()
    assert (found["accountId"], "emailAddress" in found) == ("712020:mia", False)
    assert cloud.call("GET", "user", accountId="712020:mia").json()["displayName"] == "Mia Krüger"
    assert cloud.call("GET", "user", accountId="nobody").status_code == 404


def test_faults_happen_in_front_of_the_twin(cloud: Site) -> None:
    cloud.twin.faults.add(
        Fault("status", match="POST .*/issue$", status=429, headers={"Retry-After": "7"}),
        Fault("lose_answer", match="POST .*/issue$"),
    )
    throttled = cloud.call("POST", "issue", {"fields": fields()})
    assert (throttled.status_code, throttled.headers["Retry-After"]) == (429, "7")
    assert cloud.ledger.entries() == []
    with pytest.raises(requests.ConnectionError):
        cloud.call("POST", "issue", {"fields": fields()})
    assert [one.key for one in cloud.ledger.entries()] == ["LOOP-1"]


def test_nonsense_is_answered_with_json_and_never_with_a_crash(cloud: Site) -> None:
    for method, path, body in (
        ("POST", "issue", []),
        ("POST", "issue", {"fields": "x"}),
        ("POST", "issue", {"fields": fields(labels="x", priority=3, fixVersions={}, assignee="mia", parent="x")}),
        ("POST", "issue/bulk", {"issueUpdates": ["x"]}),
        ("POST", "issue/bulkfetch", {"issueIdsOrKeys": "x"}),
        ("POST", "search/jql", {"jql": 3, "fields": [1], "maxResults": "x"}),
        ("GET", "search/jql?jql=project=LOOP&maxResults=x", None),
        ("GET", "search/jql?jql=project=LOOP&nextPageToken=x", None),
        ("POST", "issueLink", {"type": "x"}),
        ("GET", "issue/²", None),
        ("GET", "nothing", None),
        ("PATCH", "issue", None),
    ):
        answer = cloud.call(method, path, body)
        assert 400 <= answer.status_code < 500, (method, path, answer.text)
        assert set(answer.json()) == {"errorMessages", "errors"} or "issues" in answer.json(), answer.text
