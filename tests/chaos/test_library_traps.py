"""The answer is lost after the act: what the vendors' libraries do by themselves, and what loopbot does with them.

Each trap is shown first: the library as its own first page uses it writes twice. Then the same loss under loopbot.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from loopbot.domain.errors import Uncertain
from loopbot.domain.receipts import Receipt
from loopbot.sandbox.faults import Fault
from loopbot.sandbox.jira import JiraTwin
from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.servicenow.twin import ServiceNowTwin
from loopbot.sandbox.serving import served
from loopbot.sandbox.slack.twin import BOT_TOKEN, SlackTwin
from tests.connectors.contract import QuickClock, surroundings
from tests.connectors.jira.stage import STAGES as JIRA
from tests.connectors.servicenow.stage import STAGES as SERVICENOW
from tests.connectors.slack.stage import STAGES as SLACK

STAGES: dict[str, Callable[[], Any]] = {**JIRA, **SERVICENOW, **SLACK}


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    with ExitStack() as stack:
        yield lambda twin: stack.enter_context(served(twin.app)).url


@pytest.mark.parametrize(
    ("name", "verb"),
    [
        ("jira cloud", "open"),
        ("jira cloud", "comment"),
        ("jira datacenter", "open"),
        ("jira datacenter", "comment"),
        ("servicenow", "open"),
        ("servicenow", "comment"),
        ("slack", "post"),
        ("slack", "tell"),
    ],
)
def test_with_loopbot_a_lost_answer_leaves_exactly_one_effect_which_is_found(name: str, verb: str) -> None:
    with STAGES[name]() as stage:
        clock = QuickClock()
        sink = stage.connector(surroundings(clock)).sink()
        assert sink is not None
        delivery = stage.delivery(verb, "the export stands still")
        stage.faults.add(Fault("lose_answer", stage.writing(verb), times=5))
        [outcome] = sink.apply([delivery])
        assert isinstance(outcome, Uncertain)
        stage.faults.clear()
        clock.sleep(60)
        assert isinstance(sink.find(delivery), Receipt)
        assert stage.done(delivery) == 1


def test_the_trap_of_jira_its_session_sends_a_new_issue_again(
    serve: Callable[[Any], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import jira

    monkeypatch.setattr("time.sleep", lambda _: None)
    ledger = Ledger()
    twin = JiraTwin(ledger)
    twin.add_project("LOOP")
    library = jira.JIRA(serve(twin), basic_auth=(twin.email, twin.token), get_server_info=False)
    twin.faults.add(Fault("lose_answer", r"POST /rest/api/2/issue$"))
    library.create_issue(project="LOOP", summary="the export stands still", issuetype={"name": "Task"})
    library.close()
    assert len(ledger.entries("jira", "create")) == 2


def test_the_trap_of_slack_sdk_its_default_handler_posts_again(serve: Callable[[Any], str]) -> None:
    from slack_sdk import WebClient

    ledger = Ledger()
    twin = SlackTwin(ledger)
    twin.add_channel("ops")
    twin.faults.add(Fault("lose_answer", r"POST /api/chat\.postMessage"))
    WebClient(BOT_TOKEN, base_url=f"{serve(twin)}/api/").chat_postMessage(channel="#ops", text="it stands still")
    assert len(ledger.entries("slack", "post")) == 2


def test_the_trap_of_tenacity_and_pysnow_a_create_that_is_retried_creates_again(serve: Callable[[Any], str]) -> None:
    import pysnow
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

    ledger = Ledger()
    twin = ServiceNowTwin(ledger)
    host = serve(twin).removeprefix("http://")
    client = pysnow.Client(host=host, user="loopbot", password="loopbot-secret", use_ssl=False)
    resource = client.resource(api_path="/table/incident")
    twin.faults.add(Fault("lose_answer", "POST /api/now/table/incident"))
    again = Retrying(stop=stop_after_attempt(3), retry=retry_if_exception_type(requests.ConnectionError))
    again(lambda: resource.create(payload={"short_description": "the export stands still"}))
    client.session.close()
    assert len(ledger.entries("servicenow", "create")) == 2
