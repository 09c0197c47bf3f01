"""What may stand in the configuration, and how a mistake in it is told: file, key, reason, suggestion."""

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from loopbot.config.secrets import FORMS, is_reference, is_secret_key
from loopbot.domain.errors import ConfigError

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Daemon(BaseModel):
    """`[loopbot]`: what holds for the whole installation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: str = Field(
        "sqlite:///loopbot.db", description="Where everything durable lives: sqlite:///FILE or postgresql+psycopg://..."
    )
    rules: Path = Field(Path("rules"), description="The folder of rule files, relative to this file.")
    poll_seconds: Seconds = Field(60, description="How often each stream is read, unless its system says otherwise.")
    sweep_at: str = Field(
        "03:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="When all streams are read whole, UTC."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")
    log_format: Literal["text", "json"] = Field("text", description="For people, or one JSON object a line.")

    @field_validator("store")
    @classmethod
    def _known_store(cls, value: str) -> str:
        if not value.startswith(("sqlite:///", "postgresql+psycopg://")) and not is_reference(value):
            message = "is not a store loopbot knows: write sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE, or env:NAME"
            raise ValueError(message)
        return value


class System(BaseModel):
    """`[systems.NAME]`: one system. Every key but these belongs to its connector and is checked there."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str
    poll_seconds: Seconds | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The connector's own keys."""
        return dict(self.model_extra or {})


class Config(BaseModel):
    """The whole configuration; `path` is the file it came from, which relative paths are relative to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    loopbot: Daemon = Daemon()
    systems: Mapping[str, System] = Field(default_factory=dict)
    path: Path = Path("config.toml")

    @model_validator(mode="after")
    def _named_well(self) -> Self:
        for name in self.systems:
            if ":" in name or not name or name == "loopbot":
                message = f"systems.{name} can not be the name of a system"
                raise ValueError(message)
        return self

    @property
    def rules_folder(self) -> Path:
        """Where the rule files are."""
        return self.path.parent / self.loopbot.rules

    @property
    def store_url(self) -> str:
        """The store, a relative SQLite file being relative to the configuration."""
        url = self.loopbot.store
        prefix = "sqlite:///"
        if url.startswith(prefix) and not url.startswith("sqlite:////") and url != "sqlite:///:memory:":
            return prefix + str((self.path.parent / url.removeprefix(prefix)).resolve())
        return url

    def poll_seconds(self, system: str) -> float:
        """How often the system's streams are read."""
        return self.systems[system].poll_seconds or self.loopbot.poll_seconds


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
            str(path), f"is not valid TOML: {error}", "strings need quotes, tables square brackets"
        ) from None
    mistakes = [
        ConfigError(
            f"{path.name}, {where}",
            "holds a secret in clear text",
            f"{FORMS}; and change that secret, it has been seen",
        )
        for where in _clear_secrets(raw.get("systems", {}), ("systems",))
    ]
    if mistakes:
        raise several(mistakes)
    try:
        return Config.model_validate({**raw, "path": path})
    except ValidationError as error:
        known = {(): Config.model_fields, ("loopbot",): Daemon.model_fields, ("systems",): System.model_fields}
        raise several(mistakes_in(error, path.name, known)) from None


def several(mistakes: list[ConfigError]) -> Exception:
    """One mistake as itself, several as a group."""
    return mistakes[0] if len(mistakes) == 1 else ExceptionGroup("the configuration has mistakes", mistakes)


def mistakes_in(
    error: ValidationError,
    file: str,
    known: Mapping[tuple[str, ...], Iterable[str]],
    prefix: tuple[str, ...] = (),
) -> list[ConfigError]:
    """Each thing pydantic found, as file, key, reason and suggestion; `known` holds the keys of each table."""
    found = []
    for one in error.errors():
        parts = (*prefix, *(str(part) for part in one["loc"]))
        why, hint = one["msg"].removeprefix("Value error, "), ""
        if one["type"] == "extra_forbidden":
            why = "is not a key that is known here"
            near = difflib.get_close_matches(parts[-1], list(known.get(parts[:-1], ())), n=1)
            hint = f"did you mean {near[0]!r}?" if near else "config.example.toml explains every key"
        elif one["type"] == "missing":
            why, hint = "is missing", "config.example.toml explains every key"
        found.append(ConfigError(f"{file}, {'.'.join(parts)}", why, hint))
    return found


def _clear_secrets(table: Mapping[str, Any], where: tuple[str, ...]) -> Iterator[str]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _clear_secrets(value, (*where, name))
        elif isinstance(value, str) and is_secret_key(name) and not is_reference(value):
            yield ".".join((*where, name))
