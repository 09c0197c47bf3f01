"""The tickets of an installation with what people and their systems said is the same: one pool a system."""

from collections import defaultdict

from loopbot.domain.records import Incident
from loopbot.judgement.evaluation.tickets import Joined, Pool, pool_of
from loopbot.ports import Tx

MOST = 30_000
"""So many of the latest incidents of a system are looked at: they are held in memory."""


def own_pools(tx: Tx) -> list[Pool]:
    """The incidents of each system; what loopbot linked itself counts for nothing, or it would measure its own echo."""
    tickets: defaultdict[str, list[Incident]] = defaultdict(list)
    for one in tx.mirror.all("incident"):
        if isinstance(one, Incident):
            tickets[one.ref.system].append(one)
    found = []
    for system in sorted(tickets):
        latest = sorted(tickets[system], key=lambda one: (one.occurred_at, one.ref))[-MOST:]
        joined, repeating = Joined(), set()
        for one in latest:
            for link in tx.linked(one.ref, "duplicates"):
                if link.source != one.ref or link.by.startswith("rule:"):
                    continue
                repeating.add(one.key)
                if link.target.kind == "incident" and link.target.system == system:
                    joined.join(one.key, link.target.key)
        found.append(pool_of(system, latest, joined.groups(), frozenset(), repeating))
    return found
