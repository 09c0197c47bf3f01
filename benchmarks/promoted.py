"""Prints a sample of the clusters that a rule would promote on files, for people to read: python -m benchmarks.promoted DATA.

Precision of promotion can not be counted from links, as nobody linked most recurring tickets: somebody has to read them.
"""

import argparse
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from loopbot.domain.rules import Repeat
from loopbot.domain.scoring import Ranked
from loopbot.domain.texts import shorten
from loopbot.domain.wordings import Sought
from loopbot.judgement.evaluation.tickets import Pool, pools
from loopbot.judgement.likeness_reasons import ranked
from loopbot.judgement.nearness import Memory
from loopbot.judgement.recurrence import CANDIDATES, PAIN


def promoted(pool: Pool, repeat: Repeat) -> Iterator[list[Ranked]]:
    """What would be promoted, as it would be at the moment the last ticket comes; none with a ticket of an earlier one."""
    memory = Memory()
    used: set[object] = set()
    for it in pool.tickets:
        sought = Sought(
            kinds=frozenset({it.kind}),
            services=it.services if repeat.same_service else frozenset(),
            since=it.occurred_at - repeat.within,
            until=it.occurred_at,
            limit=CANDIDATES,
        )
        alike = [one for one in ranked(it, memory.neighbours(it, sought), PAIN) if one.score >= repeat.alike]
        memory.add(it)
        if repeat.same_service and not it.services:
            continue
        if len(alike) + 1 >= repeat.at_least:
            members = {it.ref, *(one.record.ref for one in alike)}
            if not members & used:
                used |= members
                yield [*alike, Ranked(it, 1.0)]
            used |= members


def main() -> None:
    """Print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder of the files")
    parser.add_argument("--days", type=float, default=90.0)
    parser.add_argument("--alike", type=float, default=0.25)
    parser.add_argument("--at-least", type=int, default=3)
    parser.add_argument("--same-service", action="store_true", help="of one service only, as in the starter rule")
    parser.add_argument("--only", default="", help="projects, separated by commas")
    parser.add_argument("--sample", type=int, default=60)
    given = parser.parse_args()
    repeat = Repeat(
        at_least=given.at_least, within=timedelta(days=given.days), alike=given.alike, same_service=given.same_service
    )
    names = {name for name in given.only.split(",") if name}
    chosen = [pool for pool in pools(given.data, None) if not names or pool.name in names]
    found = [(pool, cluster) for pool in chosen for cluster in promoted(pool, repeat)]
    print(f"{len(found)} clusters; {min(given.sample, len(found))} of them:")
    for number, (pool, cluster) in enumerate(random.Random(7).sample(found, min(given.sample, len(found))), start=1):
        linked = [pool.groups.get(one.record.ref) for one in cluster]
        together = sum(linked.count(name) > 1 for name in linked if name)
        print(f"\n#{number} {pool.name}: {len(cluster)} tickets, {together} of them linked by people")
        for one in cluster:
            print(
                f"  {one.score:.2f} {one.record.occurred_at:%Y-%m-%d} {one.record.key} {shorten(one.record.title, 130)}"
            )


if __name__ == "__main__":
    main()
