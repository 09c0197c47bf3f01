"""Pages of Confluence as articles: the knowledge base of a service desk in Jira Cloud is a space of the wiki beside it.

Once in a while all pages of the named spaces are listed without their texts, 200 a call; texts are fetched 50 a call, only of pages
that are new or have another version than when they were last read. The list is whole, so it tells what a search by time of
change never would: that a page was restricted, moved, archived or deleted. It is asked for by no time at all, as the search reads times
in a zone that no call tells.

A restriction of a page holds for everything below it. Whoever asks may read a page only where neither it nor anything above it is
restricted; where that can not be seen, the page is set aside.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from connectors.jira.client import Client, mapping, rows
from connectors.jira.settings import Pages
from loopbot.domain import markup
from loopbot.domain.errors import BrokenAnswer, ConfigError
from loopbot.domain.records import Article, Ref
from loopbot.domain.texts import clean
from loopbot.ports import Cursor, Page, Unmapped

SEARCH = "/wiki/rest/api/content/search"
LISTED, FETCHED = 200, 50
"""Pages a call, without and with their texts: the search gives no more at once."""
_ACCESS = "restrictions.read.restrictions.user,restrictions.read.restrictions.group"
_BRIEF = f"version,ancestors,{_ACCESS}"
_WHOLE = f"{_BRIEF},space,body.storage"
_Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a stream of pages stands: when they were last listed, which version of each was read, by which settings."""

    at: datetime | None = None
    versions: Mapping[str, int] | None = None
    mark: str = ""

    @classmethod
    def of(cls, cursor: Cursor, stream: str) -> "Kept":
        """Read a cursor; raises BrokenAnswer where it is none of ours."""
        if not cursor.position:
            return cls()
        try:
            kept = orjson.loads(cursor.position)
            at = datetime.fromisoformat(kept["at"])
            return cls(at, {str(key): int(value) for key, value in kept["versions"].items()}, str(kept["of"]))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            system = stream.partition(":")[0]
            raise BrokenAnswer(system, f"the kept position of {stream} can not be read", "reset the stream") from error

    def cursor(self) -> Cursor:
        """The same as it is kept."""
        at = self.at.isoformat() if self.at else ""
        return Cursor(orjson.dumps({"at": at, "versions": dict(self.versions or {}), "of": self.mark}).decode())


@dataclass(frozen=True, slots=True)
class _Listed:
    """What the list says of the spaces: the version of each page that everybody may read, and pages of which nobody knows."""

    versions: Mapping[str, int]
    unknown: tuple[Unmapped, ...]


class Articles:
    """The pages as a stream; between two lists it costs no call."""

    def __init__(self, client: Client, settings: Pages) -> None:
        self._client, self._settings = client, settings
        said = "\x1f".join((settings.url, *sorted(settings.spaces)))
        self._mark = hashlib.blake2b(said.encode(), digest_size=6).hexdigest()

    @property
    def stream(self) -> str:
        """Its name."""
        return f"{self._client.system}:article"

    def read(self, cursor: Cursor) -> Iterator[Page]:
        """Texts of new and changed pages, then a page that says which are there; nothing where the last list is young enough."""
        if not self._client.cloud:
            where = f"{self._client.system}, articles"
            raise ConfigError(where, "Confluence Data Center is not read", "remove `articles`")
        kept, now = Kept.of(cursor, self.stream), self._client.clock.now()
        if kept.mark != self._mark:
            kept = Kept()
        if kept.at is not None and timedelta(0) <= now - kept.at < self._settings.every:
            return
        before = self._client.calls
        listed = self._listed()
        calls = self._client.calls - before
        known = kept.versions or {}
        changed = [ident for ident, version in listed.versions.items() if known.get(ident) != version]
        there = {ident: version for ident, version in listed.versions.items() if known.get(ident) == version}
        for start in range(0, len(changed), FETCHED):
            page, read = self._fetched(changed[start : start + FETCHED], listed, cursor)
            there |= read
            yield page
            del page
        done = Kept(now, there, self._mark).cursor()
        yield Page((), done, 0, listed.unknown, calls=calls, only=frozenset(there))

    def count(self) -> int | None:
        """Not asked: the search tells no number that would be exact."""
        return None

    def _listed(self) -> _Listed:
        spaces = ", ".join(f'"{one}"' for one in self._settings.spaces)
        found = {str(row.get("id")): row for row in self._all(f"type = page and space in ({spaces})", _BRIEF, LISTED)}
        above = {ident for row in found.values() for ident in _above(row)} - found.keys()
        # What is above a page and is none itself (a folder), or may not be seen, is asked for once for all pages.
        further = {str(row.get("id")): row for row in self._by_id(sorted(above), _BRIEF, LISTED)} if above else {}
        limits = {ident: _limited(row) for ident, row in (found | further).items()}
        versions: dict[str, int] = {}
        unknown: list[Unmapped] = []
        for ident, row in sorted(found.items()):
            chain = [limits.get(one) for one in (ident, *_above(row))]
            if any(chain):
                continue
            if None in chain:
                why = "who may read it can not be seen: something above it is hidden from the account, or its restrictions are"
                unknown.append(Unmapped(clean(ident, 200), why, clean(str(row.get("title") or ""), 80)))
                continue
            versions[ident] = _version(row)
        return _Listed(versions, tuple(unknown))

    def _fetched(self, idents: Sequence[str], listed: _Listed, cursor: Cursor) -> tuple[Page, dict[str, int]]:
        """Pages with their texts, and the version of each that came; one that was restricted meanwhile does not."""
        before = self._client.calls
        records: list[Article] = []
        unmapped: list[Unmapped] = []
        read: dict[str, int] = {}
        counted = 0
        for row in self._by_id(idents, _WHOLE, FETCHED):
            ident = str(row.get("id"))
            counted += 1
            if ident not in listed.versions or _limited(row) is not False:
                continue
            try:
                records.append(self._article(ident, row))
            except (KeyError, TypeError, ValueError) as error:
                why = f"it is not a page as Confluence documents it: {type(error).__name__}: {error}"
                unmapped.append(Unmapped(clean(ident, 200), why, clean(str(row.get("title") or ""), 80)))
            else:
                read[ident] = _version(row)
        calls = self._client.calls - before
        return Page(tuple(records), cursor, counted, tuple(unmapped), calls=calls), read

    def _article(self, ident: str, row: _Row) -> Article:
        space, version = row["space"], row["version"]
        updated = datetime.fromisoformat(version["when"]).astimezone(UTC)
        title, links = row["title"], row.get("_links") or {}
        if not isinstance(title, str):
            message = "its title is no text"
            raise TypeError(message)
        return Article(
            ref=Ref(self._client.system, "article", ident),
            ident=ident,
            title=clean(title, 1000),
            text=clean(markup.plain(str(row["body"]["storage"]["value"]))),
            state="published",
            updated_at=updated,
            version=_version(row),
            url=self._url(ident, str(links.get("webui") or "")),
            number=ident,
            base=clean(str(space.get("name") or space["key"]), 200),
        )

    def _url(self, ident: str, page: str) -> str:
        base = self._client.settings.base_url
        path = page if page.startswith("/") else f"/pages/viewpage.action?pageId={ident}"
        return self._settings.url.format(base_url=base, id=ident, page=f"/wiki{path}")

    def _by_id(self, idents: Sequence[str], expand: str, at_once: int) -> Iterator[_Row]:
        """Content by its ids; what is not there, or may not be seen, does not come."""
        known = [one for one in idents if one.isascii() and one.isdecimal()]
        for start in range(0, len(known), at_once):
            yield from self._all(f"id in ({', '.join(known[start : start + at_once])})", expand, at_once)

    def _all(self, cql: str, expand: str, at_once: int) -> Iterator[_Row]:
        """Everything that a query finds, page after page. Raises BrokenAnswer where a page comes again, ConfigError for too many."""
        asked: dict[str, str | int] = {"cql": f"{cql} order by created asc", "expand": expand, "limit": at_once}
        seen: set[str] = set()
        count = 0
        while True:
            body = mapping(self._client.system, self._client.known(self._client.wire.get(SEARCH, asked)), SEARCH)
            found = rows(self._client.system, body, "results")
            count += len(found)
            if count > self._settings.most:
                where = f"{self._client.system}, articles.most"
                raise ConfigError(
                    where, f"there are more than {self._settings.most:,} pages", "raise it, or name fewer spaces"
                )
            yield from found
            onward = _next(body)
            if not onward:
                return
            if onward in seen:
                raise BrokenAnswer(self._client.system, f"a page of {self.stream} repeats", "it is read again")
            seen.add(onward)
            asked["cursor"] = onward


def _next(body: _Row) -> str:
    """Where the next page begins; "" at the end. Only this is taken of the address that is given: it is followed nowhere."""
    links = body.get("_links")
    address = str(links.get("next") or "") if isinstance(links, Mapping) else ""
    return next(iter(parse_qs(urlsplit(address).query).get("cursor", ())), "")


def _above(row: _Row) -> tuple[str, ...]:
    above = row.get("ancestors")
    return tuple(str(one.get("id")) for one in above if isinstance(one, Mapping)) if isinstance(above, list) else ("",)


def _limited(row: _Row) -> bool | None:
    """Whether only some may read it by itself; None where the answer does not say."""
    held: Any = row
    for name in ("restrictions", "read", "restrictions"):
        held = held.get(name) if isinstance(held, Mapping) else None
    if not isinstance(held, Mapping):
        return None
    named: Iterable[Any] = (held.get("user"), held.get("group"))
    lists = [one.get("results") if isinstance(one, Mapping) else None for one in named]
    return None if any(not isinstance(one, list) for one in lists) else any(lists)


def _version(row: _Row) -> int:
    version = row.get("version")
    number = version.get("number") if isinstance(version, Mapping) else None
    return number if isinstance(number, int) else 0
