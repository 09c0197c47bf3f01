"""The models that a judgement has learnt in one installation: each kept under its version, one of them in use.

Going back is choosing another one, or the one that came with loopbot. What a person chose stays until a person lets it go.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from loopbot.ports import ModelRow, Models

SHIPPED = "shipped"


@dataclass(frozen=True, slots=True)
class Learnt:
    """A model: its version, when it was learnt (ISO, UTC), from how many answers or labels, and how well it judged those it had not seen."""

    version: str
    at: str
    answers: int
    note: str = ""


class Kept(Protocol):
    """Where models are kept, and which of them is used: a transaction is one."""

    @property
    def models(self) -> Models:
        """What was learnt."""

    def remember(self, name: str, value: str) -> None:
        """Keep a small fact."""

    def recall(self, name: str) -> str | None:
        """What was remembered under that name."""


def used_fact(judgement: str) -> str:
    """The name of the fact that says which version is in use."""
    return f"judgement:{judgement}:version"


def listed(kept: Kept, judgement: str) -> list[Learnt]:
    """What was learnt, the earliest first."""
    return [
        Learnt(one.version, one.at.isoformat(timespec="seconds"), one.labels, one.summary)
        for one in kept.models.all(judgement)
    ]


def in_use(kept: Kept, judgement: str) -> str:
    """The version in use."""
    return kept.recall(used_fact(judgement)) or SHIPPED


def keep(kept: Kept, judgement: str, learnt: Learnt, text: str) -> None:
    """Keep a model; it is not in use by that."""
    row = ModelRow(learnt.version, datetime.fromisoformat(learnt.at), learnt.answers, learnt.note)
    kept.models.put(judgement, row, text)


def use(kept: Kept, judgement: str, version: str) -> bool:
    """Judge by that version from now on (`shipped`: by what came with loopbot); False where there is none of that name."""
    if version != SHIPPED and kept.models.body(judgement, version) is None:
        return False
    kept.remember(used_fact(judgement), version)
    return True


def choose(kept: Kept, judgement: str, version: str) -> bool:
    """As `use`, at a person's word: what is learnt afterwards is kept, and does not take its place."""
    if not use(kept, judgement, version):
        return False
    kept.remember(_chosen_fact(judgement), "yes")
    return True


def chosen(kept: Kept, judgement: str) -> bool:
    """Whether a person chose the version in use."""
    return bool(kept.recall(_chosen_fact(judgement)))


def follow(kept: Kept, judgement: str) -> None:
    """Let what is learnt from now on be used again where it does no worse."""
    kept.remember(_chosen_fact(judgement), "")


def _chosen_fact(judgement: str) -> str:
    return f"judgement:{judgement}:chosen"
