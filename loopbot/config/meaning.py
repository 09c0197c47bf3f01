"""`[meaning]`: whether texts are also compared by what they mean, with the sentence model of the extra."""

from pydantic import BaseModel, ConfigDict, Field


class Meaning(BaseModel):
    """Off by default: the model takes 65 MB of memory, and a piece of feedback some 50 ms of one processor."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    use: bool = Field(
        default=False,
        description="Compare feedback and items by what they mean, too; needs requirements/meaning.txt installed.",
    )
