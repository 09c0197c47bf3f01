"""`[priority]`: how much each part of the weight of an item counts."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from loopbot.judgement.priority import Weights

Part = Annotated[float, Field(ge=0, le=1000)]
Many = Annotated[int, Field(ge=1, le=1_000_000)]


class PriorityTable(BaseModel):
    """Points against each other, and how many of something count as many."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    people: Part = Field(30, description="Points for how many people reported it or voted for it.")
    accounts: Part = Field(10, description="Points for how many companies they are of.")
    incidents: Part = Field(20, description="Points for how many incidents it explains or fixes.")
    severity: Part = Field(20, description="Points for the worst priority among them.")
    age: Part = Field(10, description="Points for how long it is known.")
    trend: Part = Field(10, description="Points for growing: more in the last 14 days than in the 14 before.")
    many_people: Many = Field(20, description="So many people bring all of their points.")
    many_accounts: Many = Field(5, description="So many companies bring all of their points.")
    many_incidents: Many = Field(20, description="So many incidents bring all of their points.")
    old_days: Many = Field(180, description="After so many days age brings all of its points.")
    step: Annotated[float, Field(ge=0, le=100)] = Field(
        5, description="What a tracker shows of a weight is written anew where it has moved by so many points."
    )
    look: Annotated[int, Field(ge=60, le=604_800)] = Field(
        3600, description="How often the weights that rules keep current are looked at, in seconds."
    )

    @property
    def weights(self) -> Weights:
        """As judging uses them."""
        values = self.model_dump(exclude={"old_days", "step", "look"})
        return Weights(**values, old=timedelta(days=self.old_days))
