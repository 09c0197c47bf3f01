"""What one repository holds: the commit graph, pull requests, deployments, workflow runs, releases, comments."""

import hashlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Json = dict[str, Any]
Merging = Literal["merge", "squash", "rebase"]
DeploymentState = Literal["error", "failure", "inactive", "in_progress", "queued", "pending", "success"]


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; `login` is None where GitHub knows no account for the author's address."""

    sha: str
    message: str
    name: str
    email: str
    login: str | None
    at: datetime
    parents: tuple[str, ...]
    files: tuple[str, ...]
    number: int


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
class Repository:
    """One repository; `name` is owner/name."""

    id: int
    name: str
    private: bool
    created_at: datetime
    default_branch: str = "main"
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)
    deployments: dict[int, Deployment] = field(default_factory=dict)
    environments: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
    releases: dict[int, Release] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    last_number: int = 0

    def resolve(self, ref: str) -> str | None:
        """The sha a branch, a tag, a full or an abbreviated sha (7 characters at least) stands for."""
        name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        found = self.branches.get(name) or self.tags.get(name)
        if found:
            return found
        if ref in self.commits:
            return ref
        fitting = [sha for sha in self.commits if len(ref) >= 7 and sha.startswith(ref)]
        return fitting[0] if len(fitting) == 1 else None

    def reachable(self, sha: str) -> set[str]:
        """The commit and everything before it."""
        found, waiting = {sha}, deque([sha])
        while waiting:
            for parent in self.commits[waiting.popleft()].parents:
                if parent not in found:
                    found.add(parent)
                    waiting.append(parent)
        return found

    def ordered(self, shas: Iterable[str]) -> list[Commit]:
        """These commits, oldest first."""
        return sorted((self.commits[sha] for sha in shas), key=lambda one: (one.at, one.number))

    def add_commit(self, message: str, author: str, at: datetime, parents: Iterable[str], files: Iterable[str]) -> str:
        """A new commit on top of its parents; `author` is a login, or `Name <address>` of somebody without an account."""
        name, _, rest = author.partition(" <")
        login = None if rest else author
        email = rest.rstrip(">") if rest else f"{author}@users.noreply.github.com"
        kept = tuple(parents)
        number = len(self.commits) + 1
        seed = f"{self.name}\n{number}\n{kept}\n{author}\n{at.isoformat()}\n{message}"
        sha = hashlib.sha1(seed.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
        self.commits[sha] = Commit(sha, message, name, email, login, at, kept, tuple(files), number)
        return sha


@dataclass(frozen=True, slots=True)
class Comparison:
    """What base...head is: the commits head has and base has not, oldest first."""

    base: Commit
    merge_base: Commit | None
    ahead: list[Commit]
    behind: int

    @property
    def status(self) -> str:
        """GitHub's word for it."""
        if self.ahead and self.behind:
            return "diverged"
        return "ahead" if self.ahead else "behind" if self.behind else "identical"


def compare(repository: Repository, base: str, head: str) -> Comparison:
    """Compare two commits by their shas."""
    before, after = repository.reachable(base), repository.reachable(head)
    common = repository.ordered(before & after)
    ahead = repository.ordered(after - before)
    return Comparison(repository.commits[base], common[-1] if common else None, ahead, len(before - after))


def merge(repository: Repository, pull: Pull, now: datetime, how: Merging) -> str:
    """Merge a pull request; the sha its base now stands at. Squashed or rebased commits are new ones."""
    head = repository.branches[pull.base]
    brought = [repository.commits[sha] for sha in pull.commits]
    files = sorted({name for commit in brought for name in commit.files})
    if how == "merge":
        owner = repository.name.partition("/")[0]
        text = f"Merge pull request #{pull.number} from {owner}/{pull.branch}\n\n{pull.title}"
        head = repository.add_commit(text, pull.author, now, [head, *pull.commits[-1:]], files)
        pull.landed.append(head)
    elif how == "squash":
        text = "\n\n".join([f"{pull.title} (#{pull.number})", *(f"* {commit.message}" for commit in brought)])
        head = repository.add_commit(text, pull.author, now, [head], files)
        pull.landed.append(head)
    else:
        for commit in brought:
            head = repository.add_commit(commit.message, commit.login or pull.author, now, [head], commit.files)
            pull.landed.append(head)
    repository.branches[pull.base] = head
    pull.state, pull.merged_at, pull.closed_at, pull.updated_at = "closed", now, now, now
    pull.merge_commit, pull.merged_by = head, pull.author
    return head
