"""A graph of commits as any host of git keeps one: branches, tags, what is reachable, comparisons, and how requests land."""

import hashlib
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Merging = Literal["merge", "squash", "rebase"]


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; `login` is None where the host knows no account for the author's address."""

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
class CommitGraph:
    """The commits of one repository; `name` is its full name."""

    name: str
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

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
        email = rest.rstrip(">") if rest else f"{author}@users.noreply.example"
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


def compare(graph: CommitGraph, base: str, head: str) -> Comparison:
    """Compare two commits by their shas."""
    before, after = graph.reachable(base), graph.reachable(head)
    common = graph.ordered(before & after)
    ahead = graph.ordered(after - before)
    return Comparison(graph.commits[base], common[-1] if common else None, ahead, len(before - after))


@dataclass(frozen=True, slots=True)
class Words:
    """What the commit of a merge or squash says, who makes it, and when."""

    text: str
    author: str
    at: datetime


def land(graph: CommitGraph, base: str, brought: Sequence[str], how: Merging, words: Words) -> list[str]:
    """Bring these commits to the branch `base`; the shas that are new on it. Squashed or rebased commits are new ones."""
    head, landed = graph.branches[base], []
    commits = [graph.commits[sha] for sha in brought]
    if how == "rebase":
        for commit in commits:
            head = graph.add_commit(commit.message, commit.login or words.author, words.at, [head], commit.files)
            landed.append(head)
    else:
        files = sorted({name for commit in commits for name in commit.files})
        parents = [head, *brought[-1:]] if how == "merge" else [head]
        head = graph.add_commit(words.text, words.author, words.at, parents, files)
        landed.append(head)
    graph.branches[base] = head
    return landed
