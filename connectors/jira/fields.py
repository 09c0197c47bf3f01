"""Fields by id or by the name people see, and values in the shape each type of field takes."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from connectors.jira import adf, wiki
from connectors.jira.client import Client, rows
from connectors.jira.mapping import text_of
from loopbot.domain.errors import Rejected
from loopbot.domain.texts import clean, shorten

TEXT_LIMIT = 32_767
TITLE_LIMIT = 255
_CUT = "\n\n[cut: the text was longer than Jira takes]"
_NAMED = frozenset({"priority", "version", "component", "resolution", "issuetype", "securitylevel"})


@dataclass(frozen=True, slots=True)
class FieldType:
    """A field: its id, the name people see, its type, the type of its items, and the custom field's own type."""

    ident: str
    name: str
    kind: str
    items: str = ""
    custom: str = ""

    @property
    def long_text(self) -> bool:
        """Whether Cloud takes a document for it."""
        return self.ident in {"description", "environment"} or self.custom.endswith(":textarea")


class Fields:
    """The fields of one Jira, asked for once, and again after a refusal."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._known: tuple[FieldType, ...] = ()

    def forget(self) -> None:
        """Ask anew when they are needed next: Jira has refused what was made of them."""
        with self._lock:
            self._known = ()

    def payload(self, pairs: tuple[tuple[str, str], ...]) -> dict[str, Any]:
        """The fields as the API takes them; raises Rejected for a name or value that is none."""
        found: dict[str, Any] = {}
        for name, value in pairs:
            kind = self.named(name)
            found[kind.ident] = self.value(kind, value)
        return found

    def named(self, name: str) -> FieldType:
        """The field with that id or name; raises Rejected with what it may have meant."""
        known = self._all()
        found = [one for one in known if one.ident == name] or [
            one for one in known if one.name.lower() == name.lower()
        ]
        if len(found) == 1:
            return found[0]
        if found:
            idents = ", ".join(one.ident for one in found)
            raise Rejected(self._client.system, f"several fields are called {name!r}", f"use the id: {idents}")
        names = {one.name.lower(): one for one in known} | {one.ident.lower(): one for one in known}
        near = get_close_matches(name.lower(), names, 1)
        hint = f"did you mean {names[near[0]].name!r} ({names[near[0]].ident})?" if near else "see `loopbot check`"
        raise Rejected(self._client.system, f"there is no field {name!r}", hint)

    def value(self, kind: FieldType, text: str) -> Any:
        """The text in the shape of that field; an empty text clears it."""
        if kind.long_text:
            return self.text(text) if text else None
        if kind.kind == "array":
            return [self._single(kind, kind.items, one.strip()) for one in text.split(",") if one.strip()]
        return self._single(kind, kind.kind, text) if text else None

    def text(self, text: str) -> Any:
        """A long text: a document on Cloud, escaped markup on Data Center; cut where Jira would refuse it."""
        text = clean(text)
        if self._client.cloud:
            return adf.document(text if len(text) <= TEXT_LIMIT else shorten(text, TEXT_LIMIT - len(_CUT)) + _CUT)
        room = TEXT_LIMIT
        while len(escaped := wiki.escaped(text if room == TEXT_LIMIT else shorten(text, room) + _CUT)) > TEXT_LIMIT:
            room = min(room - 1, len(text) - 1) * TEXT_LIMIT // (len(escaped) + len(_CUT))
        return escaped

    def same(self, kind: FieldType, there: Any, wanted: str) -> bool:
        """Whether the field holds that already."""
        if kind.long_text:
            return text_of(there) == text_of(self.text(wanted) if wanted else "")
        if kind.kind == "array":
            return sorted(_plain(one) for one in there or ()) == sorted(
                one.strip() for one in wanted.split(",") if one.strip()
            )
        if kind.kind == "number":
            return bool(there == self.value(kind, wanted))
        return _plain(there) == wanted

    def was(self, kind: FieldType, there: Any) -> str:
        """What the receipt says of a value that was replaced, so that a person finds theirs again; "" where there was none."""
        if kind.long_text:
            text = text_of(there) if there else ""
        else:
            text = ", ".join(_plain(one) for one in (there if isinstance(there, list) else [there]))
        return f"{kind.name} was {shorten(clean(text), 300)!r}" if text else ""

    def _single(self, kind: FieldType, shape: str, text: str) -> Any:
        if shape == "number":
            try:
                return float(text)
            except ValueError:
                raise Rejected(self._client.system, f"{text!r} is not a number, and {kind.name!r} takes one") from None
        if shape == "option":
            return {"value": line(text, TITLE_LIMIT)}
        if shape == "user":
            return {"accountId" if self._client.cloud else "name": line(text, TITLE_LIMIT)}
        if shape in _NAMED:
            return {"name": line(text, TITLE_LIMIT)}
        if kind.ident == "labels":
            return label(text)
        return line(text, TITLE_LIMIT if kind.ident == "summary" else TEXT_LIMIT)

    def _all(self) -> tuple[FieldType, ...]:
        with self._lock:
            if not self._known:
                answer = self._client.library(lambda jira: jira.fields())
                self._known = tuple(_field(row) for row in rows(self._client.system, answer, "") if row.get("id"))
            return self._known


def label(text: str) -> str:
    """A label: no spaces, at most 255 characters."""
    return "-".join(clean(text).split())[:255]


def line(text: str, limit: int) -> str:
    """One line of at most `limit` characters, a cut marked."""
    return shorten(" ".join(clean(text).split()), limit)


def _field(row: Mapping[str, Any]) -> FieldType:
    schema = row.get("schema")
    schema = schema if isinstance(schema, Mapping) else {}
    return FieldType(
        str(row["id"]),
        str(row.get("name") or row["id"]),
        str(schema.get("type") or ""),
        str(schema.get("items") or ""),
        str(schema.get("custom") or ""),
    )


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        found = value.get("value") or value.get("name") or value.get("accountId") or value.get("key")
        return str(found or "")
    return "" if value is None else str(value)
