"""What a person configures for Slack."""

from collections.abc import Mapping
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from loopbot.http.policy import LOOPBACK


class SlackSettings(BaseModel):
    """One workspace, as the configuration names it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: str = Field(description="Where the bot token (xoxb-...) is: env:NAME, file:PATH or keyring:NAME.")
    app_token: str | None = Field(
        default=None,
        description="Where the app-level token (xapp-..., scope connections:write) is. Without it loopbot posts, but hears nothing.",
    )
    signing_secret: str | None = Field(
        default=None,
        description="Where the app's signing secret is, to hear people over HTTP at /chats/NAME instead of a socket.",
    )
    base_url: str = Field(default="https://slack.com/api/", description="Where the Web API is.")
    ca: str | None = Field(
        default=None, description="Path of a certificate bundle, where a proxy re-signs what Slack sends."
    )
    channels: Mapping[str, str] = Field(
        default_factory=dict,
        description="Names that rules use for channels: what a rule says = the channel's own name or id.",
    )
    command: str = Field(default="/loop", pattern=r"^/[a-z0-9_-]{1,31}$", description="The slash command people type.")
    calls_per_hour: int = Field(
        default=0, ge=0, description="At most so many calls in any hour; 0: no limit of our own."
    )
    seconds_between_calls: float = Field(default=0.0, ge=0, description="At least so long between two calls.")
    seconds_between_posts: float = Field(
        default=1.0, ge=0, description="At least so long between two messages to one channel; Slack asks for 1."
    )
    page_size: int = Field(default=200, ge=1, le=999, description="How many channels or messages one call lists.")

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        parts = urlsplit(self.base_url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            message = "base_url: use https (plain http only to this machine)"
            raise ValueError(message)
        return self
