"""How calls stand, kept in the store, so that `loopbot check` can tell what the daemon knows."""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from loopbot.ports import Budget, Store

FACT = "budgets"
_STALE = timedelta(minutes=2)
_BREAKERS = ("closed", "half-open", "open")


@dataclass(frozen=True, slots=True)
class Known:
    """What the daemons said last about their calls, and when."""

    at: datetime
    budgets: tuple[Budget, ...]


def note_budgets(store: Store, holder: str, budgets: Iterable[Budget]) -> None:
    """Keep how calls stand now by this node, beside what others said lately."""
    rows = [dataclasses.asdict(one) for one in budgets]
    with store.write() as tx:
        now = tx.now()
        tx.remember(
            FACT, json.dumps({**_lately(tx.recall(FACT), now), holder: {"at": now.isoformat(), "budgets": rows}})
        )


def known_budgets(store: Store) -> Known | None:
    """What was kept last, one for each system; None where all of it is older than two minutes: nobody is at work."""
    with store.read() as tx:
        kept = _lately(tx.recall(FACT), tx.now())
    if not kept:
        return None
    said = sorted(kept.values(), key=lambda one: str(one["at"]), reverse=True)
    by_system: dict[str, Budget] = {}
    for budget in (_budget(row) for node in said for row in node["budgets"]):
        newer = by_system.get(budget.system)
        by_system[budget.system] = budget if newer is None else _together(newer, budget)
    return Known(datetime.fromisoformat(said[0]["at"]), tuple(by_system.values()))


def _lately(kept: str | None, now: datetime) -> dict[str, Any]:
    """What each node said, where that is not stale; a version before this one kept another shape."""
    nodes = json.loads(kept or "{}")
    return {
        holder: said
        for holder, said in nodes.items()
        if isinstance(said, dict) and now - datetime.fromisoformat(said["at"]) <= _STALE
    }


def _together(newer: Budget, older: Budget) -> Budget:
    """What two nodes know of one system: our budget is the fleet's; of the server's the tightest, of closures the longest counts."""
    tightest = min(
        (one for one in (newer, older) if one.server_left is not None),
        key=lambda one: (one.server_left or 0) / (one.server_limit or 1),
        default=newer,
    )
    longest: dict[str, float] = {}
    for name, seconds in (*newer.closed, *older.closed):
        longest[name] = max(seconds, longest.get(name, 0.0))
    worst = max((newer, older), key=lambda one: (_BREAKERS.index(one.breaker), one.breaker_seconds))
    return dataclasses.replace(
        newer,
        hour_left=newer.hour_left if newer.hour_left is not None else older.hour_left,
        server_left=tightest.server_left,
        server_limit=tightest.server_limit,
        closed=tuple(sorted(longest.items())),
        breaker=worst.breaker,
        breaker_seconds=worst.breaker_seconds,
    )


def in_words(budget: Budget) -> list[str]:
    """What is left, and what is closed."""
    said = []
    if budget.hour_left is not None:
        said.append(f"{budget.hour_left:,} of our {budget.per_hour:,} calls left this hour")
    if budget.server_left is not None:
        said.append(f"the server allows {budget.server_left:,} of {budget.server_limit or 0:,} more for now")
    said += [f"{name} is closed for {seconds:.0f} s" for name, seconds in budget.closed]
    if budget.breaker == "open":
        said.append(f"does not answer; tried again in {budget.breaker_seconds:.0f} s")
    elif budget.breaker == "half-open":
        said.append("did not answer; it is being tried again")
    return said


def _budget(row: Mapping[str, Any]) -> Budget:
    names = {one.name for one in dataclasses.fields(Budget)}
    closed = tuple((str(name), float(seconds)) for name, seconds in row.get("closed") or ())
    return Budget(**{**{name: value for name, value in row.items() if name in names}, "closed": closed})
