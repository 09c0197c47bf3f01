"""Reading the configuration, and how a mistake in it is told: file, key, reason, suggestion."""

import difflib
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from loopbot.config.model import Config
from loopbot.config.secrets import FORMS, is_reference, is_secret_key
from loopbot.domain.errors import ConfigError, UserError
from loopbot.domain.redaction import holds_secret

_EXPLAINED = "config.example.toml explains every key"


def load_config(path: Path) -> Config:
    """Read and check the file; raises ConfigError (a group of them where there is more than one mistake)."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(str(path), "there is no such file", "make one with: loopbot init") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"can not be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            str(path), f"is not valid TOML: {_one_line(error)}", "strings need quotes, tables square brackets"
        ) from None
    mistakes = [
        ConfigError(
            f"{path.name}, {where}",
            "holds a secret in clear text",
            f"{FORMS}; and change that secret, it has been seen",
        )
        for where in _clear_secrets(raw, ())
    ]
    if mistakes:
        raise several(mistakes)
    try:
        return Config.model_validate({**raw, "path": path})
    except ValidationError as error:
        raise several(mistakes_in(error, path.name, Config)) from None


def several(mistakes: Sequence[UserError]) -> Exception:
    """One mistake as itself, several as a group."""
    return mistakes[0] if len(mistakes) == 1 else ExceptionGroup("there are mistakes", list(mistakes))


def mistakes_in(
    error: ValidationError, file: str, model: type[BaseModel], prefix: tuple[str, ...] = ()
) -> list[ConfigError]:
    """Each thing pydantic found in a table that is a `model`, as file, key, reason and suggestion."""
    found = []
    for one in error.errors():
        parts = tuple(str(part) for part in one["loc"])
        why, hint = one["msg"].removeprefix("Value error, "), ""
        if one["type"] == "extra_forbidden":
            why = "is not a key that is known here"
            near = difflib.get_close_matches(parts[-1], known_keys(model, parts[:-1]), n=1)
            hint = f"did you mean {near[0]!r}?" if near else _EXPLAINED
        elif one["type"] == "missing":
            why, hint = "is missing", _EXPLAINED
        key = ".".join((*prefix, *parts))
        found.append(ConfigError(f"{file}, {key}" if key else file, why, hint))
    return found


def known_keys(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    """The keys that may stand in the table at `path` below a table that is a `model`."""
    models = [model]
    for part in path:
        fields = [each.model_fields[part] for each in models if part in each.model_fields]
        # A part that is no field is the place in a list or the key of a mapping: what lies below is of the same model.
        if fields:
            models = [inner for field in fields for inner in _models_in(field.annotation)]
    return [name for each in models for name in each.model_fields]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and not get_args(annotation):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _clear_secrets(value: Any, where: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _clear_secrets(inner, (*where, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _clear_secrets(inner, (*where, str(place)))
    elif isinstance(value, str):
        # What a system is called says nothing about its keys.
        names = where[2:] if where[0] == "systems" else where
        by_name = any(map(is_secret_key, names)) and value != "" and not is_reference(value)
        if by_name or holds_secret(value):
            yield ".".join(where)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
