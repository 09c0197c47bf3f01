"""The GitHub twin: its REST API over real HTTP, and what developers and their pipelines do as a Python API."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

import orjson
from starlette.applications import Starlette

from loopbot.sandbox.commits import Merging
from loopbot.sandbox.faults import Fault, FaultLayer, Faults
from loopbot.sandbox.github.front import Front
from loopbot.sandbox.github.repository import (
    Comment,
    Deployment,
    DeploymentState,
    Pull,
    Release,
    Repository,
    Run,
    Status,
    merge,
)
from loopbot.sandbox.github.visits import Account
from loopbot.sandbox.github.world import World
from loopbot.sandbox.github.writes import add_status
from loopbot.sandbox.ledger import Ledger

TOKEN: Final = "ghp_twin"  # noqa: S105 made up: it opens nothing but this twin
PIPELINE: Final = "github-actions[bot]"


class GitHubTwin:
    """`app` is the ASGI application; `base_path` is empty, or /api/v3 as on Enterprise Server."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        faults: Faults | None = None,
        now: Callable[[], datetime] | None = None,
        base_path: str = "",
    ) -> None:
        self.ledger, self.faults = ledger, faults or Faults()
        self.world = World(ledger, now)
        self.add_token(TOKEN, "loopbot")
        self.app = FaultLayer(Starlette(routes=Front(self.world, base_path).routes()), "github", self.faults, ledger)

    def add_token(
        self,
        token: str,
        login: str,
        *,
        repositories: Iterable[str] | None = None,
        scopes: Iterable[str] = ("repo", "read:org"),
        may_write: bool = True,
        limit: int = 5000,
    ) -> Account:
        """A token that sees these repositories (None: all); others answer 404. `limit` is requests an hour."""
        visible = None if repositories is None else frozenset(repositories)
        made = Account(login, visible, frozenset(scopes), may_write, limit)
        self.world.accounts[token] = made
        return made

    def revoke(self, token: str) -> None:
        """From now on 401."""
        self.world.accounts.pop(token, None)

    def secondary_limit(self, *, times: int = 1, status: int = 403, retry_after: int | None = 60) -> None:
        """The next requests meet GitHub's secondary rate limit, with or without Retry-After (seconds)."""
        told = {
            "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
            "documentation_url": "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api",
        }
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        self.faults.add(Fault("status", times=times, status=status, headers=headers, body=orjson.dumps(told)))

    # What developers do

    def add_repo(self, name: str, *, private: bool = True, default_branch: str = "main") -> Repository:
        """A new, empty repository: owner/name."""
        with self.world.lock:
            number, now = self.world.fresh(), self.world.moment()
            made = Repository(name, id=number, private=private, created_at=now, default_branch=default_branch)
            self.world.repositories[name] = made
            return made

    def rename_repo(self, name: str, new: str) -> None:
        """Move a repository: requests under the former name are redirected."""
        self.world.rename(name, new)

    def commit(
        self,
        repo: str,
        message: str,
        author: str = "ada",
        files: Sequence[str] = (),
        branch: str = "main",
        parent: str | None = None,
    ) -> str:
        """A commit on a branch (a new branch starts at `parent`, or at the default branch); the sha."""
        with self.world.lock:
            one = self.world.repository(repo)
            start = parent or one.branches.get(branch) or one.branches.get(one.default_branch)
            sha = one.add_commit(message, author, self.world.moment(), [start] if start else [], files)
            one.branches[branch] = sha
            return sha

    def tag(self, repo: str, name: str, ref: str) -> str:
        """A tag; the sha it stands for."""
        with self.world.lock:
            one = self.world.repository(repo)
            one.tags[name] = self._sha(one, ref)
            return one.tags[name]

    def issue(self, repo: str) -> int:
        """A number that can be commented on."""
        with self.world.lock:
            one = self.world.repository(repo)
            one.last_number += 1
            return one.last_number

    def pull_request(  # noqa: PLR0913 told by name
        self,
        repo: str,
        title: str,
        body: str = "",
        branch: str = "feature",
        commits: Sequence[str] = (),
        *,
        merged: bool = True,
        author: str = "ada",
        base: str = "main",
        how: Merging = "merge",
    ) -> int:
        """A pull request of commits given by sha, or by message (then they are made on its branch); the number."""
        with self.world.lock:
            one = self.world.repository(repo)
            shas = [sha if sha in one.commits else self.commit(repo, sha, author, (), branch) for sha in commits]
            number, now = self.issue(repo), self.world.moment()
            base_sha = self._sha(one, base)
            made = Pull(number, self.world.fresh(), title, body, branch, base, author, shas, base_sha, now, now)
            one.pulls[number] = made
            if merged:
                self.merge(repo, number, how=how)
            return number

    def merge(self, repo: str, number: int, *, how: Merging = "merge") -> str:
        """Merge a pull request; the sha its base now stands at."""
        with self.world.lock:
            one = self.world.repository(repo)
            return merge(one, one.pulls[number], self.world.moment(), how)

    def release(
        self, repo: str, tag: str, name: str = "", body: str = "", *, draft: bool = False, prerelease: bool = False
    ) -> int:
        """A release of a tag (made at the default branch if there is none); the id."""
        with self.world.lock:
            one = self.world.repository(repo)
            if tag not in one.tags:
                one.tags[tag] = self._sha(one, one.default_branch)
            now = self.world.moment()
            made = Release(
                self.world.fresh(),
                tag,
                name or tag,
                body,
                "ada",
                draft,
                prerelease,
                one.default_branch,
                now,
                None if draft else now,
            )
            one.releases[made.id] = made
            return made.id

    # What pipelines do

    def deploy(  # noqa: PLR0913 told by name
        self,
        repo: str,
        ref: str,
        environment: str = "production",
        state: DeploymentState | None = "success",
        creator: str = PIPELINE,
        *,
        description: str = "",
        payload: object = None,
        transient: bool = False,
        auto_inactive: bool = True,
    ) -> int:
        """A deployment of a branch, tag or sha, with its first status unless `state` is None; the id."""
        with self.world.lock:
            one = self.world.repository(repo)
            now = self.world.moment()
            made = Deployment(
                self.world.fresh(),
                self._sha(one, ref),
                ref,
                "deploy",
                environment,
                creator,
                description,
                {} if payload is None else payload,
                transient,
                environment == "production",
                now,
                now,
            )
            one.deployments[made.id] = made
            one.environments.setdefault(environment, (self.world.fresh(), now))
            if state is not None:
                self.deployment_status(repo, made.id, state, creator, auto_inactive=auto_inactive)
            return made.id

    def deployment_status(
        self, repo: str, deployment: int, state: DeploymentState, creator: str = PIPELINE, *, auto_inactive: bool = True
    ) -> int:
        """One more status of a deployment; the id."""
        with self.world.lock:
            one = self.world.repository(repo)
            found = one.deployments[deployment]
            made = Status(self.world.fresh(), state, creator, "", found.environment, "", "", self.world.moment())
            add_status(one, self.world.fresh, found, made, auto_inactive=auto_inactive)
            return made.id

    def workflow_run(  # noqa: PLR0913 told by name
        self,
        repo: str,
        name: str,
        ref: str = "main",
        status: str = "completed",
        conclusion: str | None = "success",
        *,
        event: str = "push",
        actor: str = "ada",
    ) -> int:
        """A run of a workflow on a branch or sha; the id."""
        with self.world.lock:
            one = self.world.repository(repo)
            sha, now = self._sha(one, ref), self.world.moment()
            branch = ref if ref in one.branches else next((b for b, at in one.branches.items() if at == sha), "main")
            same = [run for run in one.runs.values() if run.name == name]
            workflow = same[0].workflow if same else self.world.fresh()
            result = conclusion if status == "completed" else None
            made = Run(
                self.world.fresh(),
                name,
                sha,
                branch,
                event,
                status,
                result,
                len(same) + 1,
                actor,
                now,
                now,
                now,
                workflow,
            )
            one.runs[made.id] = made
            return made.id

    def finish_run(self, repo: str, run: int, conclusion: str = "success") -> None:
        """A run ends."""
        with self.world.lock:
            found = self.world.repository(repo).runs[run]
            found.status, found.conclusion, found.updated_at = "completed", conclusion, self.world.moment()

    def rerun(self, repo: str, run: int, conclusion: str | None = "success") -> None:
        """The same run once more: its id and created_at stay, so that a filter by `created` does not find it."""
        with self.world.lock:
            found = self.world.repository(repo).runs[run]
            found.attempt += 1
            found.status = "completed" if conclusion else "in_progress"
            found.conclusion = conclusion
            found.started_at = found.updated_at = self.world.moment()

    # What there is

    def statuses(self, repo: str, deployment: int) -> list[DeploymentState]:
        """The states of a deployment, oldest first."""
        with self.world.lock:
            return [one.state for one in self.world.repository(repo).deployments[deployment].statuses]

    def comments(self, repo: str, number: int) -> list[Comment]:
        """The comments of an issue or pull request, oldest first."""
        with self.world.lock:
            return [one for one in self.world.repository(repo).comments if one.issue == number]

    def _sha(self, one: Repository, ref: str) -> str:
        found = one.resolve(ref)
        if found is None:
            raise LookupError(f"{one.name} has no commit, branch or tag {ref!r}")
        return found
