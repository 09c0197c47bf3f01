"""The methods about people and the app itself: users, user groups, reactions, auth."""

from loopbot.sandbox.slack.calls import Call, page_of
from loopbot.sandbox.slack.workspace import APP, BOT, TEAM, Json, RefusedError


def api_test(call: Call) -> Json:
    """api.test: says back what it was told."""
    given = {name: value for name, value in call.arguments.items() if name != "token"}
    if "error" in given:
        raise RefusedError(str(given["error"]), args=given)
    return {"args": given} if given else {}


def auth_test(call: Call) -> Json:
    """auth.test: who the token is."""
    return {
        "url": f"{call.root}/",
        "team": "Twin",
        "user": "loopbot",
        "team_id": TEAM,
        "user_id": call.actor,
        "bot_id": BOT,
        "app_id": APP,
        "is_enterprise_install": False,
    }


def connections_open(call: Call) -> Json:
    """apps.connections.open: the address of one websocket connection."""
    call.scope("connections:write")
    address = call.root.replace("http", "ws", 1)
    return {"url": f"{address}/socket?ticket={call.sockets.ticket()}&app_id={APP}"}


def lookup_by_email(call: Call) -> Json:
    """users.lookupByEmail: users_not_found also for people who left."""
    call.scope("users:read.email")
    email = call.need("email").casefold()
    for one in call.workspace.users.values():
        if one.email and one.email.casefold() == email and not one.deleted:
            return {"user": one.shown(with_email=True)}
    raise RefusedError("users_not_found")


def info(call: Call) -> Json:
    """users.info."""
    call.scope("users:read")
    one = call.workspace.user(call.need("user", "user_not_found"))
    return {"user": one.shown(with_email="users:read.email" in call.scopes)}


def listing(call: Call) -> Json:
    """users.list."""
    call.scope("users:read")
    rows, cursor = page_of(call, list(call.workspace.users.values()), 1000, 1000)
    shown = [one.shown(with_email="users:read.email" in call.scopes) for one in rows]
    return {"members": shown, "response_metadata": {"next_cursor": cursor}}


def groups(call: Call) -> Json:
    """usergroups.list."""
    call.scope("usergroups:read")
    shown = []
    for number, (handle, users) in call.workspace.groups.items():
        one = {"id": number, "team_id": TEAM, "handle": handle, "name": handle, "user_count": len(users)}
        shown.append(one | ({"users": users} if call.flag("include_users") else {}))
    return {"usergroups": shown}


def group_users(call: Call) -> Json:
    """usergroups.users.list."""
    call.scope("usergroups:read")
    group = call.workspace.groups.get(call.need("usergroup"))
    if group is None:
        raise RefusedError("no_such_subteam")
    return {"users": group[1]}


def react(call: Call) -> Json:
    """reactions.add: a second time is already_reacted."""
    call.scope("reactions:write")
    where = call.channel()
    message = call.workspace.message(where, call.need("timestamp", "no_item_specified"))
    name = call.need("name", "invalid_name").strip(":")
    users = message.reactions.setdefault(name, [])
    if call.actor in users:
        raise RefusedError("already_reacted")
    users.append(call.actor)
    call.ledger.write("slack", "react", "message", where.id, call.actor, {"ts": message.ts, "name": name})
    return {}
