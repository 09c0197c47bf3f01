"""The models that a judgement has learnt in one installation: kept beside its facts, each under its version, one of them in use.

Going back is choosing another one, or the one that came with loopbot.
"""

import json
from dataclasses import asdict, dataclass
from typing import Protocol

SHIPPED = "shipped"


@dataclass(frozen=True, slots=True)
class Learnt:
    """A model: its version, when it was learnt (ISO, UTC), from how many answers, and how well it judged those it had not seen."""

    version: str
    at: str
    answers: int
    note: str = ""


class Facts(Protocol):
    """Where small facts of the installation are kept."""

    def remember(self, name: str, value: str) -> None:
        """Keep a small fact."""

    def recall(self, name: str) -> str | None:
        """What was remembered under that name."""


def learnt_fact(judgement: str) -> str:
    """The name of the fact that holds the model in use."""
    return f"judgement:{judgement}:model"


def listed(facts: Facts, judgement: str) -> list[Learnt]:
    """What was learnt, the earliest first."""
    return [Learnt(**one) for one in json.loads(facts.recall(_list_fact(judgement)) or "[]")]


def in_use(facts: Facts, judgement: str) -> str:
    """The version in use."""
    return facts.recall(_used_fact(judgement)) or SHIPPED


def keep(facts: Facts, judgement: str, learnt: Learnt, text: str) -> None:
    """Keep a model; it is not in use by that."""
    others = [one for one in listed(facts, judgement) if one.version != learnt.version]
    facts.remember(_version_fact(judgement, learnt.version), text)
    facts.remember(_list_fact(judgement), json.dumps([asdict(one) for one in (*others, learnt)]))


def use(facts: Facts, judgement: str, version: str) -> bool:
    """Judge by that version from now on (`shipped`: by what came with loopbot); False where there is none of that name."""
    text = "" if version == SHIPPED else facts.recall(_version_fact(judgement, version))
    if text is None:
        return False
    facts.remember(learnt_fact(judgement), text)
    facts.remember(_used_fact(judgement), version)
    return True


def _version_fact(judgement: str, version: str) -> str:
    return f"judgement:{judgement}:model:{version}"


def _list_fact(judgement: str) -> str:
    return f"judgement:{judgement}:versions"


def _used_fact(judgement: str) -> str:
    return f"judgement:{judgement}:version"
