"""How an account proves itself: a password, a token, or OAuth client credentials whose token is fetched when needed."""

import math
import threading
from collections.abc import Callable

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from connectors.servicenow.settings import Settings
from loopbot.domain.errors import Unauthorized
from loopbot.domain.redaction import Known
from loopbot.http import Wire
from loopbot.http.wire import parsed, said
from loopbot.ports import Clock, Secrets

_MARGIN = 60.0
"""Seconds before its end at which a token is replaced: longer than a call takes."""


class Bearer(AuthBase):
    """Adds a token; `source` is asked for it at each request."""

    def __init__(self, source: Callable[[], str]) -> None:
        self._source = source

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with the token."""
        request.headers["Authorization"] = f"Bearer {self._source()}"
        return request


class ClientToken:
    """The token of an OAuth client, fetched when first needed and again before it runs out or once it is refused.

    Before: a write that is refused at the door has to be looked for, which takes longer than a new token. Safe for threads.
    """

    def __init__(self, wire: Wire, clock: Clock, client_id: str, secret: str) -> None:
        self._wire, self._clock, self._id, self._secret = wire, clock, client_id, secret
        self._token, self._ends = "", math.inf
        self._known = Known()
        self._lock = threading.Lock()

    def __call__(self) -> str:
        """The token; raises Unauthorized when the client is not accepted."""
        with self._lock:
            if not self._token or self._clock.monotonic() >= self._ends:
                self._token = self._wire.patiently(self._fetched)
            return self._token

    def refused(self, token: str) -> None:
        """Forget this token; one that another thread has fetched meanwhile is kept."""
        with self._lock:
            if self._token == token:
                self._token = ""

    def _fetched(self) -> str:
        asked = self._clock.monotonic()
        form = {"grant_type": "client_credentials", "client_id": self._id, "client_secret": self._secret}
        response = self._wire.session.request(
            "POST",
            f"{self._wire.base_url}/oauth_token.do",
            data=form,
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            auth=_as_it_is,
            allow_redirects=False,
        )
        answer = parsed(self._wire.system, response) if response.status_code < 400 else None
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            why = said(response) if response.status_code >= 400 else "no token in the answer"
            raise Unauthorized(
                self._wire.system, f"the OAuth client was not accepted: {why}", "check client_id and client_secret"
            )
        self._known = Known()
        self._known.add(token)
        self._ends = asked + _usable(answer.get("expires_in") if isinstance(answer, dict) else None)
        return token


def _usable(told: object) -> float:
    """For how many seconds to use a token of which that was told; without end, until it is refused, where it is not said."""
    seconds = float(told) if isinstance(told, int | float) or (isinstance(told, str) and told.isdecimal()) else 0.0
    return max(seconds - _MARGIN, seconds / 2) if seconds > 0 else math.inf


def put_on(wire: Wire, settings: Settings, secrets: Secrets, clock: Clock) -> ClientToken | None:
    """Let the wire's session prove itself; the OAuth token is returned so that it can be renewed."""
    if settings.client_id:
        token = ClientToken(wire, clock, settings.client_id, secrets.resolve(settings.client_secret))
        wire.session.auth = Bearer(token)
        return token
    if settings.token:
        fixed = secrets.resolve(settings.token)
        wire.session.auth = Bearer(lambda: fixed)
        return None
    # Bytes: requests would encode text as Latin-1, and instances read UTF-8.
    wire.session.auth = HTTPBasicAuth(settings.user.encode(), secrets.resolve(settings.password).encode())
    return None


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
