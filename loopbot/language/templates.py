"""Texts with {placeholders}, checked when the rule is loaded. What is filled in is text and never read again."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from loopbot.domain.messages import Dated
from loopbot.domain.pending import PENDING_KIND, pending_mark
from loopbot.domain.rules import Scope
from loopbot.domain.telling import moment
from loopbot.domain.texts import listed
from loopbot.domain.words import Kind
from loopbot.language import checking, closures, tree
from loopbot.language.mistakes import Mistake
from loopbot.language.names import Names, Type
from loopbot.language.suggestions import did_you_mean
from loopbot.language.wording import bullets, said, share

Filler = Callable[[Scope], str]

_PART = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}]*)\}|[{}]")
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?")
# What a customer may read of each kind: what they said themselves, or what names a thing. States, groups, causes and
# reasons are ours. Tests hold every name here equal to a field that exists.
PUBLIC: Mapping[Kind, frozenset[str]] = MappingProxyType(
    {
        "incident": frozenset(
            {
                "key",
                "title",
                "text",
                "url",
                "opened_at",
                "occurred_at",
                "resolved_at",
                "environment",
                "services",
                "reason",
            }
        ),
        "feedback": frozenset(
            {"key", "title", "text", "url", "opened_at", "occurred_at", "environment", "services", "reason"}
        ),
        "problem": frozenset({"key", "title", "workaround"}),
        "change": frozenset({"key", "title"}),
        "issue": frozenset({"key", "title", "reason"}),
        "deployment": frozenset({"key", "title", "environment", "services", "finished_at", "occurred_at"}),
        "release": frozenset({"key", "title", "released_at"}),
        "article": frozenset({"number", "title", "text", "url", "base", "category"}),
    },
)
_PUBLIC_NAMES = frozenset({"count", "now", "answer", "interval", "quiet_for", "told_at", "known_answer"})


@dataclass(frozen=True, slots=True)
class Text:
    """A checked text: a domain Template. `needs` are the opened tickets it names."""

    text: str
    parts: tuple[str | Filler, ...] = field(repr=False, compare=False)
    needs: frozenset[str] = field(default=frozenset(), repr=False, compare=False)

    def fill(self, scope: Scope) -> str:
        """The text; foreign values go in as plain text."""
        return "".join(part if isinstance(part, str) else part(scope) for part in self.parts)

    def dated(self, scope: Scope) -> tuple[str, tuple[Dated, ...]]:
        """The text, and the points in time that it names."""
        found: list[Dated] = []
        whole = ""
        for part in self.parts:
            words = part if isinstance(part, str) else part(scope)
            at = part.value(scope) if isinstance(part, _MomentFiller) else None
            if at is not None:
                found.append(Dated(len(whole), words, at))
            whole += words
        return whole, tuple(found)

    def line(self, scope: Scope) -> str:
        """The text in one line, for titles."""
        return " ".join(self.fill(scope).split())


def template(text: str, names: Names, *, public: bool = False) -> Text:
    """The checked text; `public`: a customer reads it, so only what may leave the team can be named. Raises Mistake."""
    parts: list[str | Filler] = []
    needs: set[str] = set()
    end = 0
    for found in _PART.finditer(text):
        parts.append(text[end : found.start()])
        end = found.end()
        if found[0] in {"{{", "}}"}:
            parts.append(found[0][0])
        elif found["name"] is None:
            raise Mistake(
                f"a `{found[0]}` stands alone in the text", f"write `{found[0] * 2}` for the character itself"
            )
        else:
            name = found["name"].strip()
            if name.partition(".")[0] in names.opened:
                needs.add(name.partition(".")[0])
            parts.append(_filler(name, names, public=public))
    parts.append(text[end:])
    return Text(text, tuple(part for part in parts if part != ""), frozenset(needs))


def _filler(name: str, names: Names, *, public: bool) -> Filler:
    if not _NAME.fullmatch(name):
        raise Mistake(f"`{{{name}}}` is not a name", "placeholders are names such as {it.title}; {{ and }} are braces")
    root, _, attribute = name.partition(".")
    if root in names.opened:
        return _opened(root, attribute)
    if root == "others":
        return _others(attribute, names, public=public)
    node: tree.Node = tree.Attribute(tree.Name(root), attribute) if attribute else tree.Name(root)
    type_ = _checked(node, names)
    if type_.sort in {"record", "table"}:
        raise Mistake(f"`{{{name}}}` is {type_.said}, not something to write", f"did you mean {{{root}.key}}?")
    if public:
        _check_public(root, attribute, names)
    value = closures.compiled(node)
    if name == "score":
        return lambda scope: "unknown" if scope.score is None else share(scope.score)
    if attribute.endswith("_confidence"):
        return lambda scope: "unknown" if value(scope) is None else share(value(scope))
    if type_.sort == "moment":
        return _MomentFiller(value, names.zone)
    return lambda scope: said(value(scope))


@dataclass(frozen=True, slots=True)
class _MomentFiller:
    """Says a point in time in words, and which one it is."""

    value: Callable[[Scope], datetime | None]
    zone: str

    def __call__(self, scope: Scope) -> str:
        at = self.value(scope)
        return said(None) if at is None else moment(at, self.zone)


def _checked(node: tree.Node, names: Names) -> Type:
    try:
        return checking.check(node, names)
    except Mistake:
        if isinstance(node, tree.Name) and node.name not in names.why_not and not _misplaced(node.name, names):
            known = [*names.known, *names.opened, *(["others"] if names.others else [])]
            raise Mistake(f"`{{{node.name}}}` is unknown", did_you_mean(node.name, known)) from None
        raise


def _misplaced(name: str, names: Names) -> bool:
    return name in names.known["it"].attributes


def _opened(name: str, attribute: str) -> Filler:
    if attribute != "key":
        raise Mistake(f"`{{{name}.{attribute}}}` is not known before the ticket is open", f"write {{{name}.key}}")

    def key(scope: Scope) -> str:
        ref = dict(scope.opened)[name]
        return pending_mark(ref.key) if ref.kind == PENDING_KIND else said(ref.key)

    return key


def _others(attribute: str, names: Names, *, public: bool) -> Filler:
    if names.others is None:
        raise Mistake("`{others}` means nothing here", 'others come from [repeat] or from [match] with pick = "all"')
    if attribute == "keys":
        return lambda scope: listed(said(one.key) for one in scope.others)
    if attribute == "reporters":
        if public:
            raise Mistake("`{others.reporters}` names people, and a customer reads this text", "leave it out")
        return _reporters
    if attribute:
        hint = "write {others} for a list, {others.keys} for their keys, {others.reporters} for who reported them"
        raise Mistake(f"`{{others.{attribute}}}` is unknown", hint)
    return lambda scope: bullets(scope.others)


def _reporters(scope: Scope) -> str:
    names = dict.fromkeys(said(one.reporter) for one in scope.others if one.reporter)
    return listed(names) or "nobody who is named"


def _check_public(root: str, attribute: str, names: Names) -> None:
    kinds = names.known[root].kinds
    if not attribute:
        if root not in _PUBLIC_NAMES:
            raise Mistake(f"`{{{root}}}` can hold internal matter, and a customer reads this text", "leave it out")
        return
    for kind in kinds:
        if attribute not in PUBLIC[kind]:
            allowed = ", ".join(
                sorted(f"{root}.{name}" for name in frozenset.intersection(*(PUBLIC[k] for k in kinds)))
            )
            raise Mistake(
                f"`{{{root}.{attribute}}}` of {'an' if kind[0] in 'aeiou' else 'a'} {kind} can hold internal matter, "
                "and a customer reads this text",
                f"a customer may read {allowed}",
            )
