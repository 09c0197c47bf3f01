"""A storm: thousands of tickets that say the same of one service come in at once, and `[repeat]` holds each against those before it."""

import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.figures import Figure, spent
from benchmarks.ingesting import at_work, taken
from benchmarks.material import REPEATS, Ready, incidents
from loopbot.domain.records import Incident
from loopbot.domain.rulebook import Rulebook
from loopbot.judgement.shipped import shipped_judgement
from loopbot.language.loader import load_rules
from loopbot.usecases.loop import Loop

COUNT = 5_000
GOAL = 25.0
_EVERY = timedelta(seconds=10)


def measure() -> list[Figure]:
    """The figures."""
    with tempfile.TemporaryDirectory(prefix="loopbot-bench-") as folder:
        text = REPEATS.replace(' and "Service 5" in it.services', "")
        (Path(folder) / "repeat.toml").write_text(text, encoding="utf-8")
        rules = Rulebook(load_rules(Path(folder)).rules)
    with at_work(rules) as plain:
        loop = Loop(plain.store, rules, plain.sinks, plain.clock, plain.holder, judgement=shipped_judgement())
        with spent() as took:
            done = taken(loop, Ready(storm(COUNT)))
    if done.planned < COUNT - 2:
        message = f"{done.planned} effects were planned: the tickets did not join one problem"
        raise RuntimeError(message)
    said = f"{COUNT:,} new tickets that say the same, one rule; {done.planned:,} effects planned"
    return [
        Figure("A storm through [repeat], processor", took.cpu, "s", most=GOAL, note=said),
        Figure("… on the clock", took.wall, "s"),
    ]


def storm(count: int) -> list[Incident]:
    """So many tickets of one service that say the same, one every ten seconds until now, by 900 people."""
    now = datetime.now(UTC).replace(microsecond=0)
    return [
        replace(
            one,
            title="Checkout answers slowly",
            text="The checkout page needs half a minute since this morning.",
            services=frozenset({"Checkout"}),
            priority=1,
            state="new",
            opened_at=now - _EVERY * (count - number),
            updated_at=now - _EVERY * (count - number) + timedelta(seconds=1),
        )
        for number, one in enumerate(incidents(count, now=now))
    ]
