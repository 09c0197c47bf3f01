"""Turns a parsed query into a test of one row; text compares without case, numbers as numbers, an empty field is no value."""

from collections.abc import Callable, Mapping
from typing import Any

from loopbot.sandbox.servicenow.query import Clause, Condition, Query

Row = Mapping[str, str]
Getter = Callable[[Row], str]
Test = Callable[[Row], bool]
Comparison = Callable[[str], bool]

NUMBERS = frozenset({"integer", "decimal", "float", "longint"})
TEXTS = frozenset({"string", "email", "html", "url", "sys_class_name", "user_input"})


def tester(query: Query, getter: Callable[[str], Getter], kind: Callable[[str], str]) -> Test:
    """The test of a whole query; `getter` reads a (dot-walked) field, `kind` is its type."""
    return _any([_all([_clause(clause, getter, kind) for clause in group]) for group in query.groups] or [_every])


def _clause(clause: Clause, getter: Callable[[str], Getter], kind: Callable[[str], str]) -> Test:
    return _any([_condition(one, getter, kind) for one in clause])


def _every(_row: Row) -> bool:
    return True


def _all(tests: list[Test]) -> Test:
    # Written out, because these run for each row of a table: a generator costs more than the comparison.
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda row: first(row) and second(row)

    def every(row: Row) -> bool:
        for test in tests:  # noqa: SIM110
            if not test(row):
                return False
        return True

    return every


def _any(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda row: first(row) or second(row)

    def some(row: Row) -> bool:
        for test in tests:  # noqa: SIM110
            if test(row):
                return True
        return False

    return some


def _condition(one: Condition, getter: Callable[[str], Getter], kind: Callable[[str], str]) -> Test:
    read = getter(one.field)
    if one.operator in {"SAMEAS", "NSAMEAS"}:
        other, same = getter(one.value), one.operator == "SAMEAS"
        return lambda row: (read(row) == other(row)) is same
    compare = comparison(one.operator, one.value, kind(one.field))
    return lambda row: compare(read(row))


def comparison(operator: str, value: str, kind: str) -> Comparison:
    """The test of one field's raw value."""
    if operator in {"ISEMPTY", "ISNOTEMPTY", "ANYTHING"} or (operator in {"=", "!="} and value in {"", "NULL"}):
        wanted = operator in {"ISEMPTY", "="}
        return (lambda _had: True) if operator == "ANYTHING" else lambda had: (had == "") is wanted
    if operator.startswith("NOT ") or operator == "!=":
        # Rows without a value are among those that are not something.
        positive = comparison("=" if operator == "!=" else operator.removeprefix("NOT "), value, kind)
        return lambda had: not positive(had)
    if operator in {"LIKE", "STARTSWITH", "ENDSWITH"}:
        return _within(operator, value.casefold())
    if operator == "IN":
        key = _keyed(kind)
        among = frozenset(key(one) for one in value.split(","))
        return lambda had: key(had) in among
    if operator == "BETWEEN":
        low, _, high = value.partition("@")
        above, below = comparison(">=", low, kind), comparison("<=", high, kind)
        return lambda had: above(had) and below(had)
    return _ordered(operator, value, kind)


def _within(operator: str, wanted: str) -> Comparison:
    if operator == "STARTSWITH":
        return lambda had: had.casefold().startswith(wanted)
    if operator == "ENDSWITH":
        return lambda had: had.casefold().endswith(wanted)
    return lambda had: wanted in had.casefold()


def _ordered(operator: str, value: str, kind: str) -> Comparison:
    key = _keyed(kind)
    wanted = key(value)
    if operator in {"=", "INSTANCEOF"}:
        return lambda had: bool(key(had) == wanted)
    if operator == ">=":
        return lambda had: had != "" and bool(key(had) >= wanted)
    if operator == "<=":
        return lambda had: had != "" and bool(key(had) <= wanted)
    if operator == ">":
        return lambda had: had != "" and bool(key(had) > wanted)
    return lambda had: had != "" and bool(key(had) < wanted)


def _keyed(kind: str) -> Callable[[str], Any]:
    """What compares: numbers by size, text without case, the rest (stamps, references) as it stands."""
    if kind in NUMBERS:
        return _number
    return str.casefold if kind in TEXTS else str


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return float("inf")


def sort_key(value: str, kind: str) -> tuple[bool, Any]:
    """The place of a value in an ascending order: empty ones first."""
    return (True, _keyed(kind)(value)) if value else (False, 0.0 if kind in NUMBERS else "")
