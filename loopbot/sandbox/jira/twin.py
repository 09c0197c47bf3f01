"""The twin of Jira as tests and the demo hold it: an ASGI app for programs, and the same site under people's hands."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from loopbot.sandbox.faults import FaultLayer, Faults
from loopbot.sandbox.jira import attached, issues, searching, surroundings, writing
from loopbot.sandbox.jira.app import Desk, application
from loopbot.sandbox.jira.model import (
    Comment,
    Field,
    Flavour,
    Issue,
    Named,
    Project,
    User,
    Version,
    Workflow,
    plain_workflow,
)
from loopbot.sandbox.jira.site import Site, wall_clock
from loopbot.sandbox.jira.wiki import Wiki, rows_of
from loopbot.sandbox.ledger import Ledger

ISSUE_TYPES = ("Task", "Bug", "Story", "Epic")


class JiraTwin:
    """One Jira, Cloud or Data Center; every method may be called from any thread.

    Programs come in with `email` and `token` (Basic on Cloud; Bearer, or Basic with the name, on Data Center). People act
    through the methods; what they do is not in the ledger, which holds what programs wrote. `now` gives aware datetimes
    with milliseconds; `index_lag` is how many seconds a write stays invisible to the search; `zone` is the account's.
    """

    def __init__(  # noqa: PLR0913 - each is one property of the site, and all have defaults
        self,
        ledger: Ledger,
        *,
        flavour: Flavour = "cloud",
        faults: Faults | None = None,
        now: Callable[[], datetime] = wall_clock,
        index_lag: float = 0.0,
        context_path: str = "",
        zone: str = "Europe/Berlin",
        token: str = "jira-sandbox-token",  # noqa: S107 - the made-up credential of a twin on loopback
    ) -> None:
        self.flavour = flavour
        self.faults = faults or Faults()
        self.email, self.token = "loopbot@example.com", token
        self._site = Site(flavour, now, index_lag, ZoneInfo(zone))
        self._desk = Desk(self._site, ledger, self.email, token, context_path.rstrip("/"))
        self.add_user("loopbot", "Loopbot")
        self.add_user("admin", "Site Admin")
        # Routes with a fixed last part come before those that would take it for an issue's key.
        self.wiki = Wiki(self._site)
        rows = [*rows_of(self.wiki), *surroundings.ROWS, *searching.ROWS, *issues.ROWS, *attached.ROWS]
        self.app = FaultLayer(application(self._desk, rows), "jira", self.faults, ledger)

    @property
    def index_lag(self) -> float:
        """How long a write from now on stays invisible to the search, in seconds."""
        return self._site.index_lag

    @index_lag.setter
    def index_lag(self, seconds: float) -> None:
        self._site.index_lag = seconds

    def add_user(self, name: str, display_name: str = "", email: str = "", *, email_visible: bool = True) -> User:
        """A new person; the account id is made from the name."""
        with self._site.lock:
            ident = f"712020:{name}" if self.flavour == "cloud" else f"JIRAUSER{self._site.next_id()}"
            shown = display_name or name.replace(".", " ").title()
            user = User(ident, name, shown, email or f"{name}@example.com", email_visible=email_visible)
            self._site.users[ident] = user
            return user

    def deactivate(self, name: str) -> None:
        """A person leaves: they can be assigned nothing from now on."""
        with self._site.lock:
            user = self._user(name)
            self._site.users[user.account_id] = replace(user, active=False)

    def add_project(
        self,
        key: str,
        name: str = "",
        *,
        issue_types: Iterable[str] = ISSUE_TYPES,
        workflow: Workflow | None = None,
    ) -> Project:
        """A new project; the same issue type has the same id in every project."""
        with self._site.lock:
            known = {one.name: one for one in self._site.issue_types()}
            types = tuple(known.get(one) or Named(str(self._site.next_id()), one) for one in issue_types)
            project = Project(str(self._site.next_id()), key, name or key.title(), types, workflow or plain_workflow())
            self._site.projects[key] = project
            return project

    def project(self, key: str) -> Project:
        """A project as it is now; raises KeyError."""
        return self._site.projects[key]

    def set_workflow(self, key: str, workflow: Workflow) -> None:
        """Change a project's workflow; its issues keep the status they have."""
        self._change_project(key, workflow=workflow)

    def remove_transition(self, key: str, name: str) -> None:
        """Take one transition out of a project's workflow."""
        workflow = self.project(key).workflow
        left = tuple(one for one in workflow.moves if one.name != name)
        self._change_project(key, workflow=replace(workflow, moves=left))

    def add_version(self, key: str, name: str, *, released: bool = False) -> Version:
        """A new version of a project."""
        with self._site.lock:
            version = Version(str(self._site.next_id()), name, released)
            self._change_project(key, versions=(*self.project(key).versions, version))
            return version

    def release(self, key: str, name: str) -> None:
        """Release a version of a project, today in the account's zone."""
        with self._site.lock:
            day = self._site.now().astimezone(self._site.zone).date().isoformat()
            every = self.project(key).versions
            if all(one.name != name for one in every):
                raise KeyError(name)
            dated = [replace(one, released=True, release_date=day) if one.name == name else one for one in every]
            self._change_project(key, versions=tuple(dated))

    def add_field(
        self,
        name: str,
        kind: Literal["string", "text", "number", "labels", "date", "option"] = "string",
        options: Sequence[str] = (),
    ) -> str:
        """A new custom field on every screen; returns its id, such as customfield_10042."""
        with self._site.lock:
            field = Field(f"customfield_{self._site.next_id()}", name, kind, tuple(options))
            self._site.fields[field.id] = field
            return field.id

    def set_options(self, ident: str, options: Sequence[str]) -> None:
        """Change what a field lets one choose; what issues hold stays."""
        with self._site.lock:
            self._site.fields[ident] = replace(self._site.fields[ident], options=tuple(options))

    def drop_field(self, ident: str) -> None:
        """Delete a custom field."""
        with self._site.lock:
            del self._site.fields[ident]

    def require(self, key: str, issue_type: str, field: str) -> None:
        """Make a field required on the create screen of one issue type."""
        with self._site.lock:
            project = self.project(key)
            ident = next(one.id for one in project.issue_types if one.name == issue_type)
            self._change_project(key, required=project.required | {(ident, field)})

    def hide(self, key: str, field: str) -> None:
        """Take a field off a project's screens."""
        self._change_project(key, off_screen=self.project(key).off_screen | {field})

    def deny(self, *permissions: str) -> None:
        """Take permissions, such as CREATE_ISSUES, from the account of programs."""
        with self._site.lock:
            self._site.denied.update(permissions)

    def shrink_pages(self, sizes: Sequence[int]) -> None:
        """Cut the next pages of searches to these sizes (0: an empty page that is not the last)."""
        with self._site.lock:
            self._desk.cuts.extend(sizes)

    def create_issue(
        self, project: str, summary: str, *, issue_type: str = "Task", actor: str = "admin", **fields: Any
    ) -> Issue:
        """A person opens an issue; `fields` are as in the API, `description` a plain text, people by name."""
        named = {"project": {"key": project}, "issuetype": {"name": issue_type}, "summary": summary}
        with self._site.lock:
            return writing.create(self._site, {"fields": {**named, **self._written(fields)}}, self._user(actor), 2)

    def edit(self, key: str, fields: Mapping[str, Any], actor: str = "admin") -> Issue:
        """A person edits an issue; `fields` as in `create_issue`."""
        with self._site.lock:
            return writing.edit(self._site, self.issue(key), {"fields": self._written(fields)}, self._user(actor), 2)

    def transition(self, key: str, to: str, actor: str = "admin") -> Issue:
        """A person takes the transition with that name, or to the status with that name; raises KeyError."""
        with self._site.lock:
            issue = self.issue(key)
            moves = self.project(issue.project).workflow.open_from(issue.status)
            move = next((one for one in moves if to in (one.name, one.target)), None)
            if move is None:
                raise KeyError(f"{key} is {issue.status}; from there no transition leads to {to}")
            return writing.transition(self._site, issue, {"transition": {"id": move.id}}, self._user(actor), 2)

    def comment(self, key: str, text: str, actor: str = "admin", *, internal: bool = False) -> Comment:
        """A person comments, for the team only where `internal`."""
        body: dict[str, Any] = {"body": text}
        if internal:
            body["properties"] = [{"key": "sd.public.comment", "value": {"internal": True}}]
        with self._site.lock:
            return writing.comment(self._site, self.issue(key), body, self._user(actor), 2)

    def issue(self, key: str) -> Issue:
        """The issue with that key (an old one too) or id, as it is now; raises KeyError."""
        with self._site.lock:
            found = self._site.issue(key)
            if found is None:
                raise KeyError(key)
            return found

    def issues(self, project: str | None = None) -> list[Issue]:
        """All issues as they are now, oldest first."""
        with self._site.lock:
            return [one for one in self._site.issues() if project in (None, one.project)]

    def delete(self, key: str) -> None:
        """A person deletes an issue."""
        with self._site.lock:
            self._site.delete(self.issue(key))

    def archive(self, key: str) -> None:
        """A person archives an issue."""
        with self._site.lock:
            self._site.archive(self.issue(key))

    def conceal(self, key: str) -> None:
        """Hide an issue from programs, as a lost role does: a 404, and not a word in the search."""
        with self._site.lock:
            self._site.concealed.add(self.issue(key).id)

    def reveal(self, key: str) -> None:
        """Let programs see a concealed issue again."""
        with self._site.lock:
            self._site.concealed.discard(self.issue(key).id)

    def move(self, key: str, project: str) -> Issue:
        """A person moves an issue to another project; its old key leads to it."""
        with self._site.lock:
            return self._site.move(self.issue(key), self.project(project))

    def user(self, name: str) -> User:
        """The person with that name, e-mail or account id; raises KeyError."""
        return self._user(name)

    def _user(self, name: str) -> User:
        found = self._site.user(name)
        if found is None:
            raise KeyError(f"no person {name!r}: add them with add_user")
        return found

    def _change_project(self, key: str, **changes: Any) -> None:
        with self._site.lock:
            self._site.projects[key] = replace(self.project(key), **changes)

    def _written(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """People, priorities and versions may be given by name alone."""
        given = dict(fields)
        for name in ("assignee", "reporter"):
            if isinstance(given.get(name), str):
                user = self._user(given[name])
                given[name] = {"accountId": user.account_id} if self.flavour == "cloud" else {"name": user.name}
        if isinstance(given.get("priority"), str):
            given["priority"] = {"name": given["priority"]}
        for name in ("fixVersions", "versions"):
            if name in given:
                given[name] = [{"name": one} if isinstance(one, str) else one for one in given[name]]
        return given
