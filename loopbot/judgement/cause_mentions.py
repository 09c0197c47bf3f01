"""What an incident's text names, and how: `broken by CHG0031` is an accusation, `similar to CHG0031` is none.

Named things are keys (CHG0031, CHG 0031, LOOP-42), commits, pull requests, rows by their id, and versions, in the text or in an
address. What counts is what is said close to the name, in the same clause: that something "breaks the build of 2.7, as LOOP-8 does" blames nobody. All
patterns take linear time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import unquote

# A number of one or two digits behind a word that is not all capitals is a version or a branch (hadoop-2, utf-8), as is what
# goes on as one (LOOP-2.7).
_KEY = re.compile(
    r"(?<![\w-])(?:[A-Z][A-Z0-9_]{1,15}-\d{1,9}|[A-Za-z][A-Za-z0-9_]{1,15}-\d{3,9}|[A-Za-z]{2,6}\d{4,12}"
    r"|(?:[\w.-]{1,60}/){1,4}[\w.-]{1,60}[#!]\d{1,12})(?!\w|-\w|\.\d)"
)
_COMMIT = re.compile(r"(?<![\w-])(?=[0-9a-f]{0,39}[0-9])(?=[0-9a-f]{0,39}[a-f])[0-9a-f]{7,40}(?![\w-])")
_VERSION = re.compile(r"(?<![\w.-])v?\d{1,4}(?:\.\d{1,5}){1,3}(?:-[A-Za-z0-9.]{1,20})?(?![\w])")
_ADDRESS = re.compile(r"\[?(?:[^\[\]|\n]{1,60}\|)?https?://[^\s\]|]{1,500}\]?")
# How people write ServiceNow's numbers: "CHG 0031", "chg #0031". With a hyphen it may as well be an issue of a project.
_APART = re.compile(
    r"(?<![\w-])(CHG|INC|PRB|RFC|REQ|RITM|TASK|CTASK)(?:\s?(?:#|no\.|nr\.)\s?|[ \u00a0])(?=\d{4,12}(?!\w))",
    re.IGNORECASE,
)
_ALONE = re.compile(r"[\s#.]\d{4,12}(?!\w)")
_ROW = re.compile(r"(?:[?&;]sys_id=|/record/\w{1,80}/)([0-9a-f]{32})(?![0-9a-f])", re.IGNORECASE)
_NUMBER = re.compile(r"\bnumber=([A-Za-z]{2,6}\d{4,12})(?!\w)")
_PULL = re.compile(
    r"^[^/\s]{1,200}/((?:[\w.-]{1,60}/){1,5}?)(?:-/)?(pull|pulls|pull-requests|merge_requests)/(\d{1,9})(?!\d)"
)
_CLAUSE = re.compile(r"\n|[.!?] |; ")
_ROW_ID = 32
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
# "Upgraded from 2.6 to 2.7": the later one is what came, the earlier one what was well, as in "it worked until 2.6".
_BROUGHT_TO = re.compile(
    r"\b(?:upgrad|updat|migrat|deploy|mov|bump|switch|roll|install)\w*\b[^\n]{0,60}\bto (?:version |release )?$",
    re.IGNORECASE,
)
_LEFT = re.compile(
    r"\b(?:(?:upgrad|updat|migrat|mov|bump|switch)\w*\b[^\n]{0,40}\bfrom|until|up to|works? (?:\w+ ){0,2}(?:in|with|on)"
    r"|worked (?:\w+ ){0,3}(?:in|with|on)) (?:version |release )?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in a text: whether it is blamed, hinted at or cleared by the words beside it, where, and how often it stands there.

    `elsewhere`: what names it, where that is no text but a field or a link.
    """

    name: str
    blamed: bool = False
    hinted: bool = False
    cleared: bool = False
    titled: bool = False
    times: int = 1
    elsewhere: str = ""

    def joined(self, other: "Mention") -> "Mention":
        """Both as one."""
        return Mention(
            self.name,
            self.blamed or other.blamed,
            self.hinted or other.hinted,
            self.cleared or other.cleared,
            self.titled or other.titled,
            self.times + other.times,
            self.elsewhere or other.elsewhere,
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
    return (mention for mention, _, _ in _told(pattern, part, titled=titled))


def _told(pattern: re.Pattern[str], part: str, *, titled: bool) -> Iterator[tuple[Mention, str, re.Match[str]]]:
    """Each name with what stands before it in its clause, and where it was found."""
    for match in pattern.finditer(part):
        before = _CLAUSE.split(part[max(0, match.start() - _BEFORE) : match.start()])[-1]
        after = _CLAUSE.split(part[match.end() : match.end() + _AFTER])[0]
        spared = _SPARED.search(after) is not None
        blamed = not spared and bool(_BLAMES.search(before) or _BLAMED_AFTER.search(after))
        told_of = not blamed and _OPENS.match(before) is not None and _TOLD_OF.match(after) is not None
        hinted = told_of or (_HINTS.search(before) is not None and _IN_VAIN.search(before) is None)
        mention = Mention(
            match[0].lower(),
            blamed=blamed,
            hinted=hinted and not spared,
            cleared=spared or bool(_CLEARS.search(before) or _IN_VAIN.search(before)),
            titled=titled,
        )
        yield mention, before, match


def named_versions(title: str, text: str) -> dict[str, Mention]:
    """The versions since which something is so, as the ticket says; that one runs a version, or came from it, says nothing."""
    found: dict[str, Mention] = {}
    for part, titled in ((title[:1000], True), (text[:20_000], False)):
        for one, _ in _since(part, titled=titled):
            found[one.name] = found[one.name].joined(one) if one.name in found else one
    return found


def _since(part: str, *, titled: bool = False) -> Iterator[tuple[Mention, re.Match[str]]]:
    for one, before, match in _told(_VERSION, part, titled=titled):
        since = one.blamed or one.hinted or _BROUGHT_TO.search(before) is not None
        if since and not one.cleared and not _LEFT.search(before):
            yield replace(one, name=one.name.removeprefix("v"), hinted=True), match


def _plainly(part: str) -> str:
    """The text with each address that names something as that name, and names that are written apart in one."""
    part = _ADDRESS.sub(_addressed, part) if "://" in part else part
    return _joined(part)


def _joined(part: str) -> str:
    """Numbers that are written apart in one; few texts hold any, and to look for the digits first is quick."""
    return _APART.sub(r"\1", part) if _ALONE.search(part) else part


def _addressed(found: re.Match[str]) -> str:
    """What an address leads to: a pull request, a row by its id, a key in the path or in the query; else the address."""
    address = found[0].rpartition("://")[2].rstrip("].,;:)>\"'")
    path, _, query = address.partition("?")
    if pull := _PULL.match(path):
        return f" {pull[1].rstrip('/')}{'!' if pull[2] == 'merge_requests' else '#'}{pull[3]} "
    if names := _KEY.findall(path):
        return str(names[-1])
    whole = unquote(unquote(address))
    if told := _ROW.search(whole) or (_NUMBER.search(whole) if query else None):
        return f" {told[1].lower() if len(told[1]) == _ROW_ID else told[1]} "
    return found[0]


def versions(text: str) -> frozenset[str]:
    """The versions that a text names, without a leading v."""
    return frozenset(found.removeprefix("v") for found in _VERSION.findall(text[:20_000]))


def without_names(text: str) -> str:
    """The text without keys, commits, versions since which something is so, and addresses that hold one: for what is left to judge by."""
    for _, match in reversed(list(_since(text))):
        text = f"{text[: match.start()]} {text[match.end() :]}"
    text = re.sub(
        r"https?://\S{1,500}", lambda one: " " if _KEY.search(one[0]) or _addressed(one) != one[0] else one[0], text
    )
    return _COMMIT.sub(" ", _KEY.sub(" ", _joined(text)))
