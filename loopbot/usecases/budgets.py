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


@dataclass(frozen=True, slots=True)
class Known:
    """What a daemon last said about its calls, and when."""

    at: datetime
    budgets: tuple[Budget, ...]


def note_budgets(store: Store, budgets: Iterable[Budget]) -> None:
    """Keep how calls stand now."""
    rows = [dataclasses.asdict(one) for one in budgets]
    with store.write() as tx:
        tx.remember(FACT, json.dumps({"at": tx.now().isoformat(), "budgets": rows}))


def known_budgets(store: Store) -> Known | None:
    """What was kept last; None where it is older than two minutes: nobody is at work."""
    with store.read() as tx:
        kept = json.loads(tx.recall(FACT) or "{}")
        now = tx.now()
    if not kept or now - datetime.fromisoformat(kept["at"]) > _STALE:
        return None
    return Known(datetime.fromisoformat(kept["at"]), tuple(_budget(row) for row in kept["budgets"]))


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
