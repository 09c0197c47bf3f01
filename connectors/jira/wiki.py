"""The wiki markup of Data Center: foreign text escaped so that it stays text, and markup read back as plain text.

Source: Jira's own help on text formatting notation. A backslash takes away a character's meaning; where that is not possible
(`h1.` at a line's start) the character is written as an HTML entity, which the renderer leaves alone.
"""

import html
import re

# Without the characters that have a meaning to the renderer even there.
_ADDRESS = re.compile(r"(https?://(?:[A-Za-z0-9./~%=:@+,;_-]|\?(?!\?)|&(?!#?\w+;)|#)*[A-Za-z0-9/=])")
_WRITTEN = re.compile(r"&#?\w+;")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_ALWAYS = re.compile(r"[\\{}\[\]!|^~]|\?\?")
# These mean something only where a word or a line begins: `snake_case` and `log-in` are left alone.
_OPENING = re.compile(r"(?<![^\W_])[*_+\-](?=\S)|(?<=\S)[*_+\-](?![^\W_])|(?m:^)(\s*)([*\-#]+)(?=\s)")
_BLOCK = re.compile(r"^(\s*(?:h[1-6]|bq))\.(?=\s|$)", re.MULTILINE)
_SMILEY = re.compile(r"[:;](?=-?[)(DPp])|\((?=(?:[yniox/!?+\-*]|on|off|flag|flagoff|\*[rgby])\))")
_ESCAPED = re.compile(r"\\([^\w\s]|_)")
_LINK = re.compile(r"(?<!\\)\[([^\]|\n]+)\|([^\]\n]+)\]")
_BARE_LINK = re.compile(r"(?<!\\)\[(~?[^\]|\n]+)\]")
_MACRO = re.compile(r"(?<!\\)\{(?:code|noformat|quote|panel|color)(?::[^}\n]*)?(?<!\\)\}")
_MARKED = re.compile(r"[\\{\[&]|(?:h[1-6]|bq)\.\s")
_HEAD = re.compile(r"^\s*(?:h[1-6]|bq)\.\s+", re.MULTILINE)


def escaped(text: str) -> str:
    """The text so that the renderer shows exactly it. Web addresses are left whole: the renderer knows them by itself."""
    pieces = _ADDRESS.split(text)
    return "".join([piece if number % 2 else _escaped(piece) for number, piece in enumerate(pieces)])


def _escaped(text: str) -> str:
    text = _ENTITY.sub("&amp;", text)
    text = _ALWAYS.sub(lambda found: "".join("\\" + sign for sign in found[0]), text)
    text = _OPENING.sub(_open, text)
    text = _SMILEY.sub(lambda found: "\\" + found[0], text)
    return _BLOCK.sub(r"\1&#46;", text)


def _open(found: re.Match[str]) -> str:
    if found[2] is not None:
        return found[1] + "".join("\\" + sign for sign in found[2])
    return "\\" + found[0]


def plain(text: str) -> str:
    """Markup as a person would read it: macros gone, links with their address, escapes undone."""
    if not _MARKED.search(text):
        return text
    text = _MACRO.sub("", text)
    text = _HEAD.sub("", text)
    text = _LINK.sub(r"\1 (\2)", text)
    text = _BARE_LINK.sub(r"\1", text)
    return _WRITTEN.sub(lambda found: html.unescape(found[0]), _ESCAPED.sub(r"\1", text))
