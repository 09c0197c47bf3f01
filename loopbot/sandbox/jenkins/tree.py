"""The `tree` of Jenkins' API: which properties of which elements are wanted, in its own small grammar.

list  = node ("," node)*
node  = name ("[" list "]")? ("{" range "}")?
range = M "," N | M "," | "," N | N        from the M-th to before the N-th; N alone is one element
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_TOKEN: Final = re.compile(r"[,\[\]{}]|[^,\[\]{}]+")


class MalformedError(Exception):
    """The text is no tree."""


@dataclass(slots=True)
class Tree:
    """The wanted properties by name (`*`: all others), and the range of a list."""

    wanted: dict[str, "Tree"] = field(default_factory=dict)
    start: int = 0
    end: int | None = None

    def of(self, name: str) -> "Tree | None":
        """What is wanted of that property; None: it is not."""
        return self.wanted.get(name) or self.wanted.get("*")


@dataclass(frozen=True, slots=True)
class Bean:
    """Something Jenkins shows: each property is only worked out when it is wanted."""

    kind: str
    properties: Mapping[str, Callable[[], Any]]


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of which only the wanted part is made into beans."""

    items: Sequence[Any]
    shape: Callable[[Any], Any]


def parsed(text: str) -> Tree:
    """The tree; raises MalformedError."""
    tokens = _TOKEN.findall(text)
    tree = Tree()
    rest = _list(tokens, 0, tree)
    if rest != len(tokens):
        raise MalformedError(f"expected EOF at {rest}")
    return tree


def shown(value: Any, tree: Tree) -> Any:
    """A value as far as the tree wants it."""
    if isinstance(value, Bean):
        parts = ((name, make, tree.of(name)) for name, make in value.properties.items())
        found = {name: shown(make(), wanted) for name, make, wanted in parts if wanted is not None}
        return {"_class": value.kind, **found}
    if isinstance(value, Rows):
        return [shown(value.shape(one), tree) for one in value.items[tree.start : tree.end]]
    if isinstance(value, list | tuple):
        return [shown(one, tree) for one in value[tree.start : tree.end]]
    return value


def _list(tokens: Sequence[str], at: int, tree: Tree) -> int:
    at = _node(tokens, at, tree)
    while _at(tokens, at) == ",":
        at = _node(tokens, at + 1, tree)
    return at


def _node(tokens: Sequence[str], at: int, tree: Tree) -> int:
    name = _at(tokens, at)
    if not name or name in ",[]{}":
        raise MalformedError(f"expected name at {at}")
    inner = tree.wanted[name] = Tree()
    at += 1
    if _at(tokens, at) == "[":
        at = _expect(tokens, _list(tokens, at + 1, inner), "]")
    if _at(tokens, at) == "{":
        at = _expect(tokens, _range(tokens, at + 1, inner), "}")
    return at


def _range(tokens: Sequence[str], at: int, tree: Tree) -> int:
    if _at(tokens, at) == ",":
        tree.end = _number(tokens, at + 1)
        return at + 2
    tree.start = _number(tokens, at)
    if _at(tokens, at + 1) != ",":
        tree.end = tree.start + 1
        return at + 1
    if _at(tokens, at + 2) == "}":
        return at + 2
    tree.end = _number(tokens, at + 2)
    return at + 3


def _number(tokens: Sequence[str], at: int) -> int:
    text = _at(tokens, at)
    if not (text.isascii() and text.isdigit()):
        raise MalformedError(f"expected number at {at}")
    return int(text)


def _expect(tokens: Sequence[str], at: int, token: str) -> int:
    if _at(tokens, at) != token:
        raise MalformedError(f"expected {token} at {at}")
    return at + 1


def _at(tokens: Sequence[str], at: int) -> str:
    return tokens[at] if at < len(tokens) else ""
