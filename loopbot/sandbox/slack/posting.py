"""HTTP mode: what a socket would carry goes to the app's request URL instead, signed, one request each."""

import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final
from urllib.parse import urlencode

import orjson
import requests

from loopbot.sandbox.slack.signing import signed_request
from loopbot.sandbox.slack.sockets import Envelope, EnvelopeType, NotAcknowledgedError
from loopbot.sandbox.slack.workspace import Json

FORM: Final = "application/x-www-form-urlencoded"
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class Requests:
    """Stands where the sockets stand; an answer of 200 is the ack, and what it holds the response."""

    def __init__(self, url: str, signing_secret: str) -> None:
        self.url, self._secret = url, signing_secret
        self.envelopes: dict[str, Envelope] = {}
        self.statuses: list[int] = []
        self._session = requests.Session()

    def push(self, kind: EnvelopeType, payload: Json, *, accepts_response_payload: bool = False) -> Envelope:
        """Send it once, in the background."""
        envelope = Envelope(str(uuid.uuid4()), kind, payload, accepts_response_payload)
        self.envelopes[envelope.id] = envelope
        self._send(envelope, "")
        return envelope

    def redeliver(self, envelope: Envelope, reason: str = "http_timeout") -> None:
        """The same again, under a fresh stamp and signature."""
        self._send(envelope, reason)

    def settle(self, envelope: Envelope, within: float) -> None:
        """Wait for the answer."""
        if not envelope.wait(within):
            raise NotAcknowledgedError(f"{envelope.type} request {envelope.id}: no answer within {within} s")

    def count(self) -> int:
        """There is always a way."""
        return 1

    def body_of(self, envelope: Envelope) -> tuple[bytes, str]:
        """The bytes of the request and their type."""
        if envelope.type == "slash_commands":
            return urlencode(envelope.payload).encode(), FORM
        if envelope.type == "interactive":
            return urlencode({"payload": orjson.dumps(envelope.payload).decode()}).encode(), FORM
        return orjson.dumps(envelope.payload), "application/json"

    def post(
        self, body: bytes, kind: str, at: datetime | None = None, headers: Mapping[str, str] = NO_HEADERS
    ) -> requests.Response:
        """One signed request as it stands; `headers` replace those that Slack would send."""
        sent = signed_request(self._secret, body, at=at, content_type=kind) | dict(headers)
        answer = self._session.post(self.url, data=body, headers=sent, timeout=10, allow_redirects=False)
        self.statuses.append(answer.status_code)
        return answer

    def _send(self, envelope: Envelope, reason: str) -> None:
        envelope.sent += 1
        again = {"X-Slack-Retry-Num": str(envelope.sent - 1), "X-Slack-Retry-Reason": reason} if reason else {}
        threading.Thread(target=self._carry, args=(envelope, again), name="twin-request", daemon=True).start()

    def _carry(self, envelope: Envelope, headers: dict[str, str]) -> None:
        body, kind = self.body_of(envelope)
        at = datetime.now(UTC) + timedelta(seconds=envelope.sent - 1)
        answer = self.post(body, kind, at=at, headers=headers)
        if answer.status_code == 200:
            told = answer.text.strip()
            envelope.acked({"payload": orjson.loads(told)} if told.startswith("{") else {})
