"""What one repository holds beside its commits: pull requests, deployments, workflow runs, releases, comments."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from loopbot.sandbox.commits import CommitGraph, Merging, Words, land

Json = dict[str, Any]
DeploymentState = Literal["error", "failure", "inactive", "in_progress", "queued", "pending", "success"]


@dataclass(slots=True)
class Pull:
    """One pull request; `commits` in the order they were made, `landed` what its merge added to the base."""

    number: int
    id: int
    title: str
    body: str
    branch: str
    base: str
    author: str
    commits: list[str]
    base_sha: str
    created_at: datetime
    updated_at: datetime
    state: str = "open"
    merged_at: datetime | None = None
    closed_at: datetime | None = None
    merge_commit: str | None = None
    merged_by: str | None = None
    landed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Status:
    """One status of a deployment: they are only ever added."""

    id: int
    state: DeploymentState
    creator: str
    description: str
    environment: str
    target_url: str
    environment_url: str
    at: datetime


@dataclass(slots=True)
class Deployment:
    """One deployment; where it stands is its newest status, and the deployment itself does not say."""

    id: int
    sha: str
    ref: str
    task: str
    environment: str
    creator: str
    description: str
    payload: object
    transient: bool
    production: bool
    created_at: datetime
    updated_at: datetime
    statuses: list[Status] = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """One workflow run; a re-run keeps id and created_at and raises the attempt."""

    id: int
    name: str
    sha: str
    branch: str
    event: str
    status: str
    conclusion: str | None
    number: int
    actor: str
    created_at: datetime
    updated_at: datetime
    started_at: datetime
    workflow: int
    attempt: int = 1


@dataclass(slots=True)
class Release:
    """One release."""

    id: int
    tag: str
    name: str
    body: str
    author: str
    draft: bool
    prerelease: bool
    target: str
    created_at: datetime
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment of an issue or pull request."""

    id: int
    issue: int
    body: str
    author: str
    at: datetime


@dataclass(slots=True)
class Repository(CommitGraph):
    """One repository; `name` is owner/name."""

    id: int = field(kw_only=True)
    private: bool = field(kw_only=True)
    created_at: datetime = field(kw_only=True)
    default_branch: str = "main"
    pulls: dict[int, Pull] = field(default_factory=dict)
    deployments: dict[int, Deployment] = field(default_factory=dict)
    environments: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
    releases: dict[int, Release] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    last_number: int = 0


def merge(repository: Repository, pull: Pull, now: datetime, how: Merging) -> str:
    """Merge a pull request; the sha its base now stands at. Squashed or rebased commits are new ones."""
    owner = repository.name.partition("/")[0]
    text = f"Merge pull request #{pull.number} from {owner}/{pull.branch}\n\n{pull.title}"
    if how == "squash":
        said = (f"* {repository.commits[sha].message}" for sha in pull.commits)
        text = "\n\n".join([f"{pull.title} (#{pull.number})", *said])
    pull.landed += land(repository, pull.base, pull.commits, how, Words(text, pull.author, now))
    pull.state, pull.merged_at, pull.closed_at, pull.updated_at = "closed", now, now, now
    pull.merge_commit, pull.merged_by = repository.branches[pull.base], pull.author
    return repository.branches[pull.base]
