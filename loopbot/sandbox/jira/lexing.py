"""The words of JQL: quoted strings with their escapes, bare words as strict as the vendor's, symbols."""

import re
from dataclasses import dataclass
from typing import Literal

_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\", "'": "'", '"': '"', " ": " "}
_SYMBOL = re.compile(r"!=|!~|>=|<=|&&|\|\||[=~<>!(),&|]")
_CUSTOM = re.compile(r"cf\s*\[\s*(\d+)\s*\]", re.IGNORECASE)
_RESERVED_CHARACTERS = frozenset("{}*/%+^$#@?;.[]")
_CONTROL = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")


class JqlError(Exception):
    """The query is refused; the text is what the vendor would say."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word, quoted string, symbol or custom field (`cf[10010]`), and where it stands (from 0)."""

    kind: Literal["word", "quoted", "symbol", "custom", "end"]
    text: str
    at: int


def tokens(text: str) -> list[Token]:
    """The tokens of a query, closed by one of kind `end`; raises JqlError."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        character = text[at]
        if character in " \t\r\n":
            at += 1
        elif character in "\"'":
            token, at = _quoted(text, at)
            found.append(token)
        elif symbol := _SYMBOL.match(text, at):
            found.append(Token("symbol", symbol[0], at))
            at = symbol.end()
        elif custom := _CUSTOM.match(text, at):
            found.append(Token("custom", f"cf[{custom[1]}]", at))
            at = custom.end()
        else:
            token, at = _word(text, at)
            found.append(token)
    found.append(Token("end", "", len(text)))
    return found


def _quoted(text: str, start: int) -> tuple[Token, int]:
    quote, at = text[start], start + 1
    read: list[str] = []
    while at < len(text):
        character = text[at]
        if character == quote:
            return Token("quoted", "".join(read), start), at + 1
        if character == "\\":
            piece, at = _escape(text, at)
            read.append(piece)
            continue
        if _CONTROL.match(character):
            raise JqlError(
                f"Error in the JQL Query: The character '\\u{ord(character):04x}' is a reserved JQL character. You must "
                f"use the escape '\\u{ord(character):04x}' instead. {where(text, at)}",
            )
        read.append(character)
        at += 1
    raise JqlError(
        f"Error in the JQL Query: The quoted string '{text[start + 1 :]}' has not been completed. {where(text, start)}",
    )


def _escape(text: str, at: int) -> tuple[str, int]:
    sign = text[at + 1 : at + 2]
    if sign in _ESCAPES:
        return _ESCAPES[sign], at + 2
    if sign == "u" and re.fullmatch(r"[0-9a-fA-F]{4}", text[at + 2 : at + 6]):
        return chr(int(text[at + 2 : at + 6], 16)), at + 6
    raise JqlError(
        f"Error in the JQL Query: '\\{sign}' is an illegal JQL escape sequence. The valid escape sequences are "
        f"\\', \\\", \\t, \\n, \\r, \\\\, '\\ ' and \\uXXXX. {where(text, at)}",
    )


def _word(text: str, start: int) -> tuple[Token, int]:
    at = start
    read: list[str] = []
    while at < len(text) and text[at] not in " \t\r\n\"'" and not _SYMBOL.match(text, at):
        character = text[at]
        if character == "\\":
            piece, at = _escape(text, at)
            read.append(piece)
            continue
        if character in _RESERVED_CHARACTERS or _CONTROL.match(character):
            raise JqlError(
                f"Error in the JQL Query: The character '{character}' is a reserved JQL character. You must enclose it in "
                f"a string or use the escape '\\u{ord(character):04x}' instead. {where(text, at)}",
            )
        read.append(character)
        at += 1
    return Token("word", "".join(read), start), at


def where(text: str, at: int) -> str:
    """The vendor's words for a place in a query."""
    line = text.count("\n", 0, at) + 1
    return f"(line {line}, character {at - (text.rfind(chr(10), 0, at) + 1) + 1})"
