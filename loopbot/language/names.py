"""What the names in a rule stand for, and their types: read off the record classes, so that they can not drift apart."""

import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from loopbot.domain.records import RECORD_TYPES
from loopbot.domain.texts import listed
from loopbot.domain.words import KINDS, OUTCOMES, STATES, TOPICS, Kind

Sort = Literal["text", "number", "yes or no", "moment", "span", "set", "list", "record", "table", "null"]

_SORTS: Mapping[object, Sort] = {
    str: "text",
    int: "number",
    float: "number",
    bool: "yes or no",
    datetime: "moment",
    timedelta: "span",
    frozenset: "set",
}
_SAID: Mapping[Sort, str] = {
    "text": "a text",
    "number": "a number",
    "yes or no": "a yes or no",
    "moment": "a moment",
    "span": "a span of time",
    "set": "a set of texts",
    "list": "a list",
    "record": "a record",
    "table": "a table of texts",
    "null": "null",
}
# What a record has besides its fields, and the fields that are not for rules: identities, people (who are told through
# `who`, never named by a rule) and links (which are followed through `through`).
_PROPERTIES = (
    "key",
    "system",
    "finished",
    "occurred_at",
    "reporter",
    "assignee",
    "likely_topic",
    "topic_confidence",
    "topic_because",
    "backlog_confidence",
)
_CLOSED = frozenset({"ref", "ident", "people", "links", "kind", "guess"})


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a name or an expression. `words` are the only values a text can have; empty: any text."""

    sort: Sort
    nullable: bool = False
    words: tuple[str, ...] = ()
    attributes: Mapping[str, "Type"] = field(default_factory=dict)
    kinds: tuple[Kind, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def said(self) -> str:
        """In words, with its article."""
        return _SAID[self.sort]


TEXT = Type("text")
NUMBER = Type("number")
YES_NO = Type("yes or no")
MOMENT = Type("moment")
SPAN = Type("span")
SET = Type("set")
NULL = Type("null", nullable=True)


@dataclass(frozen=True, slots=True)
class Names:
    """The names that mean something at one place of a rule; `why_not` says of others why they mean nothing here.

    `zone`: in which points in time are said in a text.
    """

    known: Mapping[str, Type]
    why_not: Mapping[str, str] = field(default_factory=dict)
    opened: Mapping[str, "Opened"] = field(default_factory=dict)
    others: Type | None = None
    zone: str = "UTC"

    def with_opened(self, name: str, opened: "Opened") -> "Names":
        """The same, and a ticket that an action opened."""
        return replace(self, opened={**self.opened, name: opened})


@dataclass(frozen=True, slots=True)
class Opened:
    """A ticket that an earlier action of the rule opens (or joins)."""

    system: str
    kind: Kind


def record_type(kinds: Iterable[Kind], *, nullable: bool = False, said: str = "the rule is on") -> Type:
    """The type of a record that is one of these kinds: what all of them have, with the same type in each."""
    ordered = tuple(kind for kind in KINDS if kind in set(kinds))
    each = [_attributes(kind) for kind in ordered]
    shared: dict[str, Type] = {}
    missing: dict[str, str] = {}
    for name in dict.fromkeys(name for one in each for name in one):
        having = [one[name] for one in each if name in one]
        if len(having) < len(each):
            lacking = [kind for kind, one in zip(ordered, each, strict=True) if name not in one]
            missing[name] = f"{listed(lacking)} has no `{name}`, and {said} {listed(ordered)}"
        elif len({one.sort for one in having}) > 1:
            missing[name] = f"`{name}` is not of the same type for {listed(ordered)}"
        else:
            shared[name] = _merged(having)
    return Type("record", nullable, attributes=shared, kinds=ordered, missing=missing)


def names_for(on: Iterable[Kind], match: Iterable[Kind] = (), *, optional: bool = False) -> dict[str, Type]:
    """The names of a rule on these kinds that matches those kinds."""
    it = record_type(on)
    known = {
        "it": it,
        "before": replace(it, nullable=True),
        "now": MOMENT,
        "answer": replace(TEXT, nullable=True),
        "question": replace(TEXT, nullable=True),
        "words": TEXT,
        "by_reporter": YES_NO,
        "asked": TEXT,
    }
    others = tuple(match)
    if others:
        known["other"] = record_type(others, nullable=optional, said="[match] finds")
    return known


def matching_names(known: Mapping[str, Type]) -> dict[str, Type]:
    """The names that the condition of a match has besides."""
    return {**known, "told_at": replace(MOMENT, nullable=True)}


def acting_names(known: Mapping[str, Type], *, ranked: bool, watches: bool = False) -> dict[str, Type]:
    """The names that conditions and texts of actions have besides."""
    watched = {"interval": Type("span", nullable=True), "quiet_for": Type("span", nullable=True)} if watches else {}
    return {
        **matching_names(known),
        **watched,
        "score": Type("number", nullable=not ranked),
        "because": TEXT,
        "count": NUMBER,
        "weight": Type("number", nullable=True),
        "weight_because": TEXT,
        "known_answer": replace(TEXT, nullable=True),
    }


def _merged(having: list[Type]) -> Type:
    words = tuple(dict.fromkeys(word for one in having for word in one.words)) if all(o.words for o in having) else ()
    return replace(having[0], nullable=any(one.nullable for one in having), words=words)


def _attributes(kind: Kind) -> dict[str, Type]:
    record = RECORD_TYPES[kind]
    hints = get_type_hints(record)
    found = {each.name: hints[each.name] for each in fields(record) if each.name not in _CLOSED}
    for name in _PROPERTIES:
        made = getattr(record, name, None)
        if isinstance(made, property) and made.fget is not None:
            found[name] = get_type_hints(made.fget)["return"]
    known = {name: _worded(name, kind, _type(hint)) for name, hint in sorted(found.items())}
    return {**known, "kind": Type("text", words=KINDS)}


def _type(hint: Any) -> Type:
    nullable = False
    if get_origin(hint) in {Union, types.UnionType}:
        nullable = True
        hint = next(each for each in get_args(hint) if each is not type(None))
    if get_origin(hint) is not None and issubclass(get_origin(hint), Mapping):
        return Type("table", nullable)
    return Type(_SORTS[get_origin(hint) or hint], nullable)


def _worded(name: str, kind: Kind, type_: Type) -> Type:
    words = {"state": STATES[kind], "outcome": OUTCOMES, "topic": TOPICS, "likely_topic": TOPICS}.get(name, ())
    return replace(type_, words=words)
