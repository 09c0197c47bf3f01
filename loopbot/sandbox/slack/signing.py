"""Signs a request the way Slack does in HTTP mode (v0: HMAC-SHA256 over stamp and raw body)."""

import hashlib
import hmac
from datetime import UTC, datetime


def signed_request(
    signing_secret: str,
    body: bytes,
    *,
    at: datetime | None = None,
    content_type: str = "application/x-www-form-urlencoded",
) -> dict[str, str]:
    """The headers Slack would send with this body; `at` moves the stamp."""
    stamp = str(int((at or datetime.now(UTC)).timestamp()))
    mark = hmac.new(signing_secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": content_type,
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={mark}",
    }
