"""What Slack sends when people do something, read at the border: presses, filled forms, messages they point at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from connectors.slack import blocks, speaking
from loopbot.domain.forms import Filled
from loopbot.domain.records import Person
from loopbot.domain.speech import Heard
from loopbot.domain.texts import clean

Json = Mapping[str, Any]
Known = Callable[[str, str], Person]
"""Who is behind an id, with the name that came with it."""

_LONGEST: Final = 20_000


@dataclass(frozen=True, slots=True)
class Press:
    """A button that was pressed or an option that was chosen: whose it is, what it says, and in which block it stands."""

    key: str
    answer: str
    block_id: str


def press_in(body: Json) -> Press | None:
    """The press of one of our buttons or the choice in one of our menus; None where it is not ours, or of another time."""
    action = (body.get("actions") or [{}])[0]
    block_id = str(action.get("block_id") or "")
    chosen = action.get("selected_option")
    if isinstance(chosen, dict):
        parts = block_id.split(":", 2)
        ours = parts[0] == blocks.ANSWERS and len(parts) == 3 and isinstance(chosen.get("value"), str)
        return Press(parts[2], chosen["value"], block_id) if ours else None
    told = blocks.pressed(str(action.get("value", "")))
    return Press(told.key, told.answer, block_id) if told else None


def filled_in(body: Json, known: Known) -> Filled:
    """A form as it was sent; raises ValueError where it is none of ours."""
    view = body.get("view") or {}
    called = str(view.get("callback_id") or "")
    if not called.startswith(speaking.FORM):
        message = f"{called!r} is no form of loopbot"
        raise ValueError(message)
    told = orjson.loads(view.get("private_metadata") or "{}")
    values: dict[str, str] = {}
    people: dict[str, tuple[Person, ...]] = {}
    for inputs in ((view.get("state") or {}).get("values") or {}).values():
        for name, one in inputs.items():
            if isinstance(one.get("selected_users"), list):
                people[name] = tuple(known(str(user), "") for user in one["selected_users"][:20])
            else:
                chosen = (one.get("selected_option") or {}).get("value")
                values[name] = clean(str(chosen if chosen is not None else one.get("value") or ""), _LONGEST)
    return Filled(called.removeprefix(speaking.FORM), values, people, str(told.get("context", "")))


def pointed_at(system: str, body: Json, known: Known) -> Heard | None:
    """The message under a shortcut; None for a shortcut by itself."""
    told = body.get("message")
    if not isinstance(told, dict):
        return None
    channel = str((body.get("channel") or {}).get("id", ""))
    team = str((body.get("team") or {}).get("id", ""))
    return heard(system, team, channel, told, known)


def heard(system: str, team: str, channel: str, told: Json, known: Known, url: str = "") -> Heard:
    """A message of the history."""
    user = str(told.get("user") or "")
    stamp = str(told.get("ts") or "")
    author = known(user, "") if user and not told.get("bot_id") else None
    return Heard(system, f"{team}/{channel}", stamp, clean(str(told.get("text") or ""), _LONGEST), author, url)
