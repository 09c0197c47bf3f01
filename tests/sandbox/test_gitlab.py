"""The GitLab twin, asked with plain requests over real HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from loopbot.sandbox.gitlab import TOKEN, GitLabTwin
from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.serving import Served, served

PROJECT = "acme/apps/shop"
ENCODED = "acme%2Fapps%2Fshop"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 1, 9, 0, 0, 123456, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, **span: float) -> None:
        self.at += timedelta(**span)


class Desk:
    """One server for all tests of the file: starting and stopping one takes longer than most tests."""

    app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class Client:
    """Asks with a token."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}/api/v4"

    def get(self, path: str, token: str = TOKEN, **params: Any) -> requests.Response:
        headers = {"PRIVATE-TOKEN": token} if token else {}
        return requests.get(self.url + path, params=params, headers=headers, timeout=5, allow_redirects=False)

    def of(self, path: str, **params: Any) -> Any:
        answer = self.get(f"/projects/{ENCODED}{path}", **params)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def desk() -> Iterator[tuple[Desk, Served]]:
    app = Desk()
    with served(app) as server:
        yield app, server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def twin(desk: tuple[Desk, Served], clock: Clock) -> GitLabTwin:
    made = GitLabTwin(Ledger(), now=clock)
    made.add_project(PROJECT)
    made.commit(PROJECT, "The beginning")
    desk[0].app = made.app
    return made


@pytest.fixture
def client(desk: tuple[Desk, Served], twin: GitLabTwin) -> Client:
    return Client(desk[1].url)


def test_a_project_is_found_by_its_encoded_path_or_its_number_and_not_by_a_bare_path(
    client: Client, twin: GitLabTwin
) -> None:
    told = client.of("")
    assert told["path_with_namespace"] == PROJECT
    assert client.get(f"/projects/{told['id']}").status_code == 200
    assert client.get(f"/projects/{PROJECT}").status_code == 404


def test_strangers_and_tokens_without_the_scope_are_turned_away(client: Client, twin: GitLabTwin, clock: Clock) -> None:
    twin.add_token("narrow", scopes=["read_repository"])
    twin.add_token("other", projects=["acme/other"])
    twin.add_token("old", expires_at=clock().date())
    assert client.get(f"/projects/{ENCODED}", "").json() == {"message": "401 Unauthorized"}
    assert client.get(f"/projects/{ENCODED}", "narrow").json()["error"] == "insufficient_scope"
    assert client.get(f"/projects/{ENCODED}", "other").json() == {"message": "404 Project Not Found"}
    assert client.get(f"/projects/{ENCODED}", "old").status_code == 401
    assert client.get("/personal_access_tokens/self", "narrow").json()["scopes"] == ["read_repository"]


def test_a_project_that_moved_is_a_redirect_to_its_number(client: Client, twin: GitLabTwin) -> None:
    twin.world.rename(PROJECT, "acme/new")
    answer = client.get(f"/projects/{ENCODED}/releases")
    assert answer.status_code == 301
    assert answer.headers["Location"].endswith(f"/projects/{twin.world.project('acme/new').id}/releases")


def test_pages_say_which_comes_next_and_how_many_there_are(client: Client, twin: GitLabTwin) -> None:
    for _ in range(45):
        twin.deploy(PROJECT, "main")
    first = client.get(f"/projects/{ENCODED}/deployments")
    last = client.get(f"/projects/{ENCODED}/deployments", page=3)
    assert (len(first.json()), first.headers["X-Next-Page"], first.headers["X-Total"]) == (20, "2", "45")
    assert 'rel="next"' in first.headers["Link"]
    assert (len(last.json()), last.headers["X-Next-Page"]) == (5, "")
    assert 'rel="next"' not in last.headers["Link"]


def test_deployments_by_their_last_change_include_the_moment_and_of_one_moment_the_last_made_comes_first(
    client: Client, twin: GitLabTwin, clock: Clock
) -> None:
    twin.deploy(PROJECT, "main")
    clock.pass_by(seconds=1)
    one, two = twin.deploy(PROJECT, "main"), twin.deploy(PROJECT, "main", status="running")
    clock.pass_by(seconds=1)
    three = twin.deploy(PROJECT, "main")
    since = clock() - timedelta(seconds=1)
    asked = {"order_by": "updated_at", "sort": "asc", "updated_after": since.isoformat()}
    assert [row["id"] for row in client.of("/deployments", **asked)] == [two, one, three]
    assert client.of("/deployments", **asked)[0]["updated_at"] == "2026-11-01T09:00:01.123Z"
    assert client.get(f"/projects/{ENCODED}/deployments", order_by="name").status_code == 400
    assert client.get(f"/projects/{ENCODED}/deployments", updated_after="yesterday").status_code == 400


def test_a_deployment_has_a_job_that_says_when_it_ended_unless_it_was_made_through_the_api(
    client: Client, twin: GitLabTwin, clock: Clock
) -> None:
    made, bare = twin.deploy(PROJECT, "main", status="running"), twin.deploy(PROJECT, "main", by_job=False)
    assert client.of(f"/deployments/{made}")["deployable"]["finished_at"] is None
    clock.pass_by(minutes=2)
    twin.progress(PROJECT, made, "success")
    told = client.of(f"/deployments/{made}")
    assert (told["status"], told["iid"]) == ("success", 1)
    assert told["deployable"]["finished_at"] == told["updated_at"] == "2026-11-01T09:02:00.123Z"
    assert client.of(f"/deployments/{bare}")["deployable"] is None


def test_a_comparison_tells_what_is_new_and_nothing_of_what_is_gone(client: Client, twin: GitLabTwin) -> None:
    base = twin.commit(PROJECT, "common")
    main = twin.commit(PROJECT, "on main", files=["a.py", "old.py -> new.py"])
    side = twin.commit(PROJECT, "on the side", branch="side", parent=base)
    told = client.of("/repository/compare", **{"from": side, "to": main})
    assert [row["id"] for row in told["commits"]] == [main]
    assert told["commits"][0]["parent_ids"] == [base]
    assert [(row["old_path"], row["new_path"]) for row in told["diffs"]] == [("a.py", "a.py"), ("old.py", "new.py")]
    assert client.of("/repository/compare", **{"from": main, "to": base})["commits"] == []
    assert client.of("/repository/compare", **{"from": main, "to": main})["compare_same_ref"]
    gone = client.get(f"/projects/{ENCODED}/repository/compare", **{"from": "f" * 40, "to": main})
    assert gone.json() == {"message": "404 Ref Not Found"}


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_a_merge_request_is_found_by_what_landed(client: Client, twin: GitLabTwin, how: str) -> None:
    iid = twin.merge_request(PROJECT, "Bigger pages", "", "big", ["one", "two"], how=how)  # type: ignore[arg-type]
    head = twin.world.project(PROJECT).branches["main"]
    [row] = client.of(f"/repository/commits/{head}/merge_requests")
    assert (row["iid"], row["state"], row["source_branch"]) == (iid, "merged", "big")
    newest = client.of("/repository/commits", ref_name="main", per_page=1)[0]
    said = {"merge": f"See merge request {PROJECT}!1", "squash": "Bigger pages", "rebase": "two"}
    assert newest["message"].endswith(said[how])


def test_commits_of_a_range_are_those_that_only_its_end_holds(client: Client, twin: GitLabTwin) -> None:
    base = twin.world.project(PROJECT).branches["main"]
    shas = [twin.commit(PROJECT, f"work {number}") for number in range(3)]
    assert [row["id"] for row in client.of("/repository/commits", ref_name=f"{base}..main")] == shas[::-1]


def test_a_release_to_come_is_upcoming_and_lists_are_by_the_day_unless_told_otherwise(
    client: Client, twin: GitLabTwin, clock: Clock
) -> None:
    twin.release(PROJECT, "v1")
    clock.pass_by(hours=1)
    twin.release(PROJECT, "v0.9", released_at=clock() - timedelta(days=9))
    twin.release(PROJECT, "v2", released_at=clock() + timedelta(days=9))
    assert [row["tag_name"] for row in client.of("/releases")] == ["v2", "v1", "v0.9"]
    by_making = client.of("/releases", order_by="created_at", sort="asc")
    assert by_making[0]["tag_name"] == "v1"
    assert [row["upcoming_release"] for row in client.of("/releases")] == [True, False, False]


def test_a_throttle_counts_a_minute_and_says_so(client: Client, twin: GitLabTwin, clock: Clock) -> None:
    twin.add_token("busy", limit=2)
    for left in ("1", "0"):
        assert client.get(f"/projects/{ENCODED}", "busy").headers["RateLimit-Remaining"] == left
    clock.pass_by(seconds=20)
    refused = client.get(f"/projects/{ENCODED}", "busy")
    assert (refused.status_code, refused.text, refused.headers["Retry-After"]) == (429, "Retry later\n", "40")
    clock.pass_by(seconds=41)
    assert client.get(f"/projects/{ENCODED}", "busy").status_code == 200
