"""A served Jira twin and a session that speaks to it, for tests."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests

from loopbot.sandbox.jira import JiraTwin
from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.serving import served


class Stage:
    """One server for many twins, one after the other: starting and stopping a server costs more than a test."""

    def __init__(self) -> None:
        self.app: Any = None
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@contextlib.contextmanager
def staged() -> Iterator[Stage]:
    """A served stage."""
    stage = Stage()
    with served(stage) as server:
        stage.url = server.url
        yield stage


@dataclass(frozen=True)
class Site:
    """The twin, its ledger, its address, and calls with the right credentials."""

    twin: JiraTwin
    ledger: Ledger
    url: str
    session: requests.Session

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> requests.Response:
        """Call a path below /rest/api/N/, of the version the flavour speaks best, or one that is given from the root."""
        api = 3 if self.twin.flavour == "cloud" else 2
        url = self.url + (path if path.startswith("/") else f"/rest/api/{api}/{path}")
        return self.session.request(method, url, json=body, params=params or None, timeout=5)

    def keys(self, jql: str, **more: Any) -> list[str]:
        """The keys a search finds, over all its pages."""
        found: list[str] = []
        token: str | None = None
        while True:
            body = {"jql": jql, "fields": ["key"], **more, **({"nextPageToken": token} if token else {})}
            answer = self.call("POST", "search/jql", body)
            assert answer.status_code == 200, answer.text
            found += [one["key"] for one in answer.json()["issues"]]
            token = answer.json().get("nextPageToken")
            if token is None:
                return found


@contextlib.contextmanager
def jira_site(stage: Stage, **options: Any) -> Iterator[Site]:
    """A twin with the project LOOP on a stage; `options` are those of JiraTwin."""
    ledger = Ledger()
    twin = JiraTwin(ledger, **options)
    twin.add_project("LOOP", "Closing the loop")
    stage.app = twin.app
    with requests.Session() as session:
        if twin.flavour == "cloud":
            session.auth = (twin.email, twin.token)
        else:
            session.headers["Authorization"] = f"Bearer {twin.token}"
        yield Site(twin, ledger, stage.url + options.get("context_path", ""), session)
