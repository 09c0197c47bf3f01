"""Measures whether feedback finds the item that says it already: reviews of apps with the issues that people checked.

Each review has a few issues that a search proposed, and people said of each whether it fits; for half of the reviews none
does, so that precision at 1 has a ceiling, which is told with it.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from loopbot.domain.records import Feedback, Issue, Ref
from loopbot.domain.wordings import Neighbourhood, Sought, Vector
from loopbot.judgement.calibration import calibration_error, fit_platt, log_odds
from loopbot.judgement.evaluation.figures import Figure, NotMeasuredError, Progress, both, calibration, spent
from loopbot.judgement.evaluation.files import rows_in
from loopbot.judgement.evaluation.plain import PlainIndex
from loopbot.judgement.items import Recall, across
from loopbot.judgement.nearness import Memory
from loopbot.ports.encoding import Encoder

_PAIRS = "deepmatcher_review_to_issue.csv.gz"
_NEEDED = ("user_feedback", "issue_text", "fitting_issue")
_THEN = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Case:
    """One review, the issues proposed for it in their order, and those that fit."""

    review: Feedback
    proposed: tuple[Ref, ...]
    fitting: frozenset[Ref]


def measure(data: Path, history: Path | None, progress: Progress, encoder: Encoder | None = None) -> tuple[Figure, ...]:
    """The figures, without and with the sentence model; raises NotMeasuredError where the file is missing."""
    cases, memories = cases_of(data, history)
    simple = _plainly_right(cases, _issues(data, history))
    progress("feedback against the items there are")
    lean = _figures(cases, memories, None, simple)
    if encoder is None:
        return lean
    progress("the same by what they mean")
    # The time of both is not added up: with the encoder everything else is done, too.
    return tuple(both(lean, _figures(cases, memories, encoder, simple)))


def cases_of(data: Path, history: Path | None) -> tuple[list[Case], Mapping[str, Memory]]:
    """The reviews with what was proposed for each, and the issues there are of each app; raises NotMeasuredError."""
    found = list(rows_in(data, _PAIRS, _NEEDED))
    if not found:
        raise NotMeasuredError(f"{data} holds no {_PAIRS}, or no review in it")
    cases = list(_cases(found))
    if not any(case.fitting for case in cases):
        raise NotMeasuredError(f"of no review in {data / _PAIRS} people said that an issue fits")
    return cases, {app: Memory(held) for app, held in _issues(data, history).items()}


def _issues(data: Path, history: Path | None) -> Mapping[str, Sequence[Issue]]:
    """The issues there are of each app."""
    issues: dict[str, dict[Ref, Issue]] = defaultdict(dict)
    for folder in (history, data):
        for row in rows_in(folder, _PAIRS, _NEEDED):
            one = _issue(row)
            issues[row.get("app") or ""][one.ref] = one
    return {app: list(held.values()) for app, held in issues.items()}


def _plainly_right(cases: Sequence[Case], issues: Mapping[str, Sequence[Issue]]) -> float:
    """The share of the reviews of which the proposed issue fits that is nearest by plain TF-IDF."""
    indexes: defaultdict[str, PlainIndex] = defaultdict(PlainIndex)
    for app, held in issues.items():
        for one in held:
            indexes[app].add(one)
    right = 0
    for case in cases:
        index = indexes[case.review.system]
        near = {ref: score for score, ref in index.nearest(case.review, len(issues[case.review.system]))}
        right += max(case.proposed, key=lambda ref: near.get(ref, 0.0)) in case.fitting
    return right / len(cases)


def neighbourhood(case: Case, memory: Memory) -> Neighbourhood:
    """What the index finds for a review."""
    return memory.neighbours(case.review, Sought(kinds=frozenset({"issue"}), limit=1_000))


def _figures(
    cases: Sequence[Case], memories: Mapping[str, Memory], encoder: Encoder | None, simple: float
) -> tuple[Figure, ...]:
    recall = remembering(encoder.encode) if encoder else None
    if recall:  # items are there before the report that is about them: the store knows what they mean
        near = (neighbourhood(case, memories[case.review.system]) for case in cases)
        recall([one.record.title for found in near for one in found.found])
    begun = time.process_time()
    scored = [
        (case, {one.record.ref: one.score for one in across(case.review, neighbourhood(case, memory), recall)})
        for case in cases
        for memory in (memories[case.review.system],)
    ]
    took = (time.process_time() - begun) / max(len(cases), 1) * 1000
    right = sum(max(case.proposed, key=lambda ref: scores.get(ref, 0.0)) in case.fitting for case, scores in scored)
    shown = [
        _Shown(case.review.system, scores[ref], ref in case.fitting)
        for case, scores in scored
        for ref in case.proposed
        if ref in scores
    ]
    first = sum(case.proposed[0] in case.fitting for case in cases)
    ceiling = sum(bool(case.fitting) for case in cases) / len(cases)
    return (
        Figure(
            name="existing_item.precision_at_1",
            what="feedback -> existing item, precision at 1",
            value=right / len(cases),
            baseline=simple,
            goal=0.40,
            aim=0.44,
            note=f"{len(cases)} reviews; ceiling {ceiling:.2f}; in the order they were proposed {first / len(cases):.2f}",
        ),
        *([_calibration(shown)] if shown else ()),
        spent("item.milliseconds_per_ticket", "time for a ticket (existing item)", took),
    )


def _calibration(shown: "Sequence[_Shown]") -> Figure:
    note = (
        f"{len(shown)} probabilities as shipped; scaled on the other apps alone {_error(_scaled_elsewhere(shown)):.3f}"
    )
    return calibration("existing_item.calibration_error", "calibration error (existing item)", _error(shown), note)


def remembering(read: Recall) -> Recall:
    """What reads a text once, as a store remembers what texts mean."""
    known: dict[str, Vector] = {}

    def recall(texts: Sequence[str]) -> list[Vector]:
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            known.update(zip(missing, read(missing), strict=True))
        return [known[text] for text in texts]

    return recall


@dataclass(frozen=True, slots=True)
class _Shown:
    """How probable it was said to be that a review and an issue fit, and whether people say so."""

    app: str
    probability: float
    fits: bool


def _error(shown: Sequence[_Shown]) -> float:
    return calibration_error([one.probability for one in shown], [one.fits for one in shown])


def _scaled_elsewhere(shown: Sequence[_Shown]) -> list[_Shown]:
    """The same with the scale that the other apps ask for: none of an app's own answers are used for its probabilities."""
    found: list[_Shown] = []
    for app in sorted({one.app for one in shown}):
        others = [one for one in shown if one.app != app]
        if not others:
            return list(shown)
        scale = fit_platt([log_odds(one.probability) for one in others], [one.fits for one in others])
        found.extend(replace(one, probability=scale(log_odds(one.probability))) for one in shown if one.app == app)
    return found


def _cases(found: Iterable[Mapping[str, str]]) -> Iterable[Case]:
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
        yield Case(review, proposed, fitting)


def _issue(row: Mapping[str, str]) -> Issue:
    app, key = row.get("app") or "", row.get("issue_id") or row.get("issue_text") or ""
    return Issue(
        ref=Ref(app, "issue", key),
        ident=key,
        title=row.get("issue_text") or "",
        state="todo",
        updated_at=_THEN,
    )
