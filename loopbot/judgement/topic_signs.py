"""Signs of what kind a piece of feedback is that need no training words: its structure, and hand-written cue phrases.

A sign is a name and a number of about 0..1. Names of cues are `place:group`: `title:`, `prose:` (how often), `share:` (how densely),
`opening:` (the first two sentences), `asked:` (a sentence with a question mark) and `heading:`. Nothing here was learnt from any data.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from loopbot.judgement.topic_cues import Found, cues
from loopbot.judgement.topic_text import Parted, tokens

_TRACE = re.compile(
    r"traceback \(most recent|^\s{0,20}at [\w.$<>]{1,120}\s?\(|^\s{0,20}File \"[^\"\n]{1,200}\", line \d|\bcaused by:|stack ?trace|"
    r"segmentation fault|core dumped|sigsegv|assert(?:ion)? (?:failed|error)|panic:|\bfatal error|undefined reference",
    re.IGNORECASE | re.MULTILINE,
)
_ERROR_LINE = re.compile(r"(?:error|exception|warning|failed|failure|abort\w{0,3}|crash\w{0,3})\b[:\s]", re.IGNORECASE)
_VERSION = re.compile(r"\bv?\d{1,4}\.\d{1,6}(?:\.\d{1,6})?", re.IGNORECASE)
_MEMORY = re.compile(r"0x[0-9a-f]{4,16}", re.IGNORECASE)
_CHECKBOX = re.compile(r"^\s{0,8}[-*]\s{1,3}\[[ xX]\]", re.MULTILINE)
_BULLET = re.compile(r"^\s{0,8}[-*+•]\s{1,4}\S", re.MULTILINE)
_NUMBERED = re.compile(r"^\s{0,8}\d{1,3}[.)]\s{1,4}\S", re.MULTILINE)
_QUOTED = re.compile(r"^\s{0,4}>", re.MULTILINE)
_TABLE = re.compile(r"^\|[^\n]{1,400}\|", re.MULTILINE)
_PATH = re.compile(r"[\w.-]{1,60}/[\w.-]{1,60}/[\w.-]|\b[A-Za-z]:\\")
_IDENTIFIER = re.compile(r"[a-z][A-Z]|\w_\w|\w\(\)|\w::\w")
_PROMPT = re.compile(r"^\s{0,8}(?:\$|>>>|[A-Z]:\\|#) ?\w", re.MULTILINE)
_DIFF = re.compile(r"^(?:\+\+\+|---|@@)", re.MULTILINE)
_CLOCK = re.compile(r"\d\d:\d\d:\d\d")
_REFERENCE = re.compile(r"(?:^|\s)#\d{1,7}\b|/issues/\d|/pull/\d")
_MENTION = re.compile(r"(?:^|\s)@\w")
_BUG_MARK = re.compile(r"^\W{0,3}(?:bugs?|fix|issue|error|crash|regression|fehler|bogue|defect)\b", re.IGNORECASE)
_FEATURE_MARK = re.compile(
    r"^\W{0,3}(?:features?|feat|fr|enhancement|request|proposal|rfc|idea|suggestion|wunsch|idée|sugerencia|sugestão)\b",
    re.IGNORECASE,
)
_QUESTION_MARK = re.compile(r"^\W{0,3}(?:questions?|help|q:|support|frage|pregunta|pergunta|domanda)\b", re.IGNORECASE)
_DOC_MARK = re.compile(r"^\W{0,3}doc(?:s|umentation)?\b", re.IGNORECASE)
_PREFIX = re.compile(r"^[^\s:]{2,20}:")


def signs(said: Parted) -> dict[str, float]:
    """Every sign that is there (not 0)."""
    found = dict(_all(said))
    return {name: round(float(value), 4) for name, value in found.items() if value}


def _all(said: Parted) -> Iterator[tuple[str, float]]:
    words = tokens(said.prose)
    yield from _size(said, words)
    yield from _shape(said)
    yield from _asking(said)
    yield from _marks(said, words)
    yield from _cued(said, words)


def _size(said: Parted, words: Sequence[str]) -> Iterator[tuple[str, float]]:
    yield "length", math.log1p(len(said.text)) / 8
    yield "words", math.log1p(len(words)) / 6
    yield "title words", math.log1p(len(tokens(said.title))) / 3
    yield "short", len(words) < 12
    yield "very short", len(words) < 4
    yield "long", len(words) > 250


def _shape(said: Parted) -> Iterator[tuple[str, float]]:
    text, code = said.text, said.code
    yield "code", bool(said.codes)
    yield "code blocks", some(len(said.codes), 4)
    yield "code lines", math.log1p(code.count("\n")) / 5
    yield "code share", len(code) / (len(text) + 1)
    yield "stack trace", bool(_TRACE.search(text))
    yield "error lines", some(len(_ERROR_LINE.findall(text)), 8)
    yield "error in code", bool(_ERROR_LINE.search(code))
    yield "addresses", bool(_MEMORY.search(text))
    yield "inline code", some(said.inlines, 6)
    yield "links", some(said.links, 4)
    yield "images", some(said.images, 3)
    yield "an image", said.images > 0
    yield "versions", some(len(_VERSION.findall(text)), 5)
    yield "headings", some(len(said.headings), 6)
    yield "a heading", bool(said.headings)
    yield "comments", some(said.comments, 3)
    yield "checkboxes", some(len(_CHECKBOX.findall(text)), 4)
    yield "a tick", "[x]" in text.lower()
    yield "bullets", some(len(_BULLET.findall(text)), 5)
    yield "numbered", some(len(_NUMBERED.findall(text)), 4)
    yield "quoted", bool(_QUOTED.search(text))
    yield "table", bool(_TABLE.search(text))
    yield "paths", some(len(_PATH.findall(text)), 6)
    yield "identifiers", some(len(_IDENTIFIER.findall(said.prose)), 6)
    yield "prompt", bool(_PROMPT.search(code))
    yield "diff", bool(_DIFF.search(code))
    yield "log times", some(len(_CLOCK.findall(text)), 4)
    yield "left blank", some(said.blanks, 5)
    yield "references", some(len(_REFERENCE.findall(text)), 3)
    yield "mention", bool(_MENTION.search(text))


def _asking(said: Parted) -> Iterator[tuple[str, float]]:
    marks = said.prose.count("?") + said.prose.count("\uff1f")
    asking = sum(one.rstrip().endswith(("?", "\uff1f")) for one in said.sentences)
    yield "question marks", some(marks, 3)
    yield "a question mark", marks > 0
    yield "title asks", "?" in said.title or "\uff1f" in said.title
    yield "ends asking", said.prose.rstrip().endswith(("?", "\uff1f"))
    yield "share asking", asking / (len(said.sentences) or 1)
    yield "opens asking", "?" in said.opening


def _marks(said: Parted, words: Sequence[str]) -> Iterator[tuple[str, float]]:
    title = said.title
    shouted = sum(word.isupper() and len(word) > 2 for word in f"{title} {said.prose}".split())
    yield "exclamations", some(said.prose.count("!") + title.count("!"), 3)
    yield "dots", "..." in said.prose or "…" in said.prose
    yield "shouting", min(shouted * 5 / (len(words) + 10), 2.0)
    yield "title shouts", title.isupper() and " " in title
    yield "title small", title[:1].islower()
    yield "title brackets", title.startswith("[")
    yield "title prefix", bool(_PREFIX.match(title))
    yield "title code", "`" in title
    yield "title identifier", bool(_IDENTIFIER.search(title))
    yield "title version", bool(_VERSION.search(title))
    yield "titled bug", bool(_BUG_MARK.match(title))
    yield "titled feature", bool(_FEATURE_MARK.match(title))
    yield "titled question", bool(_QUESTION_MARK.match(title))
    yield "titled docs", bool(_DOC_MARK.match(title))


def _cued(said: Parted, words: Sequence[str]) -> Iterator[tuple[str, float]]:
    first = len(tokens(said.opening))
    in_prose = prose_cues(said, words)
    counts = Counter(one.group for one in in_prose)
    for group, count in counts.items():
        yield f"prose:{group}", some(count, 3)
        yield f"share:{group}", min(count * 10 / (len(words) + 20), 1.0)
    for one in in_prose:
        if one.at < first:
            yield f"opening:{one.group}", 1.0
    asked = asked_places(said)
    for one in in_prose:
        if one.at in asked:
            yield f"asked:{one.group}", 1.0
    for one in title_cues(said):
        yield f"title:{one.group}", 1.0
    for one in cues().find(tokens("\n".join(said.headings))):
        yield f"heading:{one.group}", 1.0


def asked_places(said: Parted) -> frozenset[int]:
    """The places of the words that stand in a sentence with a question mark."""
    places: set[int] = set()
    place = 0
    for sentence in said.sentences:
        count = len(tokens(sentence))
        if sentence.rstrip().endswith(("?", "\uff1f")):
            places.update(range(place, place + count))
        place += count
    return frozenset(places)


def title_cues(said: Parted) -> list[Found]:
    """The cues in the title."""
    return [*cues().find(tokens(said.title)), *cues().inside(said.title)]


def prose_cues(said: Parted, words: Sequence[str]) -> list[Found]:
    """The cues in what was written in sentences, whose words these are."""
    starts, place = set(), 0
    for sentence in said.sentences:
        starts.add(place)
        place += len(tokens(sentence))
    return [*cues().find(words, frozenset(starts)), *cues().inside(said.prose)]


def some(count: int, many: int) -> float:
    """A count that saturates: 0 for none, 1 for `many`, a little more beyond."""
    return math.log1p(min(count, many * 4)) / math.log1p(many)
