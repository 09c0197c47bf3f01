"""Conditions and computed values of rules, checked when they are made."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from loopbot.domain.rules import Scope
from loopbot.domain.texts import listed, shorten
from loopbot.language import checking, closures, expressions, tree
from loopbot.language.mistakes import Mistake
from loopbot.language.names import Names
from loopbot.language.wording import said


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked condition: a domain Predicate. `holds` is the compiled test itself: nothing is called more often."""

    text: str
    holds: closures.Test = field(repr=False, compare=False)
    paths: tuple[tuple[str, closures.Value], ...] = field(repr=False, compare=False)
    parts: tuple["Condition", ...] = field(default=(), repr=False, compare=False)
    demands: tuple[str, Hashable] | None = field(default=None, repr=False, compare=False)

    @property
    def clauses(self) -> Sequence["Condition"]:
        """The parts joined by `and` at the top; itself where there is one."""
        return self.parts or (self,)

    def seen(self, scope: Scope) -> str:
        """What the names in it stood for: `it.priority is 2 and it.state is new`."""
        return listed(f"{path} is {shorten(said(value(scope), null='not set'), 80)}" for path, value in self.paths)


def condition(text: str, names: Names) -> Condition:
    """The checked condition; raises Mistake."""
    expressions.Parsed(text, names)  # the whole first: a message then speaks of what was written, not of a part of it
    parts = tuple(_clause(part, names) for part in expressions.clauses(text))
    if len(parts) == 1:
        return parts[0]
    demands = next((part.demands for part in parts if part.demands), None)
    paths = {path: value for part in parts for path, value in part.paths}
    return Condition(
        " ".join(text.split()), closures.joined([part.holds for part in parts]), tuple(paths.items()), parts, demands
    )


def number(text: str, names: Names) -> closures.Value:
    """A checked expression that gives a number (or null); raises Mistake."""
    parsed = expressions.Parsed(text, names)
    type_ = checking.check(parsed.node, names)
    if type_.sort != "number":
        raise Mistake(f"`{text}` is {type_.said}, and a number is wanted")
    parsed.confirm()
    return closures.compiled(parsed.node)


def _clause(text: str, names: Names) -> Condition:
    parsed = expressions.Parsed(text, names)
    try:
        checking.check_condition(parsed.node, names)
        parsed.confirm()
        paths = tuple(_paths(parsed.node).items())
        return Condition(" ".join(text.split()), closures.compiled(parsed.node), paths, demands=_demands(parsed.node))
    except RecursionError:
        raise Mistake("the expression is nested too deeply", "split the rule in two") from None


def _demands(node: tree.Node) -> tuple[str, Hashable] | None:
    """The field of `it` and the constant, where the clause is that they are equal."""
    match node:
        case tree.Compare("==", tree.Attribute(tree.Name("it"), name), tree.Constant(value)) if value is not None:
            return name, value
        case _:
            return None


def _paths(node: tree.Node) -> dict[str, closures.Value]:
    """The dotted names in it, in order, with what each stands for."""
    if isinstance(node, tree.Name | tree.Attribute | tree.Item) and _dotted(node):
        return {tree.shown(node): closures.compiled(node)}
    found: dict[str, closures.Value] = {}
    for child in tree.children(node):
        found.update(_paths(child))
    return found


def _dotted(node: tree.Node) -> bool:
    if isinstance(node, tree.Item):
        return isinstance(node.key, tree.Constant) and _dotted(node.of)
    if isinstance(node, tree.Attribute):
        return node.name not in {"length", "is_empty", "as_lower", "as_upper"} and _dotted(node.of)
    return isinstance(node, tree.Name)
