"""Ticket text to its telling terms: what is left when the form, the greetings, the signature and the numbers are taken away.

The same ticket written by two people, or by one monitoring system on two days, should come out nearly the same. Terms are
lower case, without accents, lightly stemmed, of letters and digits alone (so that any index can hold them). Identifiers
stand whole and in parts (`FSNamesystem`: fsnamesystem, fs, namesystem); numbers are left out but for codes of errors; scripts without spaces are cut into pairs of
characters. Every pattern takes linear time, and what lies beyond the first 16,000 characters of a text is not looked at.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from loopbot.domain.holdings import searched_text
from loopbot.domain.records import Record
from loopbot.domain.wordings import Wording
from loopbot.judgement.error_codes import error_codes
from loopbot.judgement.stopwords import FAREWELLS, GREETINGS, STOP

LONGEST = 16_000
MOST_TERMS = 600
FRAMES = 8
_LINES = 1_000
_LINE = 1_000
_SIGNATURE = 8
_ENDS = ",!.:。、\uff0c\uff01\uff1a"
_AROUND = " " + _ENDS
_SAYS_MORE = re.compile(r"[,!:。、\uff0c\uff01\uff1a] *\w")

_TOKEN = re.compile(r"[^\W_]+")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_QUOTED_REST = re.compile(
    r"^\s*(-{3,} ?(original|forwarded|ursprüngliche|weitergeleitete|message d'origine)|_{20,}\s*$"
    r"|(from|von|de|da): [^\n]{0,200}@|(on|am|le|el|il) [^\n]{6,200} (wrote|schrieb|a écrit|escribió|ha scritto)[^\n]{0,100}:\s*$)",
    re.IGNORECASE,
)
_EMPTY_FIELD = re.compile(
    r"^[\s#*_=>-]*([^\W\d_][\w '/()-]{1,50}):[:\s*_]*(n/?a|none|null|no response|unknown|tbd|\?|-)?[\s*_.-]*$",
    re.IGNORECASE,
)
_HEADING = re.compile(r"^\s*(#{1,6} |h[1-6]\. )[^\n]{0,80}$|^[\s_*]*no response[\s_*]*$", re.IGNORECASE)
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{1,64}|\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F-]{13,}\b")
_URL = re.compile(r"\bhttps?://([^\s/?#]{1,200})([^\s?#]{0,300})\S{0,600}")
_JAVA_FRAME = re.compile(r"^\s*(?:at|bei|à)\s+(?:[\w.]{1,40}/{1,2})?((?:[\w$]{1,80}\.){1,20})([\w$<>]{1,80})\s*\(")
_PYTHON_FRAME = re.compile(r'^\s*File "([^"\n]{1,300})", line \d+(?:, in ([\w<>]{1,80}))?')
_NATIVE_FRAME = re.compile(r"^\s*#\d+\s+(?:0x[0-9a-fA-F]+\s+)?(?:in\s+)?([\w:~<>]{2,120})")
_LIBRARY_FRAME = ("java.", "javax.", "sun.", "jdk.", "scala.", "org.junit.", "junit.", "node:internal", "System.")
_CODE = re.compile(r"\b[45][0-9]{2}\b")
_ENDINGS = ("ings", "ing", "edly", "ed", "ers", "er", "ly", "es", "s")


def wording(title: str, text: str = "") -> Wording:
    """What a record's title and text say, as terms in the order of the text, each as often as it stands there."""
    head = tuple(_terms(title[:500]))
    body: list[str] = []
    for line in _telling_lines(text[:LONGEST]):
        body.extend(_terms(line))
        if len(body) >= MOST_TERMS:
            break
    return Wording(head, tuple(body[:MOST_TERMS]))


def said_by(record: Record) -> Wording:
    """What a record says, the files that it touched included."""
    return wording(record.title, searched_text(record))


def _telling_lines(text: str) -> Iterator[str]:
    """The lines that this writer wrote about this matter; a frame of a stack trace as its class and method."""
    frames = 0
    unsigned = True
    told = False
    skipped = 0
    for line in text.split("\n", _LINES)[:_LINES]:
        bare = line.strip()[:_LINE]
        if not bare:
            continue
        if told and _QUOTED_REST.match(bare):
            return
        if bare[0] == ">" or _is_form(bare):
            continue
        if bare in {"--", "—"} or ((told or frames) and _is_farewell(bare)):
            unsigned, skipped = False, 0
            continue
        if not unsigned and skipped < _SIGNATURE and len(bare) < 80:
            skipped += 1
            continue
        if not told and _is_greeting(bare):
            continue
        frame = _frame(bare)
        if frame is not None:
            frames += 1
            if frames <= FRAMES and frame:
                yield frame
            continue
        told = unsigned = True
        yield bare


def _is_form(line: str) -> bool:
    """What stands in the form that everybody fills in: a heading, a field's name with nothing behind it."""
    if len(line) > 120:
        return False
    field = _EMPTY_FIELD.match(line)
    return (field is not None and field[1].count(" ") < 4) or _HEADING.match(line) is not None


def _is_greeting(line: str) -> bool:
    """A greeting and whom it is for, and nothing that is said to them: "Hello, the export fails." tells of something."""
    bare = _lowered(line)
    if bare in GREETINGS:
        return True
    if len(line) >= 60 or line[-1] not in _ENDS or _SAYS_MORE.search(bare):
        return False
    words = _TOKEN.findall(bare)
    return bool(words) and words[0] in GREETINGS and len(words) <= (3 if line[-1] in ".。" else 6)


def _is_farewell(line: str) -> bool:
    return len(line) < 60 and _lowered(line) in FAREWELLS


def _lowered(line: str) -> str:
    """A short line as the lists hold it: one way to write an accent, and no second dot on a Turkish i."""
    return unicodedata.normalize("NFC", line.strip(_AROUND).lower().replace("i\u0307", "i"))


def _frame(line: str) -> str | None:
    """The class and method of a stack trace's frame ("" for a library's); None where the line is no frame."""
    if found := _JAVA_FRAME.match(line):
        if found[1].startswith(_LIBRARY_FRAME):
            return ""
        return f"{found[1].rstrip('.').rpartition('.')[2].partition('$')[0]} {found[2]}"
    if found := _PYTHON_FRAME.match(line):
        if "site-packages" in found[1] or "/lib/python" in found[1]:
            return ""
        module = found[1].replace("\\", "/").rpartition("/")[2].removesuffix(".py")
        return f"{module} {found[2] or ''}"
    if found := _NATIVE_FRAME.match(line):
        return found[1]
    return None


def _terms(line: str) -> Iterator[str]:
    """The terms of one line."""
    if "://" in line:
        # Of an address in the web its host and path tell something, its query does not.
        line = _URL.sub(r" \1 \2 ", line)
    if "@" in line or line.count("-") >= 4:
        line = _ADDRESS.sub(" ", line)
    terms = [term for token in _TOKEN.findall(line) for term in token_terms(token)]
    yield from terms
    # A number tells nothing but as a code; a web's (503) stands there already.
    yield from (code for code, _ in error_codes(line) if code not in terms and code.removeprefix("error") not in terms)


@lru_cache(maxsize=4_096)
def token_terms(token: str) -> tuple[str, ...]:
    """The terms of one run of letters and digits: none for a stop word, a number, a hash; several for an identifier."""
    if len(token) > 60:
        return ()
    if not token.isascii():
        return _foreign(token)
    if token.isdigit():
        return (token,) if _CODE.fullmatch(token) else ()
    lower = token.lower()
    if _is_noise(lower):
        return ()
    if lower in STOP:
        return ()
    parts = _PARTS.findall(token) if token != lower or not token.isalpha() else []
    words = [part.lower() for part in parts if len(part) > 1 and not part.isdigit() and part.lower() not in STOP]
    if len(words) > 1 or (words and words[0] != lower):
        return tuple(dict.fromkeys((lower, *map(stem, words))))
    return (stem(lower),) if len(lower) > 1 else ()


def _is_noise(lower: str) -> bool:
    """Ids and hashes: mostly digits, or long and hexadecimal."""
    digits = sum(char.isdigit() for char in lower)
    if digits == 0:
        return False
    if len(lower) >= 8 and all(char in "0123456789abcdefx" for char in lower):
        return True
    return digits > 6 or (digits * 2 > len(lower) and len(lower) > 8)


def _foreign(token: str) -> tuple[str, ...]:
    """Words of other scripts: without accents, or in pairs of characters where the script writes no spaces."""
    found: list[str] = []
    rest = token
    for run in _UNSPACED.findall(token):
        found.extend([run[place : place + 2] for place in range(len(run) - 1)] or [run])
        rest = rest.replace(run, " ", 1)
    for part in rest.split():
        plain = "".join(
            char for char in unicodedata.normalize("NFKD", part.replace("ß", "ss")) if not unicodedata.combining(char)
        )
        if plain.isascii() and plain != part:
            lower = part.lower()
            found.extend(() if lower in STOP else token_terms(plain))
        else:
            lower = plain.lower()
            if lower not in STOP and len(lower) > 1 and lower.isalnum() and not lower.isdigit():
                found.append(lower)
    return tuple(found)


@lru_cache(maxsize=512)
def stem(word: str) -> str:
    """The word without its plainest endings: exports, exported, exporting become export. Foreign words lose little by it."""
    if len(word) <= 3 or not word.isalpha():
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            if ending == "s" and word[-2] in "su":  # access, status
                return word
            base = word[: -len(ending)]
            if len(base) > 3 and base[-1] == base[-2] and base[-1] not in "lsz":
                base = base[:-1]
            return base.removesuffix("e") if len(base) > 4 else base
    return word.removesuffix("e") if len(word) > 4 else word


def tokens(text: str) -> list[str]:
    """The runs of letters and digits of a text, as they are written."""
    return _TOKEN.findall(text)


def as_written(text: str) -> dict[str, str]:
    """Each term of a text as a reader finds it there, first as a word of its own, else as a part of an identifier."""
    words: dict[str, str] = {}
    parts: dict[str, str] = {}
    for token in tokens(text):
        for run in _UNSPACED.findall(token):
            for pair in token_terms(run):
                words.setdefault(pair, pair)
        for piece in _UNSPACED.sub(" ", token).split():
            terms = token_terms(piece)
            if terms:
                words.setdefault(terms[0], piece)
            for part in _PARTS.findall(piece) if len(terms) > 1 else ():
                parts.setdefault(stem(part.lower()), part)
    return parts | words | {code: written for line in text.split("\n") for code, written in error_codes(line)}


def widest(words: Iterable[str], most: int) -> list[str]:
    """The first of some words, none that stands in another one: an identifier says what its parts say."""
    chosen: list[str] = []
    for word in words:
        if not any(word.lower() in other.lower() for other in chosen):
            chosen = [*(other for other in chosen if other.lower() not in word.lower()), word]
        if len(chosen) == most:
            break
    return chosen


def is_unspaced(text: str) -> bool:
    """Whether a text is of a script that writes no spaces, and of nothing else."""
    return _UNSPACED.fullmatch(text) is not None
