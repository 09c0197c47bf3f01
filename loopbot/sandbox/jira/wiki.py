"""The Confluence beside a Jira Cloud: spaces, pages in trees, restrictions; and the search of its API, version 1."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from starlette.responses import Response

from loopbot.sandbox.jira.app import Asked, Rows, reply
from loopbot.sandbox.jira.site import Site
from loopbot.sandbox.jira.writing import Refusal

CONTEXT = "/wiki"
# The search gives no more at once, whatever `limit` says, where more is to be expanded.
_LIMITS = ((("body",), 50), (("restrictions", "ancestors", "version", "space"), 200))
_PLAIN_LIMIT = 1000
_CLAUSE = re.compile(
    r'(?P<field>type|space|id)\s*(?:=\s*(?P<one>"[^"]*"|\w+)|in\s*\((?P<many>[^()]*)\))', re.IGNORECASE
)
_ORDER = re.compile(r"\s+order\s+by\s+created(\s+asc)?\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One page, or a folder; `limited` names who alone may read it (a group), `hidden`: not even the account of programs."""

    id: str
    space: str
    title: str
    text: str
    at: datetime
    parent: str = ""
    kind: Literal["page", "folder"] = "page"
    version: int = 1
    status: Literal["current", "trashed", "archived"] = "current"
    limited: tuple[str, ...] = ()
    hidden: bool = False


@dataclass(slots=True)
class Wiki:
    """The wiki under people's hands; what they do is not in the ledger. Every method may be called from any thread."""

    site: Site
    spaces: dict[str, str] = field(default_factory=dict)
    _leaves: dict[str, Leaf] = field(default_factory=dict)
    _seen: dict[str, list[tuple[datetime, Leaf]]] = field(default_factory=dict)

    def add_space(self, key: str, name: str = "") -> None:
        """A new space."""
        with self.site.lock:
            self.spaces[key] = name or key.title()

    def add(self, space: str, title: str, text: str = "", *, parent: str = "", folder: bool = False) -> str:
        """A person writes a page (in the storage format), or makes a folder; returns its id."""
        with self.site.lock:
            ident = str(self.site.next_id())
            kind: Literal["page", "folder"] = "folder" if folder else "page"
            self._keep(Leaf(ident, space, title, text, self.site.now(), parent, kind))
            return ident

    def edit(self, ident: str, *, title: str | None = None, text: str | None = None) -> None:
        """A person edits a page: another version."""
        leaf = self._leaves[ident]
        changed = {name: value for name, value in (("title", title), ("text", text)) if value is not None}
        self._keep(replace(leaf, **changed, version=leaf.version + 1, at=self.site.now()))  # type: ignore[arg-type]

    def restrict(self, ident: str, *groups: str) -> None:
        """Let only these groups read it (none: everybody). Neither its version nor its time of change tells of it."""
        self._keep(replace(self._leaves[ident], limited=groups))

    def hide(self, ident: str, *, hidden: bool = True) -> None:
        """Restrict it so that the account of programs may not read it either."""
        self._keep(replace(self._leaves[ident], hidden=hidden))

    def move(self, ident: str, *, space: str = "", parent: str = "") -> None:
        """A person moves a page."""
        leaf = self._leaves[ident]
        self._keep(replace(leaf, space=space or leaf.space, parent=parent))

    def put_away(self, ident: str, status: Literal["current", "trashed", "archived"] = "trashed") -> None:
        """A person deletes or archives a page, or brings it back."""
        self._keep(replace(self._leaves[ident], status=status))

    def indexed(self) -> list[Leaf]:
        """What the search sees: as it stood before the index's lag, what the account may not read left out."""
        horizon = self.site.now().timestamp() - self.site.index_lag
        found = []
        for versions in self._seen.values():
            known = [leaf for at, leaf in versions if at.timestamp() <= horizon]
            if known and known[-1].status == "current" and not any(one.hidden for one in self.chain(known[-1])):
                found.append(known[-1])
        return sorted(found, key=lambda one: int(one.id))

    def chain(self, leaf: Leaf) -> list[Leaf]:
        """It and what it stands under, from the top."""
        above = self._leaves.get(leaf.parent)
        return [*(self.chain(above) if above else []), leaf]

    def _keep(self, leaf: Leaf) -> None:
        with self.site.lock:
            self._leaves[leaf.id] = leaf
            self._seen.setdefault(leaf.id, []).append((self.site.now(), leaf))


def rows_of(wiki: Wiki) -> Rows:
    """The routes of the wiki."""
    return [("GET", f"{CONTEXT}/rest/api/content/search", lambda asked: _search(wiki, asked))]


def _search(wiki: Wiki, asked: Asked) -> Response:
    if asked.site.flavour != "cloud":
        raise Refusal(404, "null for uri: no such resource")
    wanted = _parsed(wiki, asked.query("cql"))
    expand = tuple(filter(None, asked.query("expand").split(",")))
    most = next((many for names, many in _LIMITS if any(one.split(".")[0] in names for one in expand)), _PLAIN_LIMIT)
    limit = min(asked.number("limit", 25), most)
    found = [leaf for leaf in wiki.indexed() if all(_value(leaf, name) in values for name, values in wanted.items())]
    begin = asked.number("cursor", 0)
    page = found[begin : begin + limit]
    links = {"base": f"{asked.request.base_url}wiki", "context": CONTEXT}
    if begin + limit < len(found):
        links["next"] = f"/rest/api/content/search?cql=as-asked&limit={limit}&cursor={begin + limit}"
    results = [_shown(wiki, leaf, expand) for leaf in page]
    return reply({"results": results, "start": 0, "limit": limit, "size": len(results), "_links": links})


def _parsed(wiki: Wiki, cql: str) -> Mapping[str, frozenset[str]]:
    """The conditions, all of which must hold; raises Refusal for what the twin does not know."""
    wanted: dict[str, frozenset[str]] = {}
    for part in re.split(r"\s+and\s+", _ORDER.sub("", cql.strip()), flags=re.IGNORECASE):
        clause = _CLAUSE.fullmatch(part.strip())
        if clause is None:
            raise Refusal(400, f"Could not parse cql : {cql}")
        given = clause["many"].split(",") if clause["many"] is not None else [clause["one"]]
        wanted[clause["field"].lower()] = frozenset(one.strip().strip('"') for one in given)
    if wanted.get("space", frozenset()) - wiki.spaces.keys() == wanted.get("space") and "space" in wanted:
        raise Refusal(400, "Could not parse cql : no space with that key")
    return wanted


def _value(leaf: Leaf, name: str) -> str:
    return {"type": leaf.kind, "space": leaf.space, "id": leaf.id}[name]


def _shown(wiki: Wiki, leaf: Leaf, expand: tuple[str, ...]) -> dict[str, Any]:
    """A page as the API gives it: only what was asked for is there."""
    stamp = leaf.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    shown: dict[str, Any] = {"id": leaf.id, "type": leaf.kind, "status": leaf.status, "title": leaf.title}
    parts: dict[str, Callable[[], Any]] = {
        "version": lambda: {"number": leaf.version, "when": stamp, "minorEdit": False},
        "space": lambda: {"key": leaf.space, "name": wiki.spaces.get(leaf.space, ""), "type": "global"},
        "ancestors": lambda: [{"id": one.id, "type": one.kind, "title": one.title} for one in wiki.chain(leaf)[:-1]],
        "body": lambda: {"storage": {"value": leaf.text, "representation": "storage"}},
        "restrictions": lambda: {"read": {"operation": "read", "restrictions": _restrictions(leaf, expand)}},
    }
    asked = {one.split(".")[0] for one in expand}
    shown |= {name: make() for name, make in parts.items() if name in asked}
    shown["_expandable"] = {name: "" for name in parts if name not in asked}
    shown["_links"] = {"webui": f"/spaces/{leaf.space}/pages/{leaf.id}/{str(leaf.title).replace(' ', '+')}"}
    return shown


def _restrictions(leaf: Leaf, expand: tuple[str, ...]) -> dict[str, Any]:
    groups = [{"type": "group", "name": one} for one in leaf.limited]
    found = {"user": [], "group": groups}
    return {
        name: {"results": held, "start": 0, "limit": 200, "size": len(held)}
        for name, held in found.items()
        if f"restrictions.read.restrictions.{name}" in expand
    }
