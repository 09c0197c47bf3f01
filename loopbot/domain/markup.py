"""HTML as the text that a person would read of it: articles and other long texts come as HTML, and may be hostile.

Nothing of the markup is kept, not even where a link leads: whoever wants it follows the address of the article itself. The
time taken is in proportion to the length, whatever stands in it, as a tag that is never closed is looked for once.
"""

import html
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

LONGEST: Final = 200_000
"""Characters of HTML that are looked at; what is behind them is left out, as articles carry pictures inside their text."""

# A quoted value may hold anything; what is not quoted ends where the next tag begins, so that no start is looked at twice.
_TAG: Final = re.compile(r"""<(/?)([A-Za-z][A-Za-z0-9:_-]{0,60})((?:[^"'<>]|"[^"]*"|'[^']*')*)>""")
_HIDDEN: Final = re.compile(
    "script|style|head|title|template|noscript|iframe|object|svg|math|textarea|select|ac:parameter|ri:attachment"
)
_BLOCK: Final = re.compile(
    "p|div|section|article|header|footer|aside|main|blockquote|pre|table|dl|h[1-6]|hr|form|fieldset|figure|figcaption"
    "|ac:(task|structured-macro|rich-text-body|plain-text-body|layout-cell)"
)
_BEGINS: Final[Mapping[str, str]] = MappingProxyType({"li": "\n• ", "tr": "\n", "dt": "\n", "dd": "\n"})
"""What each of these begins with; it ends where the next one begins."""
_BLANKS: Final = re.compile(r"[ \t\xa0\u2000-\u200b\u3000]+")
_LINES: Final = re.compile(r"\n{3,}")


def plain(markup: str) -> str:
    """What a person reads of it: paragraphs and items on lines of their own, entities as the characters they stand for.

    What is not shown (scripts, styles, comments) is left out. A text without any tag comes back as it is, but for entities.
    """
    return _Reading(markup[:LONGEST]).text()


class _Reading:
    """One pass over it; `_parts` is what was read so far."""

    def __init__(self, markup: str) -> None:
        self._markup = markup
        self._parts: list[str] = []
        self._verbatim = 0

    def text(self) -> str:
        place = 0
        while place < len(self._markup):
            begins = self._markup.find("<", place)
            if begins < 0:
                self._say(self._markup[place:])
                break
            self._say(self._markup[place:begins])
            place = self._marked(begins)
        lines = [line.rstrip().removesuffix(" |").removeprefix(" ") for line in "".join(self._parts).split("\n")]
        return _LINES.sub("\n\n", "\n".join(lines)).strip("\n ")

    def _marked(self, begins: int) -> int:
        """Take what begins with `<`; where it ends."""
        if self._markup.startswith("<!--", begins):
            return self._behind("-->", begins)
        if self._markup.startswith("<![CDATA[", begins):
            return self._cdata(begins)
        if self._markup.startswith(("<!", "<?"), begins):
            return self._behind(">", begins)
        found = _TAG.match(self._markup, begins)
        if found is None:
            # `a < b`, or a tag that is cut off: text is text, and shown as such.
            self._say("<")
            return begins + 1
        name, closes = found[2].lower(), bool(found[1])
        if _HIDDEN.fullmatch(name) and not closes and not found[3].endswith("/"):
            return self._past(name, found.end())
        self._lay_out(name, closes=closes)
        return found.end()

    def _lay_out(self, name: str, *, closes: bool) -> None:
        if name in {"pre", "ac:plain-text-body"}:
            self._verbatim = max(self._verbatim + (-1 if closes else 1), 0)
        if name == "br":
            self._parts.append("\n")
        elif name in _BEGINS:
            self._parts.append("" if closes else _BEGINS[name])
        elif name in {"td", "th"} and closes:
            self._parts.append(" | ")
        elif name in {"ul", "ol"}:
            self._parts.append("\n")
        elif _BLOCK.fullmatch(name):
            self._parts.append("\n\n")

    def _cdata(self, begins: int) -> int:
        ends = self._markup.find("]]>", begins)
        ends = len(self._markup) if ends < 0 else ends
        self._parts.append(self._markup[begins + len("<![CDATA[") : ends])
        return ends + len("]]>")

    def _past(self, name: str, place: int) -> int:
        """Behind the end of an element that is not shown; behind everything, where it has no end."""
        found = re.compile(f"</{re.escape(name)}", re.IGNORECASE).search(self._markup, place)
        return len(self._markup) if found is None else self._behind(">", found.end())

    def _behind(self, mark: str, place: int) -> int:
        ends = self._markup.find(mark, place)
        return len(self._markup) if ends < 0 else ends + len(mark)

    def _say(self, raw: str) -> None:
        said = html.unescape(raw)
        if self._verbatim:
            self._parts.append(said.replace("\r", ""))
            return
        # Line breaks of the source are blanks, as a browser shows them.
        self._parts.append(_BLANKS.sub(" ", said.replace("\n", " ").replace("\r", " ")))
