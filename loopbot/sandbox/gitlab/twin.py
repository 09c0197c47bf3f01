"""The GitLab twin: its REST API over real HTTP, and what developers and their pipelines do as a Python API."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Final

from starlette.applications import Starlette

from loopbot.sandbox.commits import Merging
from loopbot.sandbox.faults import FaultLayer, Faults
from loopbot.sandbox.gitlab.front import Front
from loopbot.sandbox.gitlab.project import (
    ENDED,
    Deployment,
    DeploymentStatus,
    Job,
    MergeRequest,
    Project,
    Release,
    merge,
)
from loopbot.sandbox.gitlab.visits import Token
from loopbot.sandbox.gitlab.world import World
from loopbot.sandbox.ledger import Ledger

TOKEN: Final = "glpat-twin"  # noqa: S105 made up: it opens nothing but this twin


class GitLabTwin:
    """`app` is the ASGI application; `base_path` is /api/v4, or /gitlab/api/v4 as where it lies under a path."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        faults: Faults | None = None,
        now: Callable[[], datetime] | None = None,
        base_path: str = "/api/v4",
    ) -> None:
        self.ledger, self.faults = ledger, faults or Faults()
        self.world = World(now)
        self.base_path = base_path
        self.add_token(TOKEN)
        self.app = FaultLayer(Starlette(routes=Front(self.world, base_path).routes()), "gitlab", self.faults, ledger)

    def add_token(
        self,
        secret: str,
        *,
        projects: Iterable[str] | None = None,
        scopes: Sequence[str] = ("read_api",),
        expires_at: date | None = None,
        limit: int = 2000,
    ) -> Token:
        """A token that sees these projects (None: all); others answer 404. `limit` is requests a minute."""
        visible = None if projects is None else frozenset(projects)
        made = Token("project_bot", visible, tuple(scopes), expires_at, limit=limit)
        self.world.tokens[secret] = made
        return made

    # What developers do

    def add_project(self, name: str, *, default_branch: str = "main") -> Project:
        """A new, empty project: group/sub/name."""
        with self.world.lock:
            number, now = self.world.fresh(), self.world.now()
            made = Project(name, id=number, created_at=now, default_branch=default_branch)
            self.world.projects[name] = made
            return made

    def commit(
        self,
        project: str,
        message: str,
        author: str = "ada",
        files: Sequence[str] = (),
        branch: str = "main",
        parent: str | None = None,
    ) -> str:
        """A commit on a branch (a new branch starts at `parent`, or at the default branch); the sha."""
        with self.world.lock:
            one = self.world.project(project)
            start = parent or one.branches.get(branch) or one.branches.get(one.default_branch)
            sha = one.add_commit(message, author, self.world.now(), [start] if start else [], files)
            one.branches[branch] = sha
            return sha

    def merge_request(
        self,
        project: str,
        title: str,
        description: str = "",
        branch: str = "feature",
        commits: Sequence[str] = (),
        *,
        how: Merging | None = "merge",
    ) -> int:
        """A merge request to main of commits given by message, made on its branch; merged unless `how` is None; its number."""
        with self.world.lock:
            one = self.world.project(project)
            shas = [self.commit(project, message, branch=branch) for message in commits]
            iid = len(one.merge_requests) + 1
            made = MergeRequest(
                iid, self.world.fresh(), title, description, branch, "main", "ada", shas, self.world.now()
            )
            one.merge_requests[iid] = made
            if how is not None:
                merge(one, made, self.world.now(), how)
            return iid

    def release(
        self, project: str, tag: str, name: str = "", description: str = "", *, released_at: datetime | None = None
    ) -> Release:
        """A release of a tag (made at the default branch if there is none); `released_at` may be to come."""
        with self.world.lock:
            one = self.world.project(project)
            if tag not in one.tags:
                one.tags[tag] = self._sha(one, one.default_branch)
            now = self.world.now()
            one.releases[tag] = Release(tag, name or tag, description, "ada", now, released_at or now)
            return one.releases[tag]

    # What pipelines do

    def deploy(
        self,
        project: str,
        ref: str,
        environment: str = "production",
        status: DeploymentStatus = "success",
        *,
        by_job: bool = True,
    ) -> int:
        """A deployment of a branch, tag or sha, by a job or (as other tools do) through the API; its id."""
        with self.world.lock:
            one = self.world.project(project)
            now = self.world.now()
            job = Job(self.world.fresh(), f"deploy to {environment}", "ada", now) if by_job else None
            one.environments.setdefault(environment, self.world.fresh())
            iid = max((other.iid for other in one.deployments.values()), default=0) + 1
            sha = self._sha(one, ref)
            made = Deployment(self.world.fresh(), iid, sha, ref, environment, "created", "ada", now, now, job)
            one.deployments[made.id] = made
            if status != "created":
                self.progress(project, made.id, status)
            return made.id

    def progress(self, project: str, deployment: int, status: DeploymentStatus) -> None:
        """A deployment begins, ends, is held back or is skipped."""
        with self.world.lock:
            found = self.world.project(project).deployments[deployment]
            now = self.world.now()
            found.status, found.updated_at = status, now
            if found.job is not None and status not in {"created", "blocked", "skipped"}:
                found.job.started_at = found.job.started_at or now
                found.job.finished_at = now if status in ENDED else None

    def _sha(self, one: Project, ref: str) -> str:
        found = one.resolve(ref)
        if found is None:
            raise LookupError(f"{one.name} has no commit, branch or tag {ref!r}")
        return found
