"""The commits of one repository of GitHub, as a deployment's range needs them."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from connectors.github.api import Api, NotThereError, has_next
from connectors.github.mapping import UnmappableError, moment
from loopbot.ci.commits import Commit, Naming, Span
from loopbot.ci.mentions import Pull
from loopbot.ci.ranges import GoneError

Json = Mapping[str, Any]
_MERGE: Final = re.compile(r"Merge pull request #(?P<number>\d{1,9}) from [^\n]{0,300}(?:\n\s*(?P<title>[^\n]+))?")
_NUMBERED: Final = re.compile(r"\(#(\d{1,9})\)")


class Commits:
    """Implements ci.ranges.Repository. Raises what the API raises, GoneError for what is not there."""

    def __init__(self, api: Api, repository: str) -> None:
        self._api, self._repository = api, repository
        self.naming = Naming(f"{repository}#", _MERGE, _NUMBERED)

    def compared(self, base: str, head: str) -> Span:
        """By GitHub's comparison, page after page, up to `most_commits`."""
        path, size = f"/repos/{self._repository}/compare/{base}...{head}", self._api.settings.page_size
        span = Span(head)
        page = 0
        while len(span.commits) < self._api.settings.most_commits:
            page += 1
            try:
                answer = self._api.get(path, {"per_page": size, "page": page})
            except NotThereError as error:
                raise GoneError(str(error)) from error
            body = answer.body if isinstance(answer.body, dict) else {}
            span.status = str(body.get("status", "ahead"))
            rows = body.get("commits") or []
            span.commits += map(_commit, rows)
            # GitHub tells the files of the whole range (at most 300) on its first page alone.
            span.files += _paths(body.get("files")) if page == 1 else []
            if not rows or not has_next(answer):
                return span
        span.left_out.append(f"only the first {len(span.commits)} commits were looked at")
        return span

    def last(self, head: str, count: int) -> Span:
        """The newest page of its history."""
        try:
            answer = self._api.get(f"/repos/{self._repository}/commits", {"sha": head, "per_page": count})
        except NotThereError as error:
            raise GoneError(str(error)) from error
        return Span(head, [_commit(row) for row in self._api.rows(answer)[::-1]])

    def pulls(self, sha: str) -> Sequence[Pull]:
        """Those that are merged."""
        try:
            answer = self._api.get(f"/repos/{self._repository}/commits/{sha}/pulls", {"per_page": 100})
        except NotThereError as error:
            raise GoneError(str(error)) from error
        return [
            _pull(row) for row in self._api.rows(answer) if isinstance(row.get("number"), int) and row.get("merged_at")
        ]


def _commit(row: Json) -> Commit:
    told = row.get("commit") or {}
    parents = tuple(str(one.get("sha")) for one in row.get("parents") or [])
    return Commit(str(row.get("sha") or ""), str(told.get("message") or ""), _written(told), parents)


def _written(told: Json) -> datetime | None:
    try:
        return moment(told.get("author") or {}, "date")
    except UnmappableError:
        return None


def _paths(files: object) -> list[str]:
    rows = files if isinstance(files, list) else []
    return [str(row["filename"]) for row in rows if isinstance(row, dict) and row.get("filename")]


def _pull(row: Json) -> Pull:
    number, branch = int(row["number"]), str((row.get("head") or {}).get("ref") or "")
    return Pull(number, f"pull request #{number}", str(row.get("title") or ""), str(row.get("body") or ""), branch)
