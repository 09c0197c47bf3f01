"""The Jenkins twin: its remote access API over real HTTP, and what developers and their jobs do as a Python API."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from starlette.applications import Starlette

from loopbot.sandbox.faults import FaultLayer, Faults
from loopbot.sandbox.jenkins.front import Front
from loopbot.sandbox.jenkins.world import DETACHED, MAIN, Build, Job, Kind, Result, World
from loopbot.sandbox.ledger import Ledger

USER: Final = "loopbot"
TOKEN: Final = "11twin0000000000000000000000000000"  # noqa: S105 made up: it opens nothing but this twin


class JenkinsTwin:
    """`app` is the ASGI application; `base_path` is empty, or the context path, such as /jenkins."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        faults: Faults | None = None,
        now: Callable[[], datetime] | None = None,
        base_path: str = "",
    ) -> None:
        self.ledger, self.faults = ledger, faults or Faults()
        self.world = World(now)
        self.world.accounts[USER] = TOKEN
        self.app = FaultLayer(Starlette(routes=Front(self.world, base_path).routes()), "jenkins", self.faults, ledger)

    # What people set up

    def add_job(self, name: str, kind: Kind = "pipeline", *, changelog: bool = True, remote: str = "") -> Job:
        """A job by its full name, with the folders that it is in; it deploys a repository of its own."""
        with self.world.lock:
            remote = remote or f"https://git.example/{name}.git"
            self.world.jobs[name] = Job(name, kind, remote, changelog)
            return self.world.jobs[name]

    def remove_job(self, name: str) -> None:
        """It is deleted, with all its builds."""
        with self.world.lock:
            del self.world.jobs[name]

    def hide(self, name: str, *, hidden: bool = True) -> None:
        """The user may not see it: 404."""
        with self.world.lock:
            self.world.job(name).hidden = hidden

    # What developers do

    def commit(
        self,
        job: str,
        message: str,
        author: str = "ada",
        files: Sequence[str] = (),
        branch: str = MAIN,
        *,
        merge: bool = False,
    ) -> str:
        """A commit to the repository that the job deploys (a new branch begins as the main one is); the sha."""
        with self.world.lock:
            return self.world.job(job).add(branch, message, author, self.world.now(), files, merge=merge)

    def merge(self, job: str, branch: str) -> str:
        """A branch is merged into the main one: its commits are there too, and a merge that no change set will show."""
        with self.world.lock:
            one = self.world.job(job)
            one.line.extend(commit for commit in one.branches[branch] if commit not in one.line)
            return self.commit(job, f"Merge branch '{branch}'", merge=True)

    # What the job does

    def start(
        self,
        job: str,
        revision: str | None = "",
        *,
        branch: str = MAIN,
        parameters: Mapping[str, str] | None = None,
        user: str = "",
    ) -> int:
        """A build begins, of the branch's newest commit or of a given one (None: it does not come to a checkout); its number."""
        with self.world.lock:
            one, now = self.world.job(job), self.world.now()
            branch = DETACHED if revision else branch
            if revision == "":
                line = one.branches[branch]
                revision = line[-1].sha if line else None
            changes = one.since_it_was_built(branch, revision) if revision else ()
            built = one.built() | ({branch: revision} if revision else {})
            made = Build(one.next_number, now, user, parameters or {}, revision, branch, changes, built)
            one.builds[made.number] = made
            one.next_number += 1
            return made.number

    def finish(self, job: str, number: int, result: Result = "SUCCESS") -> None:
        """A build ends."""
        with self.world.lock:
            found = self.world.job(job).builds[number]
            found.building, found.result = False, result
            found.duration = round((self.world.now() - found.at).total_seconds() * 1000)

    def build(
        self,
        job: str,
        result: Result = "SUCCESS",
        *,
        revision: str | None = "",
        branch: str = MAIN,
        parameters: Mapping[str, str] | None = None,
        user: str = "",
    ) -> int:
        """A build from its begin to its end; its number."""
        number = self.start(job, revision, branch=branch, parameters=parameters, user=user)
        self.finish(job, number, result)
        return number

    def describe(self, job: str, number: int, name: str = "", description: str | None = None) -> None:
        """Somebody names and describes a build."""
        with self.world.lock:
            found = self.world.job(job).builds[number]
            found.name, found.description = name, description

    def delete(self, job: str, *numbers: int) -> None:
        """Builds are deleted, by hand or because only the last ones are kept; their numbers are not used again."""
        with self.world.lock:
            for number in numbers:
                del self.world.job(job).builds[number]
