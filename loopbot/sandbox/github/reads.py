"""The endpoints that read."""

from collections.abc import Callable
from datetime import datetime, timedelta

from loopbot.sandbox.commits import Commit, compare
from loopbot.sandbox.github.repository import Pull, Run
from loopbot.sandbox.github.visits import Answer, RefusedError, Visit, moment

SEARCHED = 1000
COUNTED = 2500
COMPARED = 250
FILES = 300


def repository(visit: Visit) -> Answer:
    """The repository itself."""
    return Answer(visit.shapes.repository())


def deployments(visit: Visit) -> Answer:
    """Newest first; there is no filter by time, and no state in it."""
    wanted = {name: visit.query[name] for name in ("sha", "ref", "task", "environment") if visit.query.get(name)}
    found = [
        one
        for one in sorted(visit.repo.deployments.values(), key=lambda one: -one.id)
        if all(getattr(one, name) == value for name, value in wanted.items())
    ]
    return visit.paged(found, visit.deliveries.deployment)


def deployment(visit: Visit) -> Answer:
    """One deployment."""
    found = visit.repo.deployments.get(visit.number("id"))
    if found is None:
        raise RefusedError(404, "Not Found")
    return Answer(visit.deliveries.deployment(found))


def statuses(visit: Visit) -> Answer:
    """The statuses of a deployment, newest first."""
    found = visit.repo.deployments.get(visit.number("id"))
    if found is None:
        raise RefusedError(404, "Not Found")
    return visit.paged(found.statuses[::-1], lambda one: visit.deliveries.status(found, one))


def environments(visit: Visit) -> Answer:
    """The environments that were deployed to."""
    rows = list(visit.repo.environments.items())
    start, end, links = visit.window(len(rows))
    shown = [visit.deliveries.environment(name, number, at) for name, (number, at) in rows[start:end]]
    return Answer({"total_count": len(rows), "environments": shown}, headers=links)


def runs(visit: Visit) -> Answer:
    """Workflow runs, newest first; a filtered list ends after 1,000 and counts to 2,500."""
    query = visit.query
    checks: list[Callable[[Run], bool]] = []
    if query.get("created"):
        low, high = _span(query["created"])
        checks.append(lambda run: (low is None or run.created_at >= low) and (high is None or run.created_at <= high))
    if query.get("status"):
        checks.append(lambda run: query["status"] in (run.status, run.conclusion))
    named = (("branch", "branch"), ("event", "event"), ("actor", "actor"), ("head_sha", "sha"))
    wanted = {field: query[name] for name, field in named if query.get(name)}
    if wanted:
        checks.append(lambda run: all(getattr(run, field) == value for field, value in wanted.items()))
    found = sorted(visit.repo.runs.values(), key=lambda run: (run.created_at, run.id), reverse=True)
    total = len(found)
    if checks:
        found = [run for run in found if all(check(run) for check in checks)]
        total, found = min(len(found), COUNTED), found[:SEARCHED]
    start, end, links = visit.window(len(found))
    shown = [visit.deliveries.run(run) for run in found[start:end]]
    return Answer({"total_count": total, "workflow_runs": shown}, headers=links)


def run(visit: Visit) -> Answer:
    """One workflow run, as its last attempt stands."""
    found = visit.repo.runs.get(visit.number("id"))
    if found is None:
        raise RefusedError(404, "Not Found")
    return Answer(visit.deliveries.run(found))


def commits(visit: Visit) -> Answer:
    """What is reachable from `sha`, newest first, between since and until."""
    head = visit.sha(visit.query.get("sha") or visit.repo.default_branch)
    since, until = moment(visit.query.get("since")), moment(visit.query.get("until"))
    author = visit.query.get("author")
    found = [
        one
        for one in reversed(visit.repo.ordered(visit.repo.reachable(head)))
        if (since is None or one.at >= since)
        and (until is None or one.at <= until)
        and (not author or author in (one.login, one.email))
    ]
    return visit.paged(found, visit.shapes.commit)


def commit(visit: Visit) -> Answer:
    """One commit by sha, branch or tag, with its files."""
    found = visit.repo.commits[visit.commit_of(visit.path["ref"])]
    return Answer(visit.shapes.commit(found, with_files=True))


def commit_pulls(visit: Visit) -> Answer:
    """The pull requests that brought a commit in, by one of their commits or by the merge."""
    sha = visit.commit_of(visit.path["ref"])
    found = [one for one in visit.repo.pulls.values() if sha in one.commits or sha in one.landed]
    return visit.paged(found, visit.shapes.pull)


def comparison(visit: Visit) -> Answer:
    """base...head, oldest first: unpaged only the last 250 commits, files on the first page only."""
    base, mark, head = visit.path["basehead"].partition("...")
    if not mark:
        raise RefusedError(404, "Not Found")
    told = compare(visit.repo, visit.sha(base), visit.sha(head))
    links: dict[str, str] = {}
    shown: list[Commit] = told.ahead[-COMPARED:]
    first = True
    if {"page", "per_page"} & set(visit.query):
        start, end, links = visit.window(len(told.ahead))
        shown, first = told.ahead[start:end], start == 0
    files = sorted({name for one in told.ahead for name in one.files})[:FILES] if first else []
    return Answer(visit.shapes.comparison(told, base, head, shown, files), headers=links)


def pulls(visit: Visit) -> Answer:
    """Pull requests: open ones unless told otherwise."""
    state, by = visit.query.get("state", "open"), visit.query.get("sort", "created")
    if state not in {"open", "closed", "all"}:
        raise RefusedError(422, "Validation Failed", errors=[{"resource": "PullRequest", "field": "state"}])
    down = visit.query.get("direction", "desc" if by == "created" else "asc") == "desc"

    def order(one: Pull) -> tuple[datetime, int]:
        return (one.updated_at if by == "updated" else one.created_at, one.number)

    found = [one for one in visit.repo.pulls.values() if state in ("all", one.state)]
    for name in ("base", "head"):
        wanted = visit.query.get(name, "").rpartition(":")[2]
        found = [one for one in found if not wanted or wanted == (one.base if name == "base" else one.branch)]
    return visit.paged(sorted(found, key=order, reverse=down), visit.shapes.pull)


def pull(visit: Visit) -> Answer:
    """One pull request."""
    return Answer(visit.shapes.pull(_pull(visit), whole=True))


def pull_commits(visit: Visit) -> Answer:
    """The commits of a pull request, at most 250."""
    found = [visit.repo.commits[sha] for sha in _pull(visit).commits[:COMPARED]]
    return visit.paged(found, visit.shapes.commit)


def releases(visit: Visit) -> Answer:
    """Releases, newest first; drafts only for those who may write."""
    found = [one for one in reversed(visit.repo.releases.values()) if not one.draft or visit.account.may_write]
    return visit.paged(found, visit.deliveries.release)


def release(visit: Visit) -> Answer:
    """The published release of a tag."""
    for one in visit.repo.releases.values():
        if one.tag == visit.path["tag"] and not one.draft:
            return Answer(visit.deliveries.release(one))
    raise RefusedError(404, "Not Found")


def comments(visit: Visit) -> Answer:
    """The comments of an issue or pull request, oldest first."""
    number, since = visit.number("number"), moment(visit.query.get("since"))
    found = [one for one in visit.repo.comments if one.issue == number and (since is None or one.at >= since)]
    return visit.paged(found, visit.deliveries.comment)


def _pull(visit: Visit) -> Pull:
    found = visit.repo.pulls.get(visit.number("number"))
    if found is None:
        raise RefusedError(404, "Not Found")
    return found


def _span(text: str) -> tuple[datetime | None, datetime | None]:
    """The bounds of GitHub's search syntax for dates: >=A, <A, A..B, A..*, or one day."""
    instant = timedelta(microseconds=1)
    if ".." in text:
        low, _, high = text.partition("..")
        return _bound(low, end=False), _bound(high, end=True)
    if text.startswith((">=", "<=")):
        return (_bound(text[2:], end=False), None) if text[0] == ">" else (None, _bound(text[2:], end=True))
    if text.startswith(">"):
        after = _bound(text[1:], end=True)
        return (after + instant if after else None), None
    if text.startswith("<"):
        before = _bound(text[1:], end=False)
        return None, (before - instant if before else None)
    return _bound(text, end=False), _bound(text, end=True)


def _bound(text: str, *, end: bool) -> datetime | None:
    if text == "*":
        return None
    at = moment(text)
    whole_day = at is not None and "T" not in text and end
    return at + timedelta(days=1, microseconds=-1) if at and whole_day else at
