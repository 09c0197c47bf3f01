"""Encoded queries, built so that no value can smuggle a condition of its own, and re-checked on the rows that come back.

`^` separates conditions and can not be escaped; a value that starts with `javascript:` is run on the server. Both, and
newlines, are refused before the call. The instance ignores a condition it does not understand, which widens the answer.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from loopbot.domain.errors import ConfigError, Rejected
from loopbot.domain.redaction import scrubbed
from loopbot.domain.texts import shorten

_CONDITION = re.compile(
    r"(?P<field>[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)"
    r"(?P<operator>ISNOTEMPTY|ISEMPTY|NOT LIKE|NOTLIKE|LIKE|NOT IN|NOTIN|IN|STARTSWITH|ENDSWITH|!=|>=|<=|=|>|<)"
    r"(?P<value>.*)",
)
_UNSAFE = re.compile(r"[\^\r\n\x00]|javascript\s*:", re.IGNORECASE)


def safe(system: str, value: str) -> str:
    """The value itself; raises Rejected where it would not stay a value."""
    if _UNSAFE.search(value):
        shown = shorten(scrubbed(value), 60)
        raise Rejected(
            system,
            f"{shown!r} can not be asked for: ^, line breaks and javascript: have a meaning of their own in a query",
        )
    return value


def where(system: str, field: str, operator: str, value: str) -> str:
    """One condition."""
    return f"{field}{operator}{safe(system, value)}"


def stamp(at: datetime) -> str:
    """A time as the instance stores it: UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a configured filter."""

    field: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.field}{self.operator}{self.value}"


@dataclass(frozen=True, slots=True)
class Filter:
    """A configured encoded query: clauses joined by ^, each of alternatives joined by ^OR."""

    clauses: tuple[tuple[Condition, ...], ...] = ()

    @classmethod
    def parse(cls, about: str, text: str) -> "Filter":
        """Read it; raises ConfigError for what loopbot can not check again on the rows."""
        clauses: list[list[Condition]] = []
        if not text:
            return cls()
        if "\n" in text or "\r" in text or "javascript" in text.lower():
            raise ConfigError(about, "the query holds a line break or a script", "write plain conditions joined by ^")
        for part in text.split("^"):
            alternative = part.startswith("OR") and bool(clauses)
            found = _CONDITION.fullmatch(part[2:] if alternative else part)
            if found is None:
                raise ConfigError(
                    about, f"{part!r} is not a condition that can be checked", "write field=value, joined by ^ and ^OR"
                )
            condition = Condition(found["field"], found["operator"], found["value"])
            if alternative:
                clauses[-1].append(condition)
            else:
                clauses.append([condition])
        return cls(tuple(tuple(clause) for clause in clauses))

    def __str__(self) -> str:
        return "^".join("^OR".join(map(str, clause)) for clause in self.clauses)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields it looks at, in order."""
        return tuple(dict.fromkeys(one.field for clause in self.clauses for one in clause))

    def holds(self, row: Mapping[str, object]) -> bool:
        """Whether the row fits, as far as text can tell: the instance ignores what it does not understand."""
        return all(any(_fits(one, str(row.get(one.field) or "")) for one in clause) for clause in self.clauses)


def joined(*parts: str) -> str:
    """Conditions that must all hold."""
    return "^".join(part for part in parts if part)


def window(base: Filter, after: tuple[str, str] | None, since: str) -> str:
    """The rows changed at or after `since`, or those that come after the row (stamp, sys_id) `after`, in that order.

    Encoded queries have no parentheses: `(at = X and id > Y) or at > X` needs ^NQ, with the filter in both halves.
    """
    order = "ORDERBYsys_updated_on^ORDERBYsys_id"
    narrowed = str(base)
    if after is None:
        return joined(f"sys_updated_on>={since}" if since else "", narrowed, order)
    at, ident = after
    same = joined(f"sys_updated_on={at}", f"sys_id>{ident}", narrowed)
    later = joined(f"sys_updated_on>{at}", narrowed)
    return f"{same}^NQ{later}^{order}"


def among(system: str, field: str, values: Sequence[str]) -> str:
    """`field` is one of the values; raises Rejected for a value with a comma, which would be two."""
    for value in values:
        if "," in safe(system, value):
            raise Rejected(system, f"{value!r} can not be asked for: a comma separates values in a query")
    return f"{field}IN{','.join(values)}"


def _fits(one: Condition, had: str) -> bool:
    check = _CHECKS.get(one.operator)
    return check(had.casefold(), one.value.casefold()) if check else True


# What orders (>, <) depends on the field's type and is left to the instance, whose dictionary was asked for the field.
_CHECKS: Mapping[str, Callable[[str, str], bool]] = {
    "=": lambda had, value: value in (had, "null"),
    "!=": lambda had, value: had != value,
    "IN": lambda had, value: had in value.split(","),
    "NOT IN": lambda had, value: had not in value.split(","),
    "NOTIN": lambda had, value: had not in value.split(","),
    "LIKE": lambda had, value: value in had,
    "NOT LIKE": lambda had, value: value not in had,
    "NOTLIKE": lambda had, value: value not in had,
    "STARTSWITH": lambda had, value: had.startswith(value),
    "ENDSWITH": lambda had, value: had.endswith(value),
    "ISEMPTY": lambda had, _value: not had,
    "ISNOTEMPTY": lambda had, _value: bool(had),
}
