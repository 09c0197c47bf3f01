"""Systems of a configuration: which connector each has, whether its settings are right, and building it."""

import difflib
import importlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

import connectors
from loopbot.config import Config, SecretStore
from loopbot.config.loading import mistakes_in, several
from loopbot.config.secrets import is_secret_key
from loopbot.domain.errors import ConfigError, UserError
from loopbot.ports import Allotments, Connector, Surroundings
from loopbot.wiring.outfit import Outfit

ENTRY_POINTS = "loopbot.connectors"


def resolved_store_url(config: Config, outfit: Outfit) -> str:
    """Where the store is, looked up where the configuration only names it. It may hold a password."""
    url = config.store_url
    if url.startswith(("env:", "file:", "keyring:")):
        url = _Named(outfit.secrets.beside(config.path), config.path.name, {url: "loopbot.store"}).resolve(url)
    return url


def build_connector(config: Config, name: str, outfit: Outfit, allotments: Allotments | None = None) -> Connector:
    """The connector of one configured system; importing it is put off until here. `allotments`: where it is one of a fleet."""
    kind, settings = _settings(config, name)
    chance = random.Random(outfit.chance.random())
    secrets = _Named(outfit.secrets.beside(config.path), config.path.name, dict(_references(config, name)))
    return cast("Connector", kind(name, settings, Surroundings(outfit.clock, chance, secrets, allotments=allotments)))


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
