"""What was learnt from labels, as text for the store and back; the shipped model is not in it."""

import json
from typing import Any

from loopbot.judgement.calibration import Temperature
from loopbot.judgement.topic import Stack
from loopbot.judgement.topic_model import Linear
from loopbot.judgement.topic_shipped import decoded, encoded


def encoded_stack(stack: Stack) -> str:
    """The learnt models of a stack."""
    value = {
        "learnt": encoded(stack.learnt, Temperature()) if stack.learnt else None,
        "projects": {name: encoded(model, Temperature()) for name, model in stack.projects.items()},
        "temperature": round(stack.temperature.value, 4),
    }
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def decoded_stack(text: str, base: Linear, base_temperature: Temperature, version: str) -> Stack:
    """The stack again, on the model that ships; raises ValueError, KeyError or TypeError for what is none."""
    value: Any = json.loads(text)
    learnt = decoded(value["learnt"])[0] if value["learnt"] else None
    projects = {name: decoded(model)[0] for name, model in value["projects"].items()}
    return Stack(base, base_temperature, learnt, projects, Temperature(value["temperature"]), version)
