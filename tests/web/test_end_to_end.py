"""Webhooks of the twins, over real HTTP, to a running engine whose polls are an hour apart: what arrives, arrived by a hint."""

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any

import pytest

from loopbot.clock import SystemClock
from loopbot.domain.records import Ref
from loopbot.domain.rulebook import Rulebook
from loopbot.engine.embedded import Bells, Embedded
from loopbot.ports import HookVerifier
from loopbot.sandbox.courier import Courier, Mishaps
from loopbot.sandbox.github.hooks import github_letter
from loopbot.sandbox.github.twin import GitHubTwin
from loopbot.sandbox.jenkins.hooks import jenkins_letter
from loopbot.sandbox.jenkins.twin import JenkinsTwin
from loopbot.sandbox.jira.hooks import jira_letter
from loopbot.sandbox.jira.twin import JiraTwin
from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.servicenow.hooks import servicenow_letter
from loopbot.sandbox.servicenow.twin import ServiceNowTwin
from loopbot.sandbox.serving import served
from loopbot.store import SqlStore
from loopbot.usecases.ingest import ingest
from loopbot.usecases.loop import Loop, Waits
from loopbot.web.intake import Intake
from tests.faults.catalogue import fault
from tests.support.door import Door as BehindDoor
from tests.web.conftest import SECRET, Listening, Noting, Serve, connectors, until

HOUR = 3600.0


@pytest.fixture(scope="module")
def far() -> Iterator[tuple[str, BehindDoor]]:
    """Where twins are served, one after the other."""
    behind = BehindDoor()
    with served(behind) as server:
        yield server.url, behind


@contextmanager
def at_work(store: SqlStore, serve: Serve, connector: Any) -> Iterator[tuple[Listening, Loop, list[Any]]]:
    """An engine that reads a system's streams, rung by its webhooks."""
    loop = Loop(store, Rulebook(()), {}, SystemClock(), "test", Noting(), Waits(hint=0.05))
    sources = list(connector.sources())
    engine = Embedded(loop, sources, Bells({one.stream: HOUR for one in sources}, hints=0.1))
    with ExitStack() as stack:
        stack.callback(connector.close)
        engine.start()
        stack.callback(engine.stop)
        here = serve({connector.system: connector.hooks()}, loop=loop)
        here.intake._kept = lambda _: engine.ring("hints")
        until(lambda: all(_read(store, one.stream) for one in sources))
        yield here, loop, sources


def _read(store: SqlStore, stream: str) -> bool:
    with store.read() as tx:
        cycles = tx.cursors.cycles(stream, 100)
    assert not any(cycle.trouble for cycle in cycles), cycles
    return bool(cycles)


def mirrored(store: SqlStore, system: str, kind: str, key: str) -> Any:
    with store.read() as tx:
        return tx.mirror.get(Ref(system, kind, key))


@fault("Q1", "Q2", "Q3")
@pytest.mark.parametrize("seed", range(3))
def test_webhooks_lost_doubled_late_and_out_of_order_lead_to_the_same_end(
    real_store: SqlStore, serve: Serve, far: tuple[str, BehindDoor], seed: int
) -> None:
    twin, chance = JiraTwin(Ledger(), token=SECRET), random.Random(seed)
    twin.add_project("LOOP")
    url, behind = far
    behind.app = twin.app
    with at_work(real_store, serve, connectors(jira=url)["jira"]) as (here, loop, sources):
        letters = []
        for number in range(6):
            key = twin.create_issue("LOOP", f"Number {number}").key
            letters.append(jira_letter(twin, key, SECRET, "jira:issue_created"))
            for step in range(2):
                twin.edit(key, {"summary": f"Number {number}, step {step}"})
                letters.append(jira_letter(twin, key, SECRET))
        mishaps = Mishaps(lost=0.3, doubled=0.5, shuffled=True)
        statuses = Courier(f"{here.url}/hooks/jira").bring_all(letters, mishaps, chance)
        assert set(statuses) == {202}
        keys = [issue.key for issue in twin.issues("LOOP")]
        titles = [issue.summary for issue in twin.issues("LOOP")]

        def seen() -> list[Any]:
            found = [mirrored(real_store, "jira", "issue", key) for key in keys]
            return [one and one.title for one in found]

        until(lambda: seen() == titles)
        until(lambda: not here.hints())
        # One that no webhook told of is found by the sweep (fault Q3).
        silent = twin.create_issue("LOOP", "Nobody told").key
        issues = next(one for one in sources if one.stream == "jira:issue")
        until(lambda: ingest(loop, issues, sweep=True))
        assert mirrored(real_store, "jira", "issue", silent).title == "Nobody told"


def test_the_business_rule_of_servicenow_brings_an_incident_at_once(
    real_store: SqlStore, serve: Serve, far: tuple[str, BehindDoor]
) -> None:
    twin = ServiceNowTwin(Ledger())
    url, behind = far
    behind.app = twin.app
    connector = connectors(servicenow=url)["servicenow"]
    twin.access.users["loopbot"] = SECRET
    with at_work(real_store, serve, connector) as (here, _, _):
        number = twin.insert("incident", {"short_description": "The till stands still", "state": "1"})["number"]
        letter = servicenow_letter(twin, "incident", number, SECRET)
        assert Courier(f"{here.url}/hooks/servicenow").bring(letter) == 202
        until(lambda: mirrored(real_store, "servicenow", "incident", number))
        until(lambda: not here.hints())
        other = servicenow_letter(twin, "incident", number, "not the secret")
        assert Courier(f"{here.url}/hooks/servicenow").bring(other) == 401


def test_a_deployment_status_of_github_brings_the_deployment_at_once(
    real_store: SqlStore, serve: Serve, far: tuple[str, BehindDoor]
) -> None:
    twin = GitHubTwin(Ledger())
    twin.add_token(SECRET, "loopbot")
    twin.add_repo("shop/web")
    sha = twin.commit("shop/web", "LOOP-1 Mend the till")
    url, behind = far
    behind.app = twin.app
    with at_work(real_store, serve, connectors(github=url)["github"]) as (here, _, _):
        number = twin.deploy("shop/web", sha, "production")
        twin.deployment_status("shop/web", number, "success")
        letter = github_letter(twin, "shop/web", number, SECRET)
        assert Courier(f"{here.url}/hooks/github").bring(letter) == 202
        until(lambda: mirrored(real_store, "github", "deployment", f"shop/web#{number}"))
        until(lambda: not here.hints())


def test_a_build_of_jenkins_that_tells_that_it_ends_is_read_as_ended(
    real_store: SqlStore, serve: Serve, far: tuple[str, BehindDoor]
) -> None:
    twin = JenkinsTwin(Ledger())
    twin.world.accounts["loopbot"] = SECRET
    twin.add_job("shop/deploy")
    twin.commit("shop/deploy", "LOOP-1 Mend the till")
    url, behind = far
    behind.app = twin.app
    with at_work(real_store, serve, connectors(jenkins=url)["jenkins"]) as (here, _, _):
        number = twin.start("shop/deploy")
        letter = jenkins_letter(twin, "shop/deploy", number, SECRET)
        twin.finish("shop/deploy", number)
        assert Courier(f"{here.url}/hooks/jenkins").bring(letter) == 202
        until(lambda: mirrored(real_store, "jenkins", "deployment", f"shop/deploy#{number}"))
        assert mirrored(real_store, "jenkins", "deployment", f"shop/deploy#{number}").state == "succeeded"
        until(lambda: not here.hints())


@fault("Q4")
def test_a_storm_is_answered_once_it_is_kept_and_comes_down_to_one_hint_a_record(
    real_store: SqlStore, serve: Serve
) -> None:
    twin = JiraTwin(Ledger(), token=SECRET)
    twin.add_project("LOOP")
    keys = [twin.create_issue("LOOP", f"Number {number}").key for number in range(30)]
    letters = [jira_letter(twin, key, SECRET) for key in keys for _ in range(10)]
    here = serve()
    here_threads = threading.local()

    def bring(letter: Any) -> int:
        if not hasattr(here_threads, "courier"):
            here_threads.courier = Courier(f"{here.url}/hooks/jira")
        return int(here_threads.courier.bring(letter))

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(bring, letters))
    assert set(statuses) == {202}
    assert here.hints() == {"jira:issue": 30}


class Jammed:
    """A store in which writing waits until it may."""

    def __init__(self, store: SqlStore) -> None:
        self._store, self.free = store, threading.Event()

    def write(self, **more: Any) -> Any:
        self.free.wait(20)
        return self._store.write(**more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@fault("Q4")
def test_more_webhooks_than_may_wait_are_turned_away_with_a_time_to_come_again_and_people_are_told(
    real_store: SqlStore, serve: Serve
) -> None:
    from loopbot.usecases.hints import alarmed

    twin = JiraTwin(Ledger(), token=SECRET)
    twin.add_project("LOOP")
    jammed = Jammed(real_store)
    here = serve(store=jammed, most_waiting=4)
    keys = [twin.create_issue("LOOP", f"Number {number}").key for number in range(20)]

    def bring(key: str) -> int:
        return Courier(f"{here.url}/hooks/jira").bring(jira_letter(twin, key, SECRET))

    with ThreadPoolExecutor(20) as pool:
        coming = [pool.submit(bring, key) for key in keys]
        until(lambda: sum(one.done() for one in coming) >= 10)
        assert {one.result() for one in coming if one.done()} == {503}
        jammed.free.set()
        statuses = [one.result() for one in coming]
    accepted = statuses.count(202)
    assert accepted >= 4
    assert here.hints() == {"jira:issue": accepted}, "what was answered with 2xx is kept, and nothing else"

    def told() -> bool:
        with real_store.read() as tx:
            said: tuple[datetime, str] | None = alarmed(tx)
        return said is not None and "turned away" in said[1]

    def again() -> bool:
        return bring(keys[0]) == 202 and told()

    until(again)


def test_a_store_that_fails_makes_senders_come_again_and_the_inbox_goes_on(real_store: SqlStore, serve: Serve) -> None:
    twin = JiraTwin(Ledger(), token=SECRET)
    twin.add_project("LOOP")
    key = twin.create_issue("LOOP", "One").key

    class Failing:
        fails = True

        def write(self, **more: Any) -> Any:
            if self.fails:
                raise OSError(28, "No space left on device")
            return real_store.write(**more)

        def __getattr__(self, name: str) -> Any:
            return getattr(real_store, name)

    store = Failing()
    here = serve(store=store)
    courier = Courier(f"{here.url}/hooks/jira")
    letter = jira_letter(twin, key, SECRET)
    assert courier.bring(letter) == 503
    store.fails = False
    assert courier.bring(letter) == 202, "the same delivery: it was never kept"
    assert here.hints() == {"jira:issue": 1}


def test_what_waits_when_loopbot_stops_is_written_before_it_does(real_store: SqlStore, serve: Serve) -> None:
    here = serve()
    assert isinstance(here.intake, Intake)
    verifier: HookVerifier = connectors()["jira"].hooks()
    twin = JiraTwin(Ledger(), token=SECRET)
    twin.add_project("LOOP")
    letter = jira_letter(twin, twin.create_issue("LOOP", "One").key, SECRET)
    assert not isinstance(verifier.verify({}, letter.body), tuple)
    assert Courier(f"{here.url}/hooks/jira").bring(letter) == 202
    here.intake.stop()
    assert Courier(f"{here.url}/hooks/jira").bring(letter) == 503
