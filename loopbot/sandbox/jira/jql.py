"""JQL: the parser, with the vendor's own complaints.

The grammar is as strict as Jira's about reserved words and characters, so that it can also prove that a quoted value stays
one value. Evaluation is in `matching.py`.
"""

import re
from dataclasses import dataclass

from loopbot.sandbox.jira.lexing import JqlError, Token, tokens, where

MAX_DEPTH = 100

_INTEGER = re.compile(r"-?\d+\Z")
_OPERATORS = "'=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'"
# The reserved words of Atlassian's advanced search reference.
_RESERVED_WORDS = """
    abort access add after alias all alter and any as asc audit avg before begin between boolean break by byte catch cf
    char character check checkpoint collate collation column commit connect continue count create current date decimal
    declare decrement default defaults define delete delimiter desc difference distinct divide do double drop else empty
    encoding end equals escape exclusive exec execute exists explain false fetch file field first float for from function
    go goto grant greater group having identified if immediate in increment index initial inner inout input insert int
    integer intersect intersection into is isempty isnull join last left less like limit lock long max min minus mode
    modify modulo more multiply next noaudit not notin nowait null number object of on option or order outer output power
    previous prior privileges public raise raw remainder rename resource return returns revoke right row rowid rownum rows
    select session set share size sqrt start strict string subtract sum synonym table then to trans transaction trigger
    true uid union unique update user validate values view when whenever where while with"""
_RESERVED = frozenset(_RESERVED_WORDS.split())


@dataclass(frozen=True, slots=True)
class Value:
    """A literal; `number` is set where it was written as a bare integer."""

    text: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A function such as currentUser()."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Empty:
    """EMPTY or NULL."""


Operand = Value | Call | Empty


@dataclass(frozen=True, slots=True)
class Clause:
    """`field operator operands`; the operator is in lower case, one of = != ~ !~ < > <= >= in, not in, is, is not."""

    field: str
    operator: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Both:
    """All parts hold (AND)."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Either:
    """One of the parts holds (OR)."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Negation:
    """The part does not hold (NOT)."""

    part: "Node"


Node = Clause | Both | Either | Negation


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of ORDER BY."""

    field: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query; `where` is None when nothing restricts it."""

    where: Node | None
    order: tuple[Sort, ...]


def parse(text: str) -> Query:
    """The query; raises JqlError."""
    return _Parser(tokens(text), text).query()


class _Parser:
    def __init__(self, found: list[Token], text: str) -> None:
        self._tokens, self._text, self._next, self._depth = found, text, 0, 0

    def query(self) -> Query:
        where = None if self._ended() or self._is_word("order") else self._either()
        order = self._order() if self._take_word("order") else ()
        if not self._ended():
            raise self._unexpected("either 'OR' or 'AND'")
        return Query(where, order)

    def _order(self) -> tuple[Sort, ...]:
        if not self._take_word("by"):
            raise self._unexpected("'by'")
        found = []
        while True:
            field = self._field()
            descending = self._take_word("desc")
            if not descending:
                self._take_word("asc")
            found.append(Sort(field, descending))
            if not self._take_symbol(","):
                break
        if len(found) > 7:
            raise JqlError("The ORDER BY clause can contain a maximum of 7 fields.")
        return tuple(found)

    def _either(self) -> Node:
        parts = [self._both()]
        while self._take_word("or") or self._take_symbol("||", "|"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self) -> Node:
        parts = [self._negation()]
        while self._take_word("and") or self._take_symbol("&&", "&"):
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _negation(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise JqlError("Error in the JQL Query: The query is nested too deeply.")
        try:
            if self._take_word("not") or self._take_symbol("!"):
                return Negation(self._negation())
            if self._take_symbol("("):
                inner = self._either()
                if not self._take_symbol(")"):
                    raise self._unexpected("')'")
                return inner
            return self._clause()
        finally:
            self._depth -= 1

    def _clause(self) -> Clause:
        field = self._field()
        for symbol in ("=", "!=", "~", "!~", "<", ">", "<=", ">="):
            if self._take_symbol(symbol):
                return Clause(field, symbol, (self._operand(),))
        if self._take_word("in"):
            return Clause(field, "in", self._list())
        if self._take_word("not"):
            if not self._take_word("in"):
                raise self._unexpected("'IN'")
            return Clause(field, "not in", self._list())
        if self._take_word("is"):
            return Clause(field, "is not" if self._take_word("not") else "is", (self._operand(),))
        raise self._unexpected(f"operator but got {self._got()}. The valid operators are {_OPERATORS}", whole=True)

    def _field(self) -> str:
        token = self._peek()
        if token.kind not in {"word", "quoted", "custom"}:
            raise self._unexpected("a field name")
        if token.kind == "word" and token.text.lower() in _RESERVED:
            raise self._reserved(token)
        self._next += 1
        return token.text

    def _list(self) -> tuple[Operand, ...]:
        if not self._take_symbol("("):
            operand = self._operand()
            if isinstance(operand, Call):
                return (operand,)
            raise self._unexpected("'('")
        found = [self._operand()]
        while self._take_symbol(","):
            found.append(self._operand())
        if not self._take_symbol(")"):
            raise self._unexpected("')' or ','")
        return tuple(found)

    def _operand(self) -> Operand:
        token = self._peek()
        if token.kind == "quoted":
            self._next += 1
            return Value(token.text)
        if token.kind != "word":
            raise self._unexpected("either a value, list or function")
        if token.text.lower() in {"empty", "null"}:
            self._next += 1
            return Empty()
        if token.text.lower() in _RESERVED:
            raise self._reserved(token)
        self._next += 1
        if self._take_symbol("("):
            return Call(token.text, self._arguments())
        return Value(token.text, int(token.text) if _INTEGER.match(token.text) and len(token.text) < 20 else None)

    def _arguments(self) -> tuple[str, ...]:
        found: list[str] = []
        while not self._take_symbol(")"):
            if found and not self._take_symbol(","):
                raise self._unexpected("')' or ','")
            token = self._peek()
            if token.kind not in {"word", "quoted"}:
                raise self._unexpected("an argument")
            self._next += 1
            found.append(token.text)
        return tuple(found)

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _ended(self) -> bool:
        return self._peek().kind == "end"

    def _is_word(self, word: str) -> bool:
        token = self._peek()
        return token.kind == "word" and token.text.lower() == word

    def _take_word(self, word: str) -> bool:
        taken = self._is_word(word)
        self._next += taken
        return taken

    def _take_symbol(self, *symbols: str) -> bool:
        token = self._peek()
        taken = token.kind == "symbol" and token.text in symbols
        self._next += taken
        return taken

    def _got(self) -> str:
        return "end of line" if self._ended() else f"'{self._peek().text}'"

    def _reserved(self, token: Token) -> JqlError:
        return JqlError(
            f"Error in the JQL Query: '{token.text}' is a reserved JQL word. You must surround it in quotation marks to use "
            f"it in a query. {where(self._text, token.at)}",
        )

    def _unexpected(self, wanted: str, *, whole: bool = False) -> JqlError:
        said = wanted if whole else f"{wanted} but got {self._got()}"
        return JqlError(f"Error in the JQL Query: Expecting {said}. {where(self._text, self._peek().at)}")
