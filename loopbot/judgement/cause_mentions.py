"""What an incident's text names, and how: `broken by CHG0031` is an accusation, `similar to CHG0031` is none.

Named things are keys (CHG0031, LOOP-42), commits and versions, in the text or in an address that ends in a key. All patterns take
linear time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_KEY = re.compile(
    r"(?<![\w-])(?:[A-Za-z][A-Za-z0-9_]{1,15}-\d{1,9}|[A-Za-z]{2,6}\d{4,12}|[\w.-]{1,60}/[\w.-]{1,60}[#!]\d{1,12})(?!\w|-\w)"
)
_COMMIT = re.compile(r"(?<![\w-])(?=[0-9a-f]{0,39}[0-9])(?=[0-9a-f]{0,39}[a-f])[0-9a-f]{7,40}(?![\w-])")
_VERSION = re.compile(r"(?<![\w.-])v?\d{1,4}(?:\.\d{1,5}){1,3}(?:-[A-Za-z0-9.]{1,20})?(?![\w])")
_CLAUSE = re.compile(r"\n|\. |; ")
_BEFORE, _AFTER = 70, 60

_CHANGED = r"(?:remov|delet|dropp|chang|modif|overw|revers|disabl|los|mess)\w*"
_BLAMES = re.compile(
    r"\b(?:br[eo]+k\w*|broken|caus(?:ed|es|ing)\b|(?:seems?|probably|likely|might be|may be) (?:\w+ )?(?:related|due|from|because)|introduc\w+|regress\w*|side[- ]effects?|culprit|culpable|blam\w+"
    r"|revert\w*|roll(?:ed)?[- ]?back\w*|fault of|due to|because of|result of"
    rf"|{_CHANGED} (?:\w+ )?(?:by|in|with|as part of)\b[^.]{{0,15}}$)",
    re.IGNORECASE,
)
_BLAMED_AFTER = re.compile(
    r"^\W*(?:\([^)]{0,80}\)\W*)?(?:patch|commits?|changes?|which|that|has|have|did|went in)?\s*(?:\w+ly )?"
    rf"(?:br[eo]+k\w*|caus(?:ed|es|ing)\b|introduc\w+|regress\w*|{_CHANGED}|added|adds|made|makes|forgot|missed|did(?:n't| not)|renam\w+|mov(?:ed|es)|replac\w+|refactor\w+|switch\w+|is (?:\w+ ){{0,3}}(?:root[- ]?)?caus\w+|means?\b|[^.,;]{{0,60}}by (?:accident|mistake))",
    re.IGNORECASE,
)
_HINTS = re.compile(
    r"\b(?:since|after|as of|with|following|changed (?:in|by)|added (?:in|by)|implemented (?:in|by)|commit(?:ted)?|merged|deploy\w*|upgrad\w+"
    r"|releas\w+|updat\w+|install\w+|changes? (?:in|of|from|made)|part of)\b[^.]{0,25}$",
    re.IGNORECASE,
)
_CLEARS = re.compile(
    r"\b(?:similar to|duplicates?|dup of|see|related to|relates|looks? like|like in|follow[- ]?up|same as|depends|blocked|blocks|unlike"
    r"|fix(?:ed|es)? (?:in|by|for|from|of)?|was fixed|backport\w*|port|clone of|discuss\w*|noticed|observed|comments?|suggest\w*|propos\w*"
    r"|reports? of|not caused|for the|supposed to|different from|unlike)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in a text: whether it is blamed, hinted at or cleared by the words beside it, where, and how often it stands there."""

    name: str
    blamed: bool = False
    hinted: bool = False
    cleared: bool = False
    titled: bool = False
    times: int = 1

    def joined(self, other: "Mention") -> "Mention":
        """Both as one."""
        return Mention(
            self.name,
            self.blamed or other.blamed,
            self.hinted or other.hinted,
            self.cleared or other.cleared,
            self.titled or other.titled,
            self.times + other.times,
        )


def mentions(title: str, text: str) -> dict[str, Mention]:
    """The keys and commits that a ticket names, by their lower-case names."""
    found: dict[str, Mention] = {}
    for part, titled in ((title[:1000], True), (text[:20_000], False)):
        for pattern in (_KEY, _COMMIT):
            for one in _named(pattern, part, titled=titled):
                found[one.name] = found[one.name].joined(one) if one.name in found else one
    return found


def _named(pattern: re.Pattern[str], part: str, *, titled: bool) -> Iterator[Mention]:
    for match in pattern.finditer(part):
        before = _CLAUSE.split(part[max(0, match.start() - _BEFORE) : match.start()])[-1]
        after = _CLAUSE.split(part[match.end() : match.end() + _AFTER])[0]
        yield Mention(
            match[0].lower(),
            blamed=bool(_BLAMES.search(before) or _BLAMED_AFTER.search(after)),
            hinted=bool(_HINTS.search(before)),
            cleared=bool(_CLEARS.search(before) or _CLEARS.search(after)),
            titled=titled,
        )


def versions(text: str) -> frozenset[str]:
    """The versions that a text names, without a leading v."""
    return frozenset(found.removeprefix("v") for found in _VERSION.findall(text[:20_000]))


def without_names(text: str) -> str:
    """The text with the keys taken out, and addresses that hold one: for measuring what is left to judge by."""
    text = re.sub(r"https?://\S{1,500}", lambda one: " " if _KEY.search(one[0]) else one[0], text)
    return _COMMIT.sub(" ", _KEY.sub(" ", text))
