"""Reading: issues in the order of their last change, and the projects' versions."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from connectors.jira import jql
from connectors.jira.client import Client, mapping, rows
from connectors.jira.mapping import Mapper, UnmappedError, needed_stamp
from loopbot.domain.errors import BrokenAnswer, Transient
from loopbot.domain.records import Record
from loopbot.domain.texts import clean
from loopbot.ports import Cursor, Page, Unmapped

_ORDER = "updated ASC, key ASC"
_MOST_DRIFTS = 20
_MOST_BARREN = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search; `token` leads to the next one, None is the end. `total`: how many issues fit, where it is told."""

    rows: Sequence[Row]
    token: str | None
    total: int | None = None


class DriftedError(Exception):
    """Rows left the pages before this one while we read: what came next can not be trusted. `rows` came."""

    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__("offsets moved")
        self.rows = rows


@dataclass(frozen=True, slots=True)
class Search:
    """The search of either Jira."""

    client: Client

    def page(self, query: str, fields: Sequence[str], limit: int, token: str | None = None) -> Found:
        """One page; raises DriftedError where offsets moved, BrokenAnswer, Transient."""
        if self.client.cloud:
            return self._cloud(query, fields, limit, token)
        return self._datacenter(query, fields, limit, token)

    def count(self, query: str) -> int | None:
        """How many issues fit (Cloud: as near as its index knows)."""
        if self.client.cloud:
            found = mapping(
                self.client.system, self.client.ask("/search/approximate-count", {"jql": query}), "the count"
            )
            number = found.get("count")
        else:
            body = {"jql": query, "startAt": 0, "maxResults": 0, "fields": ["id"]}
            number = mapping(self.client.system, self.client.ask("/search", body), "the count").get("total")
        return number if isinstance(number, int) else None

    def _cloud(self, query: str, fields: Sequence[str], limit: int, token: str | None) -> Found:
        body: dict[str, Any] = {"jql": query, "fields": list(fields), "maxResults": limit}
        if token is not None:
            body["nextPageToken"] = token
        answer = self.client.ask("/search/jql", body)
        following = mapping(self.client.system, answer, "the search").get("nextPageToken")
        if following is not None and not isinstance(following, str):
            raise BrokenAnswer(self.client.system, "the search's nextPageToken is not a text")
        return Found(rows(self.client.system, answer, "issues"), following or None)

    def _datacenter(self, query: str, fields: Sequence[str], limit: int, token: str | None) -> Found:
        """Offsets drift when rows move: each further page begins with the last row of the one before, as a check."""
        offset, _, last = (token or "0:").partition(":")
        start = max(int(offset) - 1, 0)
        body = {"jql": query, "startAt": start, "maxResults": limit + bool(last), "fields": list(fields)}
        answer = mapping(self.client.system, self.client.ask("/search", body), "the search")
        found, total = rows(self.client.system, answer, "issues"), answer.get("total")
        if not isinstance(total, int):
            raise BrokenAnswer(self.client.system, "the search gives no total")
        if last and (not found or str(found[0].get("id")) != last):
            raise DriftedError(found)
        end = start + len(found)
        fresh = found[1:] if last else found
        if end >= total:
            return Found(fresh, None, total)
        if not fresh:
            raise BrokenAnswer(
                self.client.system, f"the search found {total} issues and brought none from number {start}"
            )
        return Found(fresh, f"{end}:{found[-1].get('id')}", total)


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """How far was read: milliseconds of `updated`, and the id of that issue."""

    updated: int = 0
    ident: int = 0

    @classmethod
    def of(cls, cursor: Cursor, system: str) -> "Mark":
        """Read a cursor; raises BrokenAnswer for one that is not ours."""
        if not cursor.position:
            return cls()
        try:
            given = orjson.loads(cursor.position)
            return cls(int(given["updated"]), int(given["id"]))
        except (ValueError, KeyError, TypeError) as error:
            raise BrokenAnswer(system, f"the cursor {cursor.position[:60]!r} is not one of this stream") from error

    def cursor(self) -> Cursor:
        """As it is kept."""
        return Cursor(orjson.dumps({"updated": self.updated, "id": self.ident}).decode())


@dataclass(slots=True)
class _Reading:
    """What one reading has seen: the newest stamp of each issue, and the tokens followed."""

    mark: Mark
    newest: Mark
    seen: dict[int, int] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    page: list[Any] = field(default_factory=list)
    barren: int = 0
    drifts: int = 0


@dataclass(frozen=True, slots=True)
class Issues:
    """The issues of the configured projects, by `updated`."""

    client: Client
    mapper: Mapper
    search: Search

    @property
    def stream(self) -> str:
        """system:issue."""
        return f"{self.client.system}:issue"

    def count(self) -> int | None:
        """How many issues there are."""
        return self.search.count(self._query(0))

    def look(self, record: Record) -> Record | None:
        """The issue itself, by its id, which stays when it moves; None where Jira says that there is none."""
        fields = ",".join(self.mapper.fields)
        row = self.client.peek(f"/issue/{record.ident or record.ref.key}", {"fields": fields})
        if row is None:
            return None
        try:
            return self.mapper.issue(mapping(self.client.system, row, "the issue"))
        except UnmappedError as error:
            raise BrokenAnswer(self.client.system, f"{record.ref.key} can not be read: {error}") from error

    def read(self, cursor: Cursor) -> Iterator[Page]:
        """All issues changed since the cursor less the overlap; each once, unless it moves while we read."""
        mark = Mark.of(cursor, self.client.system)
        reading = _Reading(mark, mark)
        query, token = self._query(mark.updated and mark.updated - self.client.settings.overlap * 1000), None
        while True:
            before = self.client.calls
            try:
                found = self.search.page(query, self.mapper.fields, self.client.settings.page_size, token)
            except DriftedError as drift:
                reading.drifts += 1
                if [row.get("id") for row in drift.rows] == reading.page:
                    raise BrokenAnswer(self.client.system, "the search brings the same page again") from None
                if reading.drifts > _MOST_DRIFTS:
                    raise Transient(self.client.system, "the issues move faster than they can be read") from None
                query, token = self._query(reading.mark.updated), None
                reading.tokens.clear()
                continue
            page, settled = self._page(found, reading, self.client.calls - before)
            yield page
            if found.token is None or settled:
                return
            token = self._next(found.token, reading)

    def _next(self, token: str, reading: _Reading) -> str:
        if token in reading.tokens:
            raise BrokenAnswer(self.client.system, "the search leads in a circle: its page token repeats")
        if reading.barren > _MOST_BARREN:
            raise BrokenAnswer(self.client.system, f"{reading.barren} pages in a row brought nothing new")
        reading.tokens.add(token)
        return token

    def _query(self, since: int) -> str:
        settings = self.client.settings
        lower = jql.since("updated", max(since, 0)) if since else ""
        return jql.query(jql.one_of("project", settings.projects), jql.inner(settings.jql), lower, order=_ORDER)

    def _page(self, found: Found, reading: _Reading, calls: int) -> tuple[Page, bool]:
        """The page, and whether it holds only issues that moved while we read: all that was there at the start is read."""
        records: list[Record] = []
        unmapped: list[Unmapped] = []
        marks: list[Mark] = []
        fresh = moved = 0
        for row in found.rows:
            mark = self._mark(row)
            if mark is not None:
                marks.append(mark)
                known = reading.seen.get(mark.ident)
                if known == mark.updated:
                    continue
                moved += known is not None
                reading.seen[mark.ident] = mark.updated
            fresh += 1
            try:
                records.append(self.mapper.issue(row))
            except UnmappedError as error:
                unmapped.append(unmapped_row(row, str(error)))
        reading.page = [row.get("id") for row in found.rows]
        reading.barren = 0 if fresh else reading.barren + 1
        reading.newest = max([reading.newest, *marks])
        # The index orders by the stamp it knows, the row shows the one it has now: where more pages follow, only the
        # oldest stamp on this one is surely behind everything that is still to come.
        reading.mark = reading.newest if found.token is None else max(reading.mark, min(marks, default=reading.mark))
        place = reading.mark.cursor()
        page = Page(tuple(records), place, fresh, tuple(unmapped), max(calls, 1), there=found.total)
        return page, bool(fresh) and moved == fresh

    def _mark(self, row: Row) -> Mark | None:
        fields, ident = row.get("fields"), str(row.get("id"))
        if not isinstance(fields, Mapping) or not ident.isdecimal():
            return None
        try:
            return Mark((needed_stamp(fields, "updated") - _EPOCH) // timedelta(milliseconds=1), int(ident))
        except UnmappedError:
            return None


@dataclass(frozen=True, slots=True)
class Releases:
    """The versions of the configured projects; the cursor holds a digest of each project's, so that the same is not read on."""

    client: Client
    mapper: Mapper

    @property
    def stream(self) -> str:
        """system:release."""
        return f"{self.client.system}:release"

    def count(self) -> int | None:
        """No single call tells."""
        return None

    def read(self, cursor: Cursor) -> Iterator[Page]:
        """A page a project; without records where nothing changed."""
        known = _digests(cursor, self.client.system)
        for project in self.client.settings.projects:
            before = self.client.calls
            answer = self.client.wire.get(f"{self.client.api}/project/{project}/versions")
            versions = rows(self.client.system, self.client.known(answer), "")
            digest = hashlib.blake2b(orjson.dumps(versions, option=orjson.OPT_SORT_KEYS), digest_size=12).hexdigest()
            fresh = [] if known.get(project) == digest else versions
            known[project] = digest
            records: list[Record] = []
            unmapped: list[Unmapped] = []
            for row in fresh:
                try:
                    records.append(self.mapper.release(row, project, self._read_at(answer.headers)))
                except UnmappedError as error:
                    unmapped.append(unmapped_row(row, str(error)))
            position = orjson.dumps(known, option=orjson.OPT_SORT_KEYS).decode()
            calls = max(self.client.calls - before, 1)
            yield Page(tuple(records), Cursor(position), len(fresh), tuple(unmapped), calls)

    def _read_at(self, headers: Mapping[str, str]) -> datetime:
        """The server's time of the answer."""
        try:
            return parsedate_to_datetime(headers["Date"]).astimezone(UTC)
        except (KeyError, ValueError, TypeError):
            return self.client.clock.now()


def _digests(cursor: Cursor, system: str) -> dict[str, str]:
    try:
        known = orjson.loads(cursor.position or "{}")
    except orjson.JSONDecodeError as error:
        raise BrokenAnswer(system, f"the cursor {cursor.position[:60]!r} is not one of this stream") from error
    return {str(name): str(digest) for name, digest in known.items()} if isinstance(known, dict) else {}


def unmapped_row(row: Row, why: str) -> Unmapped:
    """What is kept of a row that could not be mapped: its name and its beginning, without people."""
    ident = str(row.get("key") or row.get("id") or row.get("name") or "?")[:100]
    fields = row.get("fields")
    summary = fields.get("summary") if isinstance(fields, Mapping) else row.get("name")
    return Unmapped(ident, why, clean(str(summary), 200) if summary else "")
