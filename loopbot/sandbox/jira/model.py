"""What the twin keeps: people, projects, workflows and issues. All of it is frozen; a change makes a new version."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

Flavour = Literal["cloud", "datacenter"]
Category = Literal["new", "indeterminate", "done", "undefined"]
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class User:
    """A person: `account_id` is what Cloud knows, `name` what Data Center knows; an e-mail may be hidden by its owner."""

    account_id: str
    name: str
    display_name: str
    email: str
    active: bool = True
    email_visible: bool = True


@dataclass(frozen=True, slots=True)
class Status:
    """A state of a workflow."""

    name: str
    category: Category


@dataclass(frozen=True, slots=True)
class Move:
    """A transition; `source` is None where it is open from every status."""

    id: str
    name: str
    target: str
    source: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Workflow:
    """Statuses (the first is where issues begin) and the transitions between them."""

    statuses: tuple[Status, ...]
    moves: tuple[Move, ...]

    def status(self, name: str) -> Status | None:
        """The status with that name, in any case."""
        return next((one for one in self.statuses if one.name.lower() == name.lower()), None)

    def open_from(self, status: str) -> tuple[Move, ...]:
        """The transitions open from a status."""
        return tuple(one for one in self.moves if one.source is None or status in one.source)


@dataclass(frozen=True, slots=True)
class Named:
    """An issue type, a priority, a resolution: an id and a name."""

    id: str
    name: str
    subtask: bool = False


@dataclass(frozen=True, slots=True)
class LinkType:
    """How two issues are related, read from both ends."""

    id: str
    name: str
    inward: str
    outward: str


@dataclass(frozen=True, slots=True)
class Version:
    """A release of a project."""

    id: str
    name: str
    released: bool = False
    release_date: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A field people see; `kind` says what values it takes (`text` is a document in version 3 of the API, `option` one of the `options`)."""

    id: str
    name: str
    kind: Literal["string", "text", "number", "labels", "date", "option", "system"]
    options: tuple[str, ...] = ()

    @property
    def custom(self) -> bool:
        """Whether a site's administrator made it."""
        return self.id.startswith("customfield_")


@dataclass(frozen=True, slots=True)
class Project:
    """A project with its workflow, its versions and its create screen (`required`: issue type and field id)."""

    id: str
    key: str
    name: str
    issue_types: tuple[Named, ...]
    workflow: Workflow
    versions: tuple[Version, ...] = ()
    required: frozenset[tuple[str, str]] = frozenset()
    off_screen: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment; `body` is a document or a text, as it was sent."""

    id: str
    author: str
    body: Any
    created: datetime
    updated: datetime
    update_author: str
    properties: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    visibility: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RemoteLink:
    """A link to a thing outside Jira; its global id makes it one of its kind on an issue."""

    id: int
    global_id: str | None
    thing: Mapping[str, Any]
    application: Mapping[str, Any] | None
    relationship: str | None


@dataclass(frozen=True, slots=True)
class IssueLink:
    """A link between two issues, by their ids."""

    id: str
    type: LinkType
    inward: int
    outward: int


@dataclass(frozen=True, slots=True)
class Change:
    """One field's change in the history: raw and readable values, before and after."""

    field: str
    before: str | None
    before_text: str | None
    after: str | None
    after_text: str | None


@dataclass(frozen=True, slots=True)
class History:
    """What one write changed."""

    id: str
    author: str
    created: datetime
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue at one moment. People are account ids, versions are version ids, `created` and `updated` have milliseconds."""

    id: int
    project: str
    number: int
    type: str
    summary: str
    status: str
    priority: str
    created: datetime
    updated: datetime
    creator: str
    description: Any = None
    environment: Any = None
    labels: tuple[str, ...] = ()
    assignee: str | None = None
    reporter: str | None = None
    fix_versions: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    duedate: str | None = None
    parent: int | None = None
    resolution: str | None = None
    resolved: datetime | None = None
    custom: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    comments: tuple[Comment, ...] = ()
    remote_links: tuple[RemoteLink, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    history: tuple[History, ...] = ()
    archived: bool = False
    voters: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What people call it, such as LOOP-42."""
        return f"{self.project}-{self.number}"


def plain_workflow() -> Workflow:
    """To Do, In Progress, In Review, Done and Won't Do, each open from everywhere."""
    statuses = (
        Status("To Do", "new"),
        Status("In Progress", "indeterminate"),
        Status("In Review", "indeterminate"),
        Status("Done", "done"),
        Status("Won't Do", "done"),
    )
    return Workflow(
        statuses,
        tuple(Move(str(number * 10 + 11), one.name, one.name) for number, one in enumerate(statuses)),
    )
