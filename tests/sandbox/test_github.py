"""The GitHub twin, asked with plain requests over real HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from loopbot.sandbox.faults import Fault
from loopbot.sandbox.github import TOKEN, GitHubTwin
from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.serving import Served, served

REPO = "acme/shop"


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


@pytest.fixture(scope="module")
def desk() -> Iterator[tuple[Desk, Served]]:
    app = Desk()
    with served(app) as server:
        yield app, server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def twin(desk: tuple[Desk, Served], clock: Clock) -> GitHubTwin:
    made = GitHubTwin(Ledger(), now=clock)
    made.add_repo(REPO)
    desk[0].app = made.app
    return made


class Client:
    """Asks under /repos/acme/shop unless the path starts elsewhere."""

    def __init__(self, url: str, token: str = TOKEN) -> None:
        self.url = url
        self.session = requests.Session()
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.session.get(self.at(path), timeout=5, allow_redirects=False, **more)

    def post(self, path: str, body: Any) -> requests.Response:
        return self.session.post(self.at(path), json=body, timeout=5)

    def at(self, path: str) -> str:
        return self.url + (path.removeprefix("/") if path.startswith("//") else f"/repos/{REPO}{path}")

    def every(self, path: str, **params: Any) -> list[Any]:
        """All pages, by the Link header."""
        answer = self.get(path, params=params)
        found = list(answer.json())
        while "next" in answer.links:
            answer = self.session.get(answer.links["next"]["url"], timeout=5)
            found += answer.json()
        return found


@pytest.fixture
def client(desk: tuple[Desk, Served], twin: GitHubTwin) -> Iterator[Client]:
    made = Client(desk[1].url)
    yield made
    made.session.close()


def test_deployments_come_newest_first_in_pages_that_the_link_header_names(twin: GitHubTwin, client: Client) -> None:
    twin.commit(REPO, "first")
    made = [twin.deploy(REPO, "main", "staging") for _ in range(5)]
    answer = client.get("/deployments", params={"per_page": 2})
    assert [one["id"] for one in answer.json()] == made[:2:-1]
    assert set(answer.links) == {"next", "last"}
    assert [one["id"] for one in client.every("/deployments", per_page=2)] == made[::-1]
    last = requests.get(answer.links["last"]["url"], headers=client.session.headers, timeout=5)
    assert set(last.links) == {"prev", "first"}


def test_a_deployment_has_the_documented_fields_and_no_state(twin: GitHubTwin, client: Client) -> None:
    sha = twin.commit(REPO, "first")
    number = twin.deploy(REPO, "main", "production", description="Release 7", payload={"issue": "LOOP-1"})
    shown = client.get(f"/deployments/{number}").json()
    assert "state" not in shown
    expected = {
        "id": number,
        "sha": sha,
        "ref": "main",
        "task": "deploy",
        "payload": {"issue": "LOOP-1"},
        "environment": "production",
        "original_environment": "production",
        "description": "Release 7",
        "production_environment": True,
        "transient_environment": False,
        "created_at": "2026-11-01T09:00:00Z",
        "updated_at": "2026-11-01T09:00:00Z",
    }
    assert {name: shown[name] for name in expected} == expected
    assert shown["creator"]["login"] == "github-actions[bot]"
    assert (
        requests.get(shown["statuses_url"], headers=client.session.headers, timeout=5).json()[0]["state"] == "success"
    )


def test_deployments_are_filtered_by_environment_sha_ref_and_task(twin: GitHubTwin, client: Client) -> None:
    first = twin.commit(REPO, "first")
    staging = twin.deploy(REPO, first, "staging")
    twin.commit(REPO, "second")
    production = twin.deploy(REPO, "main", "production")

    def ids(**params: str) -> list[int]:
        return [one["id"] for one in client.get("/deployments", params=params).json()]

    assert ids(environment="staging") == [staging]
    assert ids(sha=first) == [staging]
    assert ids(ref="main") == [production]
    assert ids(task="deploy") == [production, staging]
    assert ids(task="deploy:migrate") == []


def test_a_successful_deployment_makes_the_one_before_inactive(twin: GitHubTwin, client: Client, clock: Clock) -> None:
    twin.commit(REPO, "first")
    first = twin.deploy(REPO, "main")
    elsewhere = twin.deploy(REPO, "main", "staging")
    failed = twin.deploy(REPO, "main", state="failure")
    clock.pass_by(minutes=5)
    twin.deploy(REPO, "main", state="in_progress")
    assert twin.statuses(REPO, first) == ["success"]
    second = twin.deploy(REPO, "main", state="in_progress")
    twin.deployment_status(REPO, second, "success")
    shown = client.get(f"/deployments/{first}/statuses").json()
    assert [one["state"] for one in shown] == ["inactive", "success"]
    assert client.get(f"/deployments/{first}").json()["updated_at"] == "2026-11-01T09:05:00Z"
    assert twin.statuses(REPO, elsewhere) == ["success"]
    assert twin.statuses(REPO, failed) == ["failure"]
    twin.deploy(REPO, "main", auto_inactive=False)
    assert twin.statuses(REPO, second) == ["in_progress", "success"]


def test_a_pipeline_writes_deployments_and_statuses_and_the_ledger_knows(twin: GitHubTwin, client: Client) -> None:
    sha = twin.commit(REPO, "first")
    made = client.post("/deployments", {"ref": "main", "environment": "qa", "payload": {"by": "loopbot"}})
    assert (made.status_code, made.json()["sha"]) == (201, sha)
    number = made.json()["id"]
    status = client.post(f"/deployments/{number}/statuses", {"state": "success", "log_url": "https://ci.example/1"})
    assert (status.status_code, status.json()["log_url"]) == (201, "https://ci.example/1")
    assert [(one.action, one.kind, one.key) for one in twin.ledger.entries("github")] == [
        ("create", "deployment", f"{REPO}#{number}"),
        ("create", "deployment_status", f"{REPO}#{number}"),
    ]
    assert [one["name"] for one in client.get("/environments").json()["environments"]] == ["qa"]
    assert client.post("/deployments", {"ref": "nowhere"}).status_code == 422
    assert client.post("/deployments", {}).status_code == 422
    assert client.post(f"/deployments/{number}/statuses", {"state": "splendid"}).status_code == 422
    assert len(twin.ledger.entries("github")) == 2


def test_compare_says_how_two_commits_stand(twin: GitHubTwin, client: Client) -> None:
    root = twin.commit(REPO, "root")
    second = twin.commit(REPO, "second", files=["export.py"])
    side = twin.commit(REPO, "side", branch="feature/x", parent=root)

    def told(basehead: str) -> tuple[Any, ...]:
        body = client.get(f"/compare/{basehead}").json()
        messages = [one["commit"]["message"] for one in body["commits"]]
        return body["status"], body["ahead_by"], body["behind_by"], body["total_commits"], messages

    assert told(f"{root}...main") == ("ahead", 1, 0, 1, ["second"])
    assert told(f"main...{root}") == ("behind", 0, 1, 0, [])
    assert told(f"{second}...feature/x") == ("diverged", 1, 1, 1, ["side"])
    assert told(f"{side[:8]}...{side}") == ("identical", 0, 0, 0, [])
    body = client.get(f"/compare/{second}...feature/x").json()
    assert body["merge_base_commit"]["sha"] == root
    assert client.get(f"/compare/{root}...main").json()["files"][0]["filename"] == "export.py"
    assert client.get(f"/compare/{root}...gone").status_code == 404


def test_a_long_comparison_shows_its_last_250_unless_it_is_paged_from_the_start(
    twin: GitHubTwin, client: Client
) -> None:
    root = twin.commit(REPO, "root")
    shas = [twin.commit(REPO, f"number {number}") for number in range(260)]
    whole = client.get(f"/compare/{root}...main").json()
    assert whole["total_commits"] == 260
    assert [one["sha"] for one in whole["commits"]] == shas[-250:]
    answer = client.get(f"/compare/{root}...main", params={"per_page": 100})
    found = [one["sha"] for one in answer.json()["commits"]]
    while "next" in answer.links:
        answer = client.session.get(answer.links["next"]["url"], timeout=5)
        found += [one["sha"] for one in answer.json()["commits"]]
    assert found == shas


def test_a_pull_request_can_be_found_from_each_of_its_commits_and_its_merge(twin: GitHubTwin, client: Client) -> None:
    twin.commit(REPO, "root")
    number = twin.pull_request(REPO, "LOOP-7 Faster export", "Fixes LOOP-7", "loop-7", ["one", "two"])
    shown = client.get(f"/pulls/{number}").json()
    assert (shown["merged"], shown["state"], shown["head"]["ref"], shown["base"]["ref"]) == (
        True,
        "closed",
        "loop-7",
        "main",
    )
    commits = [one["sha"] for one in client.get(f"/pulls/{number}/commits").json()]
    assert [client.get(f"/commits/{sha}").json()["commit"]["message"] for sha in commits] == ["one", "two"]
    for sha in [*commits, shown["merge_commit_sha"]]:
        assert [one["number"] for one in client.get(f"/commits/{sha}/pulls").json()] == [number]
    merge = client.get("/commits/main").json()
    assert merge["commit"]["message"].startswith(f"Merge pull request #{number} from acme/loop-7")
    assert len(merge["parents"]) == 2


def test_squashed_commits_are_not_on_main_and_still_lead_to_their_pull_request(
    twin: GitHubTwin, client: Client
) -> None:
    root = twin.commit(REPO, "root")
    number = twin.pull_request(REPO, "Faster export", "", "loop-7", ["LOOP-7 one", "two"], how="squash")
    body = client.get(f"/compare/{root}...main").json()
    assert [one["commit"]["message"].split("\n")[0] for one in body["commits"]] == [f"Faster export (#{number})"]
    merged = body["commits"][0]["sha"]
    assert [one["number"] for one in client.get(f"/commits/{merged}/pulls").json()] == [number]


def test_rebased_commits_are_new_ones_and_each_leads_to_its_pull_request(twin: GitHubTwin, client: Client) -> None:
    root = twin.commit(REPO, "root")
    number = twin.pull_request(REPO, "Faster export", "", "loop-7", ["one", "two"], how="rebase")
    landed = client.get(f"/compare/{root}...main").json()["commits"]
    assert [one["commit"]["message"] for one in landed] == ["one", "two"]
    before = {one["sha"] for one in client.get(f"/pulls/{number}/commits").json()}
    assert not before & {one["sha"] for one in landed}
    for one in landed:
        assert [pull["number"] for pull in client.get(f"/commits/{one['sha']}/pulls").json()] == [number]


def test_pull_requests_are_listed_by_state_and_by_their_last_change(
    twin: GitHubTwin, client: Client, clock: Clock
) -> None:
    twin.commit(REPO, "root")
    first = twin.pull_request(REPO, "one", branch="a", commits=["a"], merged=False)
    clock.pass_by(minutes=1)
    second = twin.pull_request(REPO, "two", branch="b", commits=["b"], merged=False)
    clock.pass_by(minutes=1)
    twin.merge(REPO, first)

    def numbers(**params: str) -> list[int]:
        return [one["number"] for one in client.get("/pulls", params=params).json()]

    assert numbers() == [second]
    assert numbers(state="closed") == [first]
    assert numbers(state="all") == [second, first]
    assert numbers(state="all", sort="updated", direction="desc") == [first, second]
    assert client.get("/pulls", params={"state": "lost"}).status_code == 422


def test_commits_are_listed_newest_first_within_a_window(twin: GitHubTwin, client: Client, clock: Clock) -> None:
    shas = []
    for number in range(3):
        shas.append(twin.commit(REPO, f"number {number}", author="Grace <grace@example.com>"))
        clock.pass_by(hours=1)
    assert [one["sha"] for one in client.every("/commits", per_page=1)] == shas[::-1]
    window = {"since": "2026-11-01T09:30:00Z", "until": "2026-11-01T10:30:00Z"}
    shown = client.get("/commits", params=window).json()
    assert [one["sha"] for one in shown] == [shas[1]]
    assert shown[0]["author"] is None
    assert shown[0]["commit"]["author"] == {
        "name": "Grace",
        "email": "grace@example.com",
        "date": "2026-11-01T10:00:00Z",
    }


def test_workflow_runs_are_filtered_by_creation_status_and_branch(
    twin: GitHubTwin, client: Client, clock: Clock
) -> None:
    twin.commit(REPO, "root")
    twin.commit(REPO, "side", branch="feature")
    old = twin.workflow_run(REPO, "Build")
    clock.pass_by(days=1)
    new = twin.workflow_run(REPO, "Build", conclusion="failure")
    side = twin.workflow_run(REPO, "Build", "feature", status="in_progress")

    def ids(**params: str) -> list[int]:
        body = client.get("/actions/runs", params=params).json()
        assert body["total_count"] == len(body["workflow_runs"])
        return [one["id"] for one in body["workflow_runs"]]

    assert ids() == [side, new, old]
    assert ids(created=">=2026-11-02T09:00:00Z") == [side, new]
    assert ids(created=">2026-11-02T09:00:00Z") == []
    assert ids(created="<2026-11-02") == [old]
    assert ids(created="2026-11-01") == [old]
    assert ids(created="2026-11-01..2026-11-02") == [side, new, old]
    assert ids(created="*..2026-11-01T23:00:00Z") == [old]
    assert ids(status="failure") == [new]
    assert ids(status="in_progress") == [side]
    assert ids(branch="feature") == [side]
    assert client.get("/actions/runs", params={"created": ">=yesterday"}).status_code == 422
    shown = client.get(f"/actions/runs/{new}").json()
    assert (shown["run_number"], shown["run_attempt"], shown["head_branch"], shown["event"]) == (2, 1, "main", "push")
    assert shown["head_commit"]["message"] == "root"


def test_a_rerun_is_not_found_by_its_creation_date(twin: GitHubTwin, client: Client, clock: Clock) -> None:
    twin.commit(REPO, "root")
    run = twin.workflow_run(REPO, "Build", conclusion="failure")
    clock.pass_by(days=1)
    twin.rerun(REPO, run)
    shown = client.get(f"/actions/runs/{run}").json()
    assert (shown["run_attempt"], shown["conclusion"]) == (2, "success")
    assert (shown["created_at"], shown["run_started_at"]) == ("2026-11-01T09:00:00Z", "2026-11-02T09:00:00Z")
    found = client.get("/actions/runs", params={"created": ">=2026-11-02"}).json()
    assert found == {"total_count": 0, "workflow_runs": []}


def test_a_filtered_list_of_runs_ends_after_a_thousand(twin: GitHubTwin, client: Client) -> None:
    twin.commit(REPO, "root")
    for _ in range(1005):
        twin.workflow_run(REPO, "Build")
    params = {"per_page": "100", "page": "10", "branch": "main"}
    answer = client.get("/actions/runs", params=params)
    assert answer.json()["total_count"] == 1005
    assert len(answer.json()["workflow_runs"]) == 100
    assert "next" not in answer.links
    assert client.get("/actions/runs", params=params | {"page": "11"}).json()["workflow_runs"] == []
    unfiltered = client.get("/actions/runs", params={"per_page": "100", "page": "11"}).json()
    assert len(unfiltered["workflow_runs"]) == 5


def test_releases_are_found_by_tag_and_drafts_are_not_published(twin: GitHubTwin, client: Client) -> None:
    sha = twin.commit(REPO, "root")
    twin.release(REPO, "v1.0.0", "One")
    twin.release(REPO, "v2.0.0", draft=True)
    assert [one["tag_name"] for one in client.get("/releases").json()] == ["v2.0.0", "v1.0.0"]
    assert client.get("/releases/tags/v1.0.0").json()["name"] == "One"
    assert client.get("/releases/tags/v2.0.0").status_code == 404
    assert client.get("/commits/v1.0.0").json()["sha"] == sha


def test_comments_are_written_once_each_and_can_be_read_back(twin: GitHubTwin, client: Client) -> None:
    number = twin.issue(REPO)
    made = client.post(f"/issues/{number}/comments", {"body": "Deployed to production."})
    assert (made.status_code, made.json()["user"]["login"]) == (201, "loopbot")
    assert [one["body"] for one in client.get(f"/issues/{number}/comments").json()] == ["Deployed to production."]
    assert [(one.action, one.key) for one in twin.ledger.entries("github")] == [("comment", f"{REPO}#{number}")]
    assert client.post("/issues/99/comments", {"body": "x"}).status_code == 404
    assert client.post(f"/issues/{number}/comments", {"body": "x" * 65_537}).status_code == 422
    assert len(twin.comments(REPO, number)) == 1


def test_a_lost_answer_leaves_one_comment(twin: GitHubTwin, client: Client) -> None:
    number = twin.issue(REPO)
    twin.faults.add(Fault("lose_answer", match="POST .*/comments"))
    with pytest.raises(requests.ConnectionError):
        client.post(f"/issues/{number}/comments", {"body": "once"})
    assert [one["body"] for one in client.get(f"/issues/{number}/comments").json()] == ["once"]


def test_an_unchanged_answer_is_304_and_free(twin: GitHubTwin, client: Client) -> None:
    twin.commit(REPO, "root")
    twin.deploy(REPO, "main")
    first = client.get("/deployments")
    again = client.get("/deployments", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["X-RateLimit-Remaining"] == first.headers["X-RateLimit-Remaining"] == "4999"
    twin.deploy(REPO, "main")
    changed = client.get("/deployments", headers={"If-None-Match": first.headers["ETag"]})
    assert (changed.status_code, changed.headers["X-RateLimit-Used"]) == (200, "2")
    told = client.get("//rate_limit").json()["resources"]["core"]
    assert (told["limit"], told["used"], told["remaining"]) == (5000, 2, 4998)


def test_the_hourly_limit_refuses_until_its_reset(twin: GitHubTwin, desk: tuple[Desk, Served], clock: Clock) -> None:
    twin.add_token("ghp_small", "small", limit=2)
    client = Client(desk[1].url, "ghp_small")
    assert [client.get("").status_code for _ in range(3)] == [200, 200, 403]
    refused = client.get("")
    assert "rate limit exceeded" in refused.json()["message"]
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert int(refused.headers["X-RateLimit-Reset"]) == int((clock.at + timedelta(hours=1)).timestamp())
    clock.pass_by(hours=1)
    assert client.get("").status_code == 200
    client.session.close()


@pytest.mark.parametrize(("status", "retry_after"), [(403, 60), (429, 7), (403, None)])
def test_the_secondary_limit_comes_with_or_without_retry_after(
    twin: GitHubTwin, client: Client, status: int, retry_after: int | None
) -> None:
    twin.secondary_limit(status=status, retry_after=retry_after)
    answer = client.get("")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, retry_after and str(retry_after))
    assert "secondary rate limit" in answer.json()["message"]
    assert client.get("").status_code == 200


def test_what_a_token_may_not_see_is_not_found_and_a_false_token_is_refused(
    twin: GitHubTwin, desk: tuple[Desk, Served], client: Client
) -> None:
    twin.add_repo("acme/open", private=False)
    twin.add_token("ghp_narrow", "narrow", repositories=["acme/other"])
    nobody, narrow, forged = (Client(desk[1].url, token) for token in ("", "ghp_narrow", "forged"))
    assert client.get("").json()["full_name"] == REPO
    assert [one.get("").status_code for one in (nobody, narrow, forged)] == [404, 404, 401]
    assert forged.get("").json()["message"] == "Bad credentials"
    answer = nobody.get("//repos/acme/open")
    assert (answer.status_code, answer.headers["X-RateLimit-Limit"]) == (200, "60")
    assert nobody.get("//user").status_code == 401
    shown = client.get("//user")
    assert (shown.json()["login"], shown.headers["X-OAuth-Scopes"]) == ("loopbot", "read:org, repo")
    twin.revoke(TOKEN)
    assert client.get("").status_code == 401
    for one in (nobody, narrow, forged):
        one.session.close()


def test_a_token_that_may_only_read_is_told_what_it_lacks(twin: GitHubTwin, desk: tuple[Desk, Served]) -> None:
    twin.commit(REPO, "root")
    twin.add_token("ghp_reader", "reader", may_write=False)
    reader = Client(desk[1].url, "ghp_reader")
    answer = reader.post("/deployments", {"ref": "main"})
    assert (answer.status_code, answer.headers["X-Accepted-GitHub-Permissions"]) == (403, "deployments=write")
    assert twin.ledger.entries() == []
    reader.session.close()


def test_a_renamed_repository_redirects_to_its_number(twin: GitHubTwin, client: Client) -> None:
    twin.commit(REPO, "root")
    twin.rename_repo(REPO, "acme/store")
    moved = client.get("/commits/main")
    assert moved.status_code == 301
    assert client.session.get(moved.headers["Location"], timeout=5).json()["commit"]["message"] == "root"
    assert client.get("//repos/ACME/Store").json()["full_name"] == "acme/store"


def test_the_api_lives_under_a_base_path_as_on_enterprise_server() -> None:
    twin = GitHubTwin(Ledger(), base_path="/api/v3")
    twin.add_repo(REPO)
    twin.commit(REPO, "root")
    for _ in range(2):
        twin.deploy(REPO, "main")
    with served(twin.app) as server:
        client = Client(server.url + "/api/v3")
        answer = client.get("/deployments", params={"per_page": 1})
        assert answer.json()[0]["url"].startswith(server.url + "/api/v3/repos/acme/shop/deployments/")
        assert len(client.every("/deployments", per_page=1)) == 2
        assert client.get("").json()["html_url"] == f"{server.url}/{REPO}"
        assert requests.get(f"{server.url}/repos/{REPO}", timeout=5).status_code == 404
        client.session.close()
