"""The endpoints, all of which read."""

from typing import Final

from loopbot.sandbox.commits import compare
from loopbot.sandbox.gitlab.project import Deployment
from loopbot.sandbox.gitlab.visits import Answer, RefusedError, Visit, missing

MOST_FILES: Final = 1000
_SORTED: Final = ("id", "iid", "created_at", "updated_at", "ref", "finished_at")


def project(visit: Visit) -> Answer:
    """The project itself."""
    return Answer(visit.shapes.whole())


def deployments(visit: Visit) -> Answer:
    """By id unless told otherwise; `updated_after` is inclusive, and of one stamp the last made comes first, whatever the order."""
    by = visit.one_of("order_by", _SORTED, "id")
    down = visit.one_of("sort", ("asc", "desc"), "asc") == "desc"
    after, before = visit.moment("updated_after"), visit.moment("updated_before")
    if by == "finished_at":
        raise RefusedError(
            400, {"message": "400 Bad request - `finished_at` filter and `finished_at` sorting must be paired"}
        )
    found = [
        one
        for one in visit.project.deployments.values()
        if (after is None or one.updated_at >= after)
        and (before is None or one.updated_at <= before)
        and visit.query.get("environment") in (None, one.environment)
        and visit.query.get("status") in (None, one.status)
    ]
    if by == "updated_at" or after or before:
        found.sort(key=lambda one: one.id, reverse=True)
        found.sort(key=lambda one: one.updated_at, reverse=down)
    else:
        found.sort(key=lambda one: (one.ref, one.id) if by == "ref" else ("", one.id), reverse=down)
    return visit.paged(found, visit.shapes.deployment)


def deployment(visit: Visit) -> Answer:
    """One deployment, by its id."""
    return Answer(visit.shapes.deployment(_deployment(visit)))


def commits(visit: Visit) -> Answer:
    """What is reachable from `ref_name`, or in a range `from..to`, newest first."""
    if not visit.project.commits:
        raise missing("Tree")
    before, ranged, after = (visit.query.get("ref_name") or visit.project.default_branch).partition("..")
    found = visit.project.reachable(visit.sha(after if ranged else before))
    if ranged:
        found -= visit.project.reachable(visit.sha(before))
    rows = visit.project.ordered(found)[::-1]
    return visit.paged(rows, visit.shapes.commit)


def commit_merge_requests(visit: Visit) -> Answer:
    """The merge requests that a commit belongs to: one of theirs, or what their merge made. Whether merged or not."""
    sha = visit.sha(visit.path["sha"])
    found = [
        one
        for one in visit.project.merge_requests.values()
        if sha in one.commits or sha in one.landed or sha in (one.merge_commit, one.squash_commit)
    ]
    return visit.paged(found, visit.shapes.merge_request)


def merge_requests(visit: Visit) -> Answer:
    """Merge requests, the last made first; all, or those whose numbers are asked for."""
    state = visit.query.get("state", "all")
    found = [
        one
        for one in visit.project.merge_requests.values()
        if state in ("all", one.state) and (not visit.iids or str(one.iid) in visit.iids)
    ]
    return visit.paged(found[::-1], visit.shapes.merge_request)


def comparison(visit: Visit) -> Answer:
    """What `to` holds and `from` does not; it does not say how much it is the other way round."""
    for name in ("from", "to"):
        if not visit.query.get(name):
            raise RefusedError(400, {"error": f"{name} is missing"})
    base, head = visit.sha(visit.query["from"], "Ref"), visit.sha(visit.query["to"], "Ref")
    return Answer(visit.shapes.comparison(compare(visit.project, base, head), head, MOST_FILES))


def releases(visit: Visit) -> Answer:
    """By the day of the release unless told otherwise, the last first."""
    by = visit.one_of("order_by", ("released_at", "created_at"), "released_at")
    down = visit.one_of("sort", ("asc", "desc"), "desc") == "desc"
    found = list(visit.project.releases.values())
    found.sort(key=lambda one: at.timestamp() if (at := getattr(one, by)) else 0.0, reverse=down)
    return visit.paged(found, lambda one: visit.shapes.release(one, visit.now))


def _deployment(visit: Visit) -> Deployment:
    text = visit.path["id"]
    found = visit.project.deployments.get(int(text)) if text.isdigit() else None
    if found is None:
        raise missing("Deployment")
    return found
