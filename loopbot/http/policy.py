"""The policy as a transport adapter, so that it also holds for the libraries that bring their own client on our session."""

import logging
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import requests.adapters
import urllib3.exceptions

from loopbot.domain.errors import BrokenAnswer, Rejected, Transient, Unauthorized, Uncertain
from loopbot.http.allowance import nothing_left, server_time
from loopbot.http.connections import NotSentError, Passage, ask_before_sending, passage
from loopbot.http.pacing import Pacing, retry_after
from loopbot.permits import permitted_unless, refused
from loopbot.ports import Clock

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
READS = frozenset({"GET", "HEAD", "OPTIONS"})
# Said by what stands before the host, or by a host that is going down: the same for every call to it.
DOWN = frozenset({502, 503, 504})
# Said of a write alone: whoever knows better that it was a read takes it away.
PERHAPS = ": it may have been done"
log = logging.getLogger("loopbot.http")


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for every call to one system. Times in seconds; `hosts` are the only ones ever spoken to.

    `verify` is True or the path of a certificate bundle; it can not be switched off.
    """

    system: str
    hosts: frozenset[str]
    connect: float = 5.0
    read: float = 30.0
    deadline: float = 60.0
    most_bytes: int = 64 * 1024 * 1024
    verify: bool | str = True


@dataclass(slots=True)
class Tally:
    """What was sent to a system: calls, and how far its clock is from ours (seconds, from the Date header).

    `behind` is the furthest it was ever behind ours, 0 or less: what was sent before our clock was set is not older than that.
    `last` is what it said at its last answer, and when that was by the clock that never jumps.
    """

    calls: int = 0
    skew: float | None = None
    behind: float = 0.0
    last: tuple[datetime, float] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class PolicyAdapter(requests.adapters.HTTPAdapter):
    """Sends one request by the policy, or raises what to do next; it never sends a request twice."""

    def __init__(self, policy: Policy, pacing: Pacing, clock: Clock) -> None:
        super().__init__(max_retries=0, pool_connections=4, pool_maxsize=8)
        self.policy, self.pacing, self.clock = policy, pacing, clock
        self.tally = Tally()
        self.shut = False
        """Whether our credentials were refused there, and have not been proven since."""

    def prove(self, read: Callable[[], object]) -> None:
        """Make a call that is answered to us alone: where it is, the system is not shut any more. Raises what it raises."""
        with suppress(Rejected):  # let in, though not to this
            read()
        self.shut = False

    @property
    def now_there(self) -> datetime | None:
        """What time it is by the server's clock, however ours is set: counted on from its last answer; None before the first."""
        if self.tally.last is None:
            return None
        said, at = self.tally.last
        return said + timedelta(seconds=self.clock.monotonic() - at)

    def send(self, request: requests.PreparedRequest, *_args: Any, **_kwargs: Any) -> requests.Response:
        """One call. Raises Transient (not done), Uncertain (a write whose fate is unknown), Unauthorized, BrokenAnswer."""
        method, url = request.method or "GET", request.url or ""
        parts = urlsplit(url)
        self._allowed(parts.scheme, parts.hostname or "", parts.netloc)
        self.pacing.before(method, parts.path)
        writes = method not in READS and not _only_reads(parts.path)
        if writes and (why := refused()):
            raise self._not_sent(method, parts.path, why)
        self.tally.calls += 1
        response = self._sent(request, method, parts.path, writes=writes)
        self._answered(well=response.status_code not in DOWN)
        self._note(response)
        self.pacing.heed(method, parts.path, response.headers, server_time(response.headers, self.clock.now()))
        self._judge(response, method, parts.path, writes=writes)
        return response

    def _sent(self, request: requests.PreparedRequest, method: str, path: str, *, writes: bool) -> requests.Response:
        """The whole answer, within the deadline; raises what a call means that brought none."""
        with passage(self.policy.deadline) as way:
            try:
                with nullcontext() if writes else permitted_unless(str):
                    response = super().send(
                        request,
                        stream=True,
                        timeout=(self.policy.connect, self.policy.read),
                        verify=self.policy.verify,
                        proxies=requests.utils.get_environ_proxies(request.url or ""),
                    )
                self._take_body(response, way)
            except NotSentError as error:
                raise self._not_sent(method, path, str(error)) from None
            except UnicodeEncodeError:
                # What could not be written is the value of a header: it is not repeated, nor is the error that holds it.
                raise unsendable(self.policy.system) from None
            except (OSError, urllib3.exceptions.HTTPError) as error:  # all of requests' own errors are OSErrors
                self._answered(well=False)
                raise self._lost(error, way, f"{method} {path}", writes=writes) from error
            except BrokenAnswer:
                self._answered(well=True)
                raise
        return response

    def _answered(self, *, well: bool) -> None:
        breaker = self.pacing.breaker
        if breaker is None:
            return
        if well:
            breaker.succeeded()
        elif breaker.failed():
            _, seconds = breaker.state()
            log.warning("%s does not answer: left alone for %.0f s", self.policy.system, seconds)

    def _allowed(self, scheme: str, host: str, where: str) -> None:
        if host not in self.policy.hosts:
            raise Rejected(
                self.policy.system, f"{where} is not a host of this system", "only configured hosts are spoken to"
            )
        if scheme != "https" and host not in LOOPBACK:
            raise Rejected(self.policy.system, f"{where} would be reached without encryption", "use https")

    def _take_body(self, response: requests.Response, way: Passage) -> None:
        """Read the body within the size and the total deadline; a decompression bomb ends here."""
        chunks, size = [], 0
        try:
            for chunk in response.iter_content(65_536):
                size += len(chunk)
                self._weighed(size)
                way.within(None)
                chunks.append(chunk)
        except BaseException:
            response.close()
            raise
        response._content = b"".join(chunks)  # noqa: SLF001 - requests has no other way to hand over a body read in pieces

    def _weighed(self, size: int) -> None:
        if size > self.policy.most_bytes:
            limit = self.policy.most_bytes // (1024 * 1024)
            raise BrokenAnswer(self.policy.system, f"the answer is larger than {limit} MiB", "ask for smaller pages")

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Connections of our own; called by requests."""
        super().init_poolmanager(*args, **kwargs)
        ask_before_sending(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """The same through a proxy; called by requests."""
        manager = super().proxy_manager_for(*args, **kwargs)
        ask_before_sending(manager)
        return manager

    def _not_sent(self, method: str, path: str, why: str) -> Transient:
        return Transient(self.policy.system, f"{method} {path} was not sent: {why}")

    def _lost(self, error: Exception, way: Passage, what: str, *, writes: bool) -> Transient | Uncertain:
        what = f"{what}: {_reason(error, way)}"
        if writes and way.begun:
            return Uncertain(self.policy.system, f"the answer was lost: {what}")
        return Transient(self.policy.system, what)

    def _note(self, response: requests.Response) -> None:
        self.tally.headers = response.headers
        date = response.headers.get("Date")
        if date:
            try:
                there = parsedate_to_datetime(date)
                self.tally.skew = (there - self.clock.now()).total_seconds()
                self.tally.behind = min(self.tally.behind, self.tally.skew)
                self.tally.last = (there, self.clock.monotonic())
            except (ValueError, TypeError):
                self.tally.skew = None

    def _judge(self, response: requests.Response, method: str, path: str, *, writes: bool) -> None:
        status, system = response.status_code, self.policy.system
        what = f"{method} {path} was answered {status}"
        after = retry_after(response.headers, server_time(response.headers, self.clock.now()))
        if status == 429 and "per-issue" in response.headers.get("RateLimit-Reason", ""):
            # Jira Cloud limits writes to one issue (jira-per-issue-on-write): the endpoint is open for all others.
            raise Transient(system, f"{what}: too many writes to this one", after=after, scope="item")
        if status == 429 or (status == 403 and _throttled(response)):
            self.pacing.closed(method, path, 30.0 if after is None else after)
            raise Transient(system, f"{what}: too many calls", after=after)
        if status == 401:
            raise self._shut_out(what, "check the token: `loopbot check`", writes=writes)
        if status < 200 or (300 <= status < 400 and (writes or status != 304)):
            remedy = "is the base URL right, or does single sign-on intercept it?"
            raise self._shut_out(f"{what}, a redirect", remedy, writes=writes)
        if status >= 500 or status == 408:
            if after is not None:
                self.pacing.closed(method, path, after)
            if writes:
                raise Uncertain(system, f"{what}{PERHAPS}")
            raise Transient(system, what, after=after)
        if status < 400 and response.content and _is_page(response):
            remedy = "a login page or a sleeping instance?"
            raise self._shut_out(f"{what} with a web page instead of data", remedy, writes=writes)

    def _shut_out(self, what: str, remedy: str, *, writes: bool) -> Unauthorized | Uncertain:
        """Refused at the door.

        A door may stand behind the desk: a proxy asks for credentials when the answer comes by, and 303 is what is said
        after a form was taken. So a write is looked for.
        """
        self.shut = True
        if writes:
            return Uncertain(self.policy.system, f"{what}{PERHAPS}", remedy, shut=True)
        return Unauthorized(self.policy.system, what, remedy)


def unsendable(system: str) -> Unauthorized:
    """A header can not be sent as it is: only credentials are put there that are not our own words."""
    why = "the credentials hold a character that can not be sent in a header"
    return Unauthorized(system, why, "is there a line break or a quotation mark too many in the secret?")


class _Session(requests.Session):
    """Says of a header that can not be sent that it can not, without its value: requests' error repeats it."""

    def __init__(self, system: str) -> None:
        super().__init__()
        self._system = system

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        try:
            return super().prepare_request(request)
        except requests.exceptions.InvalidHeader:
            raise unsendable(self._system) from None
        except UnicodeEncodeError as error:
            if error.encoding != "latin-1":  # that of headers
                raise
            raise unsendable(self._system) from None


def policy_session(adapter: PolicyAdapter) -> requests.Session:
    """A session on which every call follows the adapter's policy.

    The machine's netrc is left alone (it would replace our credentials); its proxies are used, by the adapter.
    """
    session = _Session(adapter.policy.system)
    session.trust_env = False
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers["User-Agent"] = "loopbot"
    session.max_redirects = 0
    return session


def _only_reads(path: str) -> bool:
    """Some reads are POSTs: asking again does no harm."""
    return path.endswith(
        ("/search/jql", "/search", "/issue/bulkfetch", "/search/approximate-count", "/graphql", "/oauth_token.do")
    )


def _throttled(response: requests.Response) -> bool:
    return "Retry-After" in response.headers or nothing_left(response.headers)


def _is_page(response: requests.Response) -> bool:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return kind in {"text/html", "application/xhtml+xml"} or response.content[:64].lstrip().lower().startswith(
        (b"<!doctype", b"<html")
    )


def _reason(error: Exception, way: Passage) -> str:
    if not way.begun:
        return (
            "the certificate was not accepted" if isinstance(error, requests.exceptions.SSLError) else "no connection"
        )
    late = requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError
    # requests calls an answer that stays out in the midst of its body a broken connection.
    if isinstance(error, late) or isinstance(error.args[0] if error.args else None, late):
        return "no answer in time"
    return "the connection broke"
