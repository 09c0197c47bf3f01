"""One simulated daemon: real connectors, real use cases, a store of its own connection, and points at which it can die."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlencode

import orjson

from chaos.presses import ROLES, AtOnce
from connectors.jira.connector import Jira
from connectors.servicenow.connector import ServiceNow
from connectors.slack.connector import Slack
from loopbot.config import SecretStore
from loopbot.domain.rulebook import Rulebook
from loopbot.domain.rules import Plan
from loopbot.ports import ChatDoor, Clock, Connector, Kept, Sink, Source, Store, Surroundings, Tx
from loopbot.sandbox.slack.signing import signed_request
from loopbot.sandbox.slack.twin import SIGNING_SECRET
from loopbot.store import SqlStore, open_store
from loopbot.usecases.allotting import StoreAllotments
from loopbot.usecases.deliver import deliver
from loopbot.usecases.ingest import ingest
from loopbot.usecases.listen import Conversation
from loopbot.usecases.loop import Loop
from loopbot.usecases.questions.asking import ask
from loopbot.usecases.questions.places import Places
from loopbot.usecases.reconcile import reconcile
from loopbot.usecases.wake import wake

SECRETS: Mapping[str, str] = {
    "env:SN": "loopbot-secret",
    "env:JIRA": "jira-sandbox-token",
    "env:SLACK": "xoxb-twin-bot",
    "env:SIGNING": SIGNING_SECRET,
}
PLACES = Places(system="slack", channel="questions")
Passing = Callable[[str], None]


class Purse(SecretStore):
    """Holds the twins' made-up credentials."""

    def resolve(self, reference: str) -> str:
        """The secret."""
        self._known.add(SECRETS[reference])
        return SECRETS[reference]


class Diary:
    """Implements usecases.loop.Witness: keeps what was noted, for the judge and for people."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def planned(self, plan: Plan, new: int) -> None:
        """Noted."""
        self.lines.append(f"{plan.rule} on {plan.subject}: {new} new, {plan.because}")

    def noted(self, what: str, **fields: object) -> None:
        """Noted."""
        self.lines.append(what + "".join(f" {name}={value}" for name, value in fields.items()))


class MortalStore:
    """A store whose every commit is a point that is passed: just before it, and just after it."""

    def __init__(self, store: SqlStore, passing: Passing) -> None:
        self._store, self._passing = store, passing

    @contextmanager
    def write(self, *, keep: bool = True) -> Iterator[Tx]:
        """As the store's; who dies before the commit leaves nothing of the transaction."""
        self._passing("begin")
        with self._store.write(keep=keep) as tx:
            yield cast("Tx", tx)
            self._passing("commit")
        self._passing("committed")

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """As the store's."""
        with self._store.read() as tx:
            yield cast("Tx", tx)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the store's own."""
        return getattr(self._store, name)


@dataclass(slots=True)
class Process:
    """A daemon without its bells: the simulation says what it does next. Killed, it never runs again."""

    name: str
    loop: Loop
    sources: Mapping[str, Source]
    connectors: Sequence[Connector]
    diary: Diary
    chat: Slack
    door: ChatDoor | None = None
    alive: bool = True
    kept: bool = False
    busy: Any = field(default=None)

    @property
    def works(self) -> list[str]:
        """Everything it can do, by name."""
        polls = [f"{verb}:{stream}" for stream in self.sources for verb in ("poll", "sweep")]
        drains = [f"{verb}:{name}" for name in self.loop.sinks for verb in ("deliver", "reconcile")]
        return [*polls, *drains, "wake", "ask", "resume"]

    def do(self, work: str) -> object:
        """One piece of work."""
        verb, _, what = work.partition(":")
        if verb == "deliver":
            return deliver(self.loop, what)
        if verb == "reconcile":
            return reconcile(self.loop, what)
        if verb == "wake":
            return wake(self.loop)
        if verb == "ask":
            return ask(self.loop)
        if verb == "resume":
            return self._resumes()
        return ingest(self.loop, self.sources[what], sweep=verb == "sweep")

    def hears(self, kind: str, payload: Mapping[str, Any]) -> bool:
        """What somebody did in Slack comes in, signed; whether it was taken. `kept` says whether it was acked before a death."""
        self._opens()
        self.kept = False
        whole = {"payload": orjson.dumps(payload).decode()} if kind == "interactive" else payload
        body = urlencode(whole).encode()
        headers = signed_request(SIGNING_SECRET, body, at=self.loop.clock.now())
        answer = cast("ChatDoor", self.door).receive({name.lower(): value for name, value in headers.items()}, body)
        return answer.status == 200

    def _resumes(self) -> bool:
        """What a dead daemon had heard is done, as at each sign of life; whether there was anything."""
        with self.loop.store.read() as tx:
            waits = tx.heard.waits(self.chat.system)
        if waits:
            self._opens()
            self.chat.resume()
        return waits

    def _opens(self) -> None:
        if self.door is None:
            self.door = self.chat.door(_Acked(self))

    def bury(self) -> None:
        """Its connections drop; nothing is committed."""
        self.alive = False
        for one in self.connectors:
            one.close()
        self.loop.store.close()


class _Acked(Conversation):
    """The conversation, which says what was kept: only that is acked."""

    def __init__(self, process: Process) -> None:
        super().__init__(process.loop, ROLES)
        self._process = process

    def keep(self, kept: Kept) -> bool:
        """Kept, when it returns."""
        new = super().keep(kept)
        self._process.kept = True
        return new


@dataclass(frozen=True, slots=True)
class Birth:
    """What a process is born with."""

    url: str
    rules: Rulebook
    clock: Clock
    seed: str
    passing: Passing
    bases: Mapping[str, str] = field(default_factory=dict)

    def base(self, system: str) -> str:
        """Where a system is: without sockets, unless it is served somewhere."""
        host = f"{system}.test"
        return self.bases.get(host, f"https://{host}")


def born(name: str, birth: Birth, diary: Diary) -> Process:
    """A new process on the same store and the same systems; it makes no call yet."""
    store = cast("Store", MortalStore(open_store(birth.url, clock=birth.clock, holder=name), birth.passing))
    chance = random.Random(f"{birth.seed}/{name}")
    allotments = StoreAllotments(store, name) if store.shared else None
    surroundings = Surroundings(birth.clock, chance, Purse(), lambda *_: AtOnce(), allotments)
    sn = ServiceNow(
        "servicenow",
        ServiceNow.Settings.model_validate(
            {
                "base_url": birth.base("servicenow"),
                "user": "loopbot",
                "password": "env:SN",
                "page_size": 4,
                "streams": ["incident", "problem"],
            }
        ),
        surroundings,
    )
    jira = Jira(
        "jira",
        Jira.Settings.model_validate(
            {
                "base_url": birth.base("jira"),
                "flavour": "cloud",
                "email": "loopbot@example.com",
                "token": "env:JIRA",
                "projects": ["LOOP"],
                "read_releases": False,
            }
        ),
        surroundings,
    )
    slack = Slack(
        "slack",
        Slack.Settings.model_validate(
            {"base_url": f"{birth.base('slack')}/api/", "token": "env:SLACK", "signing_secret": "env:SIGNING"}
        ),
        surroundings,
    )
    every: list[Connector] = [sn, jira, slack]
    sinks = {one.system: cast("Sink", one.sink()) for one in every}
    sources = {source.stream: source for one in every for source in one.sources()}
    loop = Loop(store, birth.rules, sinks, birth.clock, name, diary, places=PLACES)
    return Process(name, loop, sources, every, diary, slack)
