"""What a person configures for Jenkins."""

from collections.abc import Mapping
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from loopbot.http.policy import LOOPBACK

ProjectKey = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]+$")]


def _full_name(name: str) -> str:
    parts = name.split("/")
    if not name.isprintable() or any(part.strip() in {"", ".", ".."} or set(part) & set("#?\\") for part in parts):
        message = f'{name!r} is no full name of a job; write "folder/job", as Jenkins shows it'
        raise ValueError(message)
    return name


JobName = Annotated[str, AfterValidator(_full_name)]


class JobSettings(BaseModel):
    """One job that deploys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    environment: str = Field(default="", description="The environment it deploys to, in the word that rules use.")
    environment_parameter: str = Field(
        default="", description="The build parameter that names the environment; where a build has none, `environment`."
    )
    environments: Mapping[str, str] = Field(
        default_factory=dict, description="The parameter's value = the word that rules use (prod = production)."
    )
    services: tuple[str, ...] = Field(default=(), description="The services that it deploys.")
    pulls: Annotated[str, StringConstraints(pattern=r"^([^\s#!]+[#!])?$")] = Field(
        default="",
        description='What full names of pull requests begin with ("owner/name#", "group/name!"); "": none are kept.',
    )
    remote: str = Field(
        default="",
        description="A part of the deployed repository's address, where builds check out others as well (shared libraries).",
    )

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not self.environment and not self.environment_parameter:
            message = "say where the job deploys to: environment, or environment_parameter"
            raise ValueError(message)
        return self


class JenkinsSettings(BaseModel):
    """Some jobs of one Jenkins, as the configuration names them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(description="Where Jenkins is, with its context path.")
    user: str = Field(min_length=1, description="Whom the token belongs to.")
    token: str = Field(description="Where the user's API token is: env:NAME ...")
    jobs: Mapping[JobName, JobSettings] = Field(min_length=1, description="The jobs that deploy, by their full names.")
    webhook_secret: str = Field(
        default="",
        description="Reference to the secret that builds send to /hooks/NAME; without it webhooks are refused.",
    )
    ca: str | None = Field(
        default=None, description="Path of a certificate bundle for a server with its own authority."
    )
    issues_in: str = Field(default="", description='The configured system that holds the issues, such as "jira".')
    issue_keys: tuple[ProjectKey, ...] = Field(
        default=(), description='Project keys to recognise in commit messages, such as "LOOP".'
    )
    issue_url: str = Field(
        default="",
        description="What addresses of issues begin with (https://jira.example/browse/); keys in other addresses are left alone.",
    )
    unstable_deploys: bool = Field(
        default=True, description="Whether an UNSTABLE build deployed, as Jenkins itself counts it; else it failed."
    )
    first_days: int = Field(default=30, ge=1, description="How many days back the first reading goes.")
    calls_per_hour: int = Field(
        default=0, ge=0, description="At most so many calls in any hour; 0: no limit of our own."
    )
    seconds_between_calls: float = Field(default=0.0, ge=0, description="At least so long between two calls.")
    page_size: int = Field(
        default=20,
        ge=2,
        le=100,
        description="How many of a job's newest builds one poll looks at, and one call details.",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        parts = urlsplit(self.base_url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            message = "base_url: use https (plain http only to this machine)"
            raise ValueError(message)
        if bool(self.issues_in) != bool(self.issue_keys):
            message = 'issues_in and issue_keys belong together (issues_in = "jira", issue_keys = ["LOOP"])'
            raise ValueError(message)
        return self
