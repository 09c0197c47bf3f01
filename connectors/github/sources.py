"""A stream over the lists of some repositories: what is new since the last reading, oldest first.

GitHub lists newest first and has no filter by change. So each reading begins at the top and goes down until a page
holds nothing new; ids seen lately are remembered one by one, so that a row that shows up late between them is not lost.
An unchanged list costs one call, and as a 304 it does not count against GitHub's rate limit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.github.api import Api, NotThereError, has_next
from connectors.github.feeds import Feed, Made
from connectors.github.mapping import UnmappableError, moment, number
from connectors.github.memory import Json, Memory, dumped, loaded
from loopbot.domain.errors import BrokenAnswer, Rejected, SystemTrouble
from loopbot.domain.records import Record
from loopbot.domain.texts import clean
from loopbot.ports import Cursor, Page, Unmapped

# So many rows are read to their end and committed before the next are begun.
_CHUNK: Final = 50
_MOST_PAGES: Final = 1_000


class RepositoryStream:
    """Implements ports.Source for one feed over all repositories."""

    def __init__(self, api: Api, feed: Feed) -> None:
        self._api, self._feed = api, feed

    @property
    def stream(self) -> str:
        """Its name."""
        return f"{self._api.system}:{self._feed.what}"

    def count(self) -> int | None:
        """Unknown: GitHub counts neither deployments nor releases."""
        return None

    def read(self, cursor: Cursor) -> Iterator[Page]:
        """What is new in each repository; one that can not be read does not keep the others back, and is raised at the end."""
        memories = loaded(cursor.position, self._api.settings.repositories)
        trouble: SystemTrouble | None = None
        for repository, memory in memories.items():
            try:
                for page in self._repository(repository, memory):
                    yield replace(page, cursor=Cursor(dumped(memories)))
            except NotThereError:
                hint = "was it renamed, or may the token not see it? `loopbot check`"
                trouble = trouble or Rejected(self._api.system, f"there is no repository {repository}", hint)
            except (Rejected, BrokenAnswer) as error:
                trouble = trouble or error
        if trouble is not None:
            raise trouble

    def _repository(self, repository: str, memory: Memory) -> Iterator[Page]:
        before = self._api.calls
        rows, etag, broken = self._listed(repository, memory)
        known = {number(row) for row in rows}
        for ident in [one for one in memory.pending if one not in known]:
            rows += self._moved(repository, memory, ident)
        rows.sort(key=number)
        chunks = [rows[at : at + _CHUNK] for at in range(0, len(rows), _CHUNK)] or [[]]
        for place, chunk in enumerate(chunks):
            made = list(self._feed.make(repository, chunk, memory))
            by_id = {number(row): row for row in chunk}
            for one in made:
                self._remember(memory, one, by_id[one.ident])
            last = place == len(chunks) - 1
            if last:
                memory.etag = etag
                memory.trim()
            calls, before = self._api.calls - before, self._api.calls
            yield self._page(repository, made, by_id, broken if last else [], calls)

    def _page(
        self, repository: str, made: Sequence[Made], rows: dict[int, Json], broken: list[Unmapped], calls: int
    ) -> Page:
        records: list[Record] = sorted(
            (one.record for one in made if one.record is not None), key=lambda one: one.updated_at
        )
        unmapped = [
            Unmapped(f"{repository}:{one.ident}", one.why, _excerpt(rows[one.ident])) for one in made if one.why
        ]
        return Page(tuple(records), Cursor(), len(made) + len(broken), (*unmapped, *broken), calls)

    def _remember(self, memory: Memory, one: Made, row: Json) -> None:
        state = f"|{one.record.state}" if one.record is not None else ""
        known = memory.seen.get(one.ident, "")
        if not state and "|" in known:
            state = "|" + known.rpartition("|")[2]
        memory.seen[one.ident] = f"{self._feed.mark(row)}{state}"
        if one.pending:
            memory.pending[one.ident] = one.pending
        else:
            memory.pending.pop(one.ident, None)

    def _listed(self, repository: str, memory: Memory) -> tuple[list[Json], str, list[Unmapped]]:
        """The rows that are new or changed, the list's tag, and what is no row at all."""
        found: dict[int, Json] = {}
        broken: list[Unmapped] = []
        etag, oldest, before = memory.etag, None, None
        for page in range(1, _MOST_PAGES + 1):
            told = {"per_page": self._api.settings.page_size, "page": page}
            answer = self._api.get(self._feed.path(repository), told, memory.etag if page == 1 else "")
            if answer.status == 304:
                return [], memory.etag, []
            rows = self._api.rows(answer, self._feed.field)
            if page == 1:
                etag, oldest = answer.headers.get("ETag", ""), self._oldest(rows, memory)
            elif rows and rows == before:
                raise BrokenAnswer(self._api.system, f"{self._feed.path(repository)} answers the same page again")
            before = rows
            fresh = self._fresh(repository, rows, memory, oldest, broken)
            found.update((number(row), row) for row in fresh)
            if not fresh or not has_next(answer):
                return list(found.values()), etag, broken
        raise BrokenAnswer(self._api.system, f"{self._feed.path(repository)} does not end")

    def _fresh(
        self, repository: str, rows: list[Any], memory: Memory, oldest: datetime | None, broken: list[Unmapped]
    ) -> list[Json]:
        """Those of a page that were not taken yet as they are now."""
        fresh: list[Json] = []
        for place, row in enumerate(rows):
            try:
                ident, made_at = number(row), moment(row, "created_at")
            except (UnmappableError, AttributeError) as error:
                broken.append(Unmapped(f"{repository}:{self._feed.what} {place}", str(error), _excerpt(row)))
                continue
            if oldest is not None and made_at is not None and made_at < oldest:
                memory.floor = max(memory.floor, ident)
                continue
            known = memory.seen.get(ident, "").partition("|")[0]
            if ident > memory.floor and (ident not in memory.seen or known != self._feed.mark(row)):
                fresh.append(row)
        return fresh

    def _oldest(self, rows: list[Any], memory: Memory) -> datetime | None:
        """How far back the first reading goes, counted from the newest row by the server's own stamps."""
        if memory.seen or memory.floor:
            return None
        stamps = [at for at in (_stamp(row) for row in rows) if at is not None]
        return max(stamps) - timedelta(days=self._api.settings.first_days) if stamps else None

    def _moved(self, repository: str, memory: Memory, ident: int) -> list[Json]:
        """A pending one that the list did not show as changed: its row, if it moved."""
        try:
            if self._feed.progress(repository, ident) == memory.pending[ident]:
                return []
            row = self._api.get(f"{self._feed.path(repository)}/{ident}").body
        except NotThereError:
            memory.pending.pop(ident, None)
            return []
        return [row] if isinstance(row, dict) and row.get("id") == ident else []


def _stamp(row: Any) -> datetime | None:
    try:
        return moment(row, "created_at")
    except (UnmappableError, AttributeError):
        return None


def _excerpt(row: Any) -> str:
    return clean(str(row), 200)
