"""Plain text: what is taken out of it at the border, and the simple, explainable measures on words."""

import re
from collections.abc import Iterable

from loopbot.domain.redaction import scrubbed

# C0 and C1 controls except tab and newline, and the bidirectional overrides that make a text read as another one.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_WORD = re.compile(r"[^\W_]{2,}", re.UNICODE)
_STOP = frozenset(
    [
        "the",
        "and",
        "for",
        "not",
        "with",
        "this",
        "that",
        "from",
        "are",
        "was",
        "were",
        "has",
        "have",
        "had",
        "but",
        "can",
        "cannot",
        "you",
        "your",
        "our",
        "its",
        "it's",
        "is",
        "in",
        "on",
        "of",
        "to",
        "an",
        "at",
        "as",
        "by",
        "be",
        "we",
        "when",
        "after",
        "before",
        "since",
        "please",
        "hi",
        "hello",
        "thanks",
        "thank",
        "regards",
        "dear",
        "get",
        "got",
        "still",
        "does",
        "did",
        "don",
    ],
)
_TOPIC_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "question",
        re.compile(
            r"\b(how (do|can|to)|where (is|can|do)|what is|is (it|there)|can (i|we|you)|does it)\b[^.]*\?",
            re.IGNORECASE,
        ),
    ),
    (
        "bug",
        re.compile(
            r"\b(bug|crash\w*|error|exception|broken|breaks?|fail(s|ed|ure)?|not work\w*|doesn.?t work|stopped working|freez\w+|"
            r"wrong|corrupt\w*|cannot|can.?t|unable|timed? ?out|slow)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "feature",
        re.compile(
            r"\b(would be (nice|great|good|helpful)|wish|could you add|please add|feature|support for|option to|"
            r"allow (us|me|users)|it would help|missing|should be able|suggest\w*)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "complaint",
        re.compile(
            r"\b(terrible|awful|worst|unacceptable|disappoint\w+|annoy\w+|frustrat\w+|useless)\b", re.IGNORECASE
        ),
    ),
    ("praise", re.compile(r"\b(great|love|excellent|thank(s| you)|awesome|perfect|well done)\b", re.IGNORECASE)),
)


def clean(text: str, limit: int = 100_000) -> str:
    """Text as it may enter the store: no controls, lone surrogates or secrets, at most `limit` characters (a cut is marked)."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = _SURROGATES.sub("\ufffd", text)
    text = _CONTROLS.sub("", text)
    return shorten(scrubbed(text), limit)


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, the cut marked with an ellipsis."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"


def words(*texts: str) -> frozenset[str]:
    """The telling words of some texts, lower case, with plain plurals and endings folded."""
    found = set()
    for text in texts:
        for word in _WORD.findall(text.lower()):
            if word not in _STOP:
                found.add(_folded(word))
    return frozenset(found)


def _folded(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


def likeness(one: frozenset[str], two: frozenset[str]) -> float:
    """How much two sets of words share: 0 nothing, 1 the same (Dice's coefficient)."""
    if not one or not two:
        return 0.0
    return 2 * len(one & two) / (len(one) + len(two))


def topic_of(*texts: str) -> str | None:
    """What kind of feedback the words suggest, by the first pattern that fits, bug and feature before feelings."""
    text = "\n".join(texts)
    return next((topic for topic, pattern in _TOPIC_WORDS if pattern.search(text)), None)


def listed(things: Iterable[str]) -> str:
    """Things as a person writes them: a, b and c."""
    items = list(things)
    return items[0] if len(items) == 1 else " and ".join([", ".join(items[:-1]), items[-1]]) if items else ""
