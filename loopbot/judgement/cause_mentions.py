"""What an incident's text names, and how: `broken by CHG0031` is an accusation, `similar to CHG0031` is none.

Named things are keys (CHG0031, LOOP-42), commits and versions, in the text or in an address that ends in a key. What counts is
what is said close to the name, in the same clause: that something "breaks the build of 2.7, as LOOP-8 does" blames nobody. All
patterns take linear time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# A number of one or two digits behind a word that is not all capitals is a version or a branch (hadoop-2, utf-8), as is what
# goes on as one (LOOP-2.7).
_KEY = re.compile(
    r"(?<![\w-])(?:[A-Z][A-Z0-9_]{1,15}-\d{1,9}|[A-Za-z][A-Za-z0-9_]{1,15}-\d{3,9}|[A-Za-z]{2,6}\d{4,12}"
    r"|[\w.-]{1,60}/[\w.-]{1,60}[#!]\d{1,12})(?!\w|-\w|\.\d)"
)
_COMMIT = re.compile(r"(?<![\w-])(?=[0-9a-f]{0,39}[0-9])(?=[0-9a-f]{0,39}[a-f])[0-9a-f]{7,40}(?![\w-])")
_VERSION = re.compile(r"(?<![\w.-])v?\d{1,4}(?:\.\d{1,5}){1,3}(?:-[A-Za-z0-9.]{1,20})?(?![\w])")
_ADDRESS = re.compile(r"\[?(?:[^\[\]|\n]{1,60}\|)?https?://[^\s\]|]{1,500}\]?")
_CLAUSE = re.compile(r"\n|[.!?] |; ")
_BEFORE, _AFTER = 90, 80

_CHANGED = r"(?:remov|delet|dropp|chang|modif|overw|revers|disabl|los|mess|add|renam|mov|replac|produc)\w*"
_FAULT = r"(?:regress\w*|break(?:s|age|ages)?|side[- ]effects?|fall[- ]?out|fault|bugs?|flaw|mistake|typo|oversight)"
_BLAMES = re.compile(
    # broken by, introduced in; not "breaks what", which blames somebody else
    rf"\b(?:(?:broken|caused|introduced|regressed|triggered|brought|provoked|created|{_CHANGED}) (?:\w+ ){{0,2}}(?:by|in|with|from|after|since|through|via|as part of)\b[^.]{{0,25}}$"
    rf"|{_FAULT} (?:\w+ ){{0,2}}(?:of|from|in|by|with|after|since)\b[^.]{{0,20}}$"
    r"|(?:due to|because of|result of|culprit|culpable|blam\w+|root[- ]cause|traced? (?:\w+ ){0,2}(?:back )?to|bisect\w*|pinpoint\w*|narrowed (?:\w+ )?down to|stems? from|comes? from"
    r"|originat\w+ (?:from|in|with)|attribut\w+ to|revert\w*|roll(?:ed|ing|s)?[- ]?back\w*|back(?:ed|ing)? out"
    r"|(?:seems?|appears?|probably|likely|might be|may be|could be|presumably|is) (?:\w+ ){0,2}(?:related to|due|from|because))\b[^.]{0,40}$"
    r"|(?:verursacht|ausgelöst|kaputt|zerstört|eingeführt) (?:\w+ )?(?:durch|von|mit|seit|in)\b[^.]{0,20}$|(?:wegen|aufgrund|schuld (?:ist|war|hat))\b[^.]{0,20}$"
    r"|(?:caus|provoqu|introdui|cass)\w* (?:par|dans|avec)\b[^.]{0,20}$|(?:à cause d\w*|dûe? à|suite à)\b[^.]{0,20}$"
    r"|(?:causad|provocad|introducid|introduzid)[oa]s? (?:por|pel[oa]|en|em|con|com)\b[^.]{0,20}$|(?:a causa d\w+|debido a|devido a|por culpa d\w+)\b[^.]{0,20}$"
    r"|(?:causat|provocat|introdott)[oaie] (?:da\w*|con|in)\b[^.]{0,20}$|dovut[oaie] a\w*\b[^.]{0,20}$)",
    re.IGNORECASE,
)
# What it did, told of it: "LOOP-8 (bigger pages) appears to have broken", "CHG0031 renamed".
_ITSELF = r"^[\s\"'*_}\])]*(?:\([^)]{0,80}\)\W*)?"
_BLAMED_AFTER = re.compile(
    _ITSELF
    + r"(?:(?:[\w'/.-]+ ){0,7}?(?:br(?:eaks|oke|eaking|eak)\b|ha(?:s|ve|d) broken|caus(?:es|ing)\b|caused\b(?! by)|introduc(?:es|ing)\b|introduced\b(?! by| in)|regress(?:es|ed|ing)?\b"
    r"|forgot|fail(?:s|ed) to|mess(?:es|ed) up|is (?:\w+ ){0,3}(?:root[- ]?)?(?:caus\w+|culprit|to blame|responsible))"
    rf"|(?:patch|commits?|changes?|which|that|has|have|did|went in)?\s*(?:\w+ly )?(?:{_CHANGED}\b(?! by)|makes?|made|missed|did(?:n't| not)|refactor\w+|switch\w+|means?\b)"
    r"|[^.,;]{0,60}by (?:accident|mistake)"
    r"|(?:hat|verursacht|zerstört|casse|provoque|rompe|rompió|quebra|causa)\b)",
    re.IGNORECASE,
)
_HINTS = re.compile(
    r"\b(?:since|after|post|as of|with|following|before|prior to|until|(?:changed|added|implemented|made|done|specified|enabled|moved|updated) (?:\w+ )?(?:in|by|on|as)|commit(?:ted)?|merg\w+|deploy\w*|upgrad\w+"
    r"|releas\w+|updat\w+|install\w+|changes? (?:in|of|from|made)|part of|patch(?:es)?|seit|nach|mit|depuis|après|desde|después de|depois d\w+|após|tras|dopo|da quando)\b[^.]{0,25}$"
    r"|^\W*(?:in|from)(?: the)? $",
    re.IGNORECASE,
)
# It is what the sentence is about, and did something: "LOOP-8 combined two calls".
_TOLD_OF = re.compile(
    r"^(?: patch| commits?| changes?| fix)?(?: \([^)]{0,80}\))?(?: (?:recently|also|only|now|just|always))? (?:[a-z]{3,}(?:ed|es|s)|put|set|brought|began|got|went)\b(?! by\b)"
)
_OPENS = re.compile(
    r"^\W*(?:(?:the|it|looks?|seems?|like|that|because|but|and|so|our|a) ){0,4}(?:\w+ )?$", re.IGNORECASE
)
_CLEARS = re.compile(
    r"\b(?:similar(?:ly)? to|duplicates?|dup of|see|related to|relates|like in|same as|pattern as|depends|blocked|blocks|unlike"
    r"|fix(?:ed|es)? (?:in|by|for|from|of)|was fixed|backport\w*|port|clone of|discuss\w*|noticed|observed|comments?|suggest\w*|propos\w*"
    r"|reports? of|not caused|not related|(?:as )?per|supposed to|different from|work[- ]?around\w*|ähnlich wie|siehe|wie in|voir|similaire à|similar a|véase|igual que|simile a|vedi)\b[^.]{0,45}$",
    re.IGNORECASE,
)
# It is what broke, or it mended something, or harmed nobody.
_SPARED = re.compile(
    r"^[^.]{0,20}\b(?:(?:was|is|were|got|has been|ha(?:s|d) already been) (?:broken|revert\w+|undone|lost|overwritten|fixed|resolved|rolled back)|(?:is|are|was|seems?) (?:similar|not related|unrelated|a duplicate)|fixed (?:this|that|it|the)|should (?:have )?fix\w*|may be related|(?:did|does|do)(?: not|n't) (?:\w+ )?(?:caus\w+|br[eo]+ak\w*|affect\w*))\b",
    re.IGNORECASE,
)
# "Even after LOOP-8 it fails": what was hoped to mend it.
_IN_VAIN = re.compile(r"\b(?:even|still)\b[^.]{0,30}\b(?:after|with|since)\b[^.]{0,20}$", re.IGNORECASE)


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
    for part, titled in ((_plainly(title[:1000]), True), (_plainly(text[:20_000]), False)):
        for pattern in (_KEY, _COMMIT):
            for one in _named(pattern, part, titled=titled):
                found[one.name] = found[one.name].joined(one) if one.name in found else one
    return found


def _named(pattern: re.Pattern[str], part: str, *, titled: bool) -> Iterator[Mention]:
    for match in pattern.finditer(part):
        before = _CLAUSE.split(part[max(0, match.start() - _BEFORE) : match.start()])[-1]
        after = _CLAUSE.split(part[match.end() : match.end() + _AFTER])[0]
        spared = _SPARED.search(after) is not None
        blamed = not spared and bool(_BLAMES.search(before) or _BLAMED_AFTER.search(after))
        told_of = not blamed and _OPENS.match(before) is not None and _TOLD_OF.match(after) is not None
        hinted = told_of or (_HINTS.search(before) is not None and _IN_VAIN.search(before) is None)
        yield Mention(
            match[0].lower(),
            blamed=blamed,
            hinted=hinted and not spared,
            cleared=spared or bool(_CLEARS.search(before) or _IN_VAIN.search(before)),
            titled=titled,
        )


def _plainly(part: str) -> str:
    """The text with each address that ends in a key, or holds one, as that key."""

    def key(found: re.Match[str]) -> str:
        names = _KEY.findall(found[0].rpartition("://")[2].partition("?")[0])
        return str(names[-1]) if names else found[0]

    return _ADDRESS.sub(key, part) if "://" in part else part


def versions(text: str) -> frozenset[str]:
    """The versions that a text names, without a leading v."""
    return frozenset(found.removeprefix("v") for found in _VERSION.findall(text[:20_000]))


def without_names(text: str) -> str:
    """The text with the keys taken out, and addresses that hold one: for measuring what is left to judge by."""
    text = re.sub(r"https?://\S{1,500}", lambda one: " " if _KEY.search(one[0]) else one[0], text)
    return _COMMIT.sub(" ", _KEY.sub(" ", text))
