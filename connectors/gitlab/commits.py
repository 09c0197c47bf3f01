"""The commits of one project of GitLab, as a deployment's range needs them."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from connectors.gitlab.api import Api, NotThereError, has_next, project_path
from connectors.gitlab.mapping import UnmappableError, moment
from loopbot.ci.commits import Commit, Naming, Span, first_parents
from loopbot.ci.mentions import Pull
from loopbot.ci.ranges import GoneError
from loopbot.domain.errors import BrokenAnswer, Rejected, Transient
from loopbot.http import Answer

Json = Mapping[str, Any]
_AT_ONCE: Final = 100
_NUMBERED: Final = re.compile(r"\(!(\d{1,9})\)")


class Commits:
    """Implements ci.ranges.Repository. Raises what the API raises, GoneError for what is not there."""

    def __init__(self, api: Api, project: str) -> None:
        self._api, self._path = api, project_path(project)
        self._barred = False
        self.naming = naming_of(project)

    def compared(self, base: str, head: str) -> Span:
        """By GitLab's comparison: all commits in one answer, of which the newest `most_commits` are looked at."""
        try:
            answer = self._get("/repository/compare", {"from": base, "to": head})
        except (Transient, BrokenAnswer) as error:
            if isinstance(error, Transient) and error.after is not None:
                raise
            return self._listed(base, head)
        body = answer.body if isinstance(answer.body, dict) else {}
        if not isinstance(body.get("commits"), list):
            raise BrokenAnswer(self._api.system, "a comparison was answered without a list of commits")
        commits, most = [_commit(row) for row in body["commits"]], self._api.settings.most_commits
        span = Span(head, commits[-most:], _lies(base, commits), files=_paths(body.get("diffs")))
        if len(commits) > most:
            span.left_out.append(f"only the newest {most} of {len(commits)} commits were looked at")
        if body.get("compare_timeout"):
            span.left_out.append("not all files that differ were told")
        return self._asked_at_once(span)

    def _listed(self, base: str, head: str) -> Span:
        """The same range as a list of commits: the differences of a large one may take GitLab longer than it takes itself."""
        rows: list[Any] = []
        size, most = self._api.settings.page_size, self._api.settings.most_commits
        page, more = 1, True
        while more and len(rows) < most:
            answer = self._get("/repository/commits", {"ref_name": f"{base}..{head}", "per_page": size, "page": page})
            found = self._api.rows(answer)
            rows += found
            page, more = page + 1, bool(found) and has_next(answer)
        commits = [_commit(row) for row in rows[:most][::-1]]
        span = Span(
            head, commits, _lies(base, commits), ["the comparison did not answer: which files differ is not known"]
        )
        if more or len(rows) > most:
            span.left_out.append(f"only the newest {len(commits)} commits were looked at")
        return self._asked_at_once(span)

    def last(self, head: str, count: int) -> Span:
        """The newest page of its history."""
        rows = self._api.rows(self._get("/repository/commits", {"ref_name": head, "per_page": count}))
        if not rows:
            raise GoneError(head)
        return self._asked_at_once(Span(head, [_commit(row) for row in rows[::-1]]))

    def pulls(self, sha: str) -> Sequence[Pull]:
        """Those that are merged; none where the project has no merge requests, which is asked once."""
        return [_pull(row) for row in self._merged(f"/repository/commits/{quote(sha, safe='')}/merge_requests")]

    def _asked_at_once(self, span: Span) -> Span:
        """With the merge requests that its merges name, a call a hundred instead of one each.

        What a message says is taken only where the merge request says of itself that it was merged by that commit.
        """
        settings, said = self._api.settings, {one.sha: self.naming.merge.match(one.message) for one in span.commits}
        line = first_parents(span.commits, span.head) if settings.issue_keys else []
        numbers = [f"iids%5B%5D={found['number']}" for sha in line if (found := said[sha])]
        for at in range(0, len(numbers), _AT_ONCE)[: settings.most_pull_calls]:
            for row in self._merged(f"/merge_requests?{'&'.join(numbers[at : at + _AT_ONCE])}"):
                landed = (row.get("merge_commit_sha"), row.get("squash_commit_sha"))
                span.asked.update((sha, [_pull(row)]) for sha in line if sha in landed)
        return span

    def _merged(self, where: str) -> Sequence[Json]:
        if self._barred:
            return []
        try:
            rows = self._api.rows(self._get(where, {"state": "merged", "per_page": _AT_ONCE}))
        except Rejected as error:
            # Switched off in the project, or not for this token: `check` says so, and messages still speak.
            self._barred = error.status == 403
            if not self._barred:
                raise
            return []
        # Old servers ignore `state`, of the requests of a commit.
        return [row for row in rows if row.get("state") == "merged" and isinstance(row.get("iid"), int)]

    def _get(self, what: str, params: Mapping[str, str | int]) -> Answer:
        try:
            return self._api.get(f"{self._path}{what}", params)
        except NotThereError as error:
            raise GoneError(str(error)) from error


def naming_of(project: str) -> Naming:
    """How commits of a project name its merge requests: by GitLab's own templates, which may be changed but for the last line.

    A merge that came with another project's history names that project's merge request, and is none of this one's.
    """
    own = rf"(?i:{re.escape(project)})?!(?P<number>\d{{1,9}})\b"
    last = r"(?m:^)See merge request "
    first = rf"(?:Merge branch '[^\n]{{0,300}}' into '[^\n]{{0,300}}'\n\s{{0,20}}(?!{last})(?P<title>[^\n]+))?"
    return Naming(f"{project}!", re.compile(rf"{first}(?s:.{{0,20000}}?){last}{own}"), _NUMBERED)


def _lies(base: str, commits: Sequence[Commit]) -> str:
    """How a range lies, of which GitLab tells only what is new in it.

    Where the base is an ancestor, the way from the head down to it leaves the new commits by a parent that is the base
    itself; where it is none, no new commit can have it as a parent.
    """
    if not commits:
        return "behind"
    return "ahead" if any(base in one.parents for one in commits) else "diverged"


def _commit(row: Json) -> Commit:
    parents = tuple(str(one) for one in row.get("parent_ids") or [])
    message = str(row.get("message") or row.get("title") or "").replace("\r\n", "\n")
    return Commit(str(row.get("id") or ""), message, _written(row), parents)


def _written(row: Json) -> datetime | None:
    try:
        return moment(row, "authored_date") or moment(row, "created_at")
    except UnmappableError:
        return None


def _paths(diffs: object) -> list[str]:
    rows = [row for row in diffs if isinstance(row, dict)] if isinstance(diffs, list) else []
    both = (str(row.get(name) or "") for row in rows for name in ("new_path", "old_path"))
    return list(dict.fromkeys(filter(None, both)))


def _pull(row: Json) -> Pull:
    iid, branch = int(row["iid"]), str(row.get("source_branch") or "")
    return Pull(iid, f"merge request !{iid}", str(row.get("title") or ""), str(row.get("description") or ""), branch)
