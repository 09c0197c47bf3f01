"""Which service depends on which, as small facts: one for each service, so that asking about a ticket reads one or two."""

import json
from collections.abc import Collection, Mapping

from loopbot.store import journal
from loopbot.store.work import Work

_FACT = "depends:on:"
_KNOWN = "depends:of:"


def of(work: Work, services: Collection[str]) -> frozenset[str]:
    """The services on which one of these depends; not these themselves."""
    found: set[str] = set()
    for service in services:
        for others in _told(work, service).values():
            found.update(others)
    return frozenset(found.difference(services))


def keep(work: Work, system: str, on: Mapping[str, Collection[str]]) -> None:
    """On which others each service depends by this system: what it told before and tells no more goes."""
    before = json.loads(journal.recall(work, _KNOWN + system) or "[]")
    for service in sorted({*before, *on}):
        told = _told(work, service)
        now = {**told, system: sorted(on.get(service, ()))}
        kept = {name: others for name, others in now.items() if others}
        if kept != told:
            journal.remember(work, _FACT + service, json.dumps(kept))
    if sorted(before) != sorted(on):
        journal.remember(work, _KNOWN + system, json.dumps(sorted(on)))


def _told(work: Work, service: str) -> dict[str, list[str]]:
    """What each system says on which it depends."""
    return dict(json.loads(journal.recall(work, _FACT + service) or "{}"))
