"""A Jira twin of either flavour, a connector to it, and a judge over everything the connector sends."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
import requests

from connectors.jira.connector import Jira
from loopbot.http.policy import PolicyAdapter
from tests.connectors.contract import QuickClock, surroundings
from tests.support.jira_site import Site, Stage, jira_site, staged
from tests.support.jira_spec import SPEC, JiraSpec

Make = Callable[..., Jira]


@pytest.fixture(scope="session")
def jira_stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.fixture(scope="session")
def spec() -> JiraSpec | None:
    """The vendor's document; None beside no ../shared (test_writing.py says visibly that requests were not judged then)."""
    return JiraSpec.load() if SPEC.exists() else None


@pytest.fixture(autouse=True)
def sent(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, spec: JiraSpec | None
) -> Iterator[list[tuple[str, str, Any]]]:
    """What went out in this test; at its end, whatever went to Cloud's API is held against the vendor's document."""
    seen: list[tuple[str, str, Any]] = []
    send = PolicyAdapter.send

    def recording(self: PolicyAdapter, prepared: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        body = orjson.loads(prepared.body) if prepared.body else None
        seen.append((str(prepared.method), str(prepared.url), body))
        return send(self, prepared, *args, **kwargs)

    monkeypatch.setattr(PolicyAdapter, "send", recording)
    yield seen
    for method, url, body in seen:
        if spec and "/rest/api/3/" in url:
            spec.check_request(method, url, body)


@pytest.fixture
def cloud(jira_stage: Stage) -> Iterator[Site]:
    with jira_site(jira_stage) as site:
        yield site


@pytest.fixture(params=["cloud", "datacenter"])
def site(request: pytest.FixtureRequest, jira_stage: Stage) -> Iterator[Site]:
    with jira_site(jira_stage, flavour=request.param) as one:
        yield one


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
def make(clock: QuickClock) -> Iterator[Make]:
    """Builds connectors to a site."""
    made: list[Jira] = []

    def build(site: Site, **settings: Any) -> Jira:
        email = site.twin.email if site.twin.flavour == "cloud" else ""
        given = {
            "base_url": site.url,
            "flavour": site.twin.flavour,
            "email": email,
            "token": "env:JIRA",
            "projects": ["LOOP"],
        }
        connector = Jira("jira", Jira.Settings(**{**given, **settings}), surroundings(clock, {"JIRA": site.twin.token}))
        made.append(connector)
        return connector

    yield build
    for one in made:
        one.close()
