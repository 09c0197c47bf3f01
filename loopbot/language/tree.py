"""The syntax tree of an expression, in our own few nodes: what is checked, compiled and shown."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Value = str | int | float | bool | datetime | timedelta | None


@dataclass(frozen=True, slots=True)
class Constant:
    """A value as written."""

    value: Value


@dataclass(frozen=True, slots=True)
class Several:
    """[a, b, c]."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Name:
    """it, other, now."""

    name: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """of.name."""

    of: "Node"
    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """of["key"]."""

    of: "Node"
    key: "Node"


@dataclass(frozen=True, slots=True)
class Logic:
    """left and right, left or right."""

    op: Literal["and", "or"]
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Not:
    """not of."""

    of: "Node"


@dataclass(frozen=True, slots=True)
class Negative:
    """-of."""

    of: "Node"


@dataclass(frozen=True, slots=True)
class Compare:
    """left == right and its kin."""

    op: Literal["==", "!=", "<", "<=", ">", ">="]
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Fits:
    """Left =~ pattern (from its beginning) or left =~~ pattern (anywhere); `negated`: !~ and !~~."""

    left: "Node"
    pattern: "Node"
    anywhere: bool
    negated: bool


@dataclass(frozen=True, slots=True)
class Within:
    """Member in container."""

    member: "Node"
    container: "Node"


@dataclass(frozen=True, slots=True)
class Reckon:
    """left + right and its kin; & and | on sets."""

    op: Literal["+", "-", "*", "/", "&", "|"]
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Otherwise:
    """Left ?? right: right where left is null."""

    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Choice:
    """Condition ? yes : no."""

    condition: "Node"
    yes: "Node"
    no: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    """of.method(argument)."""

    of: "Node"
    method: str
    arguments: tuple["Node", ...]


Node = (
    Constant
    | Several
    | Name
    | Attribute
    | Item
    | Logic
    | Not
    | Negative
    | Compare
    | Fits
    | Within
    | Reckon
    | Otherwise
    | Choice
    | Call
)


def shown(node: Node) -> str:  # noqa: C901, PLR0911 (one case a node)
    """The node as text, near enough to what was written for a message."""
    match node:
        case Constant(value=None):
            return "null"
        case Constant(value=bool(value)):
            return "true" if value else "false"
        case Constant(value=str(value)):
            return '"' + value + '"'
        case Constant(value=value):
            return str(value)
        case Name(name):
            return name
        case Attribute(of, name):
            return f"{shown(of)}.{name}"
        case Item(of, key):
            return f"{shown(of)}[{shown(key)}]"
        case Several(items):
            return "[" + ", ".join(map(shown, items)) + "]"
        case Reckon(op, left, right) | Compare(op, left, right) | Logic(op, left, right):
            return f"{shown(left)} {op} {shown(right)}"
        case Call(of, method, arguments):
            return f"{shown(of)}.{method}({', '.join(map(shown, arguments))})"
        case Not(of):
            return f"not {shown(of)}"
        case _:
            return "this part"


def children(node: Node) -> tuple[Node, ...]:  # noqa: PLR0911 (one case a node)
    """The nodes it is made of."""
    match node:
        case Constant() | Name():
            return ()
        case Several(items):
            return items
        case Attribute(of=of) | Not(of) | Negative(of):
            return (of,)
        case Item(of, key):
            return (of, key)
        case Fits(left, pattern):
            return (left, pattern)
        case Within(member, container):
            return (member, container)
        case Choice(condition, yes, no):
            return (condition, yes, no)
        case Call(of, _, arguments):
            return (of, *arguments)
        case Logic(_, left, right) | Compare(_, left, right) | Reckon(_, left, right) | Otherwise(left, right):
            return (left, right)
