"""The conversations methods: listing, history with its cursors, membership, direct conversations."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from loopbot.sandbox.slack.calls import KIND_SCOPE, Call, page_of
from loopbot.sandbox.slack.workspace import BOT_USER, Channel, Json, Message, RefusedError

_TYPES = (("public_channel", "public"), ("private_channel", "private"), ("im", "im"))


def open_direct(call: Call) -> Json:
    """conversations.open with one user; opening it again answers the same one."""
    call.scope("im:write")
    if call.text("channel"):
        return {"channel": {"id": call.channel().id}, "no_op": True, "already_open": True}
    users = call.names("users")
    if len(users) != 1:
        raise RefusedError("not_enough_users" if not users else "method_not_supported_for_channel_type")
    before = len(call.workspace.channels)
    where = call.workspace.direct(users[0])
    if len(call.workspace.channels) == before:
        return {"channel": _opened(call, where), "no_op": True, "already_open": True}
    call.ledger.write("slack", "open", "conversation", where.id, call.actor, {"user": users[0]})
    return {"channel": _opened(call, where)}


def _opened(call: Call, where: Channel) -> Json:
    return where.shown() if call.flag("return_im") else {"id": where.id}


def listing(call: Call) -> Json:
    """conversations.list; what a page filters out is missing from it, so a short page is not the end."""
    wanted = call.names("types", "public_channel")
    kinds = [kind for name, kind in _TYPES if name in wanted]
    for kind in kinds:
        call.scope(f"{KIND_SCOPE[kind]}:read")
    rows, cursor = page_of(call, list(call.workspace.channels.values()), 100, 999)
    shown = [
        one.shown()
        for one in rows
        if one.kind in kinds
        and (one.kind == "public" or BOT_USER in one.members)
        and not (one.archived and call.flag("exclude_archived"))
    ]
    return {"channels": shown, "response_metadata": {"next_cursor": cursor}}


def info(call: Call) -> Json:
    """conversations.info."""
    where = call.channel()
    call.scope(f"{KIND_SCOPE[where.kind]}:read")
    return {"channel": where.shown()}


def members(call: Call) -> Json:
    """conversations.members."""
    where = call.channel()
    call.scope(f"{KIND_SCOPE[where.kind]}:read")
    rows, cursor = page_of(call, where.members, 100, 999)
    return {"members": rows, "response_metadata": {"next_cursor": cursor}}


def join(call: Call) -> Json:
    """conversations.join: public channels only."""
    call.scope("channels:join")
    where = call.channel()
    if where.kind != "public":
        raise RefusedError("method_not_supported_for_channel_type")
    if BOT_USER in where.members:
        return {"channel": where.shown(), "warning": "already_in_channel"}
    where.members.append(BOT_USER)
    call.ledger.write("slack", "join", "conversation", where.id, call.actor, {})
    return {"channel": where.shown()}


def history(call: Call) -> Json:
    """conversations.history: newest first; replies only when they were also sent to the channel."""
    where = _readable(call)
    fits = _window(call)
    found = [
        one
        for one in reversed(where.messages.values())
        if (one.thread_ts in (None, one.ts) or one.broadcast) and fits(one)
    ]
    rows, cursor = page_of(call, found, 100, 999)
    return _shown(call, where, rows, cursor) | {"pin_count": 0}


def replies(call: Call) -> Json:
    """conversations.replies: the parent first, then oldest first."""
    where = _readable(call)
    ts = call.need("ts")
    if ts not in where.messages:
        raise RefusedError("thread_not_found")
    thread = where.thread(where.messages[ts].thread_ts or ts)
    fits = _window(call)
    found = [one for one in thread if one.ts == ts or fits(one)]
    rows, cursor = page_of(call, found, 1000, 1000)
    return _shown(call, where, rows, cursor)


def _readable(call: Call) -> Channel:
    where = call.channel()
    call.scope(f"{KIND_SCOPE[where.kind]}:history")
    if BOT_USER not in where.members:
        raise RefusedError("not_in_channel")
    return where


def _window(call: Call) -> Callable[[Message], bool]:
    """Whether a message lies between oldest and latest, which are open bounds unless `inclusive`."""
    oldest, latest = (_stamp(call.text(name), name) if call.text(name) else None for name in ("oldest", "latest"))
    inclusive = call.flag("inclusive")

    def fits(message: Message) -> bool:
        stamp = Decimal(message.ts)
        if inclusive and stamp in (oldest, latest):
            return True
        return (oldest is None or stamp > oldest) and (latest is None or stamp < latest)

    return fits


def _stamp(text: str, name: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as broken:
        raise RefusedError(f"invalid_ts_{name}") from broken


def _shown(call: Call, where: Channel, rows: list[Message], cursor: str) -> Json:
    shown = []
    marks = call.flag("include_all_metadata") and "metadata.message:read" in call.scopes
    threads: dict[str, list[Message]] = {}
    for one in where.messages.values():
        if one.thread_ts not in (None, one.ts):
            threads.setdefault(str(one.thread_ts), []).append(one)
    for one in rows:
        said = one.shown(with_metadata=marks)
        answers = threads.get(one.ts)
        if answers:
            said |= {
                "reply_count": len(answers),
                "reply_users": sorted({other.user for other in answers}),
                "latest_reply": answers[-1].ts,
            }
        shown.append(said)
    answer: Json = {"messages": shown, "has_more": bool(cursor)}
    return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})
