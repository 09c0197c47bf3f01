"""What may stand under `[questions]`: where people are asked, and how long questions wait."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from loopbot.domain.questions import ASKING, AUDIENCES
from loopbot.domain.rootcause import DIMENSIONS

Hours = Annotated[float, Field(ge=0, le=24 * 365)]


class Questions(BaseModel):
    """`[questions]`: without a channel, questions are listed (`loopbot questions list`) and asked nowhere."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str = Field("", description="The system through which people are asked; the only chat, if you say nothing.")
    channel: str = Field("", description="Where questions go that have no channel of their own.")
    channels: Mapping[str, str] = Field(
        default_factory=dict, description="Channels of audiences, or of kinds of questions: name = channel."
    )
    services: Mapping[str, str] = Field(
        default_factory=dict, description="Channels for questions about a service: its name = channel."
    )
    gather_seconds: float = Field(30, ge=0, le=3_600, description="How long a burst is gathered into one message.")
    remind_hours: Hours = Field(24, description="After how long a channel is reminded, once; 0: never.")
    expire_days: float = Field(14, gt=0, le=365, description="After how long an unanswered question ends.")
    undo_hours: Hours = Field(24, description="How long an answer can be taken back in the chat.")
    root_cause_fields: Mapping[str, str] = Field(
        default_factory=dict,
        description="Fields of a problem for the four dimensions; without them the root cause is an internal comment.",
    )

    @field_validator("channels")
    @classmethod
    def _known(cls, values: Mapping[str, str]) -> Mapping[str, str]:
        return _checked(values, (*AUDIENCES, *ASKING), "an audience or a kind of question")

    @field_validator("root_cause_fields")
    @classmethod
    def _dimensions(cls, values: Mapping[str, str]) -> Mapping[str, str]:
        return _checked(values, tuple(DIMENSIONS), "a dimension")


def _checked(values: Mapping[str, str], known: tuple[str, ...], what: str) -> Mapping[str, str]:
    for name in values:
        if name not in known:
            message = f"{name!r} is not {what}; known: {', '.join(known)}"
            raise ValueError(message)
    return values
