"""Measures how well tickets find the earlier ones that tell of the same pain, and how often a ticket without one cries wolf.

A ticket counts as unrelated where nobody said that it repeats another one: it has no such link, and was not closed as a
duplicate. The files name for a part of the repetitions alone what they repeat: the others show what a false alarm is no better
than what is found. Each ticket is asked for at its time, against the earlier tickets of its project alone: the index is filled as time goes by.
"""

import math
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from loopbot.domain.records import Incident, Ref
from loopbot.domain.wordings import Sought
from loopbot.judgement.evaluation.figures import Advice, Figure, NotMeasuredError, Progress
from loopbot.judgement.evaluation.own_tickets import own_pools
from loopbot.judgement.evaluation.tickets import Pool, pools
from loopbot.judgement.likeness import Likeness, compared
from loopbot.judgement.nearness import Memory
from loopbot.judgement.recurrence import ASK_AT, CANDIDATES, DUPLICATE, PAIN
from loopbot.ports import Tx

SHOWN = 5
UNRELATED = 6_000
"""About so many are asked for: of fifteen hundred, thirty decide where the bar is, and chance moves it by a fifth."""
SETTLED = 100
LEAST = 10
"""Of fewer tickets that repeat one nothing can be said."""
_BASELINES = {1: 0.381, 5: 0.568, 10: 0.654}
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
    asked = _all_asked(found, DUPLICATE, share, progress)
    return (*_ranking(asked, len(found)), *_alarms(asked, share))


def from_mirror(tx: Tx, progress: Progress) -> tuple[tuple[Figure, ...], tuple[Advice, ...]]:
    """On what is mirrored: incidents of which people or their systems said that they repeat an earlier one of the same system."""
    found = own_pools(tx)
    related = sum(bool(pool.earlier(one)) for pool in found for one in pool.tickets if one.ref in pool.groups)
    if related < LEAST:
        message = f"{related} incidents here repeat an earlier one, as people or their system said; {LEAST} are needed"
        raise NotMeasuredError(message)
    share = _share(found)
    asked = _all_asked(found, DUPLICATE, share, progress)
    # The other figures and goals are of public tickets.
    figures = [
        replace(one, baseline=None, goal=None, aim=None)
        for one in (*_ranking(asked, len(found)), *_alarms(asked, share))
    ]
    return tuple(figures), (_alike(_all_asked(found, PAIN, share, progress)),)


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


def _all_asked(found: Sequence[Pool], model: Likeness, share: float, progress: Progress) -> list[_Asked]:
    asked: list[_Asked] = []
    for pool in found:
        progress(f"recurring tickets of {pool.name}")
        asked.extend(_asked(pool, model, share))
    return asked


def _asked(pool: Pool, model: Likeness, share: float) -> Iterable[_Asked]:
    """Each ticket that repeats an earlier one, and a share of those of which nobody said so."""
    memory, chance = Memory(), random.Random(pool.name)
    old = pool.in_history
    for number, it in enumerate(pool.tickets):
        right = pool.earlier(it)
        alone = it.ref not in pool.groups and number >= SETTLED and chance.random() < share
        if it.ref not in old and (right or alone):
            yield _ask(it, memory, model, right, unclear=not right and it.ref in pool.repeating)
        memory.add(it)


def _ask(it: Incident, memory: Memory, model: Likeness, right: frozenset[Ref], *, unclear: bool) -> _Asked:
    begun = time.process_time()
    near = memory.neighbours(it, Sought(kinds=_KIND, until=it.occurred_at, limit=CANDIDATES))
    scored = [(score, one.record.ref in right) for score, one, _ in compared(it, near, model)]
    took = time.process_time() - begun
    place = next((place for place, (_, hit) in enumerate(scored) if hit), None)
    return _Asked(bool(right), unclear, tuple(scored[:SHOWN]), place, took)


def _ranking(asked: Sequence[_Asked], projects: int) -> Iterable[Figure]:
    related = [one for one in asked if one.related]
    goals = {1: (None, None), 5: (None, None), 10: (0.82, 0.87)}
    for count, (goal, aim) in goals.items():
        hits = sum(one.place is not None and one.place < count for one in related)
        yield Figure(
            name=f"recurrence.recall_at_{count}",
            what=f"recurring tickets, recall at {count}",
            value=hits / max(len(related), 1),
            baseline=_BASELINES[count],
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
            baseline=0.129,
            goal=0.17,
            aim=0.25,
            note=f"{len(alone)} tickets nobody called a repetition; some are",
        )
    if nominal:
        yield Figure(
            name="recurrence.recall_at_2_false_alarms_per_100_closed_ones_too",
            what="the same, as if those that people closed as duplicates of what is not here were unrelated",
            value=_caught(related, nominal),
            baseline=0.114,
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
    yield Figure(
        name="recurrence.milliseconds_per_ticket",
        what="time for a ticket (recurring tickets)",
        value=1000 * sum(one.seconds for one in asked) / max(len(asked), 1),
        unit="ms",
        better="less",
    )


def _calibration(asked: Sequence[_Asked], share: float) -> Iterable[Figure]:
    shown = [(pair, 1.0 if one.related else 1.0 / share) for one in asked if not one.unclear for pair in one.best]
    if shown:
        yield Figure(
            name="recurrence.calibration_error",
            what="calibration error (recurring tickets)",
            value=_weighed_error(shown),
            goal=0.08,
            aim=0.05,
            better="less",
            note="as tickets come in: those that repeat nothing are weighed by how many there are",
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
