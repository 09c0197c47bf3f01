"""Routes of the search: `search/jql` with page tokens on Cloud, `search` with offsets on Data Center."""

import functools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from loopbot.sandbox.jira.app import Asked, Rows, reply
from loopbot.sandbox.jira.issues import wanted_fields
from loopbot.sandbox.jira.jql import parse
from loopbot.sandbox.jira.lexing import JqlError
from loopbot.sandbox.jira.matching import Matcher
from loopbot.sandbox.jira.model import Issue
from loopbot.sandbox.jira.writing import Refusal

UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline is "
    "available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
RECONCILE_LIMIT = 50
BOOKMARKS = 1000
# The vendor gives larger pages where fewer fields are asked for.
PAGE_LIMIT_IDS, PAGE_LIMIT_FIELDS = 5000, 100
DATA_CENTER_PAGE_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Where a page ended: the next one begins after `last` (or at the start), in the order of the query, as it is by then."""

    jql: str
    last: Issue | None


def _found(
    asked: Asked, jql: Any, reconcile: frozenset[int] = frozenset(), *, bounded: bool
) -> tuple[Matcher, list[Issue]]:
    if not isinstance(jql, str):
        jql = ""
    try:
        query = parse(jql)
        if bounded and query.where is None:
            raise Refusal(400, UNBOUNDED)
        matcher = Matcher(asked.site, asked.actor, query)
    except JqlError as error:
        raise Refusal(400, str(error)) from error
    found = [one for one in asked.site.indexed(reconcile) if matcher.matches(one)]
    return matcher, sorted(found, key=functools.cmp_to_key(matcher.compare))


def _given(asked: Asked) -> Mapping[str, Any]:
    if asked.request.method == "POST":
        return asked.json()
    given: dict[str, Any] = dict(asked.request.query_params)
    for name in ("reconcileIssues", "fields"):
        given[name] = asked.request.query_params.getlist(name)
    return given


def _search(asked: Asked) -> Response:
    if asked.site.flavour != "cloud":
        raise Refusal(404, "null for uri: no such resource")
    given = _given(asked)
    fields = wanted_fields(asked, given.get("fields") or [])
    reconcile = [int(one) for one in given.get("reconcileIssues") or [] if str(one).isdigit()]
    if len(reconcile) > RECONCILE_LIMIT:
        raise Refusal(400, f"The number of issues to reconcile must not exceed {RECONCILE_LIMIT}.")
    jql = str(given.get("jql") or "")
    matcher, found = _found(asked, jql, frozenset(reconcile), bounded=True)
    last = None
    if token := given.get("nextPageToken"):
        mark = asked.desk.pages.get(str(token))
        if mark is None or mark.jql != jql:
            raise Refusal(400, "The provided next page token is invalid or expired.")
        last = mark.last
        found = [one for one in found if last is None or matcher.compare(last, one) < 0]
    limit = PAGE_LIMIT_IDS if set(fields) <= {"id", "key"} else PAGE_LIMIT_FIELDS
    size = _cut(asked, min(_size(given, 50), limit))
    page, expand = found[:size], str(given.get("expand") or "")
    body: dict[str, Any] = {
        "issues": [_shown(asked, one, fields, expand) for one in page],
        "isLast": len(found) <= size,
    }
    if len(found) > size:
        # A page that was cut to nothing goes on where the one before it ended.
        body["nextPageToken"] = _bookmark(asked, Bookmark(jql, page[-1] if page else last))
    return reply(body)


def _cut(asked: Asked, size: int) -> int:
    return min(size, asked.desk.cuts.pop(0)) if asked.desk.cuts else size


def _bookmark(asked: Asked, mark: Bookmark) -> str:
    """A token for the next page; like the vendor's, it does not live for ever."""
    while len(asked.desk.pages) >= BOOKMARKS:
        del asked.desk.pages[next(iter(asked.desk.pages))]
    token = uuid.uuid4().hex
    asked.desk.pages[token] = mark
    return token


def _shown(asked: Asked, issue: Issue, fields: list[str], expand: str) -> dict[str, Any]:
    if not fields or fields == ["id"]:
        return {"id": str(issue.id)}
    if set(fields) <= {"id", "key"}:
        return {"id": str(issue.id), "key": issue.key, "self": asked.render.url(f"issue/{issue.id}")}
    return asked.render.issue(issue, fields, expand)


def _size(given: Mapping[str, Any], default: int) -> int:
    size = given.get("maxResults", default)
    if not str(size).isdigit() or isinstance(size, bool):
        raise Refusal(400, "The value of the parameter 'maxResults' is not a number.")
    return int(size)


def _count(asked: Asked) -> Response:
    _, found = _found(asked, asked.json().get("jql"), bounded=True)
    return reply({"count": len(found)})


def _old_search(asked: Asked) -> Response:
    if asked.site.flavour == "cloud":
        raise Refusal(410, REMOVED)
    given = _given(asked)
    _, found = _found(asked, given.get("jql"), bounded=False)
    start = int(given.get("startAt") or 0)
    size = _cut(asked, min(_size(given, 50), DATA_CENTER_PAGE_LIMIT))
    fields = wanted_fields(asked, given.get("fields") or []) or ["*navigable"]
    expand = given.get("expand") or ""
    expand = ",".join(expand) if isinstance(expand, list) else expand
    shown = [asked.render.issue(one, fields, expand) for one in found[start : start + size]]
    page = {"expand": "schema,names", "startAt": start, "maxResults": size, "total": len(found)}
    return reply({**page, "issues": shown})


ROWS: Rows = [
    ("GET", "search/jql", _search),
    ("POST", "search/jql", _search),
    ("POST", "search/approximate-count", _count),
    ("GET", "search", _old_search),
    ("POST", "search", _old_search),
]
