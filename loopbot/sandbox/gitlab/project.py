"""What one project holds beside its commits: merge requests, environments, deployments, releases."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from loopbot.sandbox.commits import CommitGraph, Merging, Words, land

Json = dict[str, Any]
DeploymentStatus = Literal["created", "running", "success", "failed", "canceled", "skipped", "blocked"]
ENDED: Final = frozenset({"success", "failed", "canceled", "skipped"})


@dataclass(slots=True)
class MergeRequest:
    """One merge request; `commits` in the order they were made, `landed` what its merge added to the target."""

    iid: int
    id: int
    title: str
    description: str
    branch: str
    target: str
    author: str
    commits: list[str]
    created_at: datetime
    state: str = "opened"
    merged_at: datetime | None = None
    merge_commit: str | None = None
    squash_commit: str | None = None
    landed: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Job:
    """The job of a pipeline that makes a deployment."""

    id: int
    name: str
    user: str
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(slots=True)
class Deployment:
    """One deployment; `job` is None where it was made through the API."""

    id: int
    iid: int
    sha: str
    ref: str
    environment: str
    status: DeploymentStatus
    user: str
    created_at: datetime
    updated_at: datetime
    job: Job | None


@dataclass(slots=True)
class Release:
    """One release; it has no number that the API tells: its name is the tag."""

    tag: str
    name: str
    description: str
    author: str
    created_at: datetime | None
    released_at: datetime | None


@dataclass(slots=True)
class Project(CommitGraph):
    """One project; `name` is its full path, group/sub/name."""

    id: int = field(kw_only=True)
    created_at: datetime = field(kw_only=True)
    default_branch: str = "main"
    merge_requests: dict[int, MergeRequest] = field(default_factory=dict)
    environments: dict[str, int] = field(default_factory=dict)
    deployments: dict[int, Deployment] = field(default_factory=dict)
    releases: dict[str, Release] = field(default_factory=dict)


def merge(project: Project, request: MergeRequest, now: datetime, how: Merging) -> str:
    """Merge a merge request, with the words of GitLab's own templates; the sha its target now stands at.

    A squashed one is squashed and fast-forwarded: what lands says the title alone, and no number.
    """
    text = request.title
    if how == "merge":
        text = (
            f"Merge branch '{request.branch}' into '{request.target}'\n\n"
            f"{request.title}\n\nSee merge request {project.name}!{request.iid}"
        )
    request.landed += land(project, request.target, request.commits, how, Words(text, request.author, now))
    head = project.branches[request.target]
    request.state, request.merged_at = "merged", now
    if how == "merge":
        request.merge_commit = head
    elif how == "squash":
        request.squash_commit = head
    return head
