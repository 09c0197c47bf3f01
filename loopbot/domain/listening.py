"""How far what people said has come: heard, acknowledged, decided, fixed, deployed, told, confirmed. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

from loopbot.domain.dora import middle
from loopbot.domain.records import Ref

Stage = Literal["heard", "acknowledged", "decided", "fixed", "deployed", "told", "confirmed"]
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)


@dataclass(frozen=True, slots=True)
class Passed:
    """One report and when it came to each stage, as far as it did. `over`: nothing more will happen to it."""

    ref: Ref
    at: dict[Stage, datetime]
    over: bool = False

    @property
    def furthest(self) -> Stage:
        """The last stage it has reached."""
        return next((stage for stage in reversed(STAGES) if stage in self.at), "heard")


@dataclass(frozen=True, slots=True)
class StageFigure:
    """One stage: how many reports came to it or past it, the median time to it since they were heard, how many stand there now."""

    stage: Stage
    reached: int
    typical: timedelta | None
    waiting: int


def figures(reports: Sequence[Passed]) -> tuple[StageFigure, ...]:
    """What each stage comes to. A later stage counts for the earlier ones: who was told was heard."""
    place = {stage: number for number, stage in enumerate(STAGES)}
    furthest = [place[one.furthest] for one in reports]
    return tuple(
        StageFigure(
            stage,
            sum(1 for at in furthest if at >= place[stage]),
            middle(_since_heard(reports, stage)),
            sum(1 for one, at in zip(reports, furthest, strict=True) if at == place[stage] and not one.over),
        )
        for stage in STAGES
    )


def _since_heard(reports: Iterable[Passed], stage: Stage) -> Iterable[timedelta]:
    for one in reports:
        if stage in one.at and stage != "heard":
            yield max(one.at[stage] - one.at["heard"], timedelta(0))
