"""Signed requests: what Slack sends over HTTP instead of a socket, checked byte by byte before anything is read.

Source: docs.slack.dev/authentication/verifying-requests-from-slack: `v0=` and the HMAC-SHA256, under the signing secret, of
`v0:{X-Slack-Request-Timestamp}:{raw body}`, at most five minutes old. The SDK's own verifier raises on a stamp that is
no number and on a signature that is not ASCII, and takes the same request twice; this one refuses all three.
"""

import hashlib
import hmac
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from loopbot.ports import Clock, Reply

if TYPE_CHECKING:
    from slack_bolt import App

_FRESH: Final = 300
_REMEMBERED: Final = 20_000
_LONGEST_STAMP: Final = 12
_REFUSED: Final = Reply(401, "refused\n")


class SlackDoor:
    """Implements ports.ChatDoor for one app."""

    def __init__(self, app: "App", secret: str, clock: Clock) -> None:
        self._app, self._secret, self._clock = app, secret.encode(), clock
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def receive(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer one request; header names are in lower case. Never raises for anything a stranger may send."""
        if not self._signed(headers, body):
            return _REFUSED
        from slack_bolt import BoltRequest

        text = body.decode("utf-8", "replace")
        answer = self._app.dispatch(BoltRequest(body=text, headers={name: [value] for name, value in headers.items()}))
        kind = next(iter(answer.headers.get("content-type", [])), "text/plain; charset=utf-8")
        return Reply(answer.status, answer.body or "", kind)

    def _signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        stamp = headers.get("x-slack-request-timestamp", "")
        given = headers.get("x-slack-signature", "").encode("utf-8", "replace")
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= _LONGEST_STAMP):
            return False
        if abs(self._clock.now().timestamp() - int(stamp)) > _FRESH:
            return False
        digest = hmac.new(self._secret, b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(f"v0={digest}".encode(), given) and self._new(given)

    def _new(self, signature: bytes) -> bool:
        """Whether this very request did not come before: who records one can not play it again."""
        with self._lock:
            if signature in self._seen:
                return False
            self._seen[signature] = None
            while len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
            return True
