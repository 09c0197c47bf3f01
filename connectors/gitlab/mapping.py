"""GitLab's JSON as our records. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, Final

from connectors.gitlab.settings import GitLabSettings
from loopbot.ci.commits import Delivered
from loopbot.domain.records import Deployment, Involved, Link, Person, Ref, Release
from loopbot.domain.texts import clean

Json = Mapping[str, Any]

# A state and, where GitLab's word says more, what to remark.
_STATES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "created": ("pending", ""),
        "blocked": ("pending", "waits for approval"),
        "running": ("running", ""),
        "success": ("succeeded", ""),
        "failed": ("failed", ""),
        "canceled": ("failed", "canceled"),
        "skipped": ("failed", "skipped: nothing was deployed"),
    }
)
ENDED: Final = frozenset({"succeeded", "failed"})


class UnmappableError(Exception):
    """This row can not become a record; the text says why."""


@dataclass(frozen=True, slots=True)
class Course:
    """How a deployment goes: its canonical state, when it began and ended, where its job is, and what to remark."""

    state: str
    touched_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    url: str = ""
    note: str = ""
    skipped: bool = False


def moment(row: Json, name: str) -> datetime | None:
    """A stamp of a row; None where there is none; raises UnmappableError where it is not one."""
    text = row.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise UnmappableError(f"{name} is {clean(str(text), 40)!r}, not a time") from error
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def required(row: Json, name: str) -> datetime:
    """A stamp of a row that must be there."""
    at = moment(row, name)
    if at is None:
        raise UnmappableError(f"{name} is missing")
    return at


def number(row: Json, name: str = "id") -> int:
    """A number of a row that must be there."""
    value = row.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnmappableError(f"{name} is missing")
    return value


def inner(row: Json, name: str) -> Json:
    """An object in a row; empty where there is none."""
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def course(row: Json) -> Course:
    """How a deployment goes. Its job says when it ended; one that other tools made has none, and ended when it last changed."""
    word = str(row.get("status"))
    if word not in _STATES:
        raise UnmappableError(f"the deployment status {clean(word, 40)!r} is unknown")
    (state, note), job, touched = _STATES[word], inner(row, "deployable"), required(row, "updated_at")
    url = str(job.get("web_url") or "")
    return Course(
        state,
        touched,
        moment(job, "started_at"),
        (moment(job, "finished_at") or touched) if state in ENDED else None,
        url if url.startswith(("https://", "http://")) else "",
        note,
        skipped=word == "skipped",
    )


def environment_name(row: Json) -> str:
    """GitLab's own name of the environment; "" where there is none."""
    return str(inner(row, "environment").get("name") or "")


def passed_over(settings: GitLabSettings, environment: str) -> bool:
    """Whether deployments to it, by GitLab's own name, are not read."""
    return any(fnmatchcase(environment, pattern) for pattern in settings.passed_over)


def deployment(ref: Ref, row: Json, how: Course, settings: GitLabSettings, brought: Delivered) -> Deployment:
    """A deployment as a record. `ref.key` is group/name#id."""
    project, _, ident = ref.key.partition("#")
    name = clean(environment_name(row), 100).strip()
    environment = settings.environments.get(name, name.lower()) or None
    branch = clean(str(row.get("ref") or ""), 200)
    told = {"ref": branch, "note": how.note, **brought.extra}
    return Deployment(
        ref=ref,
        ident=ident,
        title=f"{project} {branch} to {environment or 'an unnamed environment'}",
        text=brought.text,
        state=how.state,
        updated_at=how.touched_at,
        opened_at=required(row, "created_at"),
        url=how.url,
        services=frozenset(settings.services.get(project, ())),
        # Whoever pressed play on the job, where that was somebody else than who started the pipeline.
        people=_people(ref.system, inner(row, "deployable").get("user") or row.get("user")),
        links=brought.links,
        extra=MappingProxyType({name: value for name, value in told.items() if value}),
        environment=environment,
        commit=clean(str(row.get("sha") or ""), 64) or None,
        started_at=how.started_at,
        finished_at=how.finished_at,
    )


def tag_of(row: Json) -> str:
    """A release's name."""
    tag = row.get("tag_name")
    if not isinstance(tag, str) or not tag:
        raise UnmappableError("tag_name is missing: GitLab hides it where the token may not read the code")
    return clean(tag, 200)


def release(ref: Ref, row: Json, settings: GitLabSettings, issues: Sequence[Link]) -> Release:
    """A release as a record; one whose day has not come is planned. `ref.key` is group/name@tag."""
    created, released = required(row, "created_at"), moment(row, "released_at")
    planned = bool(row.get("upcoming_release")) or released is None
    tag, url = tag_of(row), str(inner(row, "_links").get("self") or "")
    return Release(
        ref=ref,
        ident=tag,
        title=clean(str(row.get("name") or tag), 500),
        text=clean(str(row.get("description") or "")),
        state="planned" if planned else "released",
        updated_at=created if planned or released is None else max(created, released),
        opened_at=created,
        url=url if url.startswith(("https://", "http://")) else "",
        services=frozenset(settings.services.get(ref.key.partition("@")[0], ())),
        people=_people(ref.system, row.get("author")),
        links=tuple(issues),
        extra=MappingProxyType({"tag": tag}),
        released_at=None if planned else released,
    )


def _people(system: str, account: Any) -> tuple[Involved, ...]:
    if not isinstance(account, dict) or not account.get("username"):
        return ()
    username = clean(str(account["username"]), 100)
    return (Involved("opener", Person(system, username, username)),)
