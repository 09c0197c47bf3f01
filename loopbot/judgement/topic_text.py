"""Taking a piece of feedback apart: title, what was written in sentences, headings of a template, code. Foreign text is only read.

All patterns have bounded repetitions, so that no text can make them slow; at most 20,000 characters are looked at.
"""

import re
from dataclasses import dataclass

MOST = 20_000
"""How many characters of a text are looked at."""

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FENCE = re.compile(r"(?:```|~~~)(.*?)(?:```|~~~|\Z)", re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}\s+.+|\*\*[^*]{2,80}\*\*:?|[^\W\d_][^.?!]{1,60}:)$")
_EMPTY = re.compile(
    r"^(_?no response_?|n/?a|none|nothing|nil|no|-+|keine?|aucune?|ninguna?|nenhuma?|nessun[ao]?)\.?$", re.IGNORECASE
)
_URL = re.compile(r"https?://\S+")
_IMAGE = re.compile(r"!\[[^\]\n]{0,200}\]\([^)\n]{0,400}\)|<img\b[^>\n]{0,600}>", re.IGNORECASE)
_INLINE = re.compile(r"`[^`\n]{1,200}`")
_SENTENCE = re.compile(r"(?<=[.!?\u3002\uff1f\uff01])\s+|\n+")
TOKEN = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Parted:
    """One piece of feedback in its parts. `lines` are all lines outside of code, `prose` those that are sentences."""

    title: str
    text: str
    prose: str
    headings: tuple[str, ...]
    lines: tuple[str, ...]
    codes: tuple[str, ...]
    sentences: tuple[str, ...]
    comments: int
    blanks: int
    images: int
    links: int
    inlines: int

    @property
    def code(self) -> str:
        """All its code blocks."""
        return "\n".join(self.codes)

    @property
    def opening(self) -> str:
        """The first two sentences."""
        return " ".join(self.sentences[:2])


def part(title: str, text: str) -> Parted:
    """Take it apart."""
    title, text = title[:500].strip(), text[:MOST]
    comments = _COMMENT.findall(text)
    text = _COMMENT.sub("\n", text) if comments else text
    codes = tuple(_FENCE.findall(text))
    bare = _FENCE.sub("\n", text) if codes else text
    lines = tuple(line for line in map(str.strip, bare.split("\n")) if line)
    headings = tuple(line for line in lines if is_heading(line))
    blanks = sum(_EMPTY.match(line) is not None for line in lines)
    prose = "\n".join(line for line in lines if not is_heading(line) and not _EMPTY.match(line))
    prose, images = _IMAGE.subn(" ", prose)
    prose, links = _URL.subn(" ", prose)
    prose, inlines = _INLINE.subn(" ` ", prose)
    sentences = tuple(one for one in _SENTENCE.split(prose) if one.strip())
    return Parted(title, text, prose, headings, lines, codes, sentences, len(comments), blanks, images, links, inlines)


def is_heading(line: str) -> bool:
    """Whether a line is the heading of a section: `## Steps`, `**Steps**` or `Steps:`."""
    return len(line) <= 120 and _HEADING.match(line) is not None


def tokens(text: str) -> list[str]:
    """Its words in small letters, apostrophes straightened."""
    return [word.lower().replace("\u2019", "'") for word in TOKEN.findall(text)]
