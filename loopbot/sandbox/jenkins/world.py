"""What one Jenkins holds: jobs in folders, the repository each deploys, and their builds; behind one lock."""

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

Result = Literal["SUCCESS", "UNSTABLE", "FAILURE", "ABORTED", "NOT_BUILT"]
Kind = Literal["pipeline", "freestyle"]
MAIN: Final = "main"
DETACHED: Final = "detached"


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of a job's repository."""

    sha: str
    message: str
    author: str
    at: datetime
    files: tuple[str, ...]
    merge: bool


@dataclass(slots=True)
class Build:
    """One build; `revision` is None where it failed before it checked anything out. `built` is what it last knew built, by branch."""

    number: int
    at: datetime
    user: str
    parameters: Mapping[str, str]
    revision: str | None
    branch: str
    changes: tuple[Commit, ...] = ()
    built: dict[str, str] = field(default_factory=dict)
    result: str | None = None
    building: bool = True
    duration: int = 0
    name: str = ""
    description: str | None = None
    libraries: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Job:
    """One job. `branches` are those of its repository, each with its whole history; `changelog`: its checkout asks for one."""

    full_name: str
    kind: Kind
    remote: str
    changelog: bool = True
    hidden: bool = False
    branches: dict[str, list[Commit]] = field(default_factory=lambda: {MAIN: []})
    builds: dict[int, Build] = field(default_factory=dict)
    next_number: int = 1

    @property
    def line(self) -> list[Commit]:
        """The history of the main branch."""
        return self.branches[MAIN]

    def add(self, branch: str, message: str, author: str, at: datetime, files: Iterable[str], *, merge: bool) -> str:
        """A commit on top of a branch, which begins as the main one is; its sha."""
        line = self.branches.setdefault(branch, [*self.line])
        seed = f"{self.full_name}\n{branch}\n{len(line)}\n{message}\n{at.isoformat()}"
        sha = hashlib.sha1(seed.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
        line.append(Commit(sha, message, author, at, tuple(files), merge))
        return sha

    def built(self) -> dict[str, str]:
        """What the last build that is still there knows to have been built last, by branch."""
        told = [one.built for _, one in sorted(self.builds.items()) if one.built]
        return {**told[-1]} if told else {}

    def since_it_was_built(self, branch: str, revision: str) -> tuple[Commit, ...]:
        """As the git plugin tells it: what the last build of that branch did not hold, whatever became of it, without merges.

        Where there was none it tells nothing: "First time build. Skipping changelog."
        """
        last = self.built().get(branch)
        if last is None or not self.changelog:
            return ()
        had = {one.sha for one in self.reached(last)}
        return tuple(one for one in self.reached(revision) if one.sha not in had and not one.merge)

    def reached(self, sha: str) -> list[Commit]:
        """A commit and all before it: on the branch where it was made, before it came to others."""
        lines = (
            line[: place + 1] for line in self.branches.values() for place, one in enumerate(line) if one.sha == sha
        )
        return min(lines, key=len, default=[])


class World:
    """What the front and the people's acts work on."""

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        self.now = now or (lambda: datetime.now(UTC))
        self.lock = threading.RLock()
        self.jobs: dict[str, Job] = {}
        self.accounts: dict[str, str] = {}

    def job(self, name: str) -> Job:
        """The job, for people; KeyError says which one is missing."""
        return self.jobs[name]

    def inside(self, folder: str) -> dict[str, Job | None]:
        """What a folder ("": the top) holds by name: jobs, and None for folders."""
        start = f"{folder}/" if folder else ""
        found: dict[str, Job | None] = {}
        for name, job in self.jobs.items():
            if name.startswith(start) and not job.hidden:
                here, _, deeper = name.removeprefix(start).partition("/")
                found[here] = None if deeper else job
        return found
