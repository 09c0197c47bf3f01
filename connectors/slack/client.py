"""slack_sdk's client on our own session: it builds the calls and reads the answers, the policy of loopbot.http holds.

Left to itself slack_sdk sends by urllib: redirects are followed, no size or total time is kept, and a lost POST is sent
once more. This module imports slack_sdk; import it only where Slack is used.
"""

import logging
import ssl
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
import requests
from slack_sdk import WebClient

from loopbot.domain.errors import BrokenAnswer, SystemTrouble, Unauthorized
from loopbot.http.policy import LOOPBACK, PolicyAdapter

_OPEN = "apps.connections.open"
_PAUSE = 15.0
# Where Slack's sockets are, besides the host of the Web API itself.
_SOCKETS = (".slack.com", ".slack-gov.com")


class PolicyWebClient(WebClient):
    """A WebClient whose every call goes through a session with a PolicyAdapter, once; raises its errors and SlackApiError."""

    def __init__(
        self, session: requests.Session, adapter: PolicyAdapter, *, base_url: str, token: str | None, ca: str | None
    ) -> None:
        # Its DEBUG lines hold whole messages and answers.
        log = logging.getLogger("slack_sdk")
        log.setLevel(logging.WARNING)
        context = ssl.create_default_context(cafile=ca) if ca else None
        super().__init__(token, base_url, ssl=context, retry_handlers=[], logger=log)
        self.proxy = None
        self._host = (urlsplit(base_url).hostname or "").lower()
        self._session, self._pacing, self._system = session, adapter.pacing, adapter.policy.system

    def _perform_urllib_http_request(self, *, url: str, args: dict[str, dict[str, Any]]) -> dict[str, Any]:
        if not url.endswith(_OPEN):
            return self._sent(url, args)[0]
        # While there is no socket, the library asks for one every two seconds; Slack allows about one a minute.
        path = urlsplit(url).path
        try:
            answer, said = self._sent(url, args)
        except SystemTrouble:
            self._pacing.closed("POST", path, _PAUSE)
            raise
        if not said.get("ok"):
            self._pacing.closed("POST", path, _PAUSE)
        else:
            self._allowed(str(said.get("url", "")))
        return answer

    def _allowed(self, url: str) -> None:
        """A socket is opened to Slack, or to where its Web API is; without encryption on this machine alone."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if host != self._host and not host.endswith(_SOCKETS):
            why = f"{_OPEN} names a socket at {host or 'no host'}, which is not Slack's"
            raise Unauthorized(self._system, why, "is base_url right, and does nobody stand between?")
        if parts.scheme != "wss" and host not in LOOPBACK:
            raise Unauthorized(self._system, f"{_OPEN} names a socket without encryption")

    def _sent(self, url: str, args: dict[str, dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
        headers = dict(args["headers"])
        if args["json"]:
            body = orjson.dumps(args["json"])
            headers["Content-Type"] = "application/json; charset=utf-8"
        else:
            body = urlencode(args["params"] or {}).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        response = self._session.post(url, data=body, headers=headers, allow_redirects=False)
        said = self._read(response, url)
        text = response.content.decode("utf-8", "replace")
        return {"status": response.status_code, "headers": response.headers, "body": text}, said

    def _read(self, response: requests.Response, url: str) -> dict[str, Any]:
        try:
            said = orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            raise BrokenAnswer(
                self._system, f"the answer to {urlsplit(url).path} is not whole JSON: {error}"
            ) from error
        if not isinstance(said, dict):
            raise BrokenAnswer(self._system, f"the answer to {urlsplit(url).path} is no JSON object")
        return said
