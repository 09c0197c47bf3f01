"""The payloads Slack sends an app: commands, clicks, shortcuts, submissions, events."""

from collections.abc import Iterator
from typing import Any, Final

from loopbot.sandbox.slack import views
from loopbot.sandbox.slack.workspace import APP, BOT_USER, TEAM, Channel, Json, Message, User, Workspace

# The deprecated verification token: apps must not rely on it, and get it all the same.
VERIFICATION: Final = "twin-verification"


def slash(workspace: Workspace, user: User, where: Channel, command: str, text: str, response_url: str) -> Json:
    """A slash command."""
    return {
        "token": VERIFICATION,
        "team_id": TEAM,
        "team_domain": "twin",
        "channel_id": where.id,
        "channel_name": where.name or "directmessage",
        "user_id": user.id,
        "user_name": user.name.lower().replace(" ", "."),
        "command": command,
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": workspace.trigger(user.id),
    }


def interaction(workspace: Workspace, kind: str, user: User) -> Json:
    """What every interactive payload holds."""
    return {
        "type": kind,
        "team": {"id": TEAM, "domain": "twin"},
        "user": {"id": user.id, "username": user.name.lower().replace(" ", "."), "name": user.name, "team_id": TEAM},
        "api_app_id": APP,
        "token": VERIFICATION,
        "trigger_id": workspace.trigger(user.id),
        "enterprise": None,
        "is_enterprise_install": False,
    }


def click(workspace: Workspace, user: User, message: Message, where: Channel, action: Json, response_url: str) -> Json:
    """A click in a message; an ephemeral message's click brings no message."""
    fleeting = message.ephemeral_to is not None
    payload = interaction(workspace, "block_actions", user) | {
        "container": {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": where.id,
            "is_ephemeral": fleeting,
        },
        "channel": {"id": where.id, "name": where.name or "directmessage"},
        "state": {"values": {}},
        "response_url": response_url,
        "actions": [action],
    }
    return payload if fleeting else payload | {"message": message.shown(with_metadata=True)}


def click_in_view(workspace: Workspace, user: User, view: Json, action: Json) -> Json:
    """A click in a modal or on the home tab."""
    return interaction(workspace, "block_actions", user) | {
        "container": {"type": "view", "view_id": view["id"]},
        "view": views.shown(view),
        "actions": [action],
    }


def submission(workspace: Workspace, user: User, view: Json, values: Json) -> Json:
    """A submitted modal with its values."""
    filled = views.shown(view) | {"state": {"values": values}}
    return interaction(workspace, "view_submission", user) | {"view": filled, "response_urls": []}


def event(workspace: Workspace, told: Json) -> Json:
    """An Events API callback around an inner event."""
    return {
        "token": VERIFICATION,
        "team_id": TEAM,
        "context_team_id": TEAM,
        "context_enterprise_id": None,
        "api_app_id": APP,
        "event": told,
        "type": "event_callback",
        "event_id": workspace.fresh("Ev"),
        "event_time": int(workspace.now().timestamp()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM,
                "user_id": BOT_USER,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": "twin",
    }


def message_event(message: Message, where: Channel) -> Json:
    """The inner event of a new message."""
    kind = {"im": "im", "private": "group"}.get(where.kind, "channel")
    return message.shown() | {"channel": where.id, "event_ts": message.ts, "channel_type": kind}


def action_in(blocks: list[Json], action_id: str, stamp: str, chosen: str | None) -> Json:
    """The action a person triggers; LookupError where nothing with this id can be clicked."""
    for block_id, element in elements(blocks):
        if element.get("action_id") == action_id:
            action = {"action_id": action_id, "block_id": block_id, "type": element["type"], "action_ts": stamp}
            return action | _picked(element, chosen)
    raise LookupError(f"nothing to click with action_id {action_id!r} in {blocks}")


def elements(blocks: list[Json]) -> Iterator[tuple[str, Json]]:
    """Every element somebody can use, with the id of its block."""
    for number, block in enumerate(blocks):
        name = str(block.get("block_id") or f"b{number}")
        for key in ("accessory", "element"):
            if isinstance(block.get(key), dict):
                yield name, block[key]
        if block.get("type") in {"actions", "context_actions"}:
            for element in block["elements"]:
                yield name, element


def _picked(element: Json, chosen: str | None) -> Json:
    if element["type"] == "button":
        picked: Json = {"text": element["text"]}
        return picked | ({"value": element["value"]} if "value" in element else {})
    options = [one for one in element.get("options", []) if chosen in (None, one["value"])]
    if options:
        many = element["type"] in {"checkboxes", "multi_static_select"}
        return {"selected_options": options[:1]} if many else {"selected_option": options[0]}
    return {"value": chosen} if chosen is not None else {}


def state_of(view: Json, answers: dict[str, Any]) -> Json:
    """The `state.values` of a view for answers by action_id: text, an option's value, or Slack's own object."""
    values: Json = {}
    for block_id, element in elements(view["blocks"]):
        action_id = element.get("action_id", "")
        given = answers.get(action_id)
        one: Json = {"type": element["type"]}
        if isinstance(given, dict):
            one |= given
        elif "options" in element:
            picked = _picked(element, given) if given is not None else {"selected_option": None}
            one |= picked
        else:
            one["value"] = given
        values.setdefault(block_id, {})[action_id] = one
    unknown = set(answers) - {element.get("action_id") for _, element in elements(view["blocks"])}
    if unknown:
        raise LookupError(f"the view has no input with action_id {sorted(unknown)}")
    return values
