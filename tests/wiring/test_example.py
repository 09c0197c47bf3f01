"""config.example.toml explains every key there is, and works as it stands."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

import connectors
from loopbot.config import Config, load_config
from loopbot.wiring import connector_type, example_config, installed

REFERENCE = re.compile(r'"env:([A-Z_]+)"')
SECTION = re.compile(r"^# --- (\w+) ---$", re.MULTILINE)


def sections() -> dict[str, str]:
    """The text of each system, and of what comes before them ("")."""
    parts = SECTION.split(example_config().read_text(encoding="utf-8"))
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def keys(model: type[BaseModel]) -> Iterator[str]:
    """The keys of a model and of the models in it."""
    for name, field in model.model_fields.items():
        yield name
        for inner in models_in(field.annotation):
            yield from keys(inner)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and not get_args(annotation):
        if issubclass(annotation, BaseModel):
            yield annotation
    else:
        for part in get_args(annotation):
            yield from models_in(part)


def explained(text: str) -> set[str]:
    """The keys that stand in a text, commented out or not, in tables or inline, and the names of the tables."""
    found = set(re.findall(r"^(?:# )?(\w+) = ", text, re.MULTILINE))
    for header in re.findall(r"^(?:# )?\[+([\w.]+)(?:\.\"[^\"]+\")?\]+$", text, re.MULTILINE):
        found |= set(header.split("."))
    return found


@pytest.mark.parametrize("name", sorted(connectors.CATALOGUE))
def test_every_key_of_a_connector_stands_in_the_example(name: str) -> None:
    model = connector_type(name, "").Settings
    assert set(keys(model)) - explained(sections()[name]) == set()


def test_every_key_of_the_daemon_stands_in_the_example() -> None:
    tables = [field for name, field in Config.model_fields.items() if name not in {"systems", "path"}]
    own = {name for field in tables for model in models_in(field.annotation) for name in keys(model)}
    assert own - explained(sections()[""]) == set()


@pytest.mark.parametrize("name", ["", *sorted(connectors.CATALOGUE)])
def test_the_example_explains_no_key_that_is_not_there(name: str) -> None:
    """Each line that is commented out would be taken, once it is not."""
    text = sections()[name]
    known: set[str] = {"type", "poll_seconds", "systems", name}
    if name:
        known |= set(keys(connector_type(name, "").Settings))
    else:
        known |= set(keys(Config)) - {"path"}
    plain = set(re.findall(r"^(?:# )?(\w+) = ", text, re.MULTILINE))
    assert {one for one in plain if not one.isdigit()} - known == set()


def test_the_example_loads_and_builds_once_its_secrets_are_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = example_config().read_text(encoding="utf-8")
    (tmp_path / "rules").mkdir()
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    live = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert REFERENCE.findall(live)
    for name in REFERENCE.findall(live):
        monkeypatch.setenv(name, "made-up")
    with installed(load_config(path)) as here:
        assert set(here.connectors) == set(connectors.CATALOGUE)
        assert here.sources
