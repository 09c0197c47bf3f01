"""Jira's rows into our records. Pure: no calls, no clock.

Rows are JSON as parsed, so what is not a dict or a list is not an object or an array; ten thousand take half a second.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any

from connectors.jira import adf, wiki
from connectors.jira.settings import Settings, State
from loopbot.domain.holdings import VERSIONS
from loopbot.domain.records import Involved, Issue, Link, Person, Ref, Release
from loopbot.domain.texts import clean
from loopbot.domain.words import Relation, Role

SYSTEM_FIELDS = (
    "summary",
    "description",
    "status",
    "resolution",
    "resolutiondate",
    "priority",
    "issuetype",
    "project",
    "labels",
    "components",
    "reporter",
    "assignee",
    "created",
    "updated",
    "fixVersions",
    "versions",
    "issuelinks",
)
VOTES = "votes"
# Editors leave empty paragraphs behind; one empty line says the same.
_GAPS = re.compile(r"\n\s*\n\s*\n")
_BY_CATEGORY: Mapping[str, State] = {"new": "todo", "undefined": "todo", "indeterminate": "in_progress", "done": "done"}


class UnmappedError(ValueError):
    """A row can not be mapped; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Mapper:
    """How one configured Jira's rows become records. `priorities`, `states` and `wont_do` are in lower case."""

    system: str
    base_url: str
    priorities: Mapping[str, int] = field(default_factory=dict)
    states: Mapping[str, State] = field(default_factory=dict)
    wont_do: frozenset[str] = frozenset()
    relations: Mapping[str, Relation] = field(default_factory=dict)
    service_fields: tuple[str, ...] = ()
    environment_field: str = ""
    reason_field: str = ""
    extra_fields: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields to ask for."""
        own = (*self.service_fields, self.environment_field, self.reason_field, *self.extra_fields)
        return tuple(dict.fromkeys((*SYSTEM_FIELDS, VOTES, *(name for name in own if name))))

    def issue(self, row: Mapping[str, Any]) -> Issue:
        """One issue; raises UnmappedError."""
        fields = row.get("fields")
        key, ident = row.get("key"), row.get("id")
        if not isinstance(key, str) or not isinstance(fields, dict):
            raise UnmappedError("it has no key or no fields")
        if not isinstance(fields.get("summary"), str):
            raise UnmappedError("its summary is missing or not a text: can the account see the field?")
        ref = Ref(self.system, "issue", clean(key))
        released, links = self._releases(fields, ref)
        return Issue(
            ref=ref,
            ident=str(ident),
            title=clean(fields["summary"]),
            text=text_of(fields.get("description")),
            state=self.state(fields.get("status"), fields.get("resolution")),
            priority=self.priorities.get(_name(fields.get("priority")).lower()),
            type=_name(fields.get("issuetype")) or None,
            project=_key(fields.get("project")) or key.rpartition("-")[0],
            opened_at=_stamp(fields, "created"),
            updated_at=needed_stamp(fields, "updated"),
            resolved_at=_stamp(fields, "resolutiondate"),
            url=f"{self.base_url}/browse/{key}",
            labels=frozenset(_word(one) for one in _list(fields.get("labels")) if isinstance(one, str)),
            services=self._services(fields),
            people=tuple(self._people(fields)),
            released_in=released,
            reason="\n".join(_texts(fields.get(self.reason_field))) or None if self.reason_field else None,
            links=(*links, *self._links(fields, ref)),
            extra=self._extra(fields),
        )

    def state(self, status: Any, resolution: Any = None) -> State:
        """The canonical state; raises UnmappedError for a status that nothing maps."""
        name = _name(status)
        if not name:
            raise UnmappedError("its status is missing: can the account see the field?")
        known = self.states.get(name.lower())
        if known:
            return known
        category = status.get("statusCategory")
        found = _BY_CATEGORY.get(str(category.get("key"))) if isinstance(category, dict) else None
        if found is None:
            raise UnmappedError(f"the status {name!r} has no category and is not in `states`")
        if found == "done" and (_name(resolution).lower() in self.wont_do or name.lower() in self.wont_do):
            return "wont_do"
        if found == "in_progress" and "review" in name.lower():
            return "in_review"
        return found

    def release(self, row: Mapping[str, Any], project: str, read_at: datetime) -> Release:
        """One version; versions carry no stamp of change, so it is when they were read. Raises UnmappedError."""
        name, ident = row.get("name"), row.get("id")
        if not isinstance(name, str) or not name.strip() or ident is None:
            raise UnmappedError("the version has no name or no id")
        state = "released" if row.get("released") is True else "withdrawn" if row.get("archived") is True else "planned"
        released = _day(row.get("releaseDate"))
        return Release(
            ref=self.release_ref(project, name),
            ident=str(ident),
            title=clean(name),
            text=text_of(row.get("description")),
            state=state,
            opened_at=_day(row.get("startDate")),
            updated_at=read_at,
            released_at=released if state == "released" else None,
            url=f"{self.base_url}/projects/{project}/versions/{ident}",
            extra={"project": project} | ({"planned_for": released.date().isoformat()} if released else {}),
        )

    def release_ref(self, project: str, name: str) -> Ref:
        """A version's ref: names are unique within a project."""
        return Ref(self.system, "release", f"{project}/{clean(name)}")

    def person(self, row: Any) -> Person | None:
        """A user of Jira: an account id on Cloud, a name on Data Center; the e-mail where its owner shows it."""
        if not isinstance(row, dict):
            return None
        key = row.get("accountId") or row.get("name") or row.get("key")
        if not isinstance(key, str):
            return None
        email = row.get("emailAddress")
        return Person(
            self.system,
            _word(key),
            _word(str(row.get("displayName") or "")),
            _word(email) if isinstance(email, str) and "@" in email else None,
        )

    def _people(self, fields: Mapping[str, Any]) -> Iterable[Involved]:
        roles: tuple[tuple[Role, str], ...] = (("reporter", "reporter"), ("assignee", "assignee"))
        for role, name in roles:
            person = self.person(fields.get(name))
            if person:
                yield Involved(role, person)

    def _services(self, fields: Mapping[str, Any]) -> frozenset[str]:
        found = {_name(one) for one in _list(fields.get("components"))}
        for name in self.service_fields:
            found.update(_texts(fields.get(name)))
        return frozenset(one for one in found if one)

    def _extra(self, fields: Mapping[str, Any]) -> Mapping[str, str]:
        found = {"status": _name(fields.get("status")), "resolution": _name(fields.get("resolution"))}
        if self.environment_field:
            found["environment"] = ", ".join(_texts(fields.get(self.environment_field)))
        # Which versions it affects: what came after them did not cause it.
        found[VERSIONS] = ", ".join(filter(None, (_name(one) for one in _list(fields.get("versions")))))
        if votes := _votes(fields.get(VOTES)):
            found[VOTES] = str(votes)
        for name in self.extra_fields:
            found[name] = ", ".join(_texts(fields.get(name)))
        return {name: value for name, value in found.items() if value}

    def _releases(self, fields: Mapping[str, Any], ref: Ref) -> tuple[frozenset[str], list[Link]]:
        """The released versions that hold it, and a link from each version, released or planned."""
        released, links = set(), []
        project = _key(fields.get("project")) or ref.key.rpartition("-")[0]
        for version in _list(fields.get("fixVersions")):
            name = _name(version)
            if not name:
                continue
            links.append(
                Link(
                    self.release_ref(project, name), "includes", ref, because="fix version", by=f"system:{self.system}"
                )
            )
            if version.get("released") is True:
                released.add(name)
        return frozenset(released), links

    def _links(self, fields: Mapping[str, Any], ref: Ref) -> Iterable[Link]:
        """Issue links by their wording, from whichever end it names a relation we know."""
        for row in _list(fields.get("issuelinks")):
            if not isinstance(row, dict) or not isinstance(row.get("type"), dict):
                continue
            for side, here, there in (("outwardIssue", "outward", "inward"), ("inwardIssue", "inward", "outward")):
                other = _key(row.get(side))
                if not other:
                    continue
                target = Ref(self.system, "issue", other)
                said, back = (clean(str(row["type"].get(name) or "")).lower() for name in (here, there))
                if said in self.relations:
                    yield Link(ref, self.relations[said], target, because=said, by=f"system:{self.system}")
                elif back in self.relations:
                    yield Link(target, self.relations[back], ref, because=back, by=f"system:{self.system}")


def _votes(value: Any) -> int:
    """How many people voted; 0 where nobody may."""
    votes = value.get(VOTES) if isinstance(value, dict) else None
    return votes if isinstance(votes, int) and votes > 0 else 0


def mapper_of(system: str, settings: Settings) -> Mapper:
    """The mapper that these settings describe."""
    return Mapper(
        system,
        settings.base_url,
        priorities={name.lower(): number for name, number in settings.priorities.items()},
        states={name.lower(): state for name, state in settings.states.items()},
        wont_do=frozenset(name.lower() for name in settings.wont_do),
        relations={wording.lower(): relation for relation, wording in settings.link_types.items()},
        service_fields=settings.service_fields,
        environment_field=settings.environment_field,
        reason_field=settings.reason_field,
        extra_fields=settings.extra_fields,
    )


def text_of(value: Any) -> str:
    """A description or comment as plain text: a document of Cloud or markup of Data Center."""
    found = clean(wiki.plain(value) if isinstance(value, str) else adf.plain(value))
    return _GAPS.sub("\n\n", found).strip()


def needed_stamp(fields: Mapping[str, Any], name: str) -> datetime:
    """A stamp every row has; raises UnmappedError."""
    found = _stamp(fields, name)
    if found is None:
        raise UnmappedError(f"its field {name!r} is missing")
    return found


def _stamp(fields: Mapping[str, Any], name: str) -> datetime | None:
    value = fields.get(name)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except (ValueError, TypeError) as error:
        raise UnmappedError(f"its field {name!r} is no time: {clean(str(value), 40)!r}") from error
    if found.tzinfo is None:
        raise UnmappedError(f"its field {name!r} has no time zone: {value!r}")
    return found.astimezone(UTC)


def _day(value: Any) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(value), time(), UTC) if isinstance(value, str) else None
    except ValueError as error:
        raise UnmappedError(f"its date is none: {clean(value, 40)!r}") from error


@lru_cache(1024)
def _word(text: str) -> str:
    """A name, cleaned; most rows repeat the same few."""
    return clean(text, 1000)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _name(value: Any) -> str:
    name = value.get("name") if isinstance(value, dict) else None
    return _word(name) if isinstance(name, str) else ""


def _key(value: Any) -> str:
    key = value.get("key") if isinstance(value, dict) else None
    return _word(key) if isinstance(key, str) else ""


def _texts(value: Any) -> list[str]:
    """A custom field's value as words, whatever its type: text, number, option, user, or several of them."""
    if value is None:
        return []
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    if isinstance(value, dict):
        if value.get("type") == "doc":
            return [text] if (text := text_of(value)) else []
        told = value.get("value") or value.get("name") or value.get("displayName") or value.get("key")
        child = value.get("child")
        return [*([clean(str(told))] if told else []), *(_texts(child) if child else [])]
    return [clean(str(value))]
