"""`[web]`: what loopbot listens to over HTTP."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Header = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,80}$")]


class TokenHook(BaseModel):
    """`[web.hooks.NAME]`: webhooks at /hooks/NAME from a system whose connector verifies none itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    header: Header = Field(description="The header in which the sender shows the secret, such as X-Pipeline-Token.")
    secret: str = Field(description="Reference to the secret.")
    streams: tuple[str, ...] = Field(min_length=1, description="The streams that are read early when one comes.")
    tolerant: bool = Field(
        False,
        description="Answer a wrong secret as if it were right, and set it aside: for senders that switch their webhook off.",
    )


class Web(BaseModel):
    """`[web]`: where loopbot listens; without this table it does not."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    listen: str = Field(
        "127.0.0.1:8080",
        pattern=r"^(\[[0-9a-fA-F:.]+\]|[^\s:\[\]]+):\d{1,5}$",
        description="Address and port to listen on. TLS is the business of the proxy before it.",
    )
    hosts: tuple[str, ...] = Field(
        (),
        description="Names by which senders address loopbot (the Host header, without port), besides the address itself.",
    )
    largest_body: int = Field(5_000_000, ge=10_000, le=100_000_000, description="The most bytes of a webhook.")
    most_hints: int = Field(
        50_000,
        ge=100,
        description="Records that may wait to be fetched one by one; beyond, whole streams are read instead.",
    )
    hooks: Mapping[str, TokenHook] = Field(default_factory=dict, description="Webhooks of other systems, by name.")

    @model_validator(mode="after")
    def _addressable(self) -> Self:
        if self.port > 65_535:
            message = "listen: there is no such port"
            raise ValueError(message)
        for name in self.hosts:
            if "://" in name or "/" in name or (":" in name and not name.startswith("[")):
                message = f"hosts: write the name alone, without scheme, port or path: {name!r}"
                raise ValueError(message)
        return self

    @property
    def address(self) -> str:
        """The address to listen on, without brackets."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port; 0: any free one."""
        return int(self.listen.rpartition(":")[2])

    @property
    def allowed(self) -> frozenset[str]:
        """Every name that requests may be addressed to."""
        own = self.listen.rpartition(":")[0].lower()
        loopback = {"127.0.0.1", "localhost", "[::1]"} if own in {"127.0.0.1", "localhost", "[::1]"} else set()
        return frozenset({own, *loopback, *(name.lower() for name in self.hosts)})
