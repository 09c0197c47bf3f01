"""The site: everything one Jira holds, the versions of each issue, and what the search index has seen of them so far."""

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from loopbot.sandbox.jira import history
from loopbot.sandbox.jira.catalogue import SYSTEM_FIELDS
from loopbot.sandbox.jira.model import (
    Comment,
    Field,
    Flavour,
    History,
    Issue,
    IssueLink,
    Named,
    Project,
    RemoteLink,
    User,
    Version,
)


def wall_clock() -> datetime:
    """Now in UTC, to the millisecond: what Jira stores."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


@dataclass(slots=True)
class Site:
    """All state of one twin; `lock` guards it. `index_lag` is in seconds, `zone` is the time zone of the account."""

    flavour: Flavour
    now: Callable[[], datetime] = wall_clock
    index_lag: float = 0.0
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Berlin"))
    lock: threading.RLock = field(default_factory=threading.RLock)
    users: dict[str, User] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    fields: dict[str, Field] = field(default_factory=lambda: {one.id: one for one in SYSTEM_FIELDS})
    links: dict[str, IssueLink] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    concealed: set[int] = field(default_factory=set)
    _issues: dict[int, Issue] = field(default_factory=dict)
    _seen: dict[int, list[tuple[datetime, Issue]]] = field(default_factory=dict)
    _keys: dict[str, int] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(10000))

    def next_id(self) -> int:
        """An id nothing else on this site has."""
        return next(self._ids)

    def user(self, name: str) -> User | None:
        """The person with that account id, name or e-mail."""
        found = self.users.get(name)
        return found or next((one for one in self.users.values() if name in (one.name, one.email)), None)

    def project(self, name: str) -> Project | None:
        """The project with that key or id."""
        found = self.projects.get(name.upper())
        return found or next((one for one in self.projects.values() if one.id == name), None)

    def version(self, ident: str) -> Version | None:
        """The version with that id, of any project."""
        return next((one for each in self.projects.values() for one in each.versions if one.id == ident), None)

    def issue_types(self) -> tuple[Named, ...]:
        """Every issue type in use."""
        return tuple({one.id: one for each in self.projects.values() for one in each.issue_types}.values())

    def issue(self, ident: str) -> Issue | None:
        """The issue with that key (an old one of a moved issue too) or id, as it is now."""
        number = self._keys.get(ident.upper(), int(ident) if ident.isascii() and ident.isdigit() else -1)
        return self._issues.get(number)

    def issues(self) -> list[Issue]:
        """All issues as they are now, oldest first."""
        return [self._issues[ident] for ident in sorted(self._issues)]

    def indexed(self, reconcile: frozenset[int] = frozenset()) -> list[Issue]:
        """All issues as the search index knows them, oldest first; those to reconcile as they are now."""
        now, found = self.now(), []
        for ident, issue in self._issues.items():
            if ident in reconcile:
                found.append(issue)
                continue
            known = [one for visible, one in self._seen[ident] if visible <= now]
            found += known[-1:]
        return sorted(
            (one for one in found if not one.archived and one.id not in self.concealed), key=lambda one: one.id
        )

    def add_issue(self, project: Project, values: Mapping[str, Any], actor: User) -> Issue:
        """A new issue with the values of `Issue` given."""
        now, number = self.now(), self._numbers.get(project.key, 0) + 1
        given = {"priority": "3", "reporter": actor.account_id, **values}
        issue = Issue(
            id=self.next_id(),
            project=project.key,
            number=number,
            status=project.workflow.statuses[0].name,
            created=now,
            updated=now,
            creator=actor.account_id,
            **given,
        )
        self._numbers[project.key] = number
        self._keep(issue)
        return issue

    def change(self, issue: Issue, actor: User, values: Mapping[str, Any]) -> Issue:
        """The issue with other values, its history and `updated` along; unchanged where nothing differs."""
        changes = history.differences(self, issue, values)
        fresh = {name: value for name, value in values.items() if getattr(issue, name) != value}
        if not fresh:
            return issue
        now = self.now()
        if changes:
            entry = History(str(self.next_id()), actor.account_id, now, changes)
            fresh["history"] = (*issue.history, entry)
        changed = replace(issue, **fresh, updated=now)
        self._keep(changed)
        return changed

    def set_property(self, issue: Issue, name: str, value: Any) -> None:
        """Set (or with None remove) an entity property; that does not touch `updated`."""
        properties = {**issue.properties, name: value}
        if value is None:
            del properties[name]
        self._keep(replace(issue, properties=MappingProxyType(properties)))

    def add_comment(self, issue: Issue, comment: Comment, actor: User) -> None:
        """Add a comment."""
        self.change(issue, actor, {"comments": (*issue.comments, comment)})

    def put_remote_link(self, issue: Issue, link: RemoteLink, actor: User) -> None:
        """Add a remote link or replace the one with its id."""
        others = tuple(one for one in issue.remote_links if one.id != link.id)
        self.change(issue, actor, {"remote_links": (*others, link)})

    def add_link(self, link: IssueLink) -> bool:
        """Link two issues; False where they are linked so already (the vendor answers 201 all the same)."""
        if any(
            (one.type, one.inward, one.outward) == (link.type, link.inward, link.outward) for one in self.links.values()
        ):
            return False
        self.links[link.id] = link
        for ident in (link.inward, link.outward):
            self.touch(self._issues[ident])
        return True

    def touch(self, issue: Issue) -> None:
        """Bring `updated` to now."""
        self._keep(replace(issue, updated=self.now()))

    def archive(self, issue: Issue) -> None:
        """Archive an issue: it is read-only and leaves the search."""
        self._keep(replace(issue, archived=True, updated=self.now()))

    def move(self, issue: Issue, project: Project) -> Issue:
        """Move an issue to another project: it gets a new key there, and its old key leads to it."""
        number = self._numbers.get(project.key, 0) + 1
        self._numbers[project.key] = number
        moved = replace(issue, project=project.key, number=number, fix_versions=(), versions=(), updated=self.now())
        self._keep(moved)
        return moved

    def delete(self, issue: Issue) -> None:
        """Delete an issue for good; its key is never used again."""
        del self._issues[issue.id], self._seen[issue.id]
        self._keys = {key: ident for key, ident in self._keys.items() if ident != issue.id}
        self.links = {key: one for key, one in self.links.items() if issue.id not in (one.inward, one.outward)}

    def _keep(self, issue: Issue) -> None:
        now = self.now()
        versions = self._seen.setdefault(issue.id, [])
        visible = [number for number, (at, _) in enumerate(versions) if at <= now]
        del versions[: visible[-1] if visible else 0]
        versions.append((now + timedelta(seconds=self.index_lag), issue))
        versions.sort(key=lambda one: one[0])
        self._issues[issue.id] = issue
        self._keys[issue.key] = issue.id
