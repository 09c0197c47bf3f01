"""GitHub's JSON as our records. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from connectors.github.settings import GitHubSettings
from loopbot.ci.commits import Delivered
from loopbot.domain.records import Deployment, Involved, Link, Person, Ref, Release
from loopbot.domain.texts import clean

Json = Mapping[str, Any]

_STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "success": "succeeded",
        "failure": "failed",
        "error": "failed",
        "in_progress": "running",
        "queued": "pending",
        "pending": "pending",
        "waiting": "pending",
    }
)
_CONCLUSIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "success": "succeeded",
        "failure": "failed",
        "timed_out": "failed",
        "startup_failure": "failed",
        "cancelled": "failed",
        "action_required": "pending",
    }
)
_STATUSES: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(("queued", "requested", "waiting", "pending"), "pending") | {"in_progress": "running"}
)


class UnmappableError(Exception):
    """This row can not become a record; the text says why."""


@dataclass(frozen=True, slots=True)
class Course:
    """How a deployment went: its canonical state, when it began and ended, where its log is, and what to remark."""

    state: str
    started_at: datetime | None
    finished_at: datetime | None
    touched_at: datetime | None
    url: str = ""
    note: str = ""


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


def number(row: Json, name: str = "id") -> int:
    """A number of a row that must be there."""
    value = row.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnmappableError(f"{name} is missing")
    return value


def course(statuses: Sequence[Json]) -> Course:
    """What the statuses of a deployment (newest first) say. `inactive` only says that a newer one took its place."""
    told = [one for one in statuses if one.get("state") != "inactive"]
    touched = moment(statuses[0], "created_at") if statuses else None
    if not told:
        note = "made inactive before it was reported as done" if statuses else ""
        return Course("pending", None, None, touched, note=note)
    newest = told[0]
    word = str(newest.get("state"))
    state = _STATES.get(word)
    if state is None:
        raise UnmappableError(f"the deployment state {clean(word, 40)!r} is unknown")
    begun = [one for one in reversed(told) if one.get("state") == "in_progress"]
    ended = state in {"succeeded", "failed"}
    url = next((str(one[name]) for one in told for name in ("log_url", "target_url") if one.get(name)), "")
    return Course(
        state,
        moment(begun[0], "created_at") if begun else None,
        moment(newest, "created_at") if ended else None,
        touched,
        url if url.startswith(("https://", "http://")) else "",
    )


def course_of_run(row: Json) -> Course | None:
    """How a workflow run went; None where it was skipped or is of no account."""
    status, conclusion = row.get("status"), row.get("conclusion")
    if status == "completed":
        if conclusion in {"skipped", "neutral", "stale"}:
            return None
        state = _CONCLUSIONS.get(str(conclusion))
    else:
        state = _STATUSES.get(str(status))
    if state is None:
        raise UnmappableError(f"the run's state {clean(str(status), 40)!r}/{clean(str(conclusion), 40)!r} is unknown")
    touched = moment(row, "updated_at")
    return Course(
        state,
        moment(row, "run_started_at"),
        touched if state in {"succeeded", "failed"} else None,
        touched,
        str(row.get("html_url") or ""),
        f"conclusion: {conclusion}" if conclusion == "cancelled" else "",
    )


def environment_of(settings: GitHubSettings, name: object) -> str | None:
    """The word that rules use for an environment."""
    text = clean(str(name or ""), 100).strip()
    return settings.environments.get(text, text.lower()) or None


def deployment(ref: Ref, row: Json, how: Course, settings: GitHubSettings, brought: Delivered) -> Deployment:
    """A deployment as a record. `ref.key` is owner/name#id, or owner/name!id for a workflow run."""
    created = moment(row, "created_at")
    if created is None:
        raise UnmappableError("created_at is missing")
    repository, _, ident = ref.key.replace("!", "#").partition("#")
    environment = environment_of(settings, row.get("environment"))
    branch = clean(str(row.get("ref") or ""), 200)
    told = {"ref": branch, "note": how.note, **brought.extra}
    return Deployment(
        ref=ref,
        ident=ident,
        title=f"{repository} {branch} to {environment or 'an unnamed environment'}",
        text="\n\n".join(filter(None, (clean(str(row.get("description") or "")), brought.text))),
        state=how.state,
        updated_at=how.touched_at or moment(row, "updated_at") or created,
        opened_at=created,
        url=how.url,
        services=frozenset(settings.services.get(repository, ())),
        people=_people(ref.system, row.get("creator")),
        links=brought.links,
        extra=MappingProxyType({name: value for name, value in told.items() if value}),
        environment=environment,
        commit=clean(str(row.get("sha") or ""), 64) or None,
        started_at=how.started_at,
        finished_at=how.finished_at,
    )


def release(ref: Ref, row: Json, settings: GitHubSettings, issues: Sequence[Link]) -> Release:
    """A release as a record; a draft is planned, a published one released."""
    created, published = moment(row, "created_at"), moment(row, "published_at")
    if created is None:
        raise UnmappableError("created_at is missing")
    draft = bool(row.get("draft")) or published is None
    return Release(
        ref=ref,
        ident=str(number(row)),
        title=clean(str(row.get("name") or row.get("tag_name") or ""), 500),
        text=clean(str(row.get("body") or "")),
        state="planned" if draft else "released",
        updated_at=moment(row, "updated_at") or published or created,
        opened_at=created,
        url=str(row.get("html_url") or ""),
        services=frozenset(settings.services.get(ref.key.partition("@")[0], ())),
        labels=frozenset({"prerelease"} if row.get("prerelease") else ()),
        people=_people(ref.system, row.get("author")),
        links=tuple(issues),
        extra=MappingProxyType({"tag": clean(str(row.get("tag_name") or ""), 200)}),
        released_at=None if draft else published,
    )


def _people(system: str, account: Any) -> tuple[Involved, ...]:
    if not isinstance(account, dict) or not account.get("login"):
        return ()
    login = clean(str(account["login"]), 100)
    return (Involved("opener", Person(system, login, login)),)
