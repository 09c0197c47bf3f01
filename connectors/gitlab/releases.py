"""Releases, the last made first, down to a page that holds nothing new; and the issues their notes name.

GitLab has no filter by change on its older servers and tells no update stamp. So a mark of how each stood is remembered.
They are listed by when they were made: `released_at` may be set to any day, so one may appear anywhere in that order.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from connectors.gitlab.api import Api, has_next, project_path
from connectors.gitlab.mapping import Json, UnmappableError, inner, release, required, tag_of
from connectors.gitlab.memory import Released, released_of
from connectors.gitlab.sources import MOST_PAGES, Part, excerpt
from loopbot.ci.mentions import Keys
from loopbot.domain.errors import BrokenAnswer
from loopbot.domain.records import Link, Record, Ref
from loopbot.ports import Unmapped


class ReleaseFeed:
    """Implements sources.Feed."""

    what = "release"

    def __init__(self, api: Api) -> None:
        self._api = api
        self._keys = Keys(api.settings.issue_keys, api.settings.issue_url)

    def remembered(self, told: Json) -> Released:
        """What a cursor holds of a project."""
        return released_of(told)

    def shown(self, memory: Released) -> Json:
        """The same for a cursor."""
        return memory.shown()

    def parts(self, project: str, memory: Released) -> Iterator[Part]:
        """All that is new, at once: nothing is remembered of a list that was not read to its end."""
        records: list[Record] = []
        unmapped: list[Unmapped] = []
        for row in self._listed(project, memory):
            try:
                records.append(self._record(project, row))
            except (UnmappableError, AttributeError) as error:
                name = row.get("tag_name") if isinstance(row, dict) else None
                unmapped.append(Unmapped(f"{project}:{name or 'a release'}", str(error), excerpt(row)))
        memory.trim()
        records.sort(key=lambda one: one.updated_at)
        yield Part(tuple(records), tuple(unmapped))

    def _listed(self, project: str, memory: Released) -> list[Any]:
        """The rows that are new or changed, noted as seen; what is no release is always new."""
        path, before, found = f"{project_path(project)}/releases", None, []
        asked: dict[str, str | int] = {
            "order_by": "created_at",
            "sort": "desc",
            "per_page": self._api.settings.page_size,
        }
        seen, oldest = dict(memory.seen), memory.floor
        for page in range(1, MOST_PAGES + 1):
            answer = self._api.get(path, {**asked, "page": page})
            rows = self._api.rows(answer)
            if rows and rows == before:
                raise BrokenAnswer(self._api.system, f"{path} answers the same page again")
            if page == 1 and not memory.seen:
                oldest = self._oldest(rows)
            before, fresh = rows, [row for row in rows if _is_fresh(row, seen, oldest)]
            found += fresh
            if not any(_made_at(row) for row in fresh) or not has_next(answer):
                memory.seen, memory.floor = seen, oldest
                return found
        raise BrokenAnswer(self._api.system, f"{path} does not end")

    def _oldest(self, rows: list[Any]) -> datetime | None:
        """How far back the first reading goes, counted from the last one made."""
        stamps = [at for at in map(_made_at, rows) if at is not None]
        return max(stamps) - timedelta(days=self._api.settings.first_days) if stamps else None

    def _record(self, project: str, row: Json) -> Record:
        ref = Ref(self._api.system, "release", f"{project}@{tag_of(row)}")
        notes, target = f"{row.get('name') or ''}\n{row.get('description') or ''}", self._api.settings.issues_in
        links = [
            Link(ref, "includes", Ref(target, "issue", key), 1.0, "named in the release notes", f"system:{ref.system}")
            for key in self._keys.in_text(notes)
        ]
        return release(ref, row, self._api.settings, links)


def _is_fresh(row: Any, seen: dict[str, tuple[str, str]], oldest: datetime | None) -> bool:
    """Whether a row was not taken yet as it is now; then it is noted."""
    made_at = _made_at(row)
    if made_at is None:
        return True
    tag, mark = str(row.get("tag_name")), _mark(row)
    fresh = seen[tag][1] != mark if tag in seen else oldest is None or made_at > oldest
    if fresh:
        seen[tag] = (made_at.isoformat(), mark)
    return fresh


def _made_at(row: Any) -> datetime | None:
    try:
        tag_of(row)
        return required(row, "created_at")
    except (UnmappableError, AttributeError):
        return None


def _mark(row: Json) -> str:
    told = [row.get(name) for name in ("name", "description", "released_at", "upcoming_release")]
    text = "\n".join(str(one) for one in [*told, inner(row, "author").get("username")])
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
