"""Modals and the home tab: opening, updating, publishing; views are kept as JSON under their ids."""

import hashlib
from typing import Any

import orjson

from loopbot.sandbox.slack import blocks as block_kit
from loopbot.sandbox.slack.calls import Call
from loopbot.sandbox.slack.chat import check_blocks
from loopbot.sandbox.slack.workspace import APP, BOT, TEAM, Json, RefusedError, Workspace


def open_view(call: Call) -> Json:
    """views.open: within 3 s of the trigger, once for each."""
    view = _view(call)
    user = call.workspace.take_trigger(call.text("trigger_id"))
    return _kept(call, "open_view", stored(call.workspace, view, user))


def publish(call: Call) -> Json:
    """views.publish: the home tab of one person."""
    person = call.workspace.user(call.need("user_id"))
    view = _view(call)
    if view.get("type") != "home":
        raise RefusedError("invalid_arguments")
    known = home_of(call.workspace, person.id)
    _check_hash(call, known)
    return _kept(call, "publish_view", stored(call.workspace, view, person.id, known["id"] if known else ""))


def update(call: Call) -> Json:
    """views.update by view_id or external_id; a stale hash is a conflict."""
    named, outside = call.text("view_id"), call.text("external_id")
    known = call.workspace.views.get(named) or next(
        (one for one in call.workspace.views.values() if outside and one["external_id"] == outside), None
    )
    if known is None:
        raise RefusedError("not_found")
    _check_hash(call, known)
    return _kept(call, "update_view", stored(call.workspace, _view(call), known["_user"], known["id"]))


def home_of(workspace: Workspace, user: str) -> Json | None:
    """The home tab published for this person."""
    return next((one for one in workspace.views.values() if one["type"] == "home" and one["_user"] == user), None)


def stored(workspace: Workspace, view: Json, user: str, known_id: str = "") -> Json:
    """Keep a view under its id (a new one unless named), as Slack fills it in."""
    number = known_id or workspace.fresh("V")
    full: Json = {
        "id": number,
        "team_id": TEAM,
        "app_id": APP,
        "bot_id": BOT,
        "type": view["type"],
        "blocks": view.get("blocks", []),
        "title": view.get("title"),
        "submit": view.get("submit"),
        "close": view.get("close"),
        "callback_id": view.get("callback_id", ""),
        "external_id": view.get("external_id", ""),
        "private_metadata": view.get("private_metadata", ""),
        "root_view_id": number,
        "previous_view_id": None,
        "state": {"values": {}},
        "_user": user,
    }
    full["hash"] = f"{workspace.stamp()}.{hashlib.sha256(orjson.dumps(full)).hexdigest()[:8]}"
    workspace.views[number] = full
    return full


def shown(view: Json) -> Json:
    """The view as the app gets it."""
    return {name: value for name, value in view.items() if not name.startswith("_")}


def check(view: Any) -> Json:
    """A view within its limits, or invalid_arguments with every complaint."""
    wrong: list[str] = []
    if not isinstance(view, dict) or view.get("type") not in {"modal", "home"}:
        wrong.append("[ERROR] unsupported type [json-pointer:/view/type]")
        raise RefusedError("invalid_arguments", response_metadata={"messages": wrong})
    for name, most in (("title", 24), ("submit", 24), ("close", 24)):
        said = view.get(name)
        if said is None:
            if name == "title" and view["type"] == "modal":
                wrong.append("[ERROR] missing required field: title [json-pointer:/view]")
        elif not _is_label(said, most):
            wrong.append(f"[ERROR] must be plain_text of 1 to {most} characters [json-pointer:/view/{name}]")
    wrong += [
        f"[ERROR] must be less than {most + 1} characters [json-pointer:/view/{name}]"
        for name, most in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255))
        if len(view.get(name) or "") > most
    ]
    has_input = any(one.get("type") == "input" for one in view.get("blocks") or [])
    if view["type"] == "modal" and has_input and not view.get("submit"):
        wrong.append("[ERROR] missing required field: submit [json-pointer:/view]")
    if wrong:
        raise RefusedError("invalid_arguments", response_metadata={"messages": wrong})
    check_blocks(view.get("blocks") or [], block_kit.BLOCKS_A_VIEW)
    return view


def _is_label(said: Any, most: int) -> bool:
    return isinstance(said, dict) and said.get("type") == "plain_text" and 0 < len(said.get("text", "")) <= most


def _view(call: Call) -> Json:
    return check(call.structure("view", "invalid_arguments"))


def _check_hash(call: Call, known: Json | None) -> None:
    given = call.text("hash")
    if given and known is not None and given != known["hash"]:
        raise RefusedError("hash_conflict")


def _kept(call: Call, action: str, view: Json) -> Json:
    call.ledger.write("slack", action, "view", view["id"], call.actor, shown(view) | {"user": view["_user"]})
    return {"view": shown(view)}
