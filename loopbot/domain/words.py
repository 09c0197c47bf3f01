"""The canonical words that every system's own values are translated into; rules see only these."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

Kind = Literal["incident", "problem", "change", "issue", "deployment", "release", "feedback", "article"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Relation = Literal[
    "caused_by",  # incident -> the change or deployment that caused it
    "problem_of",  # problem -> an incident it explains
    "fixes",  # issue -> the problem, incident or feedback it fixes or answers
    "delivers",  # deployment -> an issue it brought to its environment
    "withdraws",  # deployment (a roll-back) -> an issue it took away from its environment
    "includes",  # release -> an issue it holds
    "duplicates",  # record -> an earlier record that says the same
    "mirrors",  # record -> the record in another system that it is a copy of
]
RELATIONS: tuple[Relation, ...] = get_args(Relation)

Role = Literal["reporter", "assignee", "opener", "follower"]
ROLES: tuple[Role, ...] = get_args(Role)

STATES: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {
        "incident": ("new", "in_progress", "on_hold", "resolved", "closed", "cancelled"),
        "problem": ("new", "investigating", "known_error", "fix_in_progress", "resolved", "closed", "cancelled"),
        "change": ("draft", "assess", "authorize", "scheduled", "implement", "review", "closed", "cancelled"),
        "issue": ("todo", "in_progress", "in_review", "done", "wont_do"),
        "deployment": ("pending", "running", "succeeded", "failed", "rolled_back"),
        "release": ("planned", "frozen", "released", "withdrawn"),
        "feedback": (
            "new",
            "acknowledged",
            "classified",
            "merged",
            "planned",
            "declined",
            "delivered",
            "confirmed",
        ),
        "article": ("published", "withdrawn"),
    },
)
OUTCOMES = ("successful", "failed", "rolled_back")
RISKS = ("none", "low", "moderate", "high", "very high")
RISKY = frozenset({"high", "very high"})
"""What is said of a change that may well go wrong."""
TOPICS = ("bug", "feature", "question", "praise", "complaint")
FINISHED: Mapping[Kind, frozenset[str]] = MappingProxyType(
    {
        "incident": frozenset({"resolved", "closed", "cancelled"}),
        "problem": frozenset({"resolved", "closed", "cancelled"}),
        "change": frozenset({"closed", "cancelled"}),
        "issue": frozenset({"done", "wont_do"}),
        "deployment": frozenset({"succeeded", "failed", "rolled_back"}),
        "release": frozenset({"released", "withdrawn"}),
        "feedback": frozenset({"merged", "declined", "delivered", "confirmed"}),
        "article": frozenset({"withdrawn"}),
    },
)
