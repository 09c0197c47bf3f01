"""One configured ServiceNow instance: its streams, its sink and its check."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from connectors.servicenow import mapping
from connectors.servicenow import settings as configured
from connectors.servicenow.articles import ArticleShape
from connectors.servicenow.checking import Inspection
from connectors.servicenow.dependencies import DependencySource
from connectors.servicenow.dictionary import Dictionary
from connectors.servicenow.hooks import ServiceNowHooks
from connectors.servicenow.instance import Instance
from connectors.servicenow.planning import Bench
from connectors.servicenow.reading import Pace, TableSource
from connectors.servicenow.writing import TableSink
from loopbot.ports import Budget, Finding, HookVerifier, Sink, Source, Surroundings


class ServiceNow:
    """Implements ports.Connector. Constructing makes no call and imports no vendor library."""

    Settings = configured.Settings

    def __init__(self, system: str, settings: configured.Settings, surroundings: Surroundings) -> None:
        self._system, self._settings, self._given = system, settings, surroundings
        self._instance = Instance(system, settings, surroundings)
        tables = settings.tables()
        self._articles = self._open_to_all()
        own = [self._articles.table.table] if self._articles else []
        self._dictionary = Dictionary(self._instance, [*(table.table for _, table in tables), *own])
        self._shapes = {table.table: mapping.shape(system, kind, table, self._url) for kind, table in tables}

    @property
    def system(self) -> str:
        """Its name in the configuration."""
        return self._system

    def sources(self) -> Sequence[Source]:
        """A stream for each configured table; articles first, so that they can answer the tickets of the first reading."""
        pace = Pace(self._settings.overlap, self._settings.page_size)
        read = [shape for shape in self._shapes.values() if shape.kind in self._settings.streams]
        sources: list[Source] = [TableSource(self._instance, self._dictionary, shape, pace) for shape in read]
        if self._articles is not None:
            sources.insert(0, TableSource(self._instance, self._dictionary, self._articles, pace))
        if self._settings.dependencies is not None:
            clock, size = self._given.clock, self._settings.page_size
            sources.append(DependencySource(self._instance, self._settings.dependencies, clock, size))
        return sources

    def sink(self) -> Sink | None:
        """Where to write; None where the settings forbid it."""
        return self._sink if self._settings.writes else None

    def check(self) -> Iterator[Finding]:
        """Look at the account, the tables, their fields and states, clocks and limits; reads only."""
        return Inspection(self._instance, self._dictionary, self._settings, tuple(self._shapes.values())).findings(
            self._articles
        )

    def budgets(self) -> Sequence[Budget]:
        """How calls stand."""
        return (self._instance.wire.pacing.budget(),)

    def hooks(self) -> HookVerifier | None:
        """Who verifies its webhooks; None where no webhook_secret is configured."""
        if not self._settings.webhook_secret:
            return None
        secret = self._given.secrets.resolve(self._settings.webhook_secret)
        return ServiceNowHooks(self._system, self._settings, secret, self._given.clock)

    def close(self) -> None:
        """Let go of connections."""
        self._instance.close()

    @cached_property
    def _sink(self) -> TableSink:
        bench = Bench(self._system, self._settings, self._shapes, self._dictionary)
        return TableSink(self._instance, bench)

    def _open_to_all(self) -> ArticleShape | None:
        """How articles are read; None where none are."""
        table, base = self._settings.articles, self._settings.base_url.rstrip("/")
        if table is None:
            return None
        return ArticleShape(
            self._system,
            table,
            lambda sys_id, number: table.url.format(base_url=base, sys_id=sys_id, number=number),
        )

    def _url(self, table: str, sys_id: str, number: str) -> str:
        base = self._settings.base_url.rstrip("/")
        return self._settings.record_url.format(base_url=base, table=table, sys_id=sys_id, number=number)
