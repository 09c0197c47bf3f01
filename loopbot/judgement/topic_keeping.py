"""What was learnt from labels, as text for the store and back; the shipped model is not in it."""

import json
from typing import Any

from loopbot.judgement.calibration import Temperature
from loopbot.judgement.topic import Stack
from loopbot.judgement.topic_shipped import decoded, encoded


def encoded_stack(stack: Stack, meant: Stack | None = None) -> str:
    """The learnt models of a stack, and those that were learnt from the same labels with an encoder's vectors."""
    value = _told(stack)
    if meant is not None:
        value["meant"] = {"encoder": meant.encoder, **_told(meant)}
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def encoder_of(text: str) -> str:
    """The encoder with whose vectors a stack was learnt as well; "" where there was none, or the text can not be read."""
    try:
        return str(json.loads(text)["meant"]["encoder"])
    except (ValueError, KeyError, TypeError):
        return ""


def _told(stack: Stack) -> dict[str, Any]:
    return {
        "learnt": encoded(stack.learnt, Temperature()) if stack.learnt else None,
        "projects": {name: encoded(model, Temperature()) for name, model in stack.projects.items()},
        "temperature": round(stack.temperature.value, 4),
    }


def decoded_stack(text: str, on: Stack, version: str, encoder: str = "") -> Stack:
    """The stack again, on what ships (`on`): with the vectors of that encoder where it was learnt with them, else without any.

    Raises ValueError, KeyError or TypeError for a text that is none.
    """
    value: Any = json.loads(text)
    found = value.get("meant")
    used = encoder if found and encoder == found["encoder"] else ""
    value = found if used else value
    learnt = decoded(value["learnt"])[0] if value["learnt"] else None
    projects = {name: decoded(model)[0] for name, model in value["projects"].items()}
    temperature = Temperature(value["temperature"])
    return Stack(on.base, on.base_temperature, learnt, projects, temperature, version, used)
