"""Simple, explainable scores (0..1): how likely a change caused an incident, and how alike two records are.

Each part is named in words with the score, so that a person can disagree with it.
"""

import math
import re
from dataclasses import dataclass
from datetime import datetime

from loopbot.domain.records import Change, Deployment, Record
from loopbot.domain.texts import likeness, listed, words

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Score:
    """How sure (0..1) and why, in words."""

    value: float
    because: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate, how likely it is the one (0..1), and the evidence in words, the strongest first."""

    record: Record
    score: float
    because: tuple[str, ...] = ()


def suspicion(incident: Record, change: Record) -> Score:
    """How likely this change (or deployment) caused the incident: named in its text, same service, shortly before, same words."""
    at, began = incident.occurred_at, change.occurred_at
    if began > at:
        return Score(0.0, "it began after the incident")
    if _names(incident, change):
        return Score(0.97, f"the incident names {change.key}")
    reasons, odds = [], -2.2
    shared = incident.services & change.services
    if shared:
        odds += 2.0
        reasons.append(f"same service ({listed(sorted(shared))})")
    ended = _ended(change)
    age = max((at - ended).total_seconds(), 0.0)
    odds += 2.2 * math.exp(-age / (0.5 * _DAY)) + 0.8 * math.exp(-age / (7 * _DAY)) - 0.8
    reasons.append(_when(ended, at))
    alike = likeness(words(incident.title, incident.text), words(change.title, change.text))
    if alike >= 0.1:
        odds += min(alike, 0.5) * 5
        common = sorted(words(incident.title) & words(change.title, change.text), key=lambda word: (-len(word), word))[
            :3
        ]
        reasons.append(f"both mention {listed(common)}" if common else "similar words")
    if getattr(change, "outcome", None) in {"failed", "rolled_back"} or change.state in {"failed", "rolled_back"}:
        odds += 1.2
        reasons.append("it failed or was rolled back")
    return Score(1 / (1 + math.exp(-odds)), ", ".join(reasons))


def similarity(one: Record, other: Record) -> Score:
    """How alike two records are by their words, the title counting most."""
    titles = likeness(words(one.title), words(other.title))
    texts = likeness(words(one.title, one.text), words(other.title, other.text))
    value = max(0.65 * titles + 0.35 * texts, texts)
    common = sorted(words(one.title, one.text) & words(other.title, other.text), key=lambda word: (-len(word), word))[
        :4
    ]
    return Score(value, f"both mention {listed(common)}" if common else "no words in common")


def _names(incident: Record, change: Record) -> bool:
    said = f"{incident.title}\n{incident.text}"
    return re.search(rf"(?<![\w-]){re.escape(change.key)}(?![\w-])", said, re.IGNORECASE) is not None


def _ended(change: Record) -> datetime:
    if isinstance(change, Change | Deployment) and change.finished_at:
        return change.finished_at
    return change.occurred_at


def distance(it: Record, other: Record) -> str:
    """How long `it` came after or before the other, as a reason: 9 days after it."""
    since = (it.occurred_at - other.occurred_at).total_seconds()
    return f"{span_in_words(abs(since))} {'after' if since >= 0 else 'before'} it"


def _when(ended: datetime, at: datetime) -> str:
    seconds = (at - ended).total_seconds()
    if seconds < 0:
        return "under way when it began"
    return f"finished {span_in_words(seconds)} before"


def span_in_words(seconds: float) -> str:
    """A length of time as a person says it: 40 seconds, 22 minutes, 3 hours, 5 days."""
    for size, name in ((_DAY, "day"), (3600.0, "hour"), (60.0, "minute")):
        if seconds >= 1.5 * size or (seconds >= size and name != "minute"):
            count = round(seconds / size)
            return f"{count} {name}" + ("s" if count != 1 else "")
    count = round(seconds)
    return f"{count} second" + ("s" if count != 1 else "")
