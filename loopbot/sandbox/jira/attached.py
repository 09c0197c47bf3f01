"""Routes of what hangs on an issue: comments, remote links, issue links, entity properties."""

from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response

from loopbot.sandbox.jira import adf, writing
from loopbot.sandbox.jira.app import NOT_FOUND, Asked, Rows, nothing, reply
from loopbot.sandbox.jira.catalogue import LINK_TYPES
from loopbot.sandbox.jira.issues import wanted_issue
from loopbot.sandbox.jira.model import Comment, Issue, IssueLink, RemoteLink
from loopbot.sandbox.jira.writing import Refusal, mapping

GLOBAL_ID_LIMIT = 255
PROPERTY_LIMIT = 32_768


def _comments(asked: Asked) -> Response:
    issue = wanted_issue(asked)
    start, size = asked.number("startAt", 0), min(asked.number("maxResults", 100), 5000)
    ordered = sorted(issue.comments, key=lambda one: one.created, reverse=asked.query("orderBy").startswith("-"))
    with_properties = "properties" in asked.query("expand")
    shown = [asked.render.comment(issue, one, properties=with_properties) for one in ordered[start : start + size]]
    return reply({"startAt": start, "maxResults": size, "total": len(ordered), "comments": shown})


def _add_comment(asked: Asked) -> Response:
    issue = wanted_issue(asked)
    made = writing.comment(asked.site, issue, asked.json(), asked.actor, asked.api)
    asked.wrote("comment", "comment", issue.key, _told(made))
    return reply(asked.render.comment(issue, made, properties="properties" in asked.query("expand")), 201)


def _comment(asked: Asked) -> Response:
    issue = wanted_issue(asked)
    found = writing.find_comment(issue, asked.path("comment"))
    return reply(asked.render.comment(issue, found, properties="properties" in asked.query("expand")))


def _edit_comment(asked: Asked) -> Response:
    issue = wanted_issue(asked)
    made = writing.edit_comment(asked.site, issue, asked.path("comment"), asked.json(), asked.actor, asked.api)
    asked.wrote("comment_update", "comment", issue.key, _told(made))
    return reply(asked.render.comment(issue, made))


def _told(one: Comment) -> dict[str, Any]:
    internal = one.properties.get("sd.public.comment")
    return {
        "id": one.id,
        "text": adf.plain(one.body),
        "body": one.body,
        "properties": dict(one.properties),
        "visibility": one.visibility,
        "internal": bool(isinstance(internal, dict) and internal.get("internal")) or one.visibility is not None,
    }


def _remote_links(asked: Asked) -> Response:
    issue = wanted_issue(asked)
    wanted = asked.query("globalId")
    if not wanted:
        return reply([asked.render.remote_link(issue, one) for one in issue.remote_links])
    found = next((one for one in issue.remote_links if one.global_id == wanted), None)
    if found is None:
        raise Refusal(404, f"The remote issue link with global id '{wanted}' could not be found.")
    return reply(asked.render.remote_link(issue, found))


def _put_remote_link(asked: Asked) -> Response:
    issue, body = wanted_issue(asked), asked.json()
    thing, global_id = mapping(body.get("object")), body.get("globalId")
    errors = {name: f"'{name}' is required." for name in ("title", "url") if not thing.get(name)}
    if not errors and urlsplit(str(thing["url"])).scheme not in {"http", "https"}:
        errors["url"] = f"'{thing['url']}' is not a valid URL."
    if global_id is not None and not 0 < len(str(global_id)) <= GLOBAL_ID_LIMIT:
        errors["globalId"] = f"The global id must not be longer than {GLOBAL_ID_LIMIT} characters."
    if errors:
        raise Refusal(400, errors=errors)
    if "LINK_ISSUES" in asked.site.denied:
        raise Refusal(403, "You do not have permission to link issues in this project.")
    old = next((one for one in issue.remote_links if global_id and one.global_id == global_id), None)
    ident = old.id if old else asked.site.next_id()
    link = RemoteLink(ident, global_id, thing, body.get("application"), body.get("relationship"))
    asked.site.put_remote_link(issue, link, asked.actor)
    payload = {
        "id": ident,
        "globalId": global_id,
        "object": dict(thing),
        "relationship": link.relationship,
        "new": not old,
    }
    asked.wrote("remotelink", "remotelink", issue.key, payload)
    shown = {"id": ident, "self": asked.render.url(f"issue/{issue.key}/remotelink/{ident}")}
    return reply(shown, 200 if old else 201)


def _delete_remote_link(asked: Asked) -> Response:
    issue, wanted = wanted_issue(asked), asked.query("globalId")
    if not wanted:
        raise Refusal(400, errors={"globalId": "'globalId' is required."})
    return _without(asked, issue, [one for one in issue.remote_links if one.global_id == wanted])


def _delete_remote_link_by_id(asked: Asked) -> Response:
    issue = wanted_issue(asked)
    return _without(asked, issue, [one for one in issue.remote_links if str(one.id) == asked.path("link")])


def _without(asked: Asked, issue: Issue, gone: list[RemoteLink]) -> Response:
    if not gone:
        raise Refusal(404, "The remote issue link could not be found.")
    left = tuple(one for one in issue.remote_links if one not in gone)
    asked.site.change(issue, asked.actor, {"remote_links": left})
    for one in gone:
        asked.wrote("delete", "remotelink", issue.key, {"id": one.id, "globalId": one.global_id})
    return nothing()


def _link(asked: Asked) -> Response:
    """Link two issues; a link that is there already is answered 201 too, and is not written again."""
    body = asked.json()
    kind = mapping(body.get("type"))
    found = next((one for one in LINK_TYPES if kind.get("name") == one.name or kind.get("id") == one.id), None)
    if found is None:
        raise Refusal(404, f"No issue link type with name '{kind.get('name')}' found.")
    ends = []
    for side in ("inwardIssue", "outwardIssue"):
        named = mapping(body.get(side))
        issue = asked.issue(str(named.get("key") or named.get("id") or ""))
        if issue is None:
            raise Refusal(404, NOT_FOUND)
        ends.append(issue)
    if "LINK_ISSUES" in asked.site.denied:
        raise Refusal(404, "No Link Issue Permission for issue '" + ends[1].key + "'")
    if ends[0].id == ends[1].id:
        raise Refusal(400, "You cannot link an issue to itself.")
    if body.get("comment") is not None:
        made = writing.comment(asked.site, ends[1], mapping(body["comment"]), asked.actor, asked.api)
        asked.wrote("comment", "comment", ends[1].key, _told(made))
    link = IssueLink(str(asked.site.next_id()), found, ends[0].id, ends[1].id)
    if asked.site.add_link(link):
        payload = {"id": link.id, "type": found.name, "inward": ends[0].key, "outward": ends[1].key}
        asked.wrote("link", "issuelink", ends[1].key, payload)
    return nothing(201)


def _delete_link(asked: Asked) -> Response:
    link = asked.site.links.pop(asked.path("link"), None)
    if link is None:
        raise Refusal(404, f"No issue link with id '{asked.path('link')}' exists.")
    inward, outward = (asked.site.issue(str(one)) for one in (link.inward, link.outward))
    for one in (inward, outward):
        if one:
            asked.site.touch(one)
    asked.wrote("delete", "issuelink", outward.key if outward else "", {"id": link.id, "type": link.type.name})
    return nothing()


def _properties(asked: Asked) -> Response:
    issue = wanted_issue(asked)
    shown = [{"self": asked.render.url(f"issue/{issue.id}/properties/{one}"), "key": one} for one in issue.properties]
    return reply({"keys": shown})


def _property(asked: Asked) -> Response:
    issue, name = wanted_issue(asked), asked.path("property")
    if name not in issue.properties:
        raise Refusal(404, f"The property {name} does not exist on the issue.")
    return reply({"key": name, "value": issue.properties[name]})


def _set_property(asked: Asked) -> Response:
    issue, name = wanted_issue(asked), asked.path("property")
    if asked.body is None or len(name) > 255:
        raise Refusal(400, "The property value must be valid JSON that is not empty, its key at most 255 characters.")
    known = name in issue.properties
    asked.site.set_property(issue, name, asked.body)
    asked.wrote("property", "property", issue.key, {"property": name, "value": asked.body})
    return nothing(200 if known else 201)


def _delete_property(asked: Asked) -> Response:
    issue, name = wanted_issue(asked), asked.path("property")
    if name not in issue.properties:
        raise Refusal(404, f"The property {name} does not exist on the issue.")
    asked.site.set_property(issue, name, None)
    asked.wrote("delete", "property", issue.key, {"property": name})
    return nothing()


ROWS: Rows = [
    ("GET", "issue/{issue}/comment", _comments),
    ("POST", "issue/{issue}/comment", _add_comment),
    ("GET", "issue/{issue}/comment/{comment}", _comment),
    ("PUT", "issue/{issue}/comment/{comment}", _edit_comment),
    ("GET", "issue/{issue}/remotelink", _remote_links),
    ("POST", "issue/{issue}/remotelink", _put_remote_link),
    ("DELETE", "issue/{issue}/remotelink", _delete_remote_link),
    ("DELETE", "issue/{issue}/remotelink/{link}", _delete_remote_link_by_id),
    ("POST", "issueLink", _link),
    ("DELETE", "issueLink/{link}", _delete_link),
    ("GET", "issue/{issue}/properties", _properties),
    ("GET", "issue/{issue}/properties/{property}", _property),
    ("PUT", "issue/{issue}/properties/{property}", _set_property),
    ("DELETE", "issue/{issue}/properties/{property}", _delete_property),
]
