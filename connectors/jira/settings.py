"""What an installation says about its Jira."""

import re
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from connectors.jira import jql
from loopbot.domain.words import Relation

Flavour = Literal["cloud", "datacenter"]
State = Literal["todo", "in_progress", "in_review", "done", "wont_do"]

_PROJECT = re.compile(r"[A-Z][A-Z0-9_]*\Z")
_PRIORITIES = {
    "Highest": 1,
    "Blocker": 1,
    "High": 2,
    "Critical": 2,
    "Medium": 3,
    "Major": 3,
    "Low": 4,
    "Minor": 4,
    "Lowest": 5,
    "Trivial": 5,
}
_WONT_DO = (
    "Won't Do",
    "Won't Fix",
    "Declined",
    "Duplicate",
    "Cannot Reproduce",
    "Invalid",
    "Obsolete",
    "Cancelled",
    "Rejected",
)


class Pages(BaseModel):
    """Which pages of the wiki beside a Jira Cloud are articles for everybody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    spaces: tuple[Annotated[str, StringConstraints(pattern=r"^~?[A-Za-z0-9_.:-]{1,255}$")], ...] = Field(
        min_length=1,
        description="Keys of the Confluence spaces that everybody who reports may read, such as HELP: their pages may be quoted to "
        "anybody, but for restricted ones and what is below these.",
    )
    every: timedelta = Field(
        timedelta(hours=1), description="How often the spaces are looked at; as ISO 8601, such as PT1H."
    )
    most: int = Field(20_000, ge=1, description="How many pages there may be at most; beyond, none is read.")
    url: str = Field(
        "{base_url}{page}",
        description="Where people read a page, such as {base_url}/servicedesk/customer/portal/1/article/{id} for those who may not "
        "open the wiki itself; {base_url}, {page} (its path in the wiki) and {id} are filled in.",
    )

    @field_validator("url")
    @classmethod
    def _fillable(cls, value: str) -> str:
        try:
            value.format(base_url="", page="", id="")
        except (KeyError, IndexError, ValueError) as error:
            message = "articles.url may hold {base_url}, {page} and {id}"
            raise ValueError(message) from error
        return value


def _links() -> dict[Relation, str]:
    return {"caused_by": "is caused by", "duplicates": "duplicates"}


class Settings(BaseModel):
    """One Jira. Secrets are references (env:, file:, keyring:), never the secret itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(
        description="Where Jira is, with its context path if it has one: https://example.atlassian.net"
    )
    flavour: Literal["auto", "cloud", "datacenter"] = Field(
        "auto", description="Which Jira it is; auto asks the server once (addresses under atlassian.net are Cloud)."
    )
    email: str = Field(
        "", description="Cloud: the e-mail of the account the token belongs to. Data Center: leave it out."
    )
    token: str = Field(
        description="Reference to the API token (Cloud, with email) or the personal access token (Data Center): env:JIRA_TOKEN"
    )
    projects: tuple[str, ...] = Field(min_length=1, description="Keys of the projects to read and to write to.")
    jql: str = Field("", description="A further condition on the issues that are read, in JQL, without ORDER BY.")
    read_releases: bool = Field(
        True, description="Read the projects' versions as releases (one call a project a poll)."
    )
    articles: Pages | None = Field(
        None, description="Pages of the site's Confluence that answer whoever asks (Cloud); without it, none are read."
    )
    issue_type: str = Field("Task", description="The issue type of what loopbot opens, where the rule names none.")
    priorities: dict[str, int] = Field(
        default_factory=lambda: dict(_PRIORITIES), description="Priority names and what they are from 1 (highest) to 5."
    )
    set_priority: bool = Field(
        True, description="Give what loopbot opens a priority (the field must be on the create screen)."
    )
    states: dict[str, State] = Field(
        default_factory=dict,
        description="Status names and what they are: todo, in_progress, in_review, done, wont_do. Others go by their category.",
    )
    wont_do: tuple[str, ...] = Field(
        _WONT_DO, description="Resolutions (and statuses) that say a finished issue will not be done."
    )
    link_types: dict[Relation, str] = Field(
        default_factory=_links,
        description="How Jira words a relation, read from the first issue to the second: one side of an issue link type.",
    )
    other_links: str = Field("relates to", description="The wording for links that link_types does not name.")
    service_fields: tuple[str, ...] = Field(
        (), description="Ids of custom fields that name the service, besides the components: customfield_10050"
    )
    environment_field: str = Field("", description="Id of the field that names the environment.")
    reason_field: str = Field(
        "",
        description="Id of the field in which the team writes, for whoever asked to read, why something is not done.",
    )
    extra_fields: tuple[str, ...] = Field((), description="Ids of further fields that rules look at, as it.extra.")
    internal_role: str = Field(
        "",
        description="A project role: internal comments are restricted to it. Needed outside Jira Service Management, where"
        " everyone who sees the issue sees its comments.",
    )
    webhook_secret: str = Field(
        "", description="Reference to the secret of Jira's webhook to /hooks/NAME; without it webhooks are refused."
    )
    ca: str | None = Field(
        None, description="Path of a file with the certificates to trust, instead of the usual ones."
    )
    calls_per_hour: int = Field(0, ge=0, description="The most calls in any hour; 0: no limit of our own.")
    seconds_between_calls: float = Field(0.0, ge=0, description="The least time between two calls.")
    overlap: int = Field(
        300, ge=300, description="Seconds read again at each poll: Jira's search is late by seconds to minutes."
    )
    page_size: int = Field(100, ge=1, le=1000, description="Issues a call.")

    @field_validator("base_url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username:
            message = "write the address as https://host or https://host/path, without credentials"
            raise ValueError(message)
        return value.rstrip("/")

    @field_validator("projects")
    @classmethod
    def _keys(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for key in value:
            if not _PROJECT.match(key):
                message = f"{key!r} is not a project key; write the part before the number, such as LOOP"
                raise ValueError(message)
        return value

    @field_validator("jql")
    @classmethod
    def _one_clause(cls, value: str) -> str:
        jql.inner(value)
        return value

    @field_validator("priorities")
    @classmethod
    def _one_to_five(cls, value: dict[str, int]) -> dict[str, int]:
        for name, number in value.items():
            if number not in range(1, 6):
                message = f"the priority {name!r} is {number}; write 1 (highest) to 5"
                raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _who(self) -> "Settings":
        if self.flavour == "cloud" and not self.email:
            message = "Cloud needs the e-mail of the account besides its token"
            raise ValueError(message)
        if self.flavour == "datacenter" and self.articles is not None:
            message = "articles are read of Confluence Cloud only"
            raise ValueError(message)
        return self
