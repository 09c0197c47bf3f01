"""What a deployment keeps of the commits it brought, and what a person reads of it when something broke."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from loopbot.domain.records import Deployment
from loopbot.domain.rules import Match
from loopbot.judgement.cause import Suspects
from loopbot.sandbox.github.twin import GitHubTwin
from loopbot.store import SqlStore, open_store
from tests.connectors.github.conftest import REPO, Build, Reading
from tests.support.made import incident

TRACE = "java.lang.IllegalStateException: page is full\n\tat com.shop.export.PageWriter.flush(PageWriter.java:88)\n"


@pytest.fixture
def store(store_url: str) -> Iterator[SqlStore]:
    made = open_store(store_url)
    yield made
    made.close()


def suspected(store: SqlStore, reading: Reading, said: str) -> list[tuple[str, tuple[str, ...]]]:
    """The suspects of an incident an hour after the last deployment, the likeliest first: their keys, and why."""
    last = max(one.occurred_at for one in reading.records.values())
    broken = incident(title="Printing stands still", text=said, opened_at=last + timedelta(hours=1))
    with store.write() as tx:
        tx.mirror.put([*reading.records.values(), broken])
        tx.links.state(list(reading.records.values()))
        found = Suspects().rank(broken, tx, Match(kind="deployment", rank="suspect", within=timedelta(days=30)))
        return [(one.record.key, one.because) for one in sorted(found, key=lambda one: -one.score)]


def test_the_file_of_a_stack_trace_leads_to_the_deployment_that_touched_it(
    reading: Reading, twin: GitHubTwin, store: SqlStore
) -> None:
    twin.deploy(REPO, "main")
    twin.commit(REPO, "LOOP-1 bigger pages", files=["src/main/java/com/shop/export/PageWriter.java", "README.md"])
    guilty = twin.deploy(REPO, "main")
    for number in range(6):
        twin.commit(REPO, f"LOOP-{number + 2} other work", files=[f"src/main/java/com/shop/mail/Mail{number}.java"])
        twin.deploy(REPO, "main")
    reading.poll()
    (key, because), *_ = suspected(store, reading, TRACE)
    assert key == f"{REPO}#{guilty}"
    assert because[0] == "it touches PageWriter.java, which the ticket names"


def test_words_of_a_commit_lead_to_the_deployment_that_brought_it(
    reading: Reading, twin: GitHubTwin, store: SqlStore
) -> None:
    twin.deploy(REPO, "main")
    twin.commit(REPO, "Quantise thumbnails before they are cached\n\nDetails that nobody reads")
    guilty = twin.deploy(REPO, "main")
    for number in range(6):
        twin.commit(REPO, f"Other work of day {number}")
        twin.deploy(REPO, "main")
    reading.poll()
    (key, because), *_ = suspected(store, reading, "Cached thumbnails look quantised")
    assert key == f"{REPO}#{guilty}"
    assert [one for one in because if "thumbnails" in one] == ["both mention Cached, quantised and thumbnails"]


@pytest.mark.parametrize("how", ["merge", "squash"])
def test_a_commit_or_pull_request_leads_to_the_deployment_that_brought_it(
    reading: Reading, twin: GitHubTwin, store: SqlStore, how: str
) -> None:
    twin.deploy(REPO, "main")
    sha = twin.commit(REPO, "Bigger pages")
    guilty = twin.deploy(REPO, "main")
    pull = twin.pull_request(REPO, "Smaller pages", branch="small", commits=["work"], merged=False)
    twin.merge(REPO, pull, how=how)  # type: ignore[arg-type]
    other = twin.deploy(REPO, "main")
    twin.commit(REPO, "Something else")
    twin.deploy(REPO, "main")
    reading.poll()
    (key, because), *_ = suspected(store, reading, f"Broken by {sha[:8]}.")
    assert key == f"{REPO}#{guilty}"
    assert because[0] == f"it brought commit {sha[:8]}, which the ticket names as what broke it"
    (key, because), *_ = suspected(store, reading, f"Since https://github.com/{REPO}/pull/{pull} it prints nothing")
    assert key == f"{REPO}#{other}"
    assert because[0] == f"it brought pull request {REPO}#{pull}, which the ticket names"


def test_a_version_leads_to_the_deployment_of_its_tag(reading: Reading, twin: GitHubTwin, store: SqlStore) -> None:
    tags = [twin.release(REPO, f"v2.7.{number}") and f"v2.7.{number}" for number in range(4)]
    made = [twin.deploy(REPO, tag) for tag in tags]
    reading.poll()
    (key, because), *_ = suspected(store, reading, "Since v2.7.1 nothing is printed.")
    assert key == f"{REPO}#{made[1]}"
    assert because[0] == "it brought version 2.7.1, which the ticket names"


def test_what_is_kept_of_a_thousand_commits_and_files_is_bounded(build: Build, twin: GitHubTwin) -> None:
    reading = Reading(build(issue_keys=(), issues_in=""))
    twin.deploy(REPO, "main")
    for number in range(700):
        twin.commit(REPO, f"{'long ' * 60}{number}", files=[f"src/{'deep/' * 12}F{number}.java"])
    number = twin.deploy(REPO, "main")
    reading.poll()
    one = reading.one(number)
    assert len(one.extra["commits"].split()) == 500
    assert len(one.text) <= 8_000
    assert 100 < len(one.extra["files"].splitlines()) <= 300
    assert sum(map(len, one.extra.values())) < 30_000
    assert one.extra["commits"].split()[0] == str(one.commit)[:12], "the newest are kept"


def test_going_back_tells_what_was_taken_back_and_what_it_touches(reading: Reading, twin: GitHubTwin) -> None:
    old = twin.commit(REPO, "The old way")
    twin.deploy(REPO, "main")
    twin.commit(REPO, "The new way", files=["src/way.py"])
    twin.deploy(REPO, "main")
    back = twin.deploy(REPO, old)
    reading.poll()
    one: Deployment = reading.one(back)
    assert one.text == "Taken back: The new way"
    assert one.extra["files"] == "src/way.py"
    assert "commits" not in one.extra
