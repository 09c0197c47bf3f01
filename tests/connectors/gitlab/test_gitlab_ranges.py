"""How commits of GitLab name merge requests, and what a ticket may name that leads to a deployment."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from connectors.gitlab.commits import naming_of
from loopbot.ci.commits import Commit, Span, brought, subjects
from loopbot.domain.rules import Match
from loopbot.judgement.cause import Suspects
from loopbot.sandbox.gitlab.twin import GitLabTwin
from loopbot.store import SqlStore, open_store
from tests.connectors.gitlab.conftest import PROJECT, Reading
from tests.support.made import incident

NAMING = naming_of(PROJECT)


@pytest.fixture
def store(store_url: str) -> Iterator[SqlStore]:
    made = open_store(store_url)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("message", "pulls", "subject"),
    [
        (
            f"Merge branch 'a/b' into 'main'\n\nBigger pages\n\nCloses #4\n\nSee merge request {PROJECT}!12",
            f"{PROJECT}!12",
            "Bigger pages (!12)",
        ),
        (
            "Merge branch 'a' into 'main'\n\nBigger pages\n\nSee merge request !12",
            f"{PROJECT}!12",
            "Bigger pages (!12)",
        ),
        (
            f"Merge branch 'a' into 'main'\n\nSee merge request {PROJECT}!12",
            f"{PROJECT}!12",
            "Merge branch 'a' into 'main'",
        ),
        (f"Bigger pages\n\nSee merge request {PROJECT}!12\n", f"{PROJECT}!12", "Bigger pages"),
        (f"Bigger pages\n\nSee merge request {PROJECT.upper()}!12", f"{PROJECT}!12", "Bigger pages"),
        ("Bigger pages (!12)", f"{PROJECT}!12", "Bigger pages (!12)"),
        ("Bigger pages\n\nSee merge request upstream/web!12", "", "Bigger pages"),
        (
            "Merge branch 'a' into 'main'\n\nBigger\n\nSee merge request upstream/web!12",
            "",
            "Merge branch 'a' into 'main'",
        ),
        ("Say it loud!12", "", "Say it loud!12"),
    ],
)
def test_a_commit_names_the_merge_request_that_brought_it(message: str, pulls: str, subject: str) -> None:
    span = Span("a" * 40, [Commit("a" * 40, message)])
    assert brought(span, Span(""), NAMING)["pulls"] == pulls
    assert subjects(span, Span(""), NAMING) == subject


@pytest.mark.parametrize(
    "message", ["Merge branch '" * 20_000, "Merge branch 'a' into 'b'" + "\n" * 200_000, "See merge request " * 20_000]
)
def test_very_long_messages_are_read_quickly(message: str) -> None:
    assert NAMING.merge.match(message) is None


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_the_address_of_a_merge_request_leads_to_the_deployment_that_brought_it(
    reading: Reading, twin: GitLabTwin, store: SqlStore, how: str
) -> None:
    twin.deploy(PROJECT, "main")
    request = twin.merge_request(PROJECT, "Bigger pages", "", "big", ["work"], how=how)  # type: ignore[arg-type]
    guilty = twin.deploy(PROJECT, "main")
    twin.commit(PROJECT, "Something else")
    twin.deploy(PROJECT, "main")
    reading.poll()
    last = max(one.occurred_at for one in reading.records.values())
    said = f"Since https://gitlab.com/{PROJECT}/-/merge_requests/{request} it prints nothing"
    broken = incident(title="Printing stands still", text=said, opened_at=last + timedelta(hours=1))
    with store.write() as tx:
        tx.mirror.put([*reading.records.values(), broken])
        tx.links.state(list(reading.records.values()))
        found = Suspects().rank(broken, tx, Match(kind="deployment", rank="suspect", within=timedelta(days=30)))
        first = max(found, key=lambda one: one.score)
    assert first.record.key == f"{PROJECT}#{guilty}"
    assert first.because[0] == f"it brought merge request {PROJECT}!{request}, which the ticket names"
