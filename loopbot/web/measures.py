"""What is counted, in the words of Prometheus. Numbers of the store are read when they are asked for."""

import time
from collections import Counter as Numbers
from collections.abc import Iterator
from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from loopbot.ports import Cycle
from loopbot.usecases.account import unswept
from loopbot.usecases.budgets import known_budgets
from loopbot.usecases.inspect import health
from loopbot.usecases.loop import Loop

_LOG_EVERY = 10.0
_DOWN = {"closed": 0.0, "half-open": 0.5, "open": 1.0}
_STEPS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Measures:
    """The counters of one web application."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, loop: Loop) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(StoreNumbers(loop))
        self._answered = Counter("loopbot_hooks", "Webhooks, by answer.", ["system", "result"], registry=self._registry)
        self._keeping = Histogram(
            "loopbot_hook_keeping_seconds",
            "From a verified webhook to its being on disk.",
            buckets=_STEPS,
            registry=self._registry,
        )
        self._refusals: Numbers[str] = Numbers()
        self._told: dict[str, float] = {}

    def answered(self, system: str, result: str) -> None:
        """A webhook was answered."""
        self._answered.labels(system, result).inc()

    def keeping(self) -> AbstractContextManager[object]:
        """Times its block."""
        return self._keeping.time()

    def refused(self, system: str) -> int:
        """Count one; how many are to be told now, 0 when some were told a moment ago."""
        self._refusals[system] += 1
        now = time.monotonic()
        if now - self._told.get(system, -_LOG_EVERY) < _LOG_EVERY:
            return 0
        self._told[system] = now
        return self._refusals.pop(system)

    def written(self) -> bytes:
        """Everything, in the text format."""
        return generate_latest(self._registry)


class StoreNumbers(Collector):
    """Reads the store's own numbers."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def describe(self) -> list[Metric]:
        """Nothing is read to register."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The outbox, the inbox, what is set aside, and how old each stream's last reading and last sweep are."""
        found = health(self._loop)
        outbox = GaugeMetricFamily("loopbot_effects", "Effects, by system and state.", labels=["system", "state"])
        for (system, state), number in found.counts.items():
            outbox.add_metric([system, state], number)
        with self._loop.store.read() as tx:
            waiting, now = tx.inbox.waiting(), tx.now()
            ages = {cycle.stream: unswept(tx, cycle.stream) for cycle in found.cycles}
        inbox = GaugeMetricFamily("loopbot_hints", "Webhook hints that wait to be fetched.", labels=["stream"])
        for one in waiting:
            inbox.add_metric([one.stream], one.hints)
        age = GaugeMetricFamily("loopbot_stream_age_seconds", "Since the last reading ended.", labels=["stream"])
        trouble = GaugeMetricFamily("loopbot_stream_trouble", "1: not read to its end.", labels=["stream"])
        sweeps = GaugeMetricFamily(
            "loopbot_sweep_age_seconds",
            "Since the last sweep came to its end; where none did, since the stream was first read.",
            labels=["stream"],
        )
        rows = GaugeMetricFamily(
            "loopbot_stream_rows",
            "Of the last reading: rows that fit there (where the system says), that were read, mirrored, set aside, not of the stream, and not shown.",
            labels=["stream", "what"],
        )
        for cycle in found.cycles:
            for what, number in _rows(cycle):
                rows.add_metric([cycle.stream, what], number)
            age.add_metric([cycle.stream], (now - cycle.ended_at).total_seconds())
            trouble.add_metric([cycle.stream], float(bool(cycle.trouble)))
        for stream, since in ages.items():
            if since is not None:
                sweeps.add_metric([stream], since.total_seconds())
        aside = GaugeMetricFamily("loopbot_quarantined", "Records set aside (at most 100 are counted).")
        aside.add_metric([], len(found.quarantined))
        yield from (outbox, inbox, age, sweeps, rows, trouble, aside, *self._calls())

    def _calls(self) -> Iterator[Metric]:
        """What is left of calls, in a fleet of the whole fleet's, as the nodes said within the last two minutes."""
        ours = GaugeMetricFamily("loopbot_calls_left", "Of calls_per_hour, by system.", labels=["system"])
        budget = GaugeMetricFamily("loopbot_calls_per_hour", "calls_per_hour, where it is set.", labels=["system"])
        theirs = GaugeMetricFamily("loopbot_server_calls_left", "Calls that the server allows.", labels=["system"])
        closed = GaugeMetricFamily("loopbot_endpoints_closed", "Endpoints closed for a while.", labels=["system"])
        down = GaugeMetricFamily(
            "loopbot_breaker_open",
            "1: it does not answer and is left alone; 0.5: one call may try; 0: it answers.",
            labels=["system"],
        )
        known = known_budgets(self._loop.store)
        for one in known.budgets if known else ():
            if one.hour_left is not None:
                ours.add_metric([one.system], one.hour_left)
                budget.add_metric([one.system], one.per_hour)
            if one.server_left is not None:
                theirs.add_metric([one.system], one.server_left)
            closed.add_metric([one.system], len(one.closed))
            down.add_metric([one.system], _DOWN[one.breaker])
        yield from (ours, budget, theirs, closed, down)


def _rows(cycle: Cycle) -> Iterator[tuple[str, int]]:
    if cycle.matched is not None:
        yield "there", cycle.matched
        yield "unseen", cycle.unseen
    yield from (("read", cycle.rows), ("mirrored", cycle.mirrored), ("aside", cycle.unmapped))
    yield "outside", cycle.outside
