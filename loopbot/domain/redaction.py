"""Secrets in texts: people paste tokens into tickets and errors quote headers; none of it may travel on.

Every text from outside passes `scrubbed` where it enters (texts.clean), so no rule, log line, journal or message ever
holds what was recognised: secrets by their form, and those that loopbot itself was given, whatever they look like. The latter
are known to the whole process, as texts enter in many places and none of them may be forgotten. A text is cut after it was
scrubbed, never before: of a secret that lies across the cut a part would be left that nothing recognises.
"""

import base64
import json
import re
import threading
import weakref
from urllib.parse import quote, quote_plus

BLOT = "[secret]"
# What a text must contain for a closer look; most texts contain none of it.
_SIGNS = (
    *("xox", "xapp-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "ATATT", "AKIA", "ASIA", "eyJ"),
    *("AIza", "sk-", "sk_live_"),
)
_NAMES = ("password", "passwd", "pwd", "token", "secret", "api_key", "apikey", "signature", "sig")
# The forms of the vendors' own tokens.
_TOKEN = re.compile(
    r"\bxox[a-z]-[\w-]{8,}|\bxapp-[\w-]{8,}|\bgh[oprsu]_\w{16,}|\bgithub_pat_\w{16,}|\bglpat-[\w-]{16,}"
    r"|\bATATT[\w=+/-]{16,}|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|\bAIza[\w-]{35}"
    r"|\bsk-(?:proj-|ant-)?[A-Za-z0-9]{20,}|\bsk_live_\w{16,}"
)
_KEY_BEGINS, _KEY_ENDS = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----"), "PRIVATE KEY-----"
_IN_ADDRESS = re.compile(r"(?<=://)[^\s:@/]+:[^\s@/]+(?=@)")
_ASSIGNED = re.compile(rf"\b({'|'.join(_NAMES)})=(?!\[secret\])[^\s&\"'<>]{{4,}}", re.IGNORECASE)
# A word follows "basic" in prose; what follows in a header is long and has a digit.
_HEADER = re.compile(r"\b(bearer|basic)\s+(?=[\w.~+/=-]{0,200}\d)[\w.~+/=-]{12,}", re.IGNORECASE)


# What is shorter is no secret that could be told from a word.
SHORTEST = 6


class Known:
    """Secrets that somebody holds: left out of every text, in any form they are sent or shown in, as long as this lives."""

    def __init__(self) -> None:
        self._forms: frozenset[str] = frozenset()
        with _KNOWING:
            _HOLDERS.add(self)
        weakref.finalize(self, _gather).atexit = False

    def add(self, secret: str) -> None:
        """Know this one, too."""
        if len(secret) >= SHORTEST:
            self._forms |= _forms(secret)
            _gather()

    @property
    def forms(self) -> frozenset[str]:
        """All that is left out."""
        return self._forms


_HOLDERS: weakref.WeakSet[Known] = weakref.WeakSet()
_KNOWING = threading.RLock()
# The longest first: one may be a part of another.
_known: tuple[str, ...] = ()


def _gather() -> None:
    global _known  # noqa: PLW0603 - see the module: what is a secret is one thing for the whole process
    with _KNOWING:
        _known = tuple(sorted({form for one in _HOLDERS for form in one.forms}, key=lambda form: (-len(form), form)))


def _forms(secret: str) -> frozenset[str]:
    """As it is; as it stands in an address, a form, JSON, a Python text; and within base64, wherever it begins there."""
    raw = secret.encode("utf-8", "surrogatepass")
    shown = {secret, quote(raw, safe=""), quote(raw), quote_plus(raw), repr(secret)[1:-1], repr(raw)[2:-1]}
    shown |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    for before in range(3):
        # Its first and last characters there depend on what stands beside it.
        whole = base64.b64encode(bytes(before) + raw).decode()
        inner = whole[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
        shown |= {inner, inner.translate(str.maketrans("+/", "-_"))}
    return frozenset(form for form in shown if len(form) >= SHORTEST)


def scrubbed(text: str) -> str:
    """The text without secrets: those that are known, vendors' tokens, private keys, passwords in addresses and assignments."""
    for form in _known:
        if form in text:
            text = text.replace(form, BLOT)
    if any(sign in text for sign in _SIGNS):
        text = _TOKEN.sub(BLOT, text)
    if "://" in text and "@" in text:
        text = _IN_ADDRESS.sub(BLOT, text)
    lower = text.lower()
    if "=" in text and any(f"{name}=" in lower for name in _NAMES):
        text = _ASSIGNED.sub(lambda found: f"{found[1]}={BLOT}", text)
    if "bearer" in lower or "basic" in lower:
        text = _HEADER.sub(lambda found: f"{found[1]} {BLOT}", text)
    return _without_keys(text) if _KEY_ENDS in text else text


def _without_keys(text: str) -> str:
    """Private keys go from their first line to their last, or to the end where that was cut off."""
    kept, place = [], 0
    while found := _KEY_BEGINS.search(text, place):
        end = text.find(_KEY_ENDS, found.end())
        kept += [text[place : found.start()], BLOT]
        place = len(text) if end < 0 else end + len(_KEY_ENDS)
    return "".join([*kept, text[place:]])


def holds_secret(text: str) -> bool:
    """Whether a text is or contains a secret, by its form: a vendor's token, an address with a password."""
    return bool(_TOKEN.search(text) or _IN_ADDRESS.search(text))
