"""A wire to one system: JSON in, JSON out, every failure as what to do next."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import orjson
import requests

from loopbot.domain.errors import BrokenAnswer, Rejected, Transient
from loopbot.domain.redaction import scrubbed
from loopbot.http.breaker import Breaker
from loopbot.http.pacing import Pacing
from loopbot.http.policy import READS, Policy, PolicyAdapter, policy_session
from loopbot.http.sharing import shared
from loopbot.ports import Allotments, Clock

Params = Mapping[str, str | int]
_TRIES = 3
# Of what a refusal says; far more than is kept of it.
_LOOKED_AT = 65_536
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the parsed body (None where there is none) and the headers."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Limits:
    """A system's own numbers: seconds between calls, calls an hour (0: no limit), seconds to connect, read and finish.

    After `breaks` failures of the host in a row it is left alone, at first for `breaks_for` seconds (0 failures: never).
    With `allotments` the calls an hour are one budget for all nodes of a fleet.
    """

    interval: float = 0.0
    per_hour: int = 0
    connect: float = 5.0
    read: float = 30.0
    deadline: float = 60.0
    breaks: int = 5
    breaks_for: float = 5.0
    allotments: Allotments | None = None


class Wire:
    """Calls to one system under one policy. Reads are tried again up to three times, writes never.

    `base_url` may have a context path; `auth` is put on the session (requests' own forms). `allow` names further hosts.
    """

    def __init__(
        self,
        system: str,
        base_url: str,
        *,
        clock: Clock,
        chance: random.Random,
        limits: Limits | None = None,
        ca: str | None = None,
    ) -> None:
        limits = limits or Limits()
        parts = urlsplit(base_url)
        self.system = system
        self.base_url = base_url.rstrip("/")
        breaker = Breaker(clock, chance, after=limits.breaks, first=limits.breaks_for) if limits.breaks else None
        share = shared(system, clock, limits.allotments, limits.per_hour)
        self.pacing = Pacing(
            system, clock, chance, interval=limits.interval, per_hour=limits.per_hour, breaker=breaker, share=share
        )
        policy = Policy(
            system,
            frozenset({parts.hostname or ""}),
            connect=limits.connect,
            read=limits.read,
            deadline=limits.deadline,
            verify=ca or True,
        )
        self.adapter = PolicyAdapter(policy, self.pacing, clock)
        self.session = policy_session(self.adapter)
        self._clock, self._chance = clock, chance

    @property
    def calls(self) -> int:
        """How many calls went out on this wire."""
        return self.adapter.tally.calls

    @property
    def skew(self) -> float | None:
        """How many seconds the server's clock is ahead of ours, by its last answer."""
        return self.adapter.tally.skew

    @property
    def now_there(self) -> datetime | None:
        """What time it is by its own clock, counted on from its last answer; None before the first."""
        return self.adapter.now_there

    @property
    def behind(self) -> float:
        """The furthest the server's clock was ever behind ours, in seconds, 0 or less."""
        return self.adapter.tally.behind

    def get(self, path: str, params: Params | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Read. Raises Transient after three tries, Unauthorized, Rejected (4xx), BrokenAnswer."""
        return self._again("GET", path, params, None, headers)

    def ask(self, path: str, body: object) -> Answer:
        """A read that is a POST (a search): tried again like one."""
        return self._again("POST", path, None, body, None)

    def send(self, method: str, path: str, body: object = None, params: Params | None = None) -> Answer:
        """Write, once. Raises Transient (not done), Uncertain (perhaps done), Rejected (4xx), Unauthorized."""
        if method in READS:
            message = f"{method} is not a write"
            raise ValueError(message)
        return self._call(method, path, params, body, None)

    def close(self) -> None:
        """Close the connections."""
        self.pacing.leave()
        self.session.close()

    def patiently(self, call: Callable[[], _T]) -> _T:
        """Make a call that only reads, up to three times; also for vendor libraries that speak on this session."""
        from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

        retrying = Retrying(
            stop=stop_after_attempt(_TRIES),
            wait=wait_random_exponential(multiplier=0.5, max=4),
            retry=retry_if_exception(_soon),
            sleep=self._clock.sleep,
            reraise=True,
        )
        return retrying(call)

    def _again(
        self, method: str, path: str, params: Params | None, body: object, headers: Mapping[str, str] | None
    ) -> Answer:
        return self.patiently(lambda: self._call(method, path, params, body, headers))

    def _call(
        self,
        method: str,
        path: str,
        params: Params | None,
        body: object,
        headers: Mapping[str, str] | None,
    ) -> Answer:
        sent = {"Accept": "application/json", **(headers or {})}
        data = None
        if body is not None:
            data = orjson.dumps(body)
            sent["Content-Type"] = "application/json"
        response = self.session.request(
            method,
            f"{self.base_url}{path}",
            params=dict(params) if params else None,
            data=data,
            headers=sent,
            allow_redirects=False,
        )
        if response.status_code >= 400:
            status = response.status_code
            raise Rejected(self.system, f"{method} {path} was answered {status}: {said(response)}", status=status)
        return Answer(response.status_code, parsed(self.system, response), response.headers)


def parsed(system: str, response: requests.Response) -> Any:
    """The JSON body; raises BrokenAnswer where it is cut, not JSON, or nested absurdly."""
    if not response.content:
        return None
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        path = urlsplit(response.url).path
        raise BrokenAnswer(system, f"the answer to {path} is not whole JSON: {error}") from error


def said(response: requests.Response) -> str:
    """What a refusal says, in one line: the vendors' own error fields where they are there."""
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return " ".join(scrubbed(response.text[:_LOOKED_AT]).split())[:200]
    found: list[str] = []
    _collect(body, found, 0)
    return scrubbed("; ".join(dict.fromkeys(found))[:_LOOKED_AT])[:500] or "no reason given"


def _collect(body: Any, found: list[str], depth: int) -> None:
    if depth > 4:
        return
    if isinstance(body, dict):
        for name, value in body.items():
            if isinstance(value, str) and name not in {"status", "link", "self", "documentation_url"}:
                plain = name in {"message", "detail", "error", "error_description", "errorMessage"}
                found.append(value if plain else f"{name}: {value}")
            else:
                _collect(value, found, depth + 1)
    elif isinstance(body, list):
        for value in body[:10]:
            if isinstance(value, str):
                found.append(value)
            else:
                _collect(value, found, depth + 1)


def _soon(error: BaseException) -> bool:
    return isinstance(error, Transient) and (error.after or 0) <= 5
