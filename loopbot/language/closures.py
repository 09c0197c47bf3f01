"""Expressions as Python closures: what runs for every record and every rule.

Null: an attribute of null is null; ordering or searching null is false; reckoning with null is null.
"""

import operator
from collections.abc import Callable
from typing import Any

from loopbot.domain.rules import Scope
from loopbot.language import patterns, tree
from loopbot.language.tree import Node

Value = Callable[[Scope], Any]
Test = Callable[[Scope], bool]

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "&": operator.and_,
    "|": operator.or_,
}
# The names of a scope that can be null, beside other: they are looked through with care.
_SAFE_ROOTS = frozenset({"it"})
_FEATURES: dict[str, Callable[[Any], Any]] = {
    "length": len,
    "is_empty": operator.not_,
    "as_lower": str.lower,
    "as_upper": str.upper,
}


def compiled(node: Node) -> Value:
    """A function of the scope; the expression has been checked."""
    return _COMPILERS[type(node)](node)


def joined(tests: list[Value]) -> Test:
    """One test of several that all must hold."""
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda scope: first(scope) and second(scope)
    if len(tests) == 3:
        first, second, third = tests
        return lambda scope: first(scope) and second(scope) and third(scope)
    return joined([joined(tests[:3]), joined(tests[3:])])


def _constant(node: tree.Constant) -> Value:
    value = node.value
    return lambda _: value


def _several(node: tree.Several) -> Value:
    values = frozenset(item.value for item in node.items if isinstance(item, tree.Constant))
    if len(values) == len(node.items):
        return lambda _: values
    items = tuple(map(compiled, node.items))
    return lambda scope: frozenset(item(scope) for item in items)


def _name(node: tree.Name) -> Value:
    return operator.attrgetter(node.name)


def _attribute(node: tree.Attribute) -> Value:
    if isinstance(node.of, tree.Name) and node.of.name in _SAFE_ROOTS:
        return operator.attrgetter(f"{node.of.name}.{node.name}")
    of = compiled(node.of)
    record = isinstance(node.of, tree.Name)
    get = operator.attrgetter(node.name) if record else _FEATURES[node.name]

    def attribute(scope: Scope) -> Any:
        value = of(scope)
        return None if value is None else get(value)

    return attribute


def _item(node: tree.Item) -> Value:
    of, key = compiled(node.of), compiled(node.key)

    def item(scope: Scope) -> Any:
        value = of(scope)
        return None if value is None else value.get(key(scope))

    return item


def _logic(node: tree.Logic) -> Value:
    if node.op == "and":
        return joined([compiled(side) for side in _flat(node)])
    left, right = compiled(node.left), compiled(node.right)
    return lambda scope: left(scope) or right(scope)


def _flat(node: Node) -> list[Node]:
    if isinstance(node, tree.Logic) and node.op == "and":
        return [*_flat(node.left), *_flat(node.right)]
    return [node]


def _not(node: tree.Not) -> Value:
    of = compiled(node.of)
    return lambda scope: not of(scope)


def _negative(node: tree.Negative) -> Value:
    of = compiled(node.of)

    def negative(scope: Scope) -> Any:
        value = of(scope)
        return None if value is None else -value

    return negative


def _compare(node: tree.Compare) -> Value:
    left, right = compiled(node.left), compiled(node.right)
    if isinstance(node.right, tree.Constant) and node.right.value is not None:
        return _compare_constant(node.op, left, node.right.value)
    if node.op == "==":
        return lambda scope: left(scope) == right(scope)
    if node.op == "!=":
        return lambda scope: left(scope) != right(scope)
    compare = _OPERATORS[node.op]

    def ordered(scope: Scope) -> bool:
        one, two = left(scope), right(scope)
        return one is not None and two is not None and compare(one, two)

    return ordered


def _compare_constant(op: str, left: Value, constant: Any) -> Value:
    """The commonest clause of all, an attribute against a constant, without further calls."""
    match op:
        case "==":
            return lambda scope: left(scope) == constant
        case "!=":
            return lambda scope: left(scope) != constant
        case "<=":
            return lambda scope: (value := left(scope)) is not None and value <= constant
        case "<":
            return lambda scope: (value := left(scope)) is not None and value < constant
        case ">=":
            return lambda scope: (value := left(scope)) is not None and value >= constant
        case _:
            return lambda scope: (value := left(scope)) is not None and value > constant


def _fits(node: tree.Fits) -> Value:
    left = compiled(node.left)
    if not isinstance(node.pattern, tree.Constant):
        raise TypeError(node.pattern)  # the check lets only constants pass
    look = patterns.looker(str(node.pattern.value), anywhere=node.anywhere)
    negated = node.negated

    def fits(scope: Scope) -> bool:
        text = left(scope)
        return (text is not None and look(text)) is not negated

    return fits


def _within(node: tree.Within) -> Value:
    member, container = compiled(node.member), compiled(node.container)
    if isinstance(node.container, tree.Several):
        return _among(node.container, member, container)

    def within(scope: Scope) -> bool:
        one, many = member(scope), container(scope)
        return one is not None and many is not None and one in many

    return within


def _among(written: tree.Several, member: Value, container: Value) -> Value:
    values = frozenset(item.value for item in written.items if isinstance(item, tree.Constant))
    if len(values) != len(written.items):
        return lambda scope: (one := member(scope)) is not None and one in container(scope)
    return lambda scope: member(scope) in values


def _reckon(node: tree.Reckon) -> Value:
    left, right, reckon = compiled(node.left), compiled(node.right), _OPERATORS[node.op]

    def reckoned(scope: Scope) -> Any:
        one, two = left(scope), right(scope)
        if one is None or two is None:
            return None
        try:
            return reckon(one, two)
        except (ZeroDivisionError, OverflowError):
            return None

    return reckoned


def _otherwise(node: tree.Otherwise) -> Value:
    left, right = compiled(node.left), compiled(node.right)
    return lambda scope: right(scope) if (value := left(scope)) is None else value


def _choice(node: tree.Choice) -> Value:
    condition, yes, no = compiled(node.condition), compiled(node.yes), compiled(node.no)
    return lambda scope: yes(scope) if condition(scope) else no(scope)


def _call(node: tree.Call) -> Value:
    of, argument = compiled(node.of), compiled(node.arguments[0])
    method = str.startswith if node.method == "starts_with" else str.endswith

    def call(scope: Scope) -> bool:
        text, part = of(scope), argument(scope)
        return text is not None and part is not None and method(text, part)

    return call


_COMPILERS: dict[type, Callable[..., Value]] = {
    tree.Constant: _constant,
    tree.Several: _several,
    tree.Name: _name,
    tree.Attribute: _attribute,
    tree.Item: _item,
    tree.Logic: _logic,
    tree.Not: _not,
    tree.Negative: _negative,
    tree.Compare: _compare,
    tree.Fits: _fits,
    tree.Within: _within,
    tree.Reckon: _reckon,
    tree.Otherwise: _otherwise,
    tree.Choice: _choice,
    tree.Call: _call,
}
