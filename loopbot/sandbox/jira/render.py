"""Issues and all that belongs to them as JSON: by flavour (who people are) and by version of the API (how texts are)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from loopbot.sandbox.jira import adf, dates
from loopbot.sandbox.jira.catalogue import PRIORITIES, RESOLUTIONS
from loopbot.sandbox.jira.model import (
    Category,
    Comment,
    Field,
    History,
    Issue,
    IssueLink,
    LinkType,
    Move,
    Named,
    Project,
    RemoteLink,
    Status,
    User,
    Version,
)
from loopbot.sandbox.jira.site import Site

_CATEGORIES: Mapping[Category, tuple[int, str, str]] = {
    "new": (2, "To Do", "blue-gray"),
    "indeterminate": (4, "In Progress", "yellow"),
    "done": (3, "Done", "green"),
    "undefined": (1, "No Category", "medium-gray"),
}


@dataclass(frozen=True, slots=True)
class Renderer:
    """Writes JSON for one request: `base` is the site's address with its context path, `api` the version asked for."""

    site: Site
    base: str
    api: int

    def url(self, path: str) -> str:
        """The address of a resource."""
        return f"{self.base}/rest/api/{self.api}/{path}"

    def user(self, ident: str | None) -> dict[str, Any] | None:
        """A person, or null."""
        one = self.site.users.get(ident or "")
        return None if one is None else self.person(one)

    def person(self, one: User) -> dict[str, Any]:
        """A person; Cloud leaves the e-mail out where its owner hides it."""
        shown: dict[str, Any] = {"displayName": one.display_name, "active": one.active, "timeZone": str(self.site.zone)}
        if one.email_visible:
            shown["emailAddress"] = one.email
        if self.site.flavour == "cloud":
            about = {"accountId": one.account_id, "accountType": "atlassian"}
            return {"self": self.url(f"user?accountId={one.account_id}"), **about, **shown}
        return {"self": self.url(f"user?username={one.name}"), "name": one.name, "key": one.account_id, **shown}

    def text(self, value: Any) -> Any:
        """A long text: a document in version 3, plain text in version 2."""
        if value is None or self.api == 2:
            return None if value is None else adf.plain(value)
        return adf.document(value) if isinstance(value, str) else value

    def stamp(self, moment: Any) -> str | None:
        """A time in the account's zone."""
        return None if moment is None else dates.stamp(moment, self.site.zone)

    def status(self, one: Status) -> dict[str, Any]:
        """A status and its category."""
        ident = self.status_id(one.name)
        number, name, colour = _CATEGORIES[one.category]
        category = {"id": number, "key": one.category, "name": name, "colorName": colour}
        return {
            "self": self.url(f"status/{ident}"),
            "id": ident,
            "name": one.name,
            "description": "",
            "iconUrl": f"{self.base}/images/icons/statuses/generic.png",
            "statusCategory": {"self": self.url(f"statuscategory/{number}"), **category},
        }

    def statuses(self) -> list[Status]:
        """Every status of the site, in order of their ids."""
        found: dict[str, Status] = {}
        for project in self.site.projects.values():
            for one in project.workflow.statuses:
                found.setdefault(one.name.lower(), one)
        return list(found.values())

    def status_id(self, name: str) -> str:
        """The id of a status: the same name is the same status in every project."""
        names = [one.name.lower() for one in self.statuses()]
        return str(10000 + names.index(name.lower())) if name.lower() in names else "19999"

    def named(self, kind: str, one: Named) -> dict[str, Any]:
        """An issue type, priority or resolution."""
        shown: dict[str, Any] = {
            "self": self.url(f"{kind}/{one.id}"),
            "id": one.id,
            "name": one.name,
            "description": "",
        }
        if kind == "issuetype":
            shown["subtask"] = one.subtask
        return shown

    def version(self, project: Project, one: Version) -> dict[str, Any]:
        """A version of a project."""
        shown = {"self": self.url(f"version/{one.id}"), "id": one.id, "name": one.name, "projectId": int(project.id)}
        dated = {"releaseDate": one.release_date} if one.release_date else {}
        return {**shown, "archived": False, "released": one.released, **dated}

    def project(self, one: Project, *, whole: bool = False) -> dict[str, Any]:
        """A project; `whole` with its issue types and versions."""
        shown: dict[str, Any] = {"self": self.url(f"project/{one.id}"), "id": one.id, "key": one.key, "name": one.name}
        shown["projectTypeKey"] = "software"
        if whole:
            shown["issueTypes"] = [self.named("issuetype", each) for each in one.issue_types]
            shown["versions"] = [self.version(one, each) for each in one.versions]
        return shown

    def transition(self, project: Project, move: Move) -> dict[str, Any]:
        """A transition open to an issue."""
        target = project.workflow.status(move.target) or Status(move.target, "indeterminate")
        shown: dict[str, Any] = {"id": move.id, "name": move.name, "to": self.status(target)}
        if self.site.flavour == "cloud":
            shown |= {"hasScreen": False, "isGlobal": move.source is None, "isInitial": False, "isAvailable": True}
        return shown

    def comment(self, issue: Issue, one: Comment, *, properties: bool = False) -> dict[str, Any]:
        """A comment; on Cloud `jsdPublic` tells whether customers see it."""
        shown: dict[str, Any] = {
            "self": self.url(f"issue/{issue.id}/comment/{one.id}"),
            "id": one.id,
            "author": self.user(one.author),
            "body": self.text(one.body),
            "updateAuthor": self.user(one.update_author),
            "created": self.stamp(one.created),
            "updated": self.stamp(one.updated),
        }
        if self.site.flavour == "cloud":
            internal = one.properties.get("sd.public.comment")
            shown["jsdPublic"] = not (isinstance(internal, Mapping) and internal.get("internal"))
        if one.visibility:
            shown["visibility"] = dict(one.visibility)
        if properties:
            shown["properties"] = [{"key": key, "value": value} for key, value in one.properties.items()]
        return shown

    def remote_link(self, issue: Issue, one: RemoteLink) -> dict[str, Any]:
        """A remote link, whole."""
        shown: dict[str, Any] = {"id": one.id, "self": self.url(f"issue/{issue.key}/remotelink/{one.id}")}
        optional = {"globalId": one.global_id, "application": one.application, "relationship": one.relationship}
        return {**shown, **{name: value for name, value in optional.items() if value}, "object": dict(one.thing)}

    def link_type(self, one: LinkType) -> dict[str, Any]:
        """A type of issue link."""
        shown = {"id": one.id, "name": one.name, "inward": one.inward, "outward": one.outward}
        return {**shown, "self": self.url(f"issueLinkType/{one.id}")}

    def link(self, issue: Issue, one: IssueLink) -> dict[str, Any] | None:
        """An issue link as seen from one of its ends."""
        side, other = ("outwardIssue", one.outward) if one.inward == issue.id else ("inwardIssue", one.inward)
        there = self.site.issue(str(other))
        if there is None:
            return None
        shown = {"id": one.id, "self": self.url(f"issueLink/{one.id}"), "type": self.link_type(one.type)}
        return {**shown, side: self.brief(there)}

    def brief(self, issue: Issue) -> dict[str, Any]:
        """An issue as a neighbour shows it."""
        fields = self._fields(issue)
        kept = {name: fields[name]() for name in ("summary", "status", "priority", "issuetype")}
        return {"id": str(issue.id), "key": issue.key, "self": self.url(f"issue/{issue.id}"), "fields": kept}

    def issue(self, issue: Issue, fields: Sequence[str], expand: str = "") -> dict[str, Any]:
        """An issue with the fields asked for (`*all`, `*navigable`, `-comment`, ids)."""
        shown: dict[str, Any] = {"expand": "renderedFields,names,schema,transitions,changelog", "id": str(issue.id)}
        shown |= {"self": self.url(f"issue/{issue.id}"), "key": issue.key, "fields": self._chosen(issue, fields)}
        if "changelog" in expand.split(","):
            entries = [self.history(one) for one in reversed(issue.history)]
            shown["changelog"] = {"startAt": 0, "maxResults": len(entries), "total": len(entries), "histories": entries}
        return shown

    def history(self, one: History) -> dict[str, Any]:
        """One entry of the changelog."""
        items = [
            {
                "field": change.field,
                "fieldtype": "jira",
                "from": change.before,
                "fromString": change.before_text,
                "to": change.after,
                "toString": change.after_text,
            }
            for change in one.changes
        ]
        return {"id": one.id, "author": self.user(one.author), "created": self.stamp(one.created), "items": items}

    def _chosen(self, issue: Issue, wanted: Sequence[str]) -> dict[str, Any]:
        every = self._fields(issue)
        without = {one[1:] for one in wanted if one.startswith("-")}
        named = [one for one in wanted if not one.startswith("-")]
        if not named or "*all" in named:
            chosen: Iterable[str] = every
        elif "*navigable" in named:
            chosen = [one for one in every if one != "comment" or one in named]
        else:
            chosen = [one for one in every if one in named]
        return {name: every[name]() for name in chosen if name not in without}

    def _fields(self, issue: Issue) -> dict[str, Callable[[], Any]]:
        """What each field shows, told only when asked."""
        project = self.site.projects[issue.project]
        status = project.workflow.status(issue.status) or Status(issue.status, "indeterminate")
        fields: dict[str, Callable[[], Any]] = {
            "summary": lambda: issue.summary,
            "description": lambda: self.text(issue.description),
            "environment": lambda: self.text(issue.environment),
            "project": lambda: self.project(project),
            "issuetype": lambda: self._one("issuetype", self.site.issue_types(), issue.type),
            "status": lambda: self.status(status),
            "priority": lambda: self._one("priority", PRIORITIES, issue.priority),
            "resolution": lambda: self._one("resolution", RESOLUTIONS, issue.resolution),
            "resolutiondate": lambda: self.stamp(issue.resolved),
            "labels": lambda: list(issue.labels),
            "assignee": lambda: self.user(issue.assignee),
            "reporter": lambda: self.user(issue.reporter),
            "creator": lambda: self.user(issue.creator),
            "created": lambda: self.stamp(issue.created),
            "updated": lambda: self.stamp(issue.updated),
            "duedate": lambda: issue.duedate,
            "fixVersions": lambda: self._versions(project, issue.fix_versions),
            "versions": lambda: self._versions(project, issue.versions),
            "issuelinks": lambda: self._links(issue),
            "comment": lambda: self._comments(issue),
            "votes": lambda: {
                "self": self.url(f"issue/{issue.key}/votes"),
                "votes": len(issue.voters),
                "hasVoted": False,
            },
        }
        fields |= {one.id: partial(self._custom, issue, one) for one in self.site.fields.values() if one.custom}
        parent = self.site.issue(str(issue.parent)) if issue.parent else None
        return {**fields, "parent": lambda: self.brief(parent)} if parent else fields

    def _custom(self, issue: Issue, field: Field) -> Any:
        value = issue.custom.get(field.id)
        if field.kind == "option" and value is not None:
            return {"self": self.url(f"customFieldOption/{value}"), "value": value, "id": str(value)}
        return self.text(value) if field.kind == "text" else value

    def _links(self, issue: Issue) -> list[dict[str, Any]]:
        links = [one for one in self.site.links.values() if issue.id in (one.inward, one.outward)]
        return [shown for one in links if (shown := self.link(issue, one))]

    def _comments(self, issue: Issue) -> dict[str, Any]:
        comments = [self.comment(issue, one) for one in issue.comments]
        page = {"self": self.url(f"issue/{issue.id}/comment"), "startAt": 0, "maxResults": len(comments)}
        return {**page, "total": len(comments), "comments": comments}

    def _one(self, kind: str, known: Iterable[Named], wanted: str | None) -> dict[str, Any] | None:
        return next((self.named(kind, one) for one in known if wanted in (one.id, one.name)), None)

    def _versions(self, project: Project, idents: Iterable[str]) -> list[dict[str, Any]]:
        return [self.version(project, one) for one in project.versions if one.id in idents]
