"""Makes the weights by which tickets are alike: `python -m tools.train_recurrence ../shared/data`.

Takes some minutes; the same files give the same weights. `--honest` writes nothing: it fits the weights anew without each
project and measures them on that one, which tells how well they do where they have never been.
"""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

from loopbot.domain.records import Incident
from loopbot.domain.wordings import Sought
from loopbot.judgement import recurrence
from loopbot.judgement.evaluation.recurrence import SETTLED, UNRELATED
from loopbot.judgement.evaluation.tickets import Pool, pools
from loopbot.judgement.likeness import Likeness, measured
from loopbot.judgement.nearness import Memory
from loopbot.judgement.recurrence import AMONG_OTHERS, CANDIDATES, SHIPPED, dumped
from loopbot.judgement.recurrence_training import Case, fitted

TARGET = Path(recurrence.__file__).parent / SHIPPED


def main(data: Path, *, honest: bool) -> None:
    """Gather the pairs, fit, and write or measure."""
    found = pools(data, None)
    share = min(1.0, UNRELATED / sum(len(pool.tickets) for pool in found))
    cases = []
    for pool in found:
        cases.extend(gathered(pool, share))
        _told(f"{pool.name}: {len(cases)} tickets so far")
    if honest:
        scored = [one for pool in found for one in _elsewhere(pool.name, cases)]
        _told(_figures(scored))
        return
    pain, duplicate = fitted(cases, AMONG_OTHERS), fitted(cases)
    TARGET.write_text(dumped({"pain": pain, "duplicate": duplicate}), encoding="utf-8")
    _told(f"{TARGET.name}: from {len(cases)} tickets of {len(found)} projects")


def gathered(pool: Pool, share: float) -> Iterator[Case]:
    """Each ticket that repeats an earlier one, and a share of the others, as they would have been judged when they came.

    Of which somebody said that it repeats something, and nobody what, teaches nothing: its neighbours may be right.
    """
    memory, chance = Memory(), random.Random(pool.name)
    for number, it in enumerate(pool.tickets):
        right = pool.earlier(it)
        alone = it.ref not in pool.groups and number >= SETTLED and chance.random() < share
        if right or (alone and it.ref not in pool.repeating):
            near = memory.neighbours(
                it, Sought(kinds=frozenset({Incident.kind}), until=it.occurred_at, limit=CANDIDATES)
            )
            pairs = list(measured(it, near))
            yield Case(
                pool.name,
                tuple(measures for _, measures in pairs),
                tuple(one.record.ref in right for one, _ in pairs),
                alone,
                1 / share if alone else 1.0,
            )
        memory.add(it)


Scored = tuple[bool, float, list[bool]]


def _elsewhere(project: str, cases: list[Case]) -> Iterator[Scored]:
    """The cases of a project judged by weights of the others: whether it is alone, the best score, what is right in order."""
    model = fitted([one for one in cases if one.project != project])
    _told(f"without {project}")
    for one in cases:
        if one.project == project:
            yield one.alone, *_ordered(one, model)


def _ordered(case: Case, model: Likeness) -> tuple[float, list[bool]]:
    best = sorted(
        ((model.probability(row), truth) for row, truth in zip(case.rows, case.truths, strict=True)),
        key=lambda each: -each[0],
    )
    return best[0][0] if best else 0.0, [truth for _, truth in best]


def _figures(scored: list[Scored]) -> str:
    alone = sorted((score for lonely, score, _ in scored if lonely), reverse=True)
    bar = alone[len(alone) * 2 // 100]
    related = [(score, truths) for lonely, score, truths in scored if not lonely]
    recalls = [sum(any(truths[:count]) for _, truths in related) / len(related) for count in (1, 5, 10)]
    caught = sum(score > bar and any(truths[:1]) for score, truths in related) / len(related)
    told = " / ".join(f"{each:.3f}" for each in recalls)
    return f"never seen: recall at 1 / 5 / 10 {told}; one pair, at 2 false alarms a 100 {caught:.3f}"


def _told(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), honest="--honest" in sys.argv[2:])
