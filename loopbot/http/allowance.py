"""What servers say about the calls they still allow, before they refuse any: so that loopbot slows down in time.

Three forms are read, under `X-RateLimit-*`: a window that is filled again at a moment (GitHub: epoch seconds; Jira Cloud: an
ISO time; ServiceNow: epoch seconds), and a bucket filled at a rate (Jira Data Center: Interval-Seconds, FillRate). GitLab
tells a window under `RateLimit-*`, in epoch seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Below this share of what a window or bucket holds, calls are spread out over the time until it is filled again.
LOW = 0.1
_FARTHEST = 3600.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many calls are left of `limit` until `seconds` from now; `gap` is how far apart calls should be until then."""

    scope: str
    remaining: int
    limit: int
    seconds: float
    gap: float = 0.0


def server_time(headers: Mapping[str, str], ours: datetime) -> datetime:
    """The server's own time, by its Date header: its stamps are compared with that, never with our clock."""
    try:
        there = parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError):
        return ours
    return there if there.tzinfo else there.replace(tzinfo=UTC)


def reset_in(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds until the limit is filled again, by `X-RateLimit-Reset` or GitLab's name; `now` is the server's time."""
    raw = (_told(headers, "Reset") or "").strip()
    if not raw:
        return None
    try:
        when = datetime.fromtimestamp(float(raw), UTC) if _is_number(raw) else datetime.fromisoformat(raw)
    except (ValueError, OverflowError, OSError):
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    seconds = (when - now).total_seconds()
    return seconds if -_FARTHEST <= seconds <= 24 * _FARTHEST else None


def allowance(headers: Mapping[str, str], endpoint: str, now: datetime) -> Allowance | None:
    """What is left by these headers; None where they do not say, or not until when."""
    remaining, limit = _number(_told(headers, "Remaining")), _number(_told(headers, "Limit"))
    if remaining is None or not limit:
        return None
    every, fill = _number(headers.get("X-RateLimit-Interval-Seconds")), _number(headers.get("X-RateLimit-FillRate"))
    low = remaining <= max(limit * LOW, 1)
    if every and fill:
        # A bucket is the account's, whatever it calls.
        return Allowance("", remaining, limit, float(every), every / fill if low else 0.0)
    seconds = reset_in(headers, now)
    if seconds is None or seconds <= 0:
        return None
    seconds = min(seconds, _FARTHEST)
    # GitHub counts by resource, GitLab by the name of its throttle, Jira Cloud by endpoint.
    scope = headers.get("X-RateLimit-Resource") or headers.get("RateLimit-Name") or endpoint
    return Allowance(scope, remaining, limit, seconds, seconds / (remaining + 1) if low else 0.0)


def nothing_left(headers: Mapping[str, str]) -> bool:
    """Whether the server says outright that no call is left."""
    return _told(headers, "Remaining") == "0"


def _told(headers: Mapping[str, str], what: str) -> str | None:
    return headers.get(f"X-RateLimit-{what}") or headers.get(f"RateLimit-{what}")


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdecimal() and len(text) < 12 else None


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()
