"""What one Jenkins holds: jobs in folders, the repository each deploys, and their builds; behind one lock."""

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

Result = Literal["SUCCESS", "UNSTABLE", "FAILURE", "ABORTED", "NOT_BUILT"]
Kind = Literal["pipeline", "freestyle"]


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
    """One build; `revision` is None where it failed before it checked anything out."""

    number: int
    at: datetime
    user: str
    parameters: Mapping[str, str]
    revision: str | None
    changes: tuple[Commit, ...] = ()
    result: str | None = None
    building: bool = True
    duration: int = 0
    name: str = ""
    description: str | None = None
    libraries: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Job:
    """One job. `line` is its repository's history, oldest first; `changelog` whether its checkout asks for one."""

    full_name: str
    kind: Kind
    remote: str
    changelog: bool = True
    hidden: bool = False
    line: list[Commit] = field(default_factory=list)
    builds: dict[int, Build] = field(default_factory=dict)
    next_number: int = 1

    def add(self, message: str, author: str, at: datetime, files: Iterable[str], *, merge: bool) -> str:
        """A commit on top; its sha."""
        seed = f"{self.full_name}\n{len(self.line)}\n{message}\n{at.isoformat()}"
        sha = hashlib.sha1(seed.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
        self.line.append(Commit(sha, message, author, at, tuple(files), merge))
        return sha

    def since_the_build_before(self, revision: str) -> tuple[Commit, ...]:
        """As the git plugin tells it: what the last build that checked out did not hold, whatever became of it, without merges.

        Where none did it tells nothing: "First time build. Skipping changelog."
        """
        checked_out = [one.revision for _, one in sorted(self.builds.items()) if one.revision]
        if not checked_out or not self.changelog:
            return ()
        names = [one.sha for one in self.line]
        start, end = names.index(checked_out[-1]) + 1, names.index(revision) + 1
        return tuple(one for one in self.line[start:end] if not one.merge)


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
