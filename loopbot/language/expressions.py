"""Expressions: text in, our own syntax tree out. The only module that knows rule-engine, which parses and type checks.

The tree is taken from the parser before rule-engine folds constants, so nothing a rule says is run while it is loaded:
rule-engine evaluates `=~` with Python's backtracking engine, and a pattern can be a bomb.
"""

import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from loopbot.domain.rules import Scope
from loopbot.language import grammar, spans, tree
from loopbot.language.mistakes import Mistake
from loopbot.language.names import Names, Type

with grammar.at_hand():
    import rule_engine
    from rule_engine.types import DataType

_LONGEST = 4_000
_LOCK = threading.Lock()  # rule-engine's parser is one object for the whole process
_TOKEN = re.compile(
    r"""(?P<text>[bdrst]?(?P<quote>["'])(?:[^\\\n]|\\.)*?(?P=quote))
      | (?P<span>(?:\d+[smhdw])+)(?![\w.])
      | (?P<number>\d[\w.]*)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<open>[(\[{]) | (?P<close>[)\]}])
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_SLIPS = {
    "=": "compare with `==`",
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`",
    "is": "compare with `==`, or `!= null`",
    "contains": 'write `"word" in it.title`',
    "like": 'write `it.title =~~ "pattern"`',
}
_LOGIC = {"AND": "and", "OR": "or"}
_COMPARE = {"EQ": "==", "NE": "!=", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
_RECKON = {"ADD": "+", "SUB": "-", "MUL": "*", "TDIV": "/", "BWAND": "&", "BWOR": "|"}
_NOT_OURS = {"POW": "**", "FDIV": "//", "MOD": "%", "BWXOR": "^"}
_FITS = {"EQ_FZM": (False, False), "EQ_FZS": (True, False), "NE_FZM": (False, True), "NE_FZS": (True, True)}
_LIBRARY_TYPES: Mapping[str, Any] = {
    "text": DataType.STRING,
    "number": DataType.FLOAT,
    "yes or no": DataType.BOOLEAN,
    "moment": DataType.DATETIME,
    "span": DataType.TIMEDELTA,
    "set": DataType.SET(DataType.STRING),
    "table": DataType.MAPPING(DataType.STRING, DataType.STRING),
}


class Parsed:
    """An expression as it was understood; `confirm` has rule-engine check the types as well, once ours are satisfied."""

    def __init__(self, text: str, names: Names) -> None:
        if len(text) > _LONGEST:
            raise Mistake(f"the expression is longer than {_LONGEST:,} characters", "split the rule in two")
        self._deferred = _read(_with_spans(text), library_context(names))
        try:
            self.node = _node(self._deferred.args[1])
        except RecursionError:
            raise Mistake("the expression is nested too deeply", "split the rule in two") from None

    def confirm(self) -> None:
        """Raise Mistake where rule-engine objects to something that our own check let pass."""
        try:
            self._deferred.build()
        except rule_engine.errors.EngineError as error:
            raise Mistake(f"the expression can not be used: {error.message}") from None


def library_context(names: Names) -> rule_engine.Context:
    """What rule-engine has to know of our names to parse, check, and (in tests) evaluate the same expression.

    Nullable types are given without their null: `x != null and x <= 3` is what people write. UTC, whatever the machine says.
    """
    return rule_engine.Context(
        resolver=getattr,
        type_resolver={name: _library_type(type_, name) for name, type_ in names.known.items()},
        default_timezone="utc",
    )


def reference(text: str, names: Names) -> Callable[[Scope], Any]:
    """rule-engine's own evaluation of the same expression: what the compiled one is held equal to."""
    rule = rule_engine.Rule(_with_spans(text), context=library_context(names))

    def evaluated(scope: Scope) -> Any:
        try:
            return rule.evaluate(scope)
        except rule_engine.errors.EngineError:
            return NotImplemented

    return evaluated


def clauses(text: str) -> list[str]:
    """The parts joined by `and` at the top; the whole where something binds weaker than `and`."""
    depth, cuts = 0, []
    for token in _TOKEN.finditer(text):
        depth += (token.lastgroup == "open") - (token.lastgroup == "close")
        if depth:
            continue
        if token["word"] == "or" or token["other"] in {"?", "#"}:
            return [text.strip()]
        if token["word"] == "and":
            cuts.append(token.span())
    edges = [0, *(place for cut in cuts for place in cut), len(text)]
    return [text[start:end].strip() for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _with_spans(text: str) -> str:
    """The same with each 2h or 14d as rule-engine writes it."""
    return "".join(_literal(token) if token["span"] else token[0] for token in _TOKEN.finditer(text))


def _literal(token: re.Match[str]) -> str:
    try:
        seconds = int(spans.parse(token[0]).total_seconds())
    except ValueError as error:
        raise Mistake(str(error)) from None
    return f't"PT{seconds}S"'


def _read(text: str, context: rule_engine.Context) -> Any:
    parser = rule_engine.Rule.parser
    with _LOCK:
        parser.context = context
        try:
            return parser._parser.parse(text, lexer=parser._lexer.clone())  # noqa: SLF001 (its public way evaluates)
        except rule_engine.errors.RuleSyntaxError as error:
            raise _unreadable(text, error.token) from None
        except rule_engine.errors.EngineError as error:
            raise Mistake(error.message) from None
        finally:
            parser.context = None


def _unreadable(text: str, token: Any) -> Mistake:
    if token is None:
        return Mistake("the expression ends too early" if text.strip() else "the expression is empty")
    near = str(token.value)
    word = next(iter(near.split()), near)
    hint = _SLIPS.get(word) or _SLIPS.get(word[:1], "")
    if text[max(token.lexpos - 2, 0) : token.lexpos + 1] in {"===", "!=="}:
        hint = "write `==` or `!=`"
    return Mistake(f"the expression can not be read at `{near[:20]}`", hint)


def _library_type(type_: Type, name: str) -> Any:
    if type_.sort == "record":
        attributes = {each: _library_type(of, each) for each, of in type_.attributes.items()}
        return DataType.OBJECT("-".join(type_.kinds) or name, attributes, accessor=_attribute)
    return _LIBRARY_TYPES[type_.sort]


def _attribute(record: Any, name: str) -> Any:
    """A record's attribute in types that rule-engine knows: it takes neither frozensets nor foreign mappings."""
    value = getattr(record, name)
    if isinstance(value, frozenset):
        return set(value)
    return dict(value) if isinstance(value, Mapping) else value


def _node(raw: Any) -> tree.Node:  # noqa: C901, PLR0911, PLR0912 (one case a construct)
    """Our node for one of the parser's; constructs outside the language are refused by name."""
    args = raw.args[1:]
    match raw.cls.__name__, args:
        case "LogicExpression", (op, left, right):
            return tree.Logic(_LOGIC[op], _node(left), _node(right))  # type: ignore[arg-type]
        case "ComparisonExpression" | "ArithmeticComparisonExpression", (op, left, right):
            return tree.Compare(_COMPARE[op], _node(left), _node(right))  # type: ignore[arg-type]
        case "FuzzyComparisonExpression", (op, left, right):
            anywhere, negated = _FITS[op]
            return tree.Fits(_node(left), _node(right), anywhere, negated)
        case "ContainsExpression", (container, member):
            return tree.Within(_node(member), _node(container))
        case "UnaryExpression", ("NOT", of):
            return tree.Not(_node(of))
        case "UnaryExpression", ("UMINUS", of):
            return tree.Negative(_node(of))
        case "AddExpression" | "SubtractExpression" | "ArithmeticExpression" | "BitwiseExpression", (op, left, right):
            if op not in _RECKON:
                raise Mistake(f"the operator {_NOT_OURS.get(op, op)} is not part of the rule language")
            return tree.Reckon(_RECKON[op], _node(left), _node(right))  # type: ignore[arg-type]
        case "CoalesceExpression", (left, right):
            return tree.Otherwise(_node(left), _node(right))
        case "TernaryExpression", (condition, yes, no):
            return tree.Choice(_node(condition), _node(yes), _node(no))
        case "GetAttributeExpression", (of, name):
            return tree.Attribute(_node(of), name)
        case "GetItemExpression", (of, key):
            return tree.Item(_node(of), _node(key))
        case "FunctionCallExpression", (function, arguments):
            return _call(_node(function), arguments)
        case "SymbolExpression", (name,):
            if raw.kwargs.get("scope"):
                hint = "write `now`" if name == "now" else ""
                raise Mistake(f"`${name}` is not part of the rule language", hint)
            return tree.Name(name)
        case "ArrayExpression" | "SetExpression", (items,):
            return tree.Several(tuple(map(_node, items)))
        case _:
            return tree.Constant(_value(raw))


def _call(function: tree.Node, arguments: Any) -> tree.Node:
    if not isinstance(function, tree.Attribute):
        raise Mistake(f"`{tree.shown(function)}(...)` is not part of the rule language")
    return tree.Call(function.of, function.name, tuple(map(_node, arguments)))


def _value(raw: Any) -> tree.Value:
    kind = raw.cls.__name__.removesuffix("Expression")
    if kind == "Null":
        return None
    if kind not in {"String", "Boolean", "Float", "Datetime", "Timedelta"}:
        said = {"GetSlice": "[a:b]", "Comprehension": "[x for ...]", "Mapping": "{...}", "Bytes": 'b"..."'}.get(
            kind, kind
        )
        raise Mistake(f"`{said}` is not part of the rule language")
    try:
        value = raw.build().value
    except rule_engine.errors.EngineError as error:
        raise Mistake(f"{raw.args[1]!r}: {error.message}") from None
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, str | bool | timedelta):
        return value
    if value != value or abs(value) > 10**15:  # noqa: PLR0124 (only NaN differs from itself)
        raise Mistake(f"{raw.args[1]} is not a number to compare with")
    return int(value) if value == int(value) else float(value)
