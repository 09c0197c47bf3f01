"""The calls to one Jira: the library and the plain endpoints, both over one policy.

The library `jira` serves the small reads it does right. Its own session retries writes, so its transport is replaced by the
policy's; searching, creating and whatever it answers without the reason go to the endpoint itself.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import orjson

from connectors.jira.settings import Flavour, Settings
from loopbot.domain.errors import BrokenAnswer, Rejected, Unauthorized
from loopbot.http import Answer, Limits, Wire
from loopbot.http.wire import parsed, said
from loopbot.ports import Budget, Surroundings

if TYPE_CHECKING:
    from jira import JIRA

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a write was answered: the status, the body, and what it says where it is a refusal."""

    status: int
    body: Any
    says: str = ""

    @property
    def refused(self) -> bool:
        """Whether Jira said no."""
        return self.status >= 400


class Client:
    """One Jira. Nothing is called or imported before the first use."""

    def __init__(self, system: str, settings: Settings, surroundings: Surroundings) -> None:
        self.system, self.settings, self.clock = system, settings, surroundings.clock
        self._secrets = surroundings.secrets
        limits = Limits(settings.seconds_between_calls, settings.calls_per_hour, allotments=surroundings.allotments)
        self._wire = Wire(
            system,
            settings.base_url,
            clock=surroundings.clock,
            chance=surroundings.chance,
            limits=limits,
            ca=settings.ca,
        )
        self._lock = threading.RLock()
        self._ready = False
        self._library: JIRA | None = None
        self._introduced = False
        self._flavour: Flavour | None = None if settings.flavour == "auto" else settings.flavour

    @property
    def flavour(self) -> Flavour:
        """Cloud or Data Center; asked of the server once where the settings leave it open."""
        with self._lock:
            if self._flavour is None:
                host = urlsplit(self.settings.base_url).hostname or ""
                if host.endswith((".atlassian.net", ".jira.com")):
                    self._flavour = "cloud"
                else:
                    body = mapping(self.system, self.wire.get("/rest/api/2/serverInfo").body, "serverInfo")
                    self._flavour = "cloud" if body.get("deploymentType") == "Cloud" else "datacenter"
            return self._flavour

    @property
    def cloud(self) -> bool:
        """Whether it is Cloud."""
        return self.flavour == "cloud"

    @property
    def api(self) -> str:
        """The path of the API: version 3 takes documents, version 2 wiki markup."""
        return "/rest/api/3" if self.cloud else "/rest/api/2"

    @property
    def wire(self) -> Wire:
        """The wire, with the credentials on it."""
        with self._lock:
            if not self._ready:
                token = self._secrets.resolve(self.settings.token)
                if self.settings.email:
                    self._wire.session.auth = (self.settings.email, token)
                else:
                    self._wire.session.headers["Authorization"] = f"Bearer {token}"
                # Cloud and Data Center refuse some writes as forged where this is missing.
                self._wire.session.headers["X-Atlassian-Token"] = "no-check"
                self._ready = True
            return self._wire

    @property
    def calls(self) -> int:
        """How many calls went out."""
        return self._wire.calls

    @property
    def budget(self) -> Budget:
        """How calls stand."""
        return self._wire.pacing.budget()

    @property
    def skew(self) -> float:
        """Seconds the server's clock is ahead of ours; 0 before the first answer."""
        return self._wire.skew or 0.0

    @property
    def now_there(self) -> datetime | None:
        """What time it is by its own clock, counted on from its last answer; None before the first."""
        return self._wire.now_there

    @property
    def shut(self) -> bool:
        """Whether our credentials were refused, and have not been proven since."""
        return self._wire.adapter.shut

    def knock(self) -> None:
        """Ask who we are. Raises SystemTrouble."""
        self._wire.adapter.prove(lambda: self.get("/myself"))

    @property
    def behind(self) -> float:
        """The furthest the server's clock was ever behind ours, in seconds, 0 or less."""
        return self._wire.behind

    def introduce(self) -> None:
        """Read what server it is, where no answer of its has come yet."""
        if not self._introduced:
            self.get("/serverInfo")
            self._introduced = True

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """Read an endpoint under the API's path."""
        return self.known(self.wire.get(self.api + path, params))

    def peek(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """Read what may not be there; None where it is not."""
        try:
            return self.get(path, params)
        except Rejected as refusal:
            if refusal.status == 404:
                return None
            raise

    def ask(self, path: str, body: object) -> Any:
        """A read that is a POST."""
        return self.known(self.wire.ask(self.api + path, body))

    def known(self, answer: Answer) -> Any:
        """The body, unless it was given to nobody: with a bad token Jira may answer as to a stranger, with fewer rows."""
        self._as_ourselves(answer.headers)
        return answer.body

    def _as_ourselves(self, headers: Mapping[str, str]) -> None:
        """Raise Unauthorized for an answer that was given to nobody."""
        reason = headers.get("X-Seraph-LoginReason", "")
        if "AUTHENTICATED_FAILED" in reason or "AUTHENTICATION_DENIED" in reason:
            self._wire.adapter.shut = True
            raise Unauthorized(
                self.system, f"Jira did not accept the credentials ({reason})", "check the token, and log in once"
            )

    def write(self, method: str, path: str, body: object, params: Mapping[str, str] | None = None) -> Reply:
        """Write, once; a refusal comes back with its whole body. Raises Transient, Uncertain, Unauthorized."""
        response = self.wire.session.request(
            method,
            f"{self._wire.base_url}{self.api}{path}",
            params=params,
            data=orjson.dumps(body),
            headers={"Accept": "application/json", "Content-Type": "application/json"},
            allow_redirects=False,
        )
        if response.status_code >= 400:
            # What a stranger may not do is no refusal of this one thing.
            self._as_ourselves(response.headers)
            return Reply(response.status_code, _lenient(response.content), said(response))
        return Reply(response.status_code, parsed(self.system, response))

    def library(self, use: Callable[["JIRA"], T]) -> T:
        """Ask through the library. Raises Rejected with Jira's own words, BrokenAnswer for what is not an answer."""
        jira = self._jira()
        from jira.exceptions import JIRAError

        try:
            return use(jira)
        except JIRAError as error:
            said_so = said(error.response) if error.response is not None else str(error.text)
            path = urlsplit(error.url or "").path
            status = error.status_code
            raise Rejected(self.system, f"{path} was answered {status}: {said_so}", status=status) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # The library reads answers without looking at their shape.
            raise BrokenAnswer(self.system, f"the answer is not what Jira says: {error}") from error

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._library is not None:
                self._library.close()  # type: ignore[no-untyped-call]
                self._library = None
            self._wire.close()

    def _jira(self) -> "JIRA":
        with self._lock:
            if self._library is None:
                self._library = self._built()
            return self._library

    def _built(self) -> "JIRA":
        wire, version = self.wire, "3" if self.cloud else "2"
        from jira import JIRA

        library = JIRA(
            server=self.settings.base_url,
            options={"rest_api_version": version, "check_update": False},
            get_server_info=False,
            max_retries=0,
            timeout=(5.0, 30.0),
        )
        # Its debug lines hold bodies and headers.
        logging.getLogger("jira").setLevel(logging.WARNING)
        session = library._session  # noqa: SLF001 - the library has no other way to be given a transport
        # The machine's netrc would replace our credentials; its proxies are used by the adapter.
        session.trust_env = False
        session.mount("https://", wire.adapter)
        session.mount("http://", wire.adapter)
        session.max_redirects = 0
        session.auth = wire.session.auth
        if "Authorization" in wire.session.headers:
            session.headers["Authorization"] = wire.session.headers["Authorization"]
        session.headers["User-Agent"] = "loopbot"
        # Constructed without asking for it, the library does not know the flavour and would answer None in silence.
        library.deploymentType = "Cloud" if self.cloud else "Server"
        return library


def _lenient(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def mapping(system: str, body: Any, what: str) -> Mapping[str, Any]:
    """The body, where it is an object; raises BrokenAnswer."""
    if not isinstance(body, Mapping):
        raise BrokenAnswer(system, f"{what} answered something that is not an object")
    return body


def rows(system: str, body: Any, name: str) -> list[Mapping[str, Any]]:
    """The list of objects under that name (or the body itself where name is empty); raises BrokenAnswer."""
    found = mapping(system, body, name).get(name) if name else body
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise BrokenAnswer(system, f"the answer holds no list {name!r}")
    return found
