"""JQL: the only place where queries are put together, so that no value can become part of the query's structure."""

import re
from collections.abc import Sequence

# What JQL does not take raw inside quotes, besides the quote and the backslash: controls and Unicode's non-characters.
_UNSAFE = re.compile('["\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]')
_NAMED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
_ORDER = re.compile(r"\border\s+by\b", re.IGNORECASE)
_ESCAPE = re.compile(r"""\\(?:[tn'"\\ ]|u[0-9a-fA-F]{4})""")


def quoted(value: str) -> str:
    """A value as one JQL string, whatever is in it."""
    return '"' + _UNSAFE.sub(lambda found: _NAMED.get(found[0]) or f"\\u{ord(found[0]):04x}", value) + '"'


def one_of(field: str, values: Sequence[str]) -> str:
    """`field in (...)`."""
    return f"{field} in ({', '.join(quoted(value) for value in values)})"


def equals(field: str, value: str) -> str:
    """`field = "value"`."""
    return f"{field} = {quoted(value)}"


def since(field: str, milliseconds: int) -> str:
    """`field >= stamp`, to the millisecond.

    A bare number is read as milliseconds after 1970, in no time zone; a quoted date would have minutes in the account's zone
    (Jira, "Advanced searching: fields reference", date formats).
    """
    return f"{field} >= {milliseconds:d}"


def query(*clauses: str, order: str = "") -> str:
    """All clauses hold, in that order."""
    joined = " AND ".join(clause for clause in clauses if clause)
    return f"{joined} ORDER BY {order}" if order else joined


def inner(text: str) -> str:
    """A filter that a person wrote, as one clause; raises ValueError where it could leak out of its parentheses or sorts."""
    if not text.strip():
        return ""
    bare = _without_strings(text)
    depth = 0
    for sign in bare:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            message = "a closing parenthesis has no opening one"
            raise ValueError(message)
    if depth:
        message = "a parenthesis is not closed"
        raise ValueError(message)
    if _ORDER.search(bare):
        message = "ORDER BY belongs to loopbot, which reads in order of change: leave it out"
        raise ValueError(message)
    return f"({text.strip()})"


def _without_strings(text: str) -> str:
    """The text with each quoted string replaced by a blank."""
    kept: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "\\":
            found = _ESCAPE.match(text, at)
            if not found:
                message = f"the escape at character {at + 1} is not one of JQL's"
                raise ValueError(message)
            at = found.end()
        elif text[at] in "\"'":
            at = _end_of_string(text, at)
            kept.append(" ")
        else:
            kept.append(text[at])
            at += 1
    return "".join(kept)


def _end_of_string(text: str, start: int) -> int:
    at = start + 1
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] == text[start]:
            return at + 1
        else:
            at += 1
    message = f"the string that begins at character {start + 1} is not closed"
    raise ValueError(message)
