"""What a person configures for GitLab."""

from collections.abc import Mapping
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from loopbot.http.policy import LOOPBACK

ProjectPath = Annotated[
    str, StringConstraints(pattern=r"^\.?[A-Za-z0-9_][A-Za-z0-9_.-]*(/\.?[A-Za-z0-9_][A-Za-z0-9_.-]*)+$")
]
IssueProject = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]+$")]


class GitLabSettings(BaseModel):
    """Some projects of one GitLab, as the configuration names them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: str = Field(
        description="Where the access token of the project or group is (scope read_api, role Reporter): env:NAME ..."
    )
    projects: tuple[ProjectPath, ...] = Field(min_length=1, description='What to read, each as "group/sub/name".')
    base_url: str = Field(
        default="https://gitlab.com/api/v4",
        description="Where the API is; your own server: https://HOST/api/v4, with its path before /api/v4 if it has one.",
    )
    webhook_secret: str = Field(
        default="",
        description="Reference to the secret token of GitLab's webhook to /hooks/NAME; without it webhooks are refused.",
    )
    ca: str | None = Field(
        default=None, description="Path of a certificate bundle for a server with its own authority."
    )
    issues_in: str = Field(default="", description='The configured system that holds the issues, such as "jira".')
    issue_keys: tuple[IssueProject, ...] = Field(
        default=(), description='Project keys to recognise in commits and merge requests, such as "LOOP".'
    )
    issue_url: str = Field(
        default="",
        description="What addresses of issues begin with (https://jira.example/browse/); keys in other addresses are left alone.",
    )
    environments: Mapping[str, str] = Field(
        default_factory=dict, description="GitLab's environment = the word that rules use (prod = production)."
    )
    passed_over: tuple[str, ...] = Field(
        default=("review/*",),
        description="Environments whose deployments are not read, by GitLab's own names; * stands for anything.",
    )
    services: Mapping[ProjectPath, tuple[str, ...]] = Field(
        default_factory=dict, description="The services that a project is deployed as."
    )
    deployments: bool = Field(default=True, description="Whether deployments are read.")
    releases: bool = Field(default=True, description="Whether releases are read.")
    first_days: int = Field(default=30, ge=1, description="How many days back the first reading goes.")
    first_commits: int = Field(
        default=50,
        ge=0,
        le=100,
        description="How many of its last commits the first known deployment to an environment counts as delivered; 0: none.",
    )
    most_commits: int = Field(default=2_000, ge=100, description="How many commits of one deployment are looked at.")
    most_pull_calls: int = Field(
        default=60, ge=0, description="How many calls one deployment may take to find its merge requests."
    )
    calls_per_hour: int = Field(
        default=0, ge=0, description="At most so many calls in any hour; 0: no limit of our own."
    )
    seconds_between_calls: float = Field(default=0.0, ge=0, description="At least so long between two calls.")
    page_size: int = Field(default=100, ge=1, le=100, description="How many rows one call lists.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        parts = urlsplit(self.base_url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            message = "base_url: use https (plain http only to this machine)"
            raise ValueError(message)
        if not parts.path.rstrip("/").endswith("/api/v4"):
            message = "base_url: write it to its end, https://HOST/api/v4"
            raise ValueError(message)
        if bool(self.issues_in) != bool(self.issue_keys):
            message = 'issues_in and issue_keys belong together (issues_in = "jira", issue_keys = ["LOOP"])'
            raise ValueError(message)
        return self
