"""Everything that runs, built from one configuration."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import cast

from loopbot.clock import SystemClock
from loopbot.config import Config
from loopbot.config.loading import several
from loopbot.domain.errors import RuleError
from loopbot.domain.rulebook import Rulebook
from loopbot.domain.rules import Rule
from loopbot.ports import Budget, Chat, Connector, Paced, Sink, Source, Store
from loopbot.usecases.allotting import StoreAllotments
from loopbot.usecases.conversation.desk import Place, ReportPlaces
from loopbot.usecases.listen import Conversation
from loopbot.usecases.loop import Loop, Waits
from loopbot.usecases.questions.places import Places
from loopbot.usecases.roles import GROUPS, Roles
from loopbot.wiring.outfit import Outfit
from loopbot.wiring.shipped import asked_encoder, shipped_judgement, topic_shelf
from loopbot.wiring.systems import build_connector, check_system, resolved_store_url


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything that runs, built from one configuration."""

    config: Config
    loop: Loop
    connectors: Mapping[str, Connector]
    sources: Sequence[Source]

    @property
    def store(self) -> Store:
        """Where everything durable lives."""
        return self.loop.store

    @property
    def chats(self) -> list[Chat]:
        """The connectors through which people speak to loopbot."""
        return [cast("Chat", one) for one in self.connectors.values() if hasattr(one, "listen")]

    def conversation(self, chat: Chat, ring: Callable[[str], None] = lambda _bell: None) -> Conversation:
        """Who listens to a chat, and knows what people may do there; `ring` is told when something is to be delivered."""
        groups = {group: frozenset(getattr(self.config.roles, group)) for group in GROUPS}
        roles = Roles(groups["operators"], getattr(chat, "members", Roles().members), MappingProxyType(groups))
        return Conversation(self.loop, roles, reports_of(self.config), getattr(chat, "command", "/loop"), ring)

    @property
    def budgets(self) -> list[Budget]:
        """How calls to each system stand."""
        paced = [cast("Paced", one) for one in self.connectors.values() if hasattr(one, "budgets")]
        return [budget for one in paced for budget in one.budgets()]


@contextmanager
def installed(
    config: Config, outfit: Outfit | None = None, *, systems: Callable[[str], bool] | None = None
) -> Iterator[Installation]:
    """Build an installation and let go of it at the end; raises ConfigError and RuleError (in a group) before anything is sent.

    With `systems` only those of which it says so are built (looking at the mirror needs none of them).
    """
    outfit = outfit or Outfit()
    chosen = [name for name in config.systems if systems is None or systems(name)]
    rules, errors = check_rules(config.rules_folder, set(config.systems), config.telling.zone)
    mistakes = [*(one for name in chosen for one in check_system(config, name, outfit)), *errors]
    if mistakes:
        raise several(mistakes)
    roster = config.roster
    encoder = asked_encoder(config)
    with ExitStack() as stack:
        store = open_configured_store(config, outfit)
        stack.callback(store.close)
        allotments = StoreAllotments(store, outfit.holder)
        built: dict[str, Connector] = {}
        for name in chosen:
            built[name] = build_connector(config, name, outfit, allotments)
            stack.callback(built[name].close)
        sinks = {name: sink for name, one in built.items() if (sink := one.sink()) is not None}
        sources = [source for one in built.values() for source in one.sources()]
        loop = Loop(
            store,
            Rulebook(rules),
            cast("Mapping[str, Sink]", sinks),
            outfit.clock,
            outfit.holder,
            outfit.witness,
            outfit.waits or Waits(**config.waits.model_dump()),
            outfit.secrets.redacted,
            shipped_judgement(config, encoder),
            roster,
            config.telling.manners,
            asked_where(config),
            topic_shelf(config, encoder),
            looks_back=timedelta(days=config.loopbot.looks_back_days),
        )
        yield Installation(config, loop, built, sources)


def asked_where(config: Config) -> Places:
    """Where people are asked, by the configuration: in the chat it names, or in the only one there is."""
    said = config.questions
    chats = [name for name, system in config.systems.items() if system.type == "slack"]
    return Places(
        system=said.system or (chats[0] if len(chats) == 1 else ""),
        channel=said.channel,
        channels=said.channels,
        services=said.services,
        gather=timedelta(seconds=said.gather_seconds),
        remind=timedelta(hours=said.remind_hours),
        expire=timedelta(days=said.expire_days),
        undo=timedelta(hours=said.undo_hours),
        fields=said.root_cause_fields,
    )


def reports_of(config: Config) -> ReportPlaces:
    """Where feedback and incidents of a chat are kept."""
    feedback, reports = config.feedback, config.reports
    return ReportPlaces(
        Place(feedback.system, feedback.kind, feedback.place, feedback.type, feedback.topic_field)
        if feedback
        else None,
        Place(reports.system, reports.kind, reports.place, reports.type) if reports else None,
        MappingProxyType(dict(feedback.reactions) if feedback else {}),
    )


def open_configured_store(config: Config, outfit: Outfit) -> Store:
    """The store the configuration names, migrated to this version."""
    from loopbot.store import open_store

    clock = None if isinstance(outfit.clock, SystemClock) else outfit.clock
    return cast("Store", open_store(resolved_store_url(config, outfit), clock=clock))


def check_rules(folder: Path, systems: set[str] | None = None, zone: str = "UTC") -> tuple[list[Rule], list[RuleError]]:
    """The rules of a folder and every mistake in them; with `systems`, rules that write elsewhere are mistakes too."""
    from loopbot.language.loader import load_rules

    loaded = load_rules(folder, zone)
    errors = list(loaded.errors)
    for rule in loaded.rules:
        for name in sorted(rule.systems - systems) if systems is not None and rule.mode != "off" else ():
            hint = f'add [systems.{name}] to the configuration, or set mode = "off" in the rule'
            errors.append(
                RuleError(f"{folder.name}/{rule.name}.toml", f"writes to {name!r}, which is not configured", hint)
            )
    return list(loaded.rules), errors
