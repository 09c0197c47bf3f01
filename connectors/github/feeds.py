"""What is listed newest first, and how a row of each list becomes a record: deployments, deploying runs, releases."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from connectors.github.api import Api, NotThereError
from connectors.github.commits import Commits
from connectors.github.mapping import (
    Course,
    UnmappableError,
    course,
    course_of_run,
    deployment,
    number,
    release,
)
from connectors.github.memory import Memory
from loopbot.ci.commits import Delivered
from loopbot.ci.mentions import Keys
from loopbot.ci.ranges import Ranges
from loopbot.ci.successes import Success
from loopbot.domain.records import Deployment, Link, Record, Ref

Json = Mapping[str, Any]

_FINAL: Final = frozenset({"succeeded", "failed"})


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a row: a record, or nothing where it is of no account, or `why` it can not be one.

    `pending` is how it stood (see Feed.progress), where it may still change without the list showing it.
    """

    ident: int
    record: Record | None = None
    pending: str = ""
    why: str = ""


class Feed(Protocol):
    """One kind of list."""

    what: str
    field: str

    def path(self, repository: str) -> str:
        """Where the list is."""

    def mark(self, row: Json) -> str:
        """What changes when the row does."""

    def progress(self, repository: str, ident: int) -> str:
        """How a pending one stands now, to compare with `Made.pending`."""

    def make(self, repository: str, rows: Sequence[Json], memory: Memory) -> Iterator[Made]:
        """What becomes of these rows, which are in the order they were made."""


class Deliveries:
    """What deployments and deploying runs have in common: an environment, an outcome, a range of commits."""

    def __init__(self, api: Api, ranges: Ranges, sign: str) -> None:
        self._api, self._ranges, self._sign = api, ranges, sign

    def made(self, repository: str, row: Json, how: Course, memory: Memory) -> Made:
        """The record of one, with what it delivers where it succeeded."""
        settings, ident = self._api.settings, number(row)
        # A run's second attempt deploys again: what the first one delivered stays said.
        attempt = f".{row['attempt']}" if row.get("attempt", 1) != 1 else ""
        ref = Ref(self._api.system, "deployment", f"{repository}{self._sign}{ident}{attempt}")
        told = Delivered()
        sha, at = str(row.get("sha") or ""), how.finished_at
        # GitHub's own name: what is one environment to the rules may be several that are deployed one by one.
        environment = str(row.get("environment") or "")
        if how.state == "succeeded" and at is not None and sha:
            stamp = at.isoformat()
            base = memory.live.base(environment, stamp, ident)
            told = self._ranges.delivered(Commits(self._api, repository), ref, sha, base)
            memory.live.succeeded(environment, Success(stamp, ident, sha))
        else:
            memory.live.failed(environment, ident)
        record: Deployment = deployment(ref, row, how, settings, told)
        return Made(ident, record, "" if how.state in _FINAL or how.note else _progress(how))

    def in_order(self, courses: Sequence[tuple[Json, Course]]) -> list[tuple[Json, Course]]:
        """By the time they ended: each follows the one that succeeded before it, not the one that began before it."""
        last = datetime.max.replace(tzinfo=UTC)
        return sorted(courses, key=lambda one: (one[1].finished_at or last, number(one[0])))


class DeploymentFeed:
    """GitHub's own deployments; how they stand is in their statuses, a call for each that is new or not finished."""

    what = "deployment"
    field = ""

    def __init__(self, api: Api, ranges: Ranges) -> None:
        self._api, self._deliveries = api, Deliveries(api, ranges, "#")

    def path(self, repository: str) -> str:
        """Where the list is."""
        return f"/repos/{repository}/deployments"

    def mark(self, row: Json) -> str:
        """A new status also stamps the deployment."""
        return str(row.get("updated_at") or "")

    def progress(self, repository: str, ident: int) -> str:
        """By its statuses: whether a new one also stamps the deployment, GitHub does not promise."""
        try:
            return _progress(course(self._statuses(repository, ident)))
        except UnmappableError:
            return "unknown"

    def make(self, repository: str, rows: Sequence[Json], memory: Memory) -> Iterator[Made]:
        """Read the statuses of each, then make them in the order they ended."""
        courses: list[tuple[Json, Course]] = []
        for row in rows:
            ident = number(row)
            try:
                how = course(self._statuses(repository, ident))
            except UnmappableError as error:
                yield Made(ident, why=str(error))
                continue
            if memory.seen.get(ident, "").endswith(f"|{how.state}") and ident not in memory.pending:
                # Only a later `inactive`: a newer deployment took its place, and what this one delivered stays as it was.
                yield Made(ident)
                continue
            courses.append((row, how))
        for row, how in self._deliveries.in_order(courses):
            yield _or_why(number(row), self._deliveries.made, repository, row, how, memory)

    def _statuses(self, repository: str, ident: int) -> list[Json]:
        try:
            answer = self._api.get(f"{self.path(repository)}/{ident}/statuses", {"per_page": 100})
        except NotThereError:
            return []
        return self._api.rows(answer)


class RunFeed:
    """Runs of those workflows that deploy; the others are only passed over."""

    what = "run"
    field = "workflow_runs"

    def __init__(self, api: Api, ranges: Ranges) -> None:
        self._api, self._deliveries = api, Deliveries(api, ranges, "!")

    def path(self, repository: str) -> str:
        """Where the list is."""
        return f"/repos/{repository}/actions/runs"

    def mark(self, row: Json) -> str:
        """A new attempt keeps the id and the place in the list."""
        return f"{row.get('updated_at')}/{row.get('run_attempt')}"

    def progress(self, repository: str, ident: int) -> str:
        """By its own row."""
        row = self._api.get(f"{self.path(repository)}/{ident}").body
        try:
            how = course_of_run(row) if isinstance(row, dict) else None
        except UnmappableError:
            how = None
        return _progress(how) if how else "unknown"

    def make(self, repository: str, rows: Sequence[Json], memory: Memory) -> Iterator[Made]:
        """Make those of the named workflows."""
        courses: list[tuple[Json, Course]] = []
        for row in rows:
            environment = self._api.settings.deploy_workflows.get(str(row.get("name")))
            try:
                how = course_of_run(row) if environment is not None else None
            except UnmappableError as error:
                yield Made(number(row), why=str(error))
                continue
            if how is None:
                yield Made(number(row))
                continue
            courses.append((_as_deployment(row, environment), how))
        for row, how in self._deliveries.in_order(courses):
            yield _or_why(number(row), self._deliveries.made, repository, row, how, memory)


class ReleaseFeed:
    """Releases, and the issues their notes name."""

    what = "release"
    field = ""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._keys = Keys(api.settings.issue_keys, api.settings.issue_url)

    def path(self, repository: str) -> str:
        """Where the list is."""
        return f"/repos/{repository}/releases"

    def mark(self, row: Json) -> str:
        """Its words and stamps: releases of older servers have no update stamp."""
        told = (row.get(name) for name in ("updated_at", "published_at", "draft", "prerelease", "name", "body"))
        return _digest("\n".join(str(one) for one in told))

    def progress(self, repository: str, ident: int) -> str:  # noqa: ARG002 - of the protocol
        """A release never changes unseen."""
        return ""

    def make(self, repository: str, rows: Sequence[Json], memory: Memory) -> Iterator[Made]:  # noqa: ARG002 - of the protocol
        """Each by itself."""
        for row in rows:
            yield _or_why(number(row), self._made, repository, row)

    def _made(self, repository: str, row: Json) -> Made:
        ref = Ref(self._api.system, "release", f"{repository}@{row.get('tag_name')}")
        target = self._api.settings.issues_in
        notes = f"{row.get('name') or ''}\n{row.get('body') or ''}"
        links = [
            Link(ref, "includes", Ref(target, "issue", key), 1.0, "named in the release notes", f"system:{ref.system}")
            for key in self._keys.in_text(notes)
        ]
        return Made(number(row), release(ref, row, self._api.settings, links))


def _progress(how: Course) -> str:
    return f"{how.state} {how.touched_at.isoformat() if how.touched_at else ''}"


def _or_why(ident: int, make: Callable[..., Made], *of: object) -> Made:
    try:
        return make(*of)
    except UnmappableError as error:
        return Made(ident, why=str(error))


def _as_deployment(row: Json, environment: str | None) -> Json:
    """A run in the words of a deployment."""
    return {
        "id": row.get("id"),
        "sha": row.get("head_sha"),
        "ref": row.get("head_branch"),
        "environment": environment,
        "description": row.get("display_title"),
        "attempt": row.get("run_attempt", 1),
        "creator": row.get("triggering_actor") or row.get("actor"),
        "created_at": row.get("created_at"),
        "updated_at": row.get("updated_at"),
    }


def _digest(text: str) -> str:
    import hashlib

    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
