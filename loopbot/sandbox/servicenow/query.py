"""Encoded queries: parsed as the instance parses them, which is to say that what it does not understand it ignores."""

import re
from collections.abc import Callable
from dataclasses import dataclass

OPERATORS = (
    "ISNOTEMPTY",
    "ISEMPTY",
    "EMPTYSTRING",
    "ANYTHING",
    "DOES NOT CONTAIN",
    "CONTAINS",
    "NOT LIKE",
    "NOTLIKE",
    "LIKE",
    "NOT IN",
    "NOTIN",
    "INSTANCEOF",
    "IN",
    "STARTSWITH",
    "ENDSWITH",
    "BETWEEN",
    "NSAMEAS",
    "SAMEAS",
    "!=",
    ">=",
    "<=",
    "=",
    ">",
    "<",
)
_CONDITION = re.compile(
    r"([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)(" + "|".join(map(re.escape, OPERATORS)) + r")(.*)", re.DOTALL
)
_SAME = {
    "NOTLIKE": "NOT LIKE",
    "DOES NOT CONTAIN": "NOT LIKE",
    "CONTAINS": "LIKE",
    "NOTIN": "NOT IN",
    "EMPTYSTRING": "ISEMPTY",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """`field operator value`; the operator in its one canonical spelling."""

    field: str
    operator: str
    value: str


Clause = tuple[Condition, ...]
"""Conditions joined by ^OR: one must hold."""
Group = tuple[Clause, ...]
"""Clauses joined by ^: all must hold."""


@dataclass(frozen=True, slots=True)
class Query:
    """Groups joined by ^NQ (one must hold; no group: everything), the order asked for, and the parts ignored."""

    groups: tuple[Group, ...]
    order: tuple[tuple[str, bool], ...]
    ignored: tuple[str, ...]


def parse(text: str, known: Callable[[str], bool], script: Callable[[str], str]) -> Query:
    """Parse; parts with fields that are not `known` are ignored, `javascript:` values are handed to `script`."""
    groups: list[list[list[Condition]]] = [[]]
    order: list[tuple[str, bool]] = []
    ignored: list[str] = []
    for part in text.split("^"):
        if part in {"", "EQ"} or part.startswith("GROUPBY"):
            continue
        if part.startswith("ORDERBY"):
            descending = part.startswith("ORDERBYDESC")
            field = part.removeprefix("ORDERBYDESC" if descending else "ORDERBY")
            if known(field):
                order.append((field, descending))
            else:
                ignored.append(part)
            continue
        joined, bare = _joined(part)
        if joined == "NQ":
            groups.append([])
        condition = _condition(bare, known, script)
        if condition is None:
            ignored.append(part)
        elif joined == "OR" and groups[-1]:
            groups[-1][-1].append(condition)
        else:
            groups[-1].append([condition])
    # A group of which nothing is left holds for every row: this is how a mistyped query becomes the whole table.
    whole = any(not group for group in groups)
    kept = () if whole else tuple(tuple(tuple(clause) for clause in group) for group in groups)
    return Query(kept, tuple(order), tuple(ignored))


def _joined(part: str) -> tuple[str, str]:
    for word in ("NQ", "OR"):
        if part.startswith(word):
            return word, part[2:]
    return "", part


def _condition(part: str, known: Callable[[str], bool], script: Callable[[str], str]) -> Condition | None:
    found = _CONDITION.fullmatch(part)
    if found is None or not known(found[1]):
        return None
    value = found[3]
    if found[2] in {"SAMEAS", "NSAMEAS"} and not known(value):
        return None
    if "javascript:" in value:
        value = "@".join(script(one[11:]) if one.startswith("javascript:") else one for one in value.split("@"))
    return Condition(found[1], _SAME.get(found[2], found[2]), value)
