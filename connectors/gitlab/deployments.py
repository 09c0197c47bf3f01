"""Deployments, in the order of their last change, and what each that succeeded delivers.

GitLab sorts by `updated_at` and pages by counting rows. Rows that change meanwhile leave their place, and others move up
over the edge of a page: so a next page is asked for by the last stamp instead of by its number, as far as stamps differ.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connectors.gitlab.api import Api, has_next, project_path
from connectors.gitlab.commits import Commits
from connectors.gitlab.mapping import (
    ENDED,
    Course,
    Json,
    UnmappableError,
    course,
    deployment,
    environment_name,
    moment,
    number,
    passed_over,
    required,
)
from connectors.gitlab.memory import OVERLAP, Deployed, deployed_of
from connectors.gitlab.sources import MOST_PAGES, Part, excerpt
from loopbot.ci.commits import Delivered
from loopbot.ci.ranges import Ranges
from loopbot.ci.successes import Success
from loopbot.domain.errors import BrokenAnswer
from loopbot.domain.records import Record, Ref
from loopbot.ports import Unmapped

# So many rows are read to their end and committed before the next are begun: each may take many calls.
_CHUNK: Final = 25
_LATEST: Final = datetime.max.replace(tzinfo=UTC)


class DeploymentFeed:
    """Implements sources.Feed."""

    what = "deployment"

    def __init__(self, api: Api, ranges: Ranges) -> None:
        self._api, self._ranges = api, ranges

    def remembered(self, told: Json) -> Deployed:
        """What a cursor holds of a project."""
        return deployed_of(told)

    def shown(self, memory: Deployed) -> Json:
        """The same for a cursor."""
        return memory.shown()

    def parts(self, project: str, memory: Deployed) -> Iterator[Part]:
        """Page after page, from an overlap before the newest row known; the first time, from so many days before it."""
        path = f"{project_path(project)}/deployments"
        began = memory.newest
        since = began - OVERLAP if began else self._beginning(path)
        if since is None:
            yield Part()
            return
        for rows in self._pages(path, since):
            for at in range(0, max(len(rows), 1), _CHUNK):
                yield self._part(project, rows[at : at + _CHUNK], memory, began)

    def _beginning(self, path: str) -> datetime | None:
        """How far back the first reading goes, counted from the last one made; None where there is none."""
        rows = self._api.rows(self._api.get(path, {"order_by": "id", "sort": "desc", "per_page": 1}))
        at = _stamp(rows[0]) if rows else None
        if rows and at is None:
            raise BrokenAnswer(self._api.system, f"{path} answers a deployment that does not say when it changed")
        return at - timedelta(days=self._api.settings.first_days) if at else None

    def _pages(self, path: str, since: datetime) -> Iterator[list[Any]]:
        asked: dict[str, str | int] = {
            "order_by": "updated_at",
            "sort": "asc",
            "per_page": self._api.settings.page_size,
        }
        page, before = 1, None
        for _ in range(MOST_PAGES):
            answer = self._api.get(path, {**asked, "updated_after": since.isoformat(), "page": page})
            rows = self._api.rows(answer)
            if rows and rows == before:
                raise BrokenAnswer(self._api.system, f"{path} answers the same page again")
            first, last = (_stamp(rows[0]), _stamp(rows[-1])) if rows else (None, None)
            if first is not None and first < since:
                what = f"{path} answers what changed before the time that was asked for"
                raise BrokenAnswer(
                    self._api.system, what, "GitLab reads updated_after since 12.5: is this server older?"
                )
            before = rows
            yield rows
            if not rows or not has_next(answer):
                return
            moves = first is not None and last is not None and first < last and last > since
            since, page = (last, 1) if moves and last else (since, page + 1)
        raise BrokenAnswer(self._api.system, f"{path} does not end")

    def _part(self, project: str, rows: Sequence[Any], memory: Deployed, began: datetime | None) -> Part:
        """What became of the rows of a page: made in the order they ended, each follows the success before it."""
        fresh: list[tuple[Json, Course]] = []
        unmapped: list[Unmapped] = []
        for place, row in enumerate(rows):
            try:
                how = self._fresh(row, memory, began)
            except (UnmappableError, AttributeError) as error:
                ident = row.get("id") if isinstance(row, dict) else None
                name = ident if isinstance(ident, int) else f"deployment {place}"
                unmapped.append(Unmapped(f"{project}:{name}", str(error), excerpt(row)))
                continue
            if how is not None:
                fresh.append((row, how))
        records: list[Record] = []
        for row, how in sorted(fresh, key=lambda one: (one[1].finished_at or _LATEST, number(one[0]))):
            try:
                records.append(self._record(project, row, how, memory))
            except UnmappableError as error:
                unmapped.append(Unmapped(f"{project}:{number(row)}", str(error), excerpt(row)))
        memory.trim()
        return Part(tuple(sorted(records, key=lambda one: one.updated_at)), tuple(unmapped))

    def _fresh(self, row: Json, memory: Deployed, began: datetime | None) -> Course | None:
        """How a row stands that is to be told, noted as seen; None where it was told, or is of no account."""
        ident, at, status = number(row), required(row, "updated_at"), str(row.get("status"))
        if memory.seen.get(ident) == (at.isoformat(), status):
            return None
        memory.saw(ident, at, status)
        if passed_over(self._api.settings, environment_name(row)):
            return None
        how = course(row)
        if how.skipped and ident not in memory.unfinished:
            # What never began is nothing to tell; where its beginning was told, so is that it came to nothing.
            return None
        return None if _told(row, how, memory, began) else how

    def _record(self, project: str, row: Json, how: Course, memory: Deployed) -> Record:
        """The record of one, with what it delivers where it succeeded."""
        ident, sha, at = number(row), str(row.get("sha") or ""), how.finished_at
        ref = Ref(self._api.system, "deployment", f"{project}#{ident}")
        # GitLab's own name: what is one environment to the rules may be several that are deployed one by one.
        environment, told = environment_name(row), Delivered()
        if how.state == "succeeded" and at is not None and sha:
            success = Success(at.isoformat(), ident, sha)
            base = memory.live.base(environment, success.at, ident)
            told = self._ranges.delivered(Commits(self._api, project), ref, sha, base)
            memory.live.succeeded(environment, success)
        else:
            memory.live.failed(environment, ident)
        if how.state in ENDED:
            memory.unfinished.discard(ident)
        else:
            memory.unfinished.add(ident)
        return deployment(ref, row, how, self._api.settings, told)


def _told(row: Json, how: Course, memory: Deployed, began: datetime | None) -> bool:
    """Whether a success was told before, and GitLab only touched it once more: what it delivered stays as it was.

    One from long before this reading `began` was read then, even where that, and what it followed, is forgotten by now.
    """
    ident, at, environment = number(row), how.finished_at, environment_name(row)
    if how.state != "succeeded" or at is None:
        return False
    long_ago = began is not None and at < began - OVERLAP and ident not in memory.unfinished
    return memory.live.noted(environment, ident, str(row.get("sha") or "")) or (
        long_ago and memory.live.forgotten(environment, at.isoformat())
    )


def _stamp(row: Any) -> datetime | None:
    try:
        return moment(row, "updated_at")
    except (UnmappableError, AttributeError):
        return None
