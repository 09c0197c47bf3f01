"""Jenkins' JSON as builds, and builds as our records. Pure."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from connectors.jenkins.settings import JenkinsSettings, JobSettings
from loopbot.ci.commits import Commit, Delivered
from loopbot.ci.mentions import Keys
from loopbot.domain.records import Deployment, Involved, Person, Ref
from loopbot.domain.texts import clean
from loopbot.http.hooks import moment_of

Json = Mapping[str, Any]

MOST_COMMITS: Final = 1024
"""So many of a change set are asked for; the git plugin writes no more either."""
_SUMMARY: Final = "number,result,building,timestamp,displayName,description"
# Not the authors: for each, Jenkins looks a user up, or makes one.
_ITEM: Final = f"items[commitId,msg,comment,timestamp,affectedPaths{{0,50}}]{{0,{MOST_COMMITS}}}"
SUMMARY: Final = _SUMMARY
"""The fields by which a change of a build is seen."""
DETAILS: Final = (
    f"{_SUMMARY},duration,url,changeSet[{_ITEM}],changeSets[{_ITEM}],"
    "actions[parameters[name,value],lastBuiltRevision[SHA1,branch[name]],remoteUrls,causes[userId,userName]]"
)
"""All that is read of a build."""
_RESULTS: Final[Mapping[str, str]] = MappingProxyType(
    {"SUCCESS": "succeeded", "FAILURE": "failed", "ABORTED": "failed", "NOT_BUILT": "failed"}
)
_MESSAGE: Final = 400


class UnmappableError(Exception):
    """This build can not become a record; the text says why."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A row of a job's list: which build, when it was begun, and a mark that changes when it does.

    `why` it can become no record: what it brought counts all the same.
    """

    number: int
    begun_at: datetime | None
    state: str
    note: str
    mark: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A commit of a change set, and the paths it touched."""

    commit: Commit
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Build:
    """A build as it is read. `revision` is the commit it was of ("": not known, `doubt` may say why), on `branch`."""

    summary: Summary
    name: str
    description: str
    url: str
    ended_at: datetime | None
    environment: str
    revision: str
    branch: str
    doubt: str
    people: tuple[Involved, ...]
    changes: tuple[Change, ...]
    cut: bool

    @property
    def number(self) -> int:
        """Its number in its job."""
        return self.summary.number


def summary(row: Any, settings: JenkinsSettings) -> Summary:
    """The row of a list; raises UnmappableError where it does not even tell its number."""
    number = row.get("number") if isinstance(row, dict) else None
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise UnmappableError("the number of a build is missing")
    begun_at = moment_of(row.get("timestamp"))
    why = "" if begun_at else f"timestamp is {clean(str(row.get('timestamp')), 40)!r}, not a time"
    state, note = _state(row, settings)
    if not state:
        why = f"the result {clean(str(row.get('result')), 40)!r} is unknown"
    words = "\n".join(str(row.get(name)) for name in ("result", "building", "displayName", "description"))
    digest = hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    return Summary(number, begun_at, state, note, f"{row.get('timestamp')} {digest}", why)


def build(row: Json, settings: JenkinsSettings, job: JobSettings, keys: Keys, system: str) -> Build:
    """A build with all that is read of it; raises UnmappableError where it does not even tell its number."""
    told = summary(row, settings)
    actions = [one for one in _list(row.get("actions")) if isinstance(one, dict)]
    revision, branch, doubt = _revision(actions, job.remote)
    sets = [row.get("changeSet"), *_list(row.get("changeSets"))]
    items = [_list(one.get("items")) for one in sets if isinstance(one, dict)]
    name = clean(str(row.get("displayName") or ""), 200).strip()
    url = str(row.get("url") or "")
    return Build(
        told,
        "" if name == f"#{told.number}" else name,
        clean(str(row.get("description") or "")),
        url if url.startswith(("https://", "http://")) else "",
        _ended_at(row, told),
        _environment(actions, job),
        revision,
        branch,
        doubt,
        _people(actions, system),
        tuple(_change(item, f"{told.number}.{place}", keys) for place, item in enumerate(_all(items))),
        any(len(one) >= MOST_COMMITS for one in items),
    )


def deployment(ref: Ref, one: Build, job: JobSettings, brought: Delivered) -> Deployment:
    """A build as a record; raises UnmappableError. `ref.key` is folder/job#number."""
    begun_at = one.summary.begun_at
    if one.summary.why or begun_at is None:
        raise UnmappableError(one.summary.why)
    if one.summary.state != "running" and one.ended_at is None:
        raise UnmappableError("it has ended, and its duration is no time in milliseconds")
    name, _, number = ref.key.rpartition("#")
    environment = environment_of(job, one.environment)
    remarks = "; ".join(filter(None, (brought.extra.get("left_out", ""), one.doubt)))
    told = {"tag": one.name, "note": one.summary.note, **brought.extra, "left_out": remarks}
    return Deployment(
        ref=ref,
        ident=ref.key,
        title=f"{name} {one.name or f'#{number}'} to {environment or 'an unnamed environment'}",
        text="\n\n".join(filter(None, (one.description, brought.text))),
        state=one.summary.state,
        updated_at=one.ended_at or begun_at,
        opened_at=begun_at,
        url=one.url,
        services=frozenset(job.services),
        people=one.people,
        links=brought.links,
        extra=MappingProxyType({name: value for name, value in told.items() if value}),
        environment=environment,
        commit=one.revision or None,
        started_at=begun_at,
        finished_at=one.ended_at,
    )


def environment_of(job: JobSettings, name: str) -> str | None:
    """The word that rules use for what a build names."""
    return job.environments.get(name, name.lower()) or None


def _state(row: Json, settings: JenkinsSettings) -> tuple[str, str]:
    """A pipeline may have a result long before it is done: what is building is running. "" for a result of no meaning here."""
    result = row.get("result")
    if row.get("building") or result is None:
        return "running", ""
    if result == "UNSTABLE":
        return ("succeeded" if settings.unstable_deploys else "failed"), "result: UNSTABLE"
    return _RESULTS.get(str(result), ""), f"result: {result}" if result in {"ABORTED", "NOT_BUILT"} else ""


def _ended_at(row: Json, told: Summary) -> datetime | None:
    duration = row.get("duration")
    if told.state == "running" or told.begun_at is None or not isinstance(duration, int | float):
        return None
    # Where a build was cut off Jenkins may not know how long it took.
    return moment_of(told.begun_at.timestamp() * 1000 + max(duration, 0))


def _environment(actions: Sequence[Json], job: JobSettings) -> str:
    if job.environment_parameter:
        for one in _all(_list(action.get("parameters")) for action in actions):
            if isinstance(one, dict) and one.get("name") == job.environment_parameter and one.get("value"):
                return clean(str(one["value"]), 100).strip()
    return job.environment


def _revision(actions: Sequence[Json], remote: str) -> tuple[str, str, str]:
    """The commit, its branch, and what is doubtful: a pipeline also tells of the libraries it loaded, in no order to rely on."""
    found: dict[str, str] = {}
    for one in actions:
        built = one.get("lastBuiltRevision")
        addresses = " ".join(str(address) for address in _list(one.get("remoteUrls")))
        if isinstance(built, dict) and built.get("SHA1") and remote in addresses:
            branches = [row.get("name") for row in _list(built.get("branch")) if isinstance(row, dict)]
            name = clean(str(next(filter(None, branches), "")), 200)
            found["".join(clean(str(built["SHA1"]), 64).split())] = name.removeprefix("refs/remotes/")
    if len(found) > 1:
        return "", "", "it checked out several commits; name the deployed repository in the job's `remote`"
    [(revision, branch)] = found.items() or [("", "")]
    return revision, branch, ""


def _people(actions: Sequence[Json], system: str) -> tuple[Involved, ...]:
    for one in _all(_list(action.get("causes")) for action in actions):
        if isinstance(one, dict) and one.get("userId"):
            key = clean(str(one["userId"]), 100)
            return (Involved("opener", Person(system, key, clean(str(one.get("userName") or key), 100))),)
    return ()


def _change(item: Any, place: str, keys: Keys) -> Change:
    row = item if isinstance(item, dict) else {}
    name = "".join(clean(str(row.get("commitId") or place), 64).split())
    # The git plugin cuts `msg` after 72 characters; only `comment` is the whole message, and only git has it.
    message = clean(str(row.get("comment") or row.get("msg") or ""), 100_000)
    paths = tuple(
        clean(path, 400).replace("\n", " ") for path in _list(row.get("affectedPaths")) if isinstance(path, str)
    )
    at = row.get("timestamp")
    made_at = moment_of(at) if isinstance(at, int) and at > 0 else None
    return Change(Commit(name, condensed(message, keys), made_at), paths)


def condensed(message: str, keys: Keys) -> str:
    """As much of a message as is remembered: how it begins, and the keys in the rest of it."""
    head = message.rstrip()[:_MESSAGE]
    known = set(keys.in_text(head))
    more = [key for key in keys.in_text(message) if key not in known]
    return f"{head}\n\n{' '.join(more)}" if more else head


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _all(lists: Any) -> Iterator[Any]:
    for one in lists:
        yield from one
