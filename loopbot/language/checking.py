"""Types of expressions, checked against the record classes, with messages that say what to write instead."""

from collections.abc import Callable
from typing import NoReturn

from loopbot.domain.words import KINDS, OUTCOMES, STATES, TOPICS
from loopbot.language import patterns, tree
from loopbot.language.mistakes import Mistake
from loopbot.language.names import MOMENT, NULL, NUMBER, SET, SPAN, TEXT, YES_NO, Names, Type
from loopbot.language.suggestions import did_you_mean, nearest
from loopbot.language.tree import Node, shown

_FOREIGN_WORDS = {"None": "null", "nil": "null", "True": "true", "False": "false", "AND": "and", "OR": "or"}
_ORDERED = {"number", "moment", "span"}
# Words of the closed vocabularies, which people forget to put in quotes.
_WORDS = frozenset({*KINDS, *OUTCOMES, *TOPICS, *(word for words in STATES.values() for word in words)})
# What a text or a set offers besides comparing: name -> (of which sorts, result).
_FEATURES: dict[str, tuple[frozenset[str], Type]] = {
    "length": (frozenset({"text", "set"}), NUMBER),
    "is_empty": (frozenset({"text", "set"}), YES_NO),
    "as_lower": (frozenset({"text"}), TEXT),
    "as_upper": (frozenset({"text"}), TEXT),
}
_METHODS = ("starts_with", "ends_with")
_SUMS: dict[tuple[str, str, str], Type] = {
    ("moment", "-", "moment"): SPAN,
    ("moment", "-", "span"): MOMENT,
    ("moment", "+", "span"): MOMENT,
    ("span", "+", "moment"): MOMENT,
    ("span", "+", "span"): SPAN,
    ("span", "-", "span"): SPAN,
    ("text", "+", "text"): TEXT,
    ("set", "&", "set"): SET,
    ("set", "|", "set"): SET,
    **{("number", op, "number"): NUMBER for op in ("+", "-", "*", "/")},
}


def check(node: Node, names: Names) -> Type:
    """The type of the expression; raises Mistake."""
    return _CHECKS[type(node)](node, names)


def check_condition(node: Node, names: Names) -> None:
    """Raise Mistake unless it is a condition, and one that can turn out either way."""
    type_ = check(node, names)
    if type_.sort != "yes or no":
        hint = f"such as `{shown(node)} != null`" if type_.nullable else "compare it with something"
        raise Mistake(f"`{shown(node)}` is {type_.said}, not a condition", hint)
    if not _names_something(node):
        raise Mistake("the condition is the same for every record", "leave it out, or name `it`")


def _names_something(node: Node) -> bool:
    return isinstance(node, tree.Name) or any(map(_names_something, tree.children(node)))


def _constant(node: tree.Constant, _: Names) -> Type:
    value = node.value
    if value is None:
        return NULL
    if isinstance(value, bool):
        return YES_NO
    if isinstance(value, int | float):
        return NUMBER
    if isinstance(value, str):
        return TEXT
    return MOMENT if hasattr(value, "year") else SPAN


def _several(node: tree.Several, names: Names) -> Type:
    if not node.items:
        return SET
    types = [check(item, names) for item in node.items]
    if any(type_.sort != types[0].sort for type_ in types):
        raise Mistake(f"`{shown(node)}` mixes {types[0].said} with other types")
    return SET if types[0].sort == "text" else Type("list")


def _name(node: tree.Name, names: Names) -> Type:
    name = node.name
    if name in names.known:
        return names.known[name]
    if name in names.why_not:
        raise Mistake(f"`{name}` means nothing here: {names.why_not[name]}")
    if name in _FOREIGN_WORDS:
        raise Mistake(f"`{name}` is unknown", f"write `{_FOREIGN_WORDS[name]}`")
    if name in _WORDS:
        raise Mistake(f"`{name}` is unknown", f'a text needs quotes: "{name}"')
    it = names.known.get("it")
    if it and name in it.attributes:
        raise Mistake(f"`{name}` is unknown", f"did you mean `it.{name}`?")
    if not nearest(name, names.known):
        raise Mistake(
            f"`{name}` is unknown", f'a text needs quotes: "{name}"; names here: {", ".join(sorted(names.known))}'
        )
    raise Mistake(f"`{name}` is unknown", did_you_mean(name, names.known))


def _attribute(node: tree.Attribute, names: Names) -> Type:
    of = check(node.of, names)
    if of.sort == "record":
        if node.name in of.missing:
            raise Mistake(f"`{shown(node)}` can not be used: {of.missing[node.name]}")
        found = of.attributes.get(node.name)
        if found is None:
            owner = " or ".join(of.kinds)
            raise Mistake(
                f"{'an' if owner[:1] in 'aeiou' else 'a'} {owner} has no `{node.name}`",
                did_you_mean(node.name, of.attributes, f"{shown(node.of)}."),
            )
        return Type(
            found.sort, found.nullable or of.nullable, found.words, found.attributes, found.kinds, found.missing
        )
    sorts, result = _FEATURES.get(node.name, (frozenset[str](), TEXT))
    if of.sort == "table":
        raise Mistake(f"`{shown(node)}` can not be read", f'write `{shown(node.of)}["{node.name}"]`')
    if of.sort not in sorts:
        known = [name for name, (having, _) in _FEATURES.items() if of.sort in having]
        raise Mistake(f"{of.said} has no `{node.name}`", did_you_mean(node.name, known, f"{shown(node.of)}."))
    return Type(result.sort, of.nullable)


def _item(node: tree.Item, names: Names) -> Type:
    of, key = check(node.of, names), check(node.key, names)
    if of.sort != "table" or key.sort != "text":
        raise Mistake(f"`{shown(node)}` can not be read", 'only `it.extra["name"]` has parts')
    return Type("text", nullable=True)


def _logic(node: tree.Logic, names: Names) -> Type:
    for side in (node.left, node.right):
        _require(side, names, "yes or no", f"`{node.op}` joins conditions")
    return YES_NO


def _not(node: tree.Not, names: Names) -> Type:
    _require(node.of, names, "yes or no", "`not` stands before a condition")
    return YES_NO


def _negative(node: tree.Negative, names: Names) -> Type:
    type_ = check(node.of, names)
    if type_.sort not in {"number", "span"}:
        raise Mistake(f"`-` can not stand before {type_.said}")
    return type_


def _require(node: Node, names: Names, sort: str, why: str) -> None:
    type_ = check(node, names)
    if type_.sort != sort:
        hint = f"such as `{shown(node)} == ...`" if sort == "yes or no" else ""
        raise Mistake(f"{why}, and `{shown(node)}` is {type_.said}", hint)


def _compare(node: tree.Compare, names: Names) -> Type:
    left, right = check(node.left, names), check(node.right, names)
    if "null" in {left.sort, right.sort}:
        _check_null(node, left, right)
        return YES_NO
    if left.sort != right.sort:
        _refuse_types(node, left, right)
    if left.sort == "record":
        raise Mistake(f"`{shown(node)}` compares whole records", "compare their keys")
    if node.op not in {"==", "!="} and left.sort not in _ORDERED:
        raise Mistake(
            f"`{shown(node)}` orders {left.said}", "only numbers, moments and spans have an order; use == or in"
        )
    if left.sort == "list" or isinstance(node.left, tree.Several) or isinstance(node.right, tree.Several):
        raise Mistake(f"`{shown(node)}` compares with a list", "use `in`")
    _check_word(node.left, right)
    _check_word(node.right, left)
    return YES_NO


def _check_null(node: tree.Compare, left: Type, right: Type) -> None:
    if node.op not in {"==", "!="}:
        raise Mistake(f"`{shown(node)}` orders null", "use == null or != null")
    other, side = (node.right, right) if left.sort == "null" else (node.left, left)
    if not side.nullable:
        raise Mistake(f"`{shown(other)}` is never null", "leave this comparison out")


def _refuse_types(node: tree.Compare, left: Type, right: Type) -> NoReturn:
    hint = ""
    for one, type_, wanted in ((node.right, right, left), (node.left, left, right)):
        if not isinstance(one, tree.Constant) or type_.sort != "text":
            continue
        value = str(one.value)
        if wanted.sort == "number":
            hint = f"write {value} without quotes" if value.lstrip("-").isdigit() else "compare it with a number"
        elif wanted.sort == "span":
            hint = "write a span without quotes, such as 2h or 14d"
        elif wanted.sort == "moment":
            hint = f'write d"{value}"'
        elif wanted.sort == "yes or no":
            hint = "leave the comparison out, or write `not`"
        elif wanted.sort == "set":
            hint = f'write `"{value}" in {shown(node.left if one is node.right else node.right)}`'
    verdict = "they are never equal" if node.op in {"==", "!="} else "they have no order"
    raise Mistake(f"`{shown(node.left)}` is {left.said} and `{shown(node.right)}` is {right.said}: {verdict}", hint)


def _check_word(node: Node, other: Type) -> None:
    """A text that is compared with something of a closed vocabulary has to be one of its words."""
    if not other.words or not isinstance(node, tree.Constant) or node.value in other.words:
        return
    word = str(node.value)
    near = nearest(word, other.words)
    listed = ", ".join(other.words)
    raise Mistake(
        f'"{word}" is none of its words', (f'did you mean "{near}"? ' if near else "") + f"it is one of {listed}"
    )


def _fits(node: tree.Fits, names: Names) -> Type:
    left = check(node.left, names)
    if left.sort != "text":
        raise Mistake(f"`=~` looks into a text, and `{shown(node.left)}` is {left.said}")
    if not isinstance(node.pattern, tree.Constant) or not isinstance(node.pattern.value, str):
        raise Mistake("the pattern after `=~` has to stand there as a text")
    if not _names_something(node.left):
        raise Mistake("`=~` looks into a constant text", "name `it` before it")
    patterns.compiled(node.pattern.value)
    return YES_NO


def _within(node: tree.Within, names: Names) -> Type:
    member, container = check(node.member, names), check(node.container, names)
    if container.sort not in {"set", "list", "text"}:
        raise Mistake(f"`in` looks into a set, a list or a text, and `{shown(node.container)}` is {container.said}")
    if isinstance(node.container, tree.Several):
        _check_among(node, node.container, member, names)
    elif member.sort != "text":
        hint = f'write "{shown(node.member)}"' if isinstance(node.member, tree.Constant) else ""
        raise Mistake(f"`{shown(node.container)}` holds texts, and `{shown(node.member)}` is {member.said}", hint)
    return YES_NO


def _check_among(node: tree.Within, container: tree.Several, member: Type, names: Names) -> None:
    for item in container.items:
        type_ = check(item, names)
        if type_.sort != member.sort:
            raise Mistake(f"`{shown(node.member)}` is {member.said}, and `{shown(item)}` in the list is {type_.said}")
        _check_word(item, member)


def _reckon(node: tree.Reckon, names: Names) -> Type:
    left, right = check(node.left, names), check(node.right, names)
    result = _SUMS.get((left.sort, node.op, right.sort))
    if result is None:
        wants_span = "moment" in {left.sort, right.sort} and node.op in {"+", "-"}
        hint = (
            "a span is written 2h or 14d" if wants_span else "join conditions with and, or" if node.op in "&|" else ""
        )
        raise Mistake(f"`{node.op}` does not go with {left.said} and {right.said}", hint)
    if node.op == "/":
        return Type("number", nullable=True)
    return Type(result.sort, left.nullable or right.nullable)


def _otherwise(node: tree.Otherwise, names: Names) -> Type:
    left, right = check(node.left, names), check(node.right, names)
    if left.sort != right.sort:
        raise Mistake(f"`??` stands between the same types, not {left.said} and {right.said}")
    _check_word(node.right, left)
    return Type(left.sort, right.nullable, left.words)


def _choice(node: tree.Choice, names: Names) -> Type:
    _require(node.condition, names, "yes or no", "before `?` stands a condition")
    yes, no = check(node.yes, names), check(node.no, names)
    if yes.sort != no.sort:
        raise Mistake(
            f"`{shown(node.yes)}` is {yes.said} and `{shown(node.no)}` is {no.said}: both have to be the same"
        )
    return Type(yes.sort, yes.nullable or no.nullable)


def _call(node: tree.Call, names: Names) -> Type:
    of = check(node.of, names)
    if node.method not in _METHODS or of.sort != "text":
        raise Mistake(f"`{shown(node)}` is unknown", did_you_mean(node.method, _METHODS, f"{shown(node.of)}."))
    if len(node.arguments) != 1:
        raise Mistake(f"`{node.method}` takes one text")
    _require(node.arguments[0], names, "text", f"`{node.method}` takes a text")
    return Type("yes or no")


_CHECKS: dict[type, Callable[..., Type]] = {
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
