"""The sentence model is used only where the configuration asks for it, and what is missing is told."""

import subprocess
import sys
from pathlib import Path

import pytest

from loopbot import wiring
from loopbot.config import Config, load_config
from loopbot.config.meaning import Meaning
from loopbot.domain.errors import ConfigError
from loopbot.meaning import finding

HEAVY = ("numpy", "sklearn", "scipy", "pandas", "torch")
EVERYTHING = """
import pkgutil, importlib, sys
import loopbot, connectors
for package in (loopbot, connectors):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.startswith(("loopbot.meaning.", "loopbot.store.migrations", "loopbot.__main__")):
            importlib.import_module(module.name)
print(",".join(name for name in {heavy} if name in sys.modules))
"""


def config(use: bool) -> Config:
    return Config(meaning=Meaning(use=use), path=Path("config.toml"))


def test_it_is_off_unless_asked_for() -> None:
    assert wiring.asked_encoder(config(use=False)) is None
    assert load_config(wiring.example_config()).meaning.use is False


def test_asking_for_what_is_not_installed_tells_the_command_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "_CARRIER", "a_package_that_nobody_has")

    with pytest.raises(ConfigError) as refused:
        wiring.asked_encoder(config(use=True))

    assert refused.value.where == "config.toml, meaning.use"
    assert "requirements/meaning.txt" in refused.value.hint


def test_nothing_but_the_sentence_model_imports_numbers_and_nothing_at_all_a_learning_library() -> None:
    script = EVERYTHING.replace("{heavy}", repr(HEAVY))
    said = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True)  # noqa: S603

    assert said.stdout.strip() == ""


def test_finding_the_model_neither_reads_it_nor_imports_what_it_runs_on() -> None:
    script = (
        "import sys; from loopbot.wiring import installed_encoder; installed_encoder(); print('numpy' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603

    assert said.stdout.strip() == "False"
