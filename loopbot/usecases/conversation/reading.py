"""What somebody typed after the command, read as they meant it: any case, any order, pasted addresses, typos, filler words.

Tickets are only named here; whether there is one of that name, the mirror says.
"""

import difflib
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from loopbot.usecases.conversation.vocabulary import FILLER, KNOWN, NAMELESS, WEAK

_ESCAPED: Final = re.compile(r"<([^<>|\s]+)(?:\|([^<>]*))?>")
_URL: Final = re.compile(r"https?://[^\s<>|]+")
_KEY: Final = re.compile(
    r"(?<![\w/-])#?(?P<prefix>[A-Za-z][A-Za-z0-9_]{1,9}?)(?P<gap>[\s_#:-]{0,2})(?P<digits>\d{1,10})(?!\w)"
)
_REF: Final = re.compile(r"(?<!\S)[\w.-]+:(?:incident|problem|change|issue|deployment|release|feedback):\S+")
_IDENT: Final = re.compile(r"\b[0-9a-f]{32}\b")
_PERSON: Final = re.compile(r"<@[A-Z0-9]+>")
_EDGES: Final = " \t.,;:!?\"'“”„()[]#"
_PADDED: Final = 7
_ALIKE: Final = 0.72


@dataclass(frozen=True, slots=True)
class Named:
    """A ticket somebody named: as they typed it, what it may be called, and its system's own ids where an address told them."""

    typed: str
    keys: tuple[str, ...] = ()
    idents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What was meant. `guess` is the verb a misspelt word is closest to; `words` is what follows the verb, as it was typed.

    `rest` are the words that neither name a ticket nor fill a sentence.
    """

    verb: str = ""
    guess: str = ""
    typed: str = ""
    tickets: tuple[Named, ...] = ()
    words: str = ""
    rest: tuple[str, ...] = ()


def asked(text: str) -> Asked:
    """Read what somebody typed; never raises."""
    plain = " ".join(_PERSON.sub(" ", unescaped(text)).split())
    if not plain:
        return Asked()
    verb, word, after = _verb(plain)
    if verb in NAMELESS:
        return Asked(verb, "", word, (), after.strip(), tuple(one for one in _tokens(after) if one not in FILLER))
    tickets = tuple(tickets_in(plain))
    rest = tuple(one for one in _tokens(_without_tickets(after if verb else plain)) if one not in FILLER)
    guess, typed = ("", word)
    if not verb:
        if tickets and not rest:
            verb = "status"
        else:
            guess, typed = _closest(rest or tuple(_tokens(plain)))
            words = plain.split(typed, 1)[1] if typed and typed in plain else plain
            return Asked(
                "", guess, typed or plain[:60], tickets, words.strip(), tuple(one for one in rest if one != typed)
            )
    return Asked(verb, guess, typed, tickets, after.strip(), rest)


def unescaped(text: str) -> str:
    """As it was typed: what Slack wraps in angle brackets becomes its address, its name or its id again."""
    plain = _ESCAPED.sub(lambda found: _shown(found[1], found[2] or ""), text)
    return " ".join(html.unescape(plain).replace("\u00a0", " ").replace("\u200b", "").split())


def tickets_in(text: str) -> Iterator[Named]:
    """The tickets a text names, in their order, each once."""
    seen: set[tuple[str, ...]] = set()
    for start, one in sorted(_all_named(text), key=lambda each: each[0]):
        mark = (*one.keys[:1], *one.idents)
        if mark and mark not in seen and start >= 0:
            seen.add(mark)
            yield one


def spelt(prefix: str, digits: str) -> tuple[str, ...]:
    """What a ticket may be called that somebody wrote as a prefix and a number."""
    short = digits.lstrip("0") or "0"
    forms = (prefix + digits, f"{prefix}-{digits}", prefix + short.zfill(_PADDED), f"{prefix}-{short}", prefix + short)
    return tuple(dict.fromkeys(form.upper() for form in forms))


def slips(key: str) -> tuple[str, ...]:
    """What a key may have been meant to be: two digits swapped, one too many, or one missing."""
    found = re.fullmatch(r"(.*?)(\d+)", key)
    if not found:
        return ()
    prefix, digits = found.groups()
    swapped = (digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :] for at in range(len(digits) - 1))
    short = (digits[:at] + digits[at + 1 :] for at in range(len(digits)) if len(digits) > 1)
    long = (digits[:at] + "0" + digits[at:] for at in range(len(digits)))
    return tuple(dict.fromkeys(prefix + one for one in (*swapped, *short, *long) if one != digits))


def _shown(inside: str, label: str) -> str:
    if inside.startswith(("http://", "https://")):
        return f" {inside} "
    if inside.startswith("mailto:"):
        return f" {inside.removeprefix('mailto:')} "
    if inside[:1] in "@#!":
        return f" {inside[:1]}{label or inside[1:]} " if inside[0] != "@" else f" <@{inside[1:]}> "
    return f"<{inside}>"


def _verb(text: str) -> tuple[str, str, str]:
    """The first word that says what to do, and what stands after it."""
    weak: tuple[str, str, str] | None = None
    for found in re.finditer(r"\S+", text):
        word = found.group().strip(_EDGES).lower() or found.group()
        after = text[found.end() :]
        if word in KNOWN:
            return KNOWN[word], word, after
        if word in WEAK and (weak is None or WEAK[word] == "mine"):
            weak = (WEAK[word], word, after)
    return weak or ("", "", "")


def _tokens(text: str) -> Iterator[str]:
    for word in text.split():
        stripped = word.strip(_EDGES).lower()
        if stripped:
            yield stripped


def _closest(words: tuple[str, ...]) -> tuple[str, str]:
    """The verb that one of the first words is closest to, and that word."""
    for word in words[:3]:
        near = difflib.get_close_matches(word, [*KNOWN], n=1, cutoff=_ALIKE)
        if near and len(word) > 2:
            return KNOWN[near[0]], word
    return "", words[0] if words else ""


def _without_tickets(text: str) -> str:
    return _KEY.sub(lambda found: found.group() if _is_no_key(found) else " ", _URL.sub(" ", _REF.sub(" ", text)))


def _all_named(text: str) -> Iterator[tuple[int, Named]]:
    for found in _REF.finditer(text):
        yield found.start(), Named(found.group(), (found.group(),))
    addresses = list(_URL.finditer(text))
    for found in addresses:
        yield found.start(), _in_address(found.group().rstrip(".,;:!?)"))
    covered = [found.span() for found in (*addresses, *_REF.finditer(text))]
    for found in _KEY.finditer(text):
        inside = any(start <= found.start() < end for start, end in covered)
        if not inside and not _is_no_key(found):
            yield found.start(), Named(found.group().strip(" #"), spelt(found["prefix"], found["digits"]))


def _is_no_key(found: re.Match[str]) -> bool:
    """Words before a number, such as in `the last 30 days`; LOOP-42 and loop42 are keys all the same."""
    word = found["prefix"].lower()
    return (found["gap"].isspace() or found["gap"] == "") and (
        word in FILLER or (found["gap"] != "" and (word in KNOWN or word in WEAK))
    )


def _in_address(url: str) -> Named:
    """What an address of a ticket tells: the key in it, or the id of the row."""
    whole = unquote(unquote(url))
    parts = urlsplit(whole)
    values = [value for _, value in parse_qsl(parts.query)]
    pieces = [parts.path.rpartition("/")[2], *values, *re.split(r"[/?&=#]", whole)]
    keys: list[str] = []
    for piece in pieces:
        found = _KEY.fullmatch(piece)
        if found and not _is_no_key(found):
            keys += [piece.upper(), *spelt(found["prefix"], found["digits"])]
    return Named(url, tuple(dict.fromkeys(keys)), tuple(dict.fromkeys(_IDENT.findall(whole.lower()))))
