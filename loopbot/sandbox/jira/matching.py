"""JQL applied: a parsed query becomes a test of one issue, and a comparison of two for ORDER BY.

Names that do not exist are refused as the vendor does, so that a misspelt status is a 400 and never an empty answer.
`!=` and NOT IN do not match a field that is empty.
"""

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from loopbot.sandbox.jira import adf, dates, naming
from loopbot.sandbox.jira.jql import Both, Call, Clause, Empty, Negation, Node, Operand, Query, Value
from loopbot.sandbox.jira.lexing import JqlError
from loopbot.sandbox.jira.model import Issue, User
from loopbot.sandbox.jira.site import Site

Test = Callable[[Issue], bool]
Order = Callable[[Issue], Any]

_ALIASES: Mapping[str, str] = {
    "issuekey": "key",
    "issue": "key",
    "type": "issuetype",
    "createddate": "created",
    "updateddate": "updated",
    "resolved": "resolutiondate",
    "duedate": "due",
    "fix version": "fixversion",
    "fixversions": "fixversion",
    "label": "labels",
}
_NEGATED: Mapping[str, str] = {
    "=": "!=",
    "!=": "=",
    "~": "!~",
    "!~": "~",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
    "in": "not in",
    "not in": "in",
    "is": "is not",
    "is not": "is",
}
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_DATES = frozenset({"created", "updated", "resolutiondate"})
_TEXTS = frozenset({"summary", "description", "environment", "text", "comment"})
_EQUALITY = frozenset({"=", "!=", "in", "not in", "is", "is not"})


class Matcher:
    """One query against one site, as one person asks it."""

    def __init__(self, site: Site, asker: User, query: Query) -> None:
        self._site, self._asker, self._now = site, asker, site.now()
        self.matches: Test = self._node(query.where) if query.where else lambda _: True
        self._order = [(self._sort_key(one.field), one.descending) for one in query.order]

    def compare(self, one: Issue, other: Issue) -> int:
        """Which comes first: negative, positive, or 0 for the same issue (ties go to the younger issue)."""
        for key, descending in self._order:
            mine, theirs = key(one), key(other)
            if mine != theirs:
                if mine is None or theirs is None:
                    return 1 if mine is None else -1
                return (1 if mine > theirs else -1) * (-1 if descending else 1)
        return other.id - one.id

    def _node(self, node: Node, *, negate: bool = False) -> Test:
        if isinstance(node, Negation):
            return self._node(node.part, negate=not negate)
        if isinstance(node, Clause):
            turned = _NEGATED[node.operator] if negate else node.operator
            return self._clause(node.field, turned, node.operands)
        tests = [self._node(part, negate=negate) for part in node.parts]
        if isinstance(node, Both) != negate:
            return lambda issue: all(test(issue) for test in tests)
        return lambda issue: any(test(issue) for test in tests)

    def _clause(self, written: str, sign: str, operands: tuple[Operand, ...]) -> Test:
        field = _ALIASES.get(written.lower(), written.lower())
        if field in _DATES:
            return self._date_clause(field, sign, operands)
        if field in _TEXTS or self._custom(field):
            return self._text_clause(written, field, sign, operands)
        if field in {"key", "id"} and sign in _COMPARE:
            return self._number_clause(field, sign, operands[0])
        if field == "resolution":
            operands = tuple(
                Empty() if isinstance(one, Value) and one.text.lower() == "unresolved" else one for one in operands
            )
        held = self._held(written, field)
        if field == "priority" and sign in _COMPARE:
            bound = int(next(iter(self._wanted(written, field, operands[0]))))
            compare = _COMPARE[{"<": ">", "<=": ">=", ">": "<", ">=": "<="}[sign]]
            return lambda issue: compare(int(issue.priority), bound)
        if sign not in _EQUALITY:
            raise JqlError(f"The operator '{sign.upper()}' is not supported by the '{written}' field.")
        if sign in {"is", "is not"} and not all(isinstance(one, Empty) for one in operands):
            raise JqlError(
                f"The operator '{sign.upper()}' can only be used with EMPTY or NULL for the field '{written}'."
            )
        wanted: set[str] = set()
        for one in operands:
            wanted |= self._wanted(written, field, one)
        empty = any(isinstance(one, Empty) for one in operands)
        if sign in {"=", "in", "is"}:
            return lambda issue: bool(held(issue) & wanted) or (empty and not held(issue))
        return lambda issue: bool(held(issue)) and not held(issue) & wanted

    def _date_clause(self, field: str, sign: str, operands: tuple[Operand, ...]) -> Test:
        attribute = {"resolutiondate": "resolved"}.get(field, field)

        def held(issue: Issue) -> datetime | None:
            moment: datetime | None = getattr(issue, attribute)
            return moment

        if all(isinstance(one, Empty) for one in operands):
            wants_empty = sign in {"is", "=", "in"}
            return lambda issue: (held(issue) is None) == wants_empty
        spans = [dates.span(field, one, self._now, self._site.zone) for one in operands]
        if sign in _COMPARE:
            compare, bound = _COMPARE[sign], spans[0].start
            return lambda issue: (moment := held(issue)) is not None and compare(moment, bound)
        if sign not in _EQUALITY:
            raise JqlError(f"The operator '{sign}' is not supported by the '{field}' field.")
        positive = sign in {"=", "in"}

        def test(issue: Issue) -> bool:
            moment = held(issue)
            within = moment is not None and any(one.start <= moment < one.start + one.length for one in spans)
            return moment is not None and within == positive

        return test

    def _text_clause(self, written: str, field: str, sign: str, operands: tuple[Operand, ...]) -> Test:
        read = partial(self._text, field)
        if sign in {"is", "is not"}:
            return lambda issue: bool(read(issue)) == (sign == "is not")
        if sign not in {"~", "!~"} and not (self._custom(field) and sign in _EQUALITY):
            raise JqlError(f"The operator '{sign.upper()}' is not supported by the '{written}' field.")
        phrases = [_words(one.text) for one in operands if isinstance(one, Value)]
        if not all(phrases) or len(phrases) != len(operands):
            raise JqlError(f"The field '{written}' does not support searching for an empty string.")
        positive = sign in {"~", "=", "in"}
        return lambda issue: bool(read(issue)) and any(_found(one, read(issue)) for one in phrases) == positive

    def _number_clause(self, field: str, sign: str, operand: Operand) -> Test:
        if not isinstance(operand, Value):
            raise JqlError(f"The operator '{sign}' needs a value for the field '{field}'.")
        compare = _COMPARE[sign]
        if field == "id" and operand.number is not None:
            bound = operand.number
            return lambda issue: compare(issue.id, bound)
        issue_key = re.fullmatch(r"([A-Za-z][A-Za-z0-9_]*)-(\d+)", operand.text)
        if not issue_key:
            raise JqlError(f"The issue key '{operand.text}' for field '{field}' is invalid.")
        project, number = issue_key[1].upper(), int(issue_key[2])
        return lambda issue: issue.project == project and compare(issue.number, number)

    def _held(self, written: str, field: str) -> Callable[[Issue], set[str]]:
        """What an issue holds in a field, in lower case, comparable with what `_wanted` finds."""
        site = self._site
        found: dict[str, Callable[[Issue], set[str]]] = {
            "project": lambda issue: {issue.project.lower()},
            "key": lambda issue: {str(issue.id)},
            "id": lambda issue: {str(issue.id)},
            "status": lambda issue: {issue.status.lower()},
            "statuscategory": lambda issue: {_category(site, issue)},
            "issuetype": lambda issue: {issue.type},
            "priority": lambda issue: {issue.priority},
            "resolution": lambda issue: {issue.resolution.lower()} if issue.resolution else set(),
            "labels": lambda issue: {one.lower() for one in issue.labels},
            "fixversion": lambda issue: set(issue.fix_versions),
            "assignee": lambda issue: {issue.assignee} if issue.assignee else set(),
            "reporter": lambda issue: {issue.reporter} if issue.reporter else set(),
            "creator": lambda issue: {issue.creator},
            "parent": lambda issue: {str(issue.parent)} if issue.parent else set(),
        }
        if field not in found:
            raise JqlError(f"Field '{written}' does not exist or you do not have permission to view it.")
        return found[field]

    def _wanted(self, written: str, field: str, operand: Operand) -> set[str]:
        if isinstance(operand, Empty):
            return set()
        if isinstance(operand, Call):
            if operand.name.lower() == "currentuser" and field in {"assignee", "reporter", "creator"}:
                return {self._asker.account_id}
            raise JqlError(f"Unable to find JQL function '{operand.name}({', '.join(operand.arguments)})'.")
        found = naming.known(self._site, field, operand.text)
        if found:
            return found
        if field in {"key", "id", "parent"}:
            raise JqlError(f"An issue with key '{operand.text}' does not exist for field '{written}'.")
        raise JqlError(f"The value '{operand.text}' does not exist for the field '{written}'.")

    def _custom(self, field: str) -> str | None:
        number = re.fullmatch(r"cf\[(\d+)\]", field)
        for one in self._site.fields.values():
            if one.custom and (one.name.lower() == field or (number and one.id == f"customfield_{number[1]}")):
                return one.id
        return None

    def _text(self, field: str, issue: Issue) -> str:
        if ident := self._custom(field):
            return str(issue.custom.get(ident, ""))
        comments = [adf.plain(one.body) for one in issue.comments]
        if field == "text":
            long_texts = [adf.plain(one) for one in (issue.description, issue.environment)]
            return "\n".join([issue.summary, *long_texts, *comments])
        return "\n".join(comments) if field == "comment" else adf.plain(getattr(issue, field))

    def _sort_key(self, written: str) -> Order:
        field = _ALIASES.get(written.lower(), written.lower())
        keys: dict[str, Order] = {
            "key": lambda issue: (issue.project, issue.number),
            "id": lambda issue: issue.id,
            "created": lambda issue: issue.created,
            "updated": lambda issue: issue.updated,
            "resolutiondate": lambda issue: issue.resolved,
            "priority": lambda issue: -int(issue.priority),
            "summary": lambda issue: issue.summary.lower(),
            "status": lambda issue: issue.status,
            "issuetype": lambda issue: issue.type,
            "project": lambda issue: issue.project,
            "assignee": lambda issue: issue.assignee,
            "reporter": lambda issue: issue.reporter,
            "due": lambda issue: issue.duedate,
        }
        if field not in keys:
            raise JqlError(f"Field '{written}' does not exist or you do not have permission to view it.")
        return keys[field]


def _category(site: Site, issue: Issue) -> str:
    status = site.projects[issue.project].workflow.status(issue.status)
    return status.category if status else "indeterminate"


def _words(text: str) -> list[str]:
    """The terms of a text query: quoted phrases stay together, a trailing asterisk asks for a prefix."""
    return [one.strip('"').lower() for one in re.findall(r'"[^"]+"|[\w*]+', text) if one.strip('"* ')]


def _found(terms: list[str], text: str) -> bool:
    words = re.findall(r"\w+", text.lower())
    for term in terms:
        if term.endswith("*"):
            if not any(word.startswith(term[:-1]) for word in words):
                return False
        else:
            phrase = re.findall(r"\w+", term)
            starts = range(len(words) - len(phrase) + 1)
            if not any(words[at : at + len(phrase)] == phrase for at in starts):
                return False
    return True
