"""Routes of issues: create (one or many), read, edit, delete, transitions, changelog, bulk fetch."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from loopbot.sandbox.jira import adf, writing
from loopbot.sandbox.jira.app import NOT_FOUND, Asked, Rows, nothing, reply
from loopbot.sandbox.jira.model import Issue
from loopbot.sandbox.jira.writing import Refusal, mapping

BULK_CREATE_LIMIT = 50
BULK_FETCH_LIMIT = 100


def wanted_issue(asked: Asked) -> Issue:
    """The issue named in the path, under its present or an old key; raises Refusal."""
    issue = asked.issue(asked.path("issue"))
    if issue is None:
        raise Refusal(404, NOT_FOUND)
    return issue


def wanted_fields(asked: Asked, given: Any = None) -> list[str]:
    """The fields asked for, from the body or the query; empty where none were named."""
    if given is None:
        given = asked.request.query_params.getlist("fields")
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, Sequence) or not all(isinstance(one, str) for one in given):
        raise Refusal(400, "INVALID_INPUT")
    return [name.strip() for one in given for name in one.split(",") if name.strip()]


def _create(asked: Asked) -> Response:
    issue = writing.create(asked.site, asked.json(), asked.actor, asked.api)
    _wrote_create(asked, issue, asked.json())
    return reply(_created(asked, issue), 201)


def _create_many(asked: Asked) -> Response:
    updates = asked.json().get("issueUpdates")
    if not isinstance(updates, list) or not updates:
        raise Refusal(400, "INVALID_INPUT")
    if len(updates) > BULK_CREATE_LIMIT:
        raise Refusal(400, f"The maximum number of issues that can be created in one request is {BULK_CREATE_LIMIT}.")
    made: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for number, each in enumerate(updates):
        try:
            issue = writing.create(asked.site, mapping(each), asked.actor, asked.api)
        except Refusal as refusal:
            errors.append({"status": refusal.status, "elementErrors": refusal.body(), "failedElementNumber": number})
            continue
        _wrote_create(asked, issue, each)
        made.append(_created(asked, issue))
    return reply({"issues": made, "errors": errors}, 201 if made else 400)


def _created(asked: Asked, issue: Issue) -> dict[str, Any]:
    return {"id": str(issue.id), "key": issue.key, "self": asked.render.url(f"issue/{issue.id}")}


def _wrote_create(asked: Asked, issue: Issue, body: Mapping[str, Any]) -> None:
    fields = dict(mapping(body.get("fields")))
    properties = writing.properties(body.get("properties"))
    text = adf.plain(issue.description)
    payload = {"id": str(issue.id), "fields": fields, "properties": properties, "summary": issue.summary, "text": text}
    asked.wrote("create", "issue", issue.key, payload)


def _read(asked: Asked) -> Response:
    issue = wanted_issue(asked)
    shown = asked.render.issue(issue, wanted_fields(asked), asked.query("expand"))
    wanted = [name for one in asked.request.query_params.getlist("properties") for name in one.split(",") if name]
    if wanted:
        kept = issue.properties.items()
        shown["properties"] = {name: value for name, value in kept if "*all" in wanted or name in wanted}
    return reply(shown)


def _edit(asked: Asked) -> Response:
    issue = wanted_issue(asked)
    body = asked.json()
    changed = writing.edit(asked.site, issue, body, asked.actor, asked.api)
    payload = {
        "id": str(issue.id),
        "fields": dict(mapping(body.get("fields"))),
        "update": dict(mapping(body.get("update"))),
    }
    asked.wrote("update", "issue", changed.key, payload)
    if asked.query("returnIssue") == "true":
        return reply(asked.render.issue(changed, (), asked.query("expand")))
    return nothing()


def _delete(asked: Asked) -> Response:
    issue = wanted_issue(asked)
    if "DELETE_ISSUES" in asked.site.denied:
        raise Refusal(403, "You do not have permission to delete issues in this project.")
    asked.site.delete(issue)
    asked.wrote("delete", "issue", issue.key, {"id": str(issue.id)})
    return nothing()


def _transitions(asked: Asked) -> Response:
    issue = wanted_issue(asked)
    project = asked.site.projects[issue.project]
    only = asked.query("transitionId")
    moves = () if issue.archived else project.workflow.open_from(issue.status)
    shown = [asked.render.transition(project, one) for one in moves if only in ("", one.id)]
    return reply({"expand": "transitions", "transitions": shown})


def _transition(asked: Asked) -> Response:
    issue = wanted_issue(asked)
    body = asked.json()
    moved = writing.transition(asked.site, issue, body, asked.actor, asked.api)
    payload = {
        "id": str(issue.id),
        "from": issue.status,
        "to": moved.status,
        "fields": dict(mapping(body.get("fields"))),
    }
    asked.wrote("transition", "issue", moved.key, payload)
    for one in moved.comments[len(issue.comments) :]:
        asked.wrote("comment", "comment", moved.key, {"id": one.id, "text": adf.plain(one.body), "body": one.body})
    return nothing()


def _changelog(asked: Asked) -> Response:
    if asked.site.flavour != "cloud":
        raise Refusal(404, "null for uri: no such resource")
    issue = wanted_issue(asked)
    start, size = asked.number("startAt", 0), min(asked.number("maxResults", 100), 100)
    values = [asked.render.history(one) for one in issue.history]
    page = {"self": str(asked.request.url), "startAt": start, "maxResults": size, "total": len(values)}
    return reply({**page, "isLast": start + size >= len(values), "values": values[start : start + size]})


def _bulk_fetch(asked: Asked) -> Response:
    """Reads issues themselves, not the index. What does not exist is left out: neither an issue nor an error."""
    names = asked.json().get("issueIdsOrKeys")
    if not isinstance(names, list) or not 0 < len(names) <= BULK_FETCH_LIMIT:
        raise Refusal(400, f"The number of issue ids or keys must be between 1 and {BULK_FETCH_LIMIT}.")
    found = {one.id: one for name in names if (one := asked.issue(str(name)))}
    fields = wanted_fields(asked, asked.json().get("fields") or ["*navigable"])
    expand = ",".join(asked.json().get("expand") or ())
    shown = [asked.render.issue(found[ident], fields, expand) for ident in sorted(found)]
    return reply({"issues": shown, "issueErrors": []})


ROWS: Rows = [
    ("POST", "issue", _create),
    ("POST", "issue/bulk", _create_many),
    ("POST", "issue/bulkfetch", _bulk_fetch),
    ("GET", "issue/{issue}", _read),
    ("PUT", "issue/{issue}", _edit),
    ("DELETE", "issue/{issue}", _delete),
    ("GET", "issue/{issue}/transitions", _transitions),
    ("POST", "issue/{issue}/transitions", _transition),
    ("GET", "issue/{issue}/changelog", _changelog),
]
