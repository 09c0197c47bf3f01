"""Measures whether feedback finds the item that says it already: reviews of apps with the issues that people checked.

Each review has a few issues that a search proposed, and people said of each whether it fits; for half of the reviews none
does, so that precision at 1 has a ceiling, which is told with it.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from loopbot.domain.records import Feedback, Issue, Ref
from loopbot.domain.wordings import Sought
from loopbot.judgement.evaluation.figures import Figure, NotMeasuredError, Progress
from loopbot.judgement.evaluation.tickets import rows
from loopbot.judgement.likeness import ranked
from loopbot.judgement.nearness import Memory
from loopbot.judgement.recurrence import ITEM

_PAIRS = "deepmatcher_review_to_issue.csv.gz"
_THEN = datetime(2020, 1, 1, tzinfo=UTC)
_BASELINE = 0.34


@dataclass(frozen=True, slots=True)
class _Case:
    """One review, the issues proposed for it in their order, and those that fit."""

    review: Feedback
    proposed: tuple[Ref, ...]
    fitting: frozenset[Ref]


def measure(data: Path, history: Path | None, progress: Progress) -> tuple[Figure, ...]:
    """The figures; raises NotMeasuredError where the file is missing."""
    found = list(rows(data / _PAIRS))
    if not found:
        message = f"{data} holds no {_PAIRS}"
        raise NotMeasuredError(message)
    progress("feedback against the items there are")
    issues: dict[str, dict[Ref, Issue]] = defaultdict(dict)
    for row in (*(rows(history / _PAIRS) if history else ()), *found):
        one = _issue(row)
        issues[row.get("app") or ""][one.ref] = one
    memories = {app: Memory(held.values()) for app, held in issues.items()}
    cases = list(_cases(found))
    begun = time.perf_counter()
    best = [(case, _best(case, memories[case.review.system])) for case in cases]
    took = (time.perf_counter() - begun) / max(len(cases), 1) * 1000
    right = sum(ref in case.fitting for case, ref in best)
    first = sum(case.proposed[0] in case.fitting for case in cases)
    ceiling = sum(bool(case.fitting) for case in cases) / len(cases)
    return (
        Figure(
            name="existing_item.precision_at_1",
            what="feedback -> existing item, precision at 1",
            value=right / len(cases),
            baseline=_BASELINE,
            goal=0.40,
            aim=0.44,
            note=f"{len(cases)} reviews; ceiling {ceiling:.2f}; in the order they were proposed {first / len(cases):.2f}",
        ),
        Figure(
            name="item.milliseconds_per_ticket",
            what="time for a ticket (existing item)",
            value=took,
            unit="ms",
            better="less",
        ),
    )


def _best(case: _Case, memory: Memory) -> Ref:
    """The proposed item that it fits best."""
    near = memory.neighbours(case.review, Sought(kinds=frozenset({"issue"}), limit=1_000))
    scores: Mapping[Ref, float] = {one.record.ref: one.score for one in ranked(case.review, near, ITEM)}
    return max(case.proposed, key=lambda ref: scores.get(ref, 0.0))


def _cases(found: Iterable[Mapping[str, str]]) -> Iterable[_Case]:
    grouped: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for row in found:
        grouped[row.get("user_feedback_id") or row.get("user_feedback") or ""].append(row)
    for ident, mine in grouped.items():
        app, text = mine[0].get("app") or "", mine[0].get("user_feedback") or ""
        review = Feedback(
            ref=Ref(app, "feedback", ident), ident=ident, title=text, text="", state="new", updated_at=_THEN
        )
        proposed = tuple(_issue(row).ref for row in mine)
        fitting = frozenset(_issue(row).ref for row in mine if (row.get("fitting_issue") or "").lower() == "true")
        yield _Case(review, proposed, fitting)


def _issue(row: Mapping[str, str]) -> Issue:
    app, key = row.get("app") or "", row.get("issue_id") or row.get("issue_text") or ""
    return Issue(
        ref=Ref(app, "issue", key),
        ident=key,
        title=row.get("issue_text") or "",
        state="todo",
        updated_at=_THEN,
    )
