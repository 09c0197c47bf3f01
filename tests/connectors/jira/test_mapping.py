from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.jira.connector import Jira
from connectors.jira.mapping import Mapper, UnmappedError, mapper_of
from loopbot.domain.records import Change, Link, Ref
from loopbot.domain.rules import Match
from loopbot.judgement.cause import gathered
from loopbot.judgement.cause_features import FEATURES
from loopbot.language.scene import Scene
from loopbot.sandbox.jira.catalogue import LINK_TYPES


def mapper(**settings: Any) -> Mapper:
    given = {"base_url": "https://jira.example/ctx", "token": "env:T", "projects": ["LOOP"], **settings}
    return mapper_of("jira", Jira.Settings(**given))


def row(**fields: Any) -> dict[str, Any]:
    usual = {
        "summary": "The export hangs",
        "status": {"name": "To Do", "statusCategory": {"key": "new"}},
        "updated": "2026-03-01T10:00:00.123+0100",
        "created": "2026-02-01T10:00:00.000+0100",
        "project": {"key": "LOOP"},
    }
    return {"id": "10001", "key": "LOOP-1", "fields": {**usual, **fields}}


def status(name: str, category: str = "indeterminate") -> dict[str, Any]:
    return {"name": name, "statusCategory": {"key": category}}


def test_a_full_row_becomes_an_issue() -> None:
    issue = mapper(
        service_fields=["customfield_1"], environment_field="customfield_2", extra_fields=["customfield_3"]
    ).issue(
        row(
            priority={"name": "HIGH"},
            issuetype={"name": "Bug"},
            labels=["a", "b"],
            components=[{"name": "Export"}],
            reporter={"accountId": "712020:ann", "displayName": "Ann", "emailAddress": "ann@example.com"},
            assignee={"name": "bob", "displayName": "Bob"},
            versions=[{"name": "2.2"}, {"name": "2.3"}],
            fixVersions=[{"name": "2.4", "released": True}, {"name": "2.5", "released": False}],
            customfield_1=[{"value": "Billing"}],
            customfield_2={"value": "production"},
            customfield_3=[{"displayName": "Eve"}, 3],
            votes={"votes": 7, "hasVoted": False},
        ),
    )

    assert issue.updated_at == datetime(2026, 3, 1, 9, 0, 0, 123000, UTC)
    assert (issue.ident, issue.key, issue.title, issue.state, issue.priority) == (
        "10001",
        "LOOP-1",
        "The export hangs",
        "todo",
        2,
    )
    assert (issue.type, issue.project, issue.url) == ("Bug", "LOOP", "https://jira.example/ctx/browse/LOOP-1")
    assert issue.services == {"Export", "Billing"}
    told = {"environment": "production", "votes": "7", "customfield_3": "Eve, 3", "versions": "2.2, 2.3"}
    assert issue.extra == {"status": "To Do", **told}
    assert [(one.role, one.person.key, one.person.email) for one in issue.people] == [
        ("reporter", "712020:ann", "ann@example.com"),
        ("assignee", "bob", None),
    ]
    assert issue.released_in == {"2.4"}
    assert {(str(one.source), one.relation) for one in issue.links} == {
        ("jira:release:LOOP/2.4", "includes"),
        ("jira:release:LOOP/2.5", "includes"),
    }


@pytest.mark.parametrize(
    ("given", "resolution", "state"),
    [
        (status("Backlog", "new"), None, "todo"),
        (status("In Progress"), None, "in_progress"),
        (status("Code Review"), None, "in_review"),
        (status("Done", "done"), {"name": "Done"}, "done"),
        (status("Done", "done"), {"name": "won't do"}, "wont_do"),
        (status("Won't Do", "done"), None, "wont_do"),
        (status("Parked"), None, "todo"),
        ({"name": "parked"}, None, "todo"),
    ],
)
def test_statuses_become_canonical_states(given: dict[str, Any], resolution: Any, state: str) -> None:
    assert mapper(states={"Parked": "todo"}).state(given, resolution) == state


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"id": "1", "fields": {}}, "no key"),
        ({"id": "1", "key": "LOOP-1"}, "no fields"),
        (row(summary=None), "summary"),
        (row(status=None), "status is missing"),
        (row(status={"name": "Odd"}), "'Odd' has no category"),
        (row(updated=None), "'updated' is missing"),
        (row(updated="yesterday"), "no time: 'yesterday'"),
        (row(updated="2026-03-01T10:00:00"), "no time zone"),
        (row(updated=[1]), "no time"),
    ],
)
def test_a_row_that_can_not_be_mapped_says_why(broken: dict[str, Any], why: str) -> None:
    with pytest.raises(UnmappedError, match=why):
        mapper().issue(broken)


def test_fields_the_account_can_not_see_are_none_and_not_invented() -> None:
    issue = mapper().issue(row())

    assert (issue.priority, issue.type, issue.resolved_at, issue.text) == (None, None, None, "")
    assert issue.people == ()
    assert issue.labels == issue.services == issue.released_in == frozenset()


def test_issue_links_are_read_from_either_end_by_their_wording() -> None:
    duplicate = next(one for one in LINK_TYPES if one.name == "Duplicate")
    kind = {"name": duplicate.name, "inward": duplicate.inward, "outward": duplicate.outward}
    blocks = {"name": "Blocks", "inward": "is blocked by", "outward": "blocks"}
    links = [
        {"type": kind, "outwardIssue": {"key": "LOOP-2"}},
        {"type": kind, "inwardIssue": {"key": "LOOP-3"}},
        {"type": {"name": "P/I", "inward": "is caused by", "outward": "causes"}, "inwardIssue": {"key": "OPS-4"}},
        {"type": blocks, "outwardIssue": {"key": "LOOP-5"}},
        {"type": None},
    ]

    one, two, three, four = (Ref("jira", "issue", key) for key in ("LOOP-1", "LOOP-2", "LOOP-3", "OPS-4"))
    assert mapper().issue(row(issuelinks=links)).links == (
        Link(one, "duplicates", two, because="duplicates", by="system:jira"),
        Link(three, "duplicates", one, because="duplicates", by="system:jira"),
        Link(one, "caused_by", four, because="is caused by", by="system:jira"),
    )


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ({}, "planned"),
        ({"released": True}, "released"),
        ({"archived": True}, "withdrawn"),
        ({"released": True, "archived": True}, "released"),
    ],
)
def test_versions_become_releases(given: dict[str, Any], state: str) -> None:
    read_at = datetime(2026, 3, 1, tzinfo=UTC)
    release = mapper().release({"id": "7", "name": "2.4", "releaseDate": "2026-02-28", **given}, "LOOP", read_at)

    assert (str(release.ref), release.state, release.ident) == ("jira:release:LOOP/2.4", state, "7")
    assert release.released_at == (datetime(2026, 2, 28, tzinfo=UTC) if state == "released" else None)


def test_what_came_after_the_version_that_an_issue_affects_is_known_to_have_come_after_it() -> None:
    jira = mapper()
    issue = jira.issue(row(versions=[{"name": "2.4"}], created="2026-03-01T10:00:00.000+0000"))
    version = jira.release(
        {"id": "1", "name": "2.4", "released": True, "releaseDate": "2026-02-20"}, "LOOP", issue.updated_at
    )
    changes = [
        Change(
            ref=Ref("servicenow", "change", f"CHG{day}"),
            ident=str(day),
            title="Work",
            state="closed",
            updated_at=issue.updated_at,
            started_at=datetime(2026, 2, day, tzinfo=UTC),
        )
        for day in (19, 21)
    ]
    scene = Scene(issue.updated_at, {one.ref: one for one in (issue, version, *changes)})
    pool = gathered(issue, scene, Match(kind="change", rank="suspect"))
    found = {
        one.record.key: vector[FEATURES.index("after_release")]
        for one, vector in zip(pool.candidates, pool.vectors, strict=True)
    }
    assert found == {"CHG19": 0.0, "CHG21": 1.0}


def test_hostile_texts_come_in_clean_and_literal() -> None:
    issue = mapper().issue(
        row(summary='<!channel> \x00" OR project=SEC \u202e', labels=["x\x07", 3], reporter="nobody")
    )

    assert issue.title == '<!channel> " OR project=SEC '
    assert issue.labels == {"x"}
    assert issue.people == ()


def test_a_thousand_rows_are_mapped_in_a_moment() -> None:
    import time

    from connectors.jira import adf

    one = mapper()
    rows = [
        row(description=adf.document("line\n\n" * 5), reporter={"accountId": "x"}, labels=["a"]) for _ in range(1000)
    ]
    started = time.process_time()
    for each in rows:
        one.issue(each)

    # Measured: 0.03 s a thousand; the bar only catches a mapping that became slow by an order of magnitude.
    assert time.process_time() - started < 0.5
