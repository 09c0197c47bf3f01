"""Calls to Slack's Web API: one place where a failure becomes what to do next."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from connectors.slack.refusals import trouble_of
from connectors.slack.settings import SlackSettings
from loopbot.domain.errors import BrokenAnswer, Rejected, Transient, Unauthorized, Uncertain, shut_out
from loopbot.http import Breaker, Pacing, Policy, PolicyAdapter, policy_session, shared
from loopbot.http.policy import PERHAPS
from loopbot.http.wire import said
from loopbot.ports import Budget, Surroundings

if TYPE_CHECKING:
    from slack_sdk.web import SlackResponse

    from connectors.slack.client import PolicyWebClient

Json = dict[str, Any]
_MOST_PAGES = 200
# Where a response_url may lead, besides the host of the Web API itself.
_HOOKS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})


class Calls:
    """The Web API under one policy. Nothing is sent twice: what may be tried again is said by the error."""

    def __init__(self, system: str, settings: SlackSettings, surroundings: Surroundings) -> None:
        self.system = system
        self._settings, self._surroundings = settings, surroundings
        host = urlsplit(settings.base_url).hostname or ""
        pacing = Pacing(
            system,
            surroundings.clock,
            surroundings.chance,
            interval=settings.seconds_between_calls,
            per_hour=settings.calls_per_hour,
            breaker=Breaker(surroundings.clock, surroundings.chance),
            share=shared(system, surroundings.clock, surroundings.allotments, settings.calls_per_hour),
        )
        policy = Policy(system, frozenset({host, *_HOOKS}), verify=settings.ca or True)
        self._adapter = PolicyAdapter(policy, pacing, surroundings.clock)
        self._session = policy_session(self._adapter)
        self._client: PolicyWebClient | None = None

    @property
    def budget(self) -> Budget:
        """How calls stand."""
        return self._adapter.pacing.budget()

    @property
    def skew(self) -> float | None:
        """How many seconds Slack's clock is ahead of ours, by its last answer."""
        return self._adapter.tally.skew

    @property
    def now_there(self) -> datetime | None:
        """What time it is by its own clock, counted on from its last answer; None before the first."""
        return self._adapter.now_there

    @property
    def shut(self) -> bool:
        """Whether our credentials were refused before Slack itself could answer, and have not been proven since."""
        return self._adapter.shut

    def knock(self) -> None:
        """Ask who we are. Raises SystemTrouble."""
        self._adapter.prove(self.whoami)

    @property
    def behind(self) -> float:
        """The furthest Slack's clock was ever behind ours, in seconds, 0 or less."""
        return self._adapter.tally.behind

    def client(self, *, anonymous: bool = False) -> "PolicyWebClient":
        """slack_sdk's client on our session; an anonymous one holds no token."""
        from connectors.slack.client import PolicyWebClient

        if self._client is None:
            self._client = self._made(self._surroundings.secrets.resolve(self._settings.token))
        if anonymous:
            return self._made(None)
        made: PolicyWebClient = self._client
        return made

    def _made(self, token: str | None) -> "PolicyWebClient":
        from connectors.slack.client import PolicyWebClient

        return PolicyWebClient(
            self._session, self._adapter, base_url=self._settings.base_url, token=token, ca=self._settings.ca
        )

    def read(self, method: str, **arguments: object) -> Json:
        """A method that changes nothing, or may be repeated. Raises Transient, Unauthorized, Rejected."""
        return self._data(self._call(method, arguments, writes=False))

    def write(self, method: str, arguments: Mapping[str, object]) -> Json:
        """A method whose repetition would be seen. Raises Transient (not done), Uncertain, Rejected, Unauthorized."""
        return self._data(self._call(method, arguments, writes=True))

    def pages(self, method: str, field: str, **arguments: object) -> Iterator[list[Json]]:
        """The pages of a listing; a short or an empty page is not the end, only the absent cursor is."""
        cursor = ""
        for _ in range(_MOST_PAGES):
            said = self.read(
                method, limit=self._settings.page_size, **arguments, **({"cursor": cursor} if cursor else {})
            )
            rows = said.get(field)
            if not isinstance(rows, list):
                raise Transient(self.system, f"the answer to {method} holds no {field}")
            yield rows
            following = str((said.get("response_metadata") or {}).get("next_cursor") or "")
            if not following:
                return
            if following == cursor:
                raise Transient(self.system, f"{method} repeats a page")
            cursor = following
        raise Transient(self.system, f"{method} does not end after {_MOST_PAGES} pages", "raise page_size")

    def whoami(self) -> tuple[Json, frozenset[str]]:
        """Who the bot token is (auth.test), and the scopes it has."""
        answer = self._call("auth.test", {}, writes=False)
        headers = {str(name).lower(): str(value) for name, value in answer.headers.items()}
        scopes = (one.strip() for one in headers.get("x-oauth-scopes", "").split(","))
        return self._data(answer), frozenset(one for one in scopes if one)

    def respond(self, url: str, body: Json) -> None:
        """Say something to a response_url. Raises as a write does; elsewhere than at Slack nothing is ever sent."""
        response = self._session.post(url, json=body, allow_redirects=False)
        if response.status_code >= 400:
            why = f"a response_url was answered {response.status_code}: {said(response)}"
            raise Rejected(self.system, why, status=response.status_code)

    def socket_address(self, app_token: str) -> str:
        """The address of a socket (apps.connections.open), by the app-level token."""
        return str(self._data(self._call("apps.connections.open", {"token": app_token}, writes=False)).get("url", ""))

    def close(self) -> None:
        """Close the connections."""
        self._adapter.pacing.leave()
        self._session.close()

    def _call(self, method: str, arguments: Mapping[str, object], *, writes: bool) -> "SlackResponse":
        from slack_sdk.errors import SlackApiError

        client = self.client()
        try:
            if writes:
                return client.api_call(method, json=dict(arguments))
            return client.api_call(method, params=dict(arguments))
        except SlackApiError as error:
            raise trouble_of(self.system, method, _said(error.response), writes=writes) from error
        except Uncertain as error:
            if writes:
                raise
            raise repeatable(error) from error
        except BrokenAnswer as error:
            if writes:
                raise Uncertain(self.system, error.why) from error
            raise Transient(self.system, error.why) from error
        except Unauthorized as error:
            raise Unauthorized(self.system, error.why, error.hint or "`loopbot check`") from error
        except requests.RequestException as error:
            raise self._unknown(method, error, writes=writes) from error

    def _unknown(self, method: str, error: Exception, *, writes: bool) -> Transient | Uncertain:
        what = f"{method}: {type(error).__name__}"
        return Uncertain(self.system, what) if writes else Transient(self.system, what)

    def _data(self, answer: "SlackResponse") -> Json:
        data = answer.data
        return data if isinstance(data, dict) else {}


def repeatable(error: Uncertain | BrokenAnswer, after: float | None = None) -> Unauthorized | Transient:
    """What an answer that was lost means for a call that does no harm when it is made again, in `after` seconds."""
    read = replace(error, why=error.why.removesuffix(PERHAPS))
    return shut_out(read) or Transient(error.system, read.why, error.hint, after=after)


def _said(response: Any) -> Mapping[str, Any]:
    data = getattr(response, "data", response)
    return data if isinstance(data, dict) else {}
