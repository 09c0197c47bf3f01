"""Secrets in texts: people paste tokens into tickets and errors quote headers; none of it may travel on.

Every text from outside passes `scrubbed` where it enters (texts.clean), so no rule, log line, journal or message ever
holds what was recognised. Known secrets, those of the configuration, are blotted out as well wherever loopbot speaks.
"""

import re

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


def scrubbed(text: str) -> str:
    """The text without what looks like a secret: vendors' tokens, private keys, passwords in addresses and assignments."""
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
