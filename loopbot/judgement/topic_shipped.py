"""The weights of the hand-written signs that come with loopbot (written by tools/fit_topics.py), and models as text."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from loopbot.judgement.calibration import Temperature
from loopbot.judgement.topic_model import Linear, Vocabulary

FILE = Path(__file__).with_name("topic_weights.json")
FORM = 1
"""The form of the text; a model in another form is not read."""


@cache
def shipped() -> tuple[Linear, Temperature]:
    """The shipped model and its temperature, read once."""
    return decoded(FILE.read_text(encoding="utf-8"))


def encoded(model: Linear, temperature: Temperature) -> str:
    """A model as text: the same model is always the same text."""
    value = {
        "form": FORM,
        "topics": model.topics,
        "labels": model.labels,
        "temperature": round(temperature.value, 4),
        "bias": model.bias,
        "weights": model.weights,
        "rarity": model.vocabulary.rarity,
        "forms": sorted(model.vocabulary.forms),
    }
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=0, separators=(",", ":")) + "\n"


def decoded(text: str) -> tuple[Linear, Temperature]:
    """The model again; raises ValueError for a text that is none."""
    value: Any = json.loads(text)
    if not isinstance(value, dict) or value.get("form") != FORM:
        message = "this is not a model of topics that this version of loopbot reads"
        raise ValueError(message)
    vocabulary = Vocabulary(value["rarity"], frozenset(value["forms"]))
    weights = {name: tuple(each) for name, each in value["weights"].items()}
    model = Linear(tuple(value["topics"]), tuple(value["bias"]), weights, vocabulary, value["labels"])
    return model, Temperature(value["temperature"])
