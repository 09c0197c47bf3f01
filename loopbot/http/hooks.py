"""What every webhook verifier needs: comparing without telling how much was right, times, JSON from a stranger."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from loopbot.ports import Hint, Hook, Refusal

AHEAD = timedelta(minutes=15)
"""How far the clock of a sender may be ahead of ours."""


def same(given: str, expected: str) -> bool:
    """Whether two texts are the same, in a time that does not depend on where they differ; any characters may come."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass"))


def signed(secret: str, body: bytes, signature: str) -> bool:
    """Whether `sha256=...` is the HMAC of these very bytes."""
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return same(signature.strip().lower(), f"sha256={expected}")


def digest(body: bytes) -> str:
    """A name for these bytes: what was not signed, such as a header, can not change it."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def json_of(body: bytes) -> Mapping[str, Any] | None:
    """The object in a body; None for anything else."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return told if isinstance(told, dict) else None


def inner(told: Mapping[str, Any] | None, *path: str) -> Any:
    """What is at that place, None where there is nothing."""
    found: Any = told
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def moment_of(milliseconds: object) -> datetime | None:
    """A time in milliseconds since 1970; None where it is none."""
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def stale(sent_at: datetime, now: datetime, late: timedelta) -> str:
    """Why a webhook sent then is not taken now: it is older than `late`, or from the future; "": it is taken."""
    if sent_at < now - late:
        return f"it was sent {now - sent_at} ago, longer than {late} is not taken"
    if sent_at > now + AHEAD:
        return f"it says it was sent {sent_at - now} from now: a clock is wrong"
    return ""


class TokenHooks:
    """Webhooks that show a shared secret in a header, and say nothing else that is taken: streams are read early.

    For systems whose connector verifies none itself. `tolerant` is for a sender that switches its webhook off when it is
    refused, as GitLab does: it is answered as if its webhook had been taken.
    """

    def __init__(self, header: str, secret: str, streams: tuple[str, ...], *, tolerant: bool) -> None:
        self._header, self._secret, self._streams, self._tolerant = header.lower(), secret, streams, tolerant

    def verify(self, headers: Mapping[str, str], body: bytes) -> Hook | Refusal:
        """Compare the secret."""
        if not same(headers.get(self._header, ""), self._secret):
            return Refusal(f"its {self._header} is not the configured secret", self._tolerant)
        return Hook((digest(body),), tuple(Hint(stream) for stream in self._streams))
