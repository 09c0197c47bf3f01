"""Measures how well tickets find the earlier ones that tell of the same pain, and how often a ticket without one cries wolf.

Two models find them: the one of `rank = "similar"`, whose figures have the plain names, and the one of `[repeat]`, which people's answers
teach; with a history it learns from that first, as it would in an installation.

A ticket counts as unrelated where nobody said that it repeats another one: it has no such link, and was not closed as a
duplicate. The files name for a part of the repetitions alone what they repeat: the others show what a false alarm is no better
than what is found. Each ticket is asked for at its time, against the earlier tickets of its project alone: the index is filled as time goes by.
"""

import math
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from loopbot.domain.records import Incident, Ref
from loopbot.domain.wordings import Sought
from loopbot.judgement.evaluation.figures import (
    Advice,
    Figure,
    NotMeasuredError,
    Progress,
    as_shipped,
    beside,
    calibration,
    spent,
)
from loopbot.judgement.evaluation.own_tickets import own_pools
from loopbot.judgement.evaluation.past import Past, after_history
from loopbot.judgement.evaluation.tickets import Pool, pools
from loopbot.judgement.likeness import Likeness, measured
from loopbot.judgement.nearness import Memory
from loopbot.judgement.recurrence import ASK_AT, CANDIDATES, DUPLICATE, PAIN
from loopbot.judgement.recurrence_answers import in_force
from loopbot.ports import Tx

SHOWN = 5
UNRELATED = 6_000
"""About so many are asked for: of fifteen hundred, thirty decide where the bar is, and chance moves it by a fifth."""
SETTLED = 100
LEAST = 10
"""Of fewer tickets that repeat one nothing can be said."""
_LOOKED_AT = 10
"""So many of the nearest by plain TF-IDF are looked at: the recall of no more is told."""
_BANDS = ((0.0, 0.05), (0.05, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 1.01))
_KIND = frozenset({Incident.kind})


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one ticket found: the probabilities of the best, whether each is right, and at which place the first right one is.

    `unclear`: somebody said that it repeats another one, and nobody which.
    """

    related: bool
    unclear: bool
    best: tuple[tuple[float, bool], ...]
    place: int | None
    seconds: float


def measure(data: Path, history: Path | None, progress: Progress) -> tuple[Figure, ...]:
    """The figures; raises NotMeasuredError where there are no such files."""
    found = pools(data, history)
    share = _share(found)
    pasts = [Past(pool, _asked_for(pool, share)) for pool in found]
    pains, why = after_history(pasts, progress) if history else (PAIN, "")
    similar, pain, shipped, plain = _all_asked(pasts, (DUPLICATE, pains, PAIN), progress)
    simple = _figures(plain, len(found), share)
    return (
        *beside(_figures(similar, len(found), share), simple),
        *_of_pain(beside(_figures(pain, len(found), share), simple), why),
        *(as_shipped(_of_pain(_figures(shipped, len(found), share))) if history else ()),
    )


def from_mirror(tx: Tx, progress: Progress) -> tuple[tuple[Figure, ...], tuple[Advice, ...]]:
    """On what is mirrored: incidents of which people or their systems said that they repeat an earlier one of the same system."""
    found = own_pools(tx)
    related = sum(bool(pool.earlier(one)) for pool in found for one in pool.tickets if one.ref in pool.groups)
    if related < LEAST:
        message = f"{related} incidents here repeat an earlier one, as people or their system said; {LEAST} are needed"
        raise NotMeasuredError(message)
    share = _share(found)
    pasts = [Past(pool, _asked_for(pool, share)) for pool in found]
    similar, pain, plain = _all_asked(pasts, (DUPLICATE, in_force(tx)), progress)
    simple = _figures(plain, len(found), share)
    figures = (
        *beside(_figures(similar, len(found), share), simple),
        *_of_pain(beside(_figures(pain, len(found), share), simple)),
    )
    # The goals are of public tickets.
    return tuple(replace(one, goal=None, aim=None) for one in figures), (_alike(pain),)


def _alike(asked: Sequence[_Asked]) -> Advice:
    """The lowest bar of `[repeat]` at which at most 2 in 100 tickets find one that nobody said they repeat."""
    alone = _surest(one for one in asked if not one.related and not one.unclear)
    bar = min(1.0, (math.floor(100 * _bar(alone)) + 1) / 100)
    related = [one for one in asked if one.related]
    caught = sum(any(hit and score >= bar for score, hit in one.best) for one in related)
    why = (
        f"{caught} of {len(related)} incidents find there what people said they repeat, and at most 2 in 100 of the others find"
        " another one; where rules ask for three or more, a lower bar may do: `loopbot recurring list` shows what it gathers"
    )
    return Advice(f"repeat.alike = {bar:.2f}", why)


def _share(found: Sequence[Pool]) -> float:
    plain = sum(len(pool.tickets) - len(pool.in_history) for pool in found)
    return min(1.0, UNRELATED / max(plain, 1))


def _asked_for(pool: Pool, share: float) -> dict[Ref, frozenset[Ref]]:
    """What is asked for, with what is right: tickets that repeat an earlier one, and a share of those of which nobody said so."""
    chance = random.Random(pool.name)
    asked: dict[Ref, frozenset[Ref]] = {}
    for number, it in enumerate(pool.tickets):
        right = pool.earlier(it)
        alone = it.ref not in pool.groups and number >= SETTLED and chance.random() < share
        if it.ref not in pool.in_history and (right or alone):
            asked[it.ref] = right
    return asked


def _all_asked(pasts: Sequence[Past], models: Sequence[Likeness], progress: Progress) -> list[list[_Asked]]:
    """What each of the models says of all that is asked for, and, last, what plain TF-IDF does."""
    found: list[list[_Asked]] = [[] for _ in (*models, "plain")]
    for past in pasts:
        progress(f"recurring tickets of {past.pool.name}")
        for it, memory in past.until():
            right = past.asked.get(it.ref)
            if right is not None:
                unclear = not right and it.ref in past.pool.repeating
                said = [*_ask(it, memory, models), (past.plain.nearest(it, _LOOKED_AT), 0.0)]
                for one, (scored, took) in zip(found, said, strict=True):
                    hits = [ref in right for _, ref in scored]
                    best = tuple((score, hit) for (score, _), hit in zip(scored[:SHOWN], hits, strict=False))
                    one.append(_Asked(bool(right), unclear, best, hits.index(True) if any(hits) else None, took))
        past.forget()
    return found


def _ask(it: Incident, memory: Memory, models: Sequence[Likeness]) -> Iterator[tuple[list[tuple[float, Ref]], float]]:
    """How probable each model says each neighbour is, the surest first, and how many seconds of a processor that took."""
    begun = time.process_time()
    near = memory.neighbours(it, Sought(kinds=_KIND, until=it.occurred_at, limit=CANDIDATES))
    rows = list(measured(it, near))
    looked = time.process_time() - begun
    for model in models:
        begun = time.process_time()
        scored = sorted(
            ((model.probability(measures), one.record.ref) for one, measures in rows),
            key=lambda each: (-each[0], each[1]),
        )
        yield scored, looked + time.process_time() - begun


def _figures(asked: Sequence[_Asked], projects: int, share: float) -> list[Figure]:
    return [*_ranking(asked, projects), *_alarms(asked, share)]


def _of_pain(figures: Iterable[Figure], why: str = "") -> Iterator[Figure]:
    """The same of the weights by which `[repeat]` finds what is the same pain, which are others; `why`: which of them judge."""
    for one in figures:
        name = one.name.removeprefix("recurrence.")
        if name.startswith("recall_at_") or name == "calibration_error":
            note = "; ".join(filter(None, (one.note, why))) if name == "recall_at_1" else one.note
            goals = (one.goal, one.aim) if name == "calibration_error" else (None, None)
            yield replace(
                one,
                name=f"recurrence.repeat_{name}",
                what=f"[repeat]: {one.what}",
                goal=goals[0],
                aim=goals[1],
                note=note,
            )


def _ranking(asked: Sequence[_Asked], projects: int) -> Iterable[Figure]:
    related = [one for one in asked if one.related]
    goals = {1: (None, None), 5: (None, None), 10: (0.82, 0.87)}
    for count, (goal, aim) in goals.items():
        hits = sum(one.place is not None and one.place < count for one in related)
        yield Figure(
            name=f"recurrence.recall_at_{count}",
            what=f"recurring tickets, recall at {count}",
            value=hits / max(len(related), 1),
            goal=goal,
            aim=aim,
            note=f"{len(related)} tickets of {projects} projects",
        )


def _alarms(asked: Sequence[_Asked], share: float) -> Iterable[Figure]:
    """How much is found at how many false alarms, and how true the probabilities are; nothing of what nothing was asked for."""
    related = [one for one in asked if one.related]
    alone = _surest(one for one in asked if not one.related and not one.unclear)
    nominal = _surest(one for one in asked if not one.related)
    best = [one.best[0] for one in related if one.best]
    at_bar = sum(hit and score >= ASK_AT for score, hit in best) / max(len(related), 1)
    if alone:
        yield Figure(
            name="recurrence.recall_at_2_false_alarms_per_100",
            what="one pair, recall at 2 false alarms a 100 unrelated tickets",
            value=_caught(related, alone),
            goal=0.17,
            aim=0.25,
            note=f"{len(alone)} tickets nobody called a repetition; some are",
        )
    if nominal:
        yield Figure(
            name="recurrence.recall_at_2_false_alarms_per_100_closed_ones_too",
            what="the same, as if those that people closed as duplicates of what is not here were unrelated",
            value=_caught(related, nominal),
            goal=0.17,
            note=f"{len(nominal)} tickets, {len(nominal) - len(alone)} of them closed or linked as duplicates",
        )
    if alone:
        yield Figure(
            name="recurrence.false_alarms_per_100",
            what=f"false alarms a 100 unrelated tickets at the bar in force ({ASK_AT})",
            value=100 * sum(score >= ASK_AT for score in alone) / len(alone),
            better="less",
        )
    yield Figure(name="recurrence.recall_at_bar", what="one pair, recall at the bar in force", value=at_bar)
    yield from _calibration(asked, share)
    took = 1000 * sum(one.seconds for one in asked) / max(len(asked), 1)
    yield spent("recurrence.milliseconds_per_ticket", "time for a ticket (recurring tickets)", took)


def _calibration(asked: Sequence[_Asked], share: float) -> Iterable[Figure]:
    shown = [(pair, 1.0 if one.related else 1.0 / share) for one in asked if not one.unclear for pair in one.best]
    if shown:
        note = "as tickets come in: those that repeat nothing are weighed by how many there are"
        yield calibration(
            "recurrence.calibration_error", "calibration error (recurring tickets)", _weighed_error(shown), note
        )
    for low, high in _BANDS:
        band = [each for each in shown if low <= each[0][0] < high]
        said, linked = _said_and_linked(band)
        if band:
            yield Figure(
                name=f"recurrence.linked_where_said_{round(low * 100)}",
                what=f"of pairs said to be the same with {low:.2f} to {min(high, 1.0):.2f}, the share that people linked",
                value=linked,
                note=f"said {said:.2f} on average; {len(band)} pairs; what nobody linked may still be the same",
            )


def _surest(asked: Iterable[_Asked]) -> list[float]:
    """How probable the best of each is, the surest first."""
    return sorted((one.best[0][0] if one.best else 0.0 for one in asked), reverse=True)


def _bar(alone: Sequence[float]) -> float:
    """What 2 in 100 of them are surer than."""
    return alone[len(alone) * 2 // 100] if alone else 1.0


def _caught(related: Sequence[_Asked], alone: Sequence[float]) -> float:
    """The share whose best one is right, and surer than all but 2 in 100 of those that are alone."""
    bar = _bar(alone)
    return sum(one.best[0][1] and one.best[0][0] > bar for one in related if one.best) / max(len(related), 1)


def _said_and_linked(band: Sequence[tuple[tuple[float, bool], float]]) -> tuple[float, float]:
    """How probable pairs were said to be on average, and what share of them people linked; the cases weighed."""
    whole = sum(weight for _, weight in band) or 1.0
    return (
        sum(weight * score for (score, _), weight in band) / whole,
        sum(weight for (_, hit), weight in band if hit) / whole,
    )


def _weighed_error(shown: Sequence[tuple[tuple[float, bool], float]]) -> float:
    """How far probabilities are from what came, by ten equal bins, the cases weighed."""
    bins: dict[int, list[float]] = {}
    for (score, hit), weight in shown:
        kept = bins.setdefault(min(int(score * 10), 9), [0.0, 0.0, 0.0])
        kept[0] += weight
        kept[1] += weight * score
        kept[2] += weight * hit
    whole = sum(kept[0] for kept in bins.values()) or 1.0
    return sum(abs(kept[1] - kept[2]) for kept in bins.values()) / whole
