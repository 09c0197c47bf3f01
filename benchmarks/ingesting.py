"""Changed and unchanged records through the whole of the ingest: the mirror, the rules, the outbox, the cursor, the disk."""

import gc
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from benchmarks.figures import Figure, Spent, best, spent
from benchmarks.material import PAGE, Ready, changed, changes, incidents, rulebook
from loopbot.clock import SystemClock
from loopbot.domain.rulebook import Rulebook
from loopbot.ports import Sink, Store
from loopbot.store import open_store
from loopbot.usecases.ingest import Ingested, ingest
from loopbot.usecases.loop import Loop

COUNT = 10_000
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Everything:
    """A sink that could do every verb; nothing is delivered while we read."""

    verbs: frozenset[str] = field(
        default_factory=lambda: frozenset({"open", "link", "comment", "transition", "set", "post", "tell"})
    )
    batch: int = 50


@contextmanager
def at_work(rules: Rulebook, sinks: Mapping[str, Any] | None = None) -> Iterator[Loop]:
    """A loop on a new SQLite file, as the daemon opens it: WAL, synchronous = FULL."""
    everything: Mapping[str, Any] = sinks or {"servicenow": Everything(), "slack": Everything()}
    with tempfile.TemporaryDirectory(prefix="loopbot-bench-") as folder:
        store = open_store(f"sqlite:///{folder}/loopbot.db")
        try:
            yield Loop(cast("Store", store), rules, cast("Mapping[str, Sink]", everything), SystemClock(), "benchmark")
        finally:
            store.close()


def taken(loop: Loop, source: Ready) -> Ingested:
    """One reading, which has to come to its end."""
    done = ingest(loop, cast("Any", source))
    if done is None or done.trouble:
        message = f"the reading ended early: {done}"
        raise RuntimeError(message)
    return done


def measure() -> list[Figure]:
    """The figures."""
    with tempfile.TemporaryDirectory(prefix="loopbot-bench-") as folder:
        rules = rulebook(Path(folder) / "rules")
    before = incidents(COUNT)
    after, others = changed(before), changes(300)
    planned = 0

    def changes_round() -> Spent:
        nonlocal planned
        with at_work(Rulebook(())) as bare:
            taken(bare, Ready(others, "servicenow:change"))
            taken(bare, Ready(before))
            loop = Loop(bare.store, rules, bare.sinks, bare.clock, bare.holder)
            gc.collect()
            with spent() as took:
                done = taken(loop, Ready(after))
        if done.cycle.changed != COUNT:
            message = f"{done.cycle.changed} records changed instead of {COUNT}"
            raise RuntimeError(message)
        planned = done.planned
        return took

    def overlap_round() -> Spent:
        with at_work(rules) as loop:
            taken(Loop(loop.store, Rulebook(()), loop.sinks, loop.clock, loop.holder), Ready(before))
            gc.collect()
            with spent() as took:
                done = taken(loop, Ready(before))
        if done.cycle.same != COUNT:
            message = f"{done.cycle.same} records were unchanged instead of {COUNT}"
            raise RuntimeError(message)
        return took

    def first_round() -> Spent:
        with at_work(rules) as loop, spent() as took:
            taken(loop, Ready(before))
        return took

    on_change, on_same, at_first = best(ROUNDS, changes_round), best(ROUNDS, overlap_round), best(ROUNDS, first_round)
    said = f"{COUNT:,} incidents, {PAGE:,} a page, {len(rules.rules)} rules that all wake; {planned:,} effects planned"
    return [
        Figure("Changed records through the rules", on_change.wall, "s", most=2.0, note=said),
        Figure("… of it on the processor", on_change.cpu, "s", note="the rest waits for the disk"),
        Figure("The same records, new", at_first.wall, "s"),
        Figure(
            "Unchanged records of the overlap", COUNT / on_same.wall, "a second", least=50_000, note="mapped already"
        ),
    ]
