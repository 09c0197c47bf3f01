"""The chat methods: posting, amending, deleting, and what Slack refuses."""

from collections.abc import Mapping
from typing import Any, Final

from loopbot.sandbox.slack import blocks as block_kit
from loopbot.sandbox.slack.calls import Call
from loopbot.sandbox.slack.workspace import BOT_USER, TEAM, Channel, Json, Message, RefusedError

LONGEST: Final = 40_000
_FLAGS: Final = ("unfurl_links", "unfurl_media", "link_names", "parse", "mrkdwn", "reply_broadcast")


def post_message(call: Call) -> Json:
    """chat.postMessage; a user id as channel posts to the direct conversation."""
    call.scope("chat:write")
    where = _destination(call)
    message = _composed(call, where)
    thread = call.text("thread_ts")
    if thread:
        parent = where.messages.get(thread)
        message.thread_ts = (parent.thread_ts or parent.ts) if parent else thread
        message.broadcast = call.flag("reply_broadcast")
        if parent and not parent.thread_ts:
            parent.thread_ts = parent.ts
    where.messages[message.ts] = message
    _note(call, "post", message)
    call.announce(message)
    return {"channel": where.id, "ts": message.ts, "message": message.shown(with_metadata=True)}


def update(call: Call) -> Json:
    """chat.update: only the bot's own messages; text without blocks removes the blocks."""
    call.scope("chat:write")
    where, message = _own(call, "cant_update_message")
    fresh = _composed(call, where, stamp=message.ts, optional=True)
    told = call.arguments
    if "text" in told or "blocks" in told:
        message.text = fresh.text if "text" in told else message.text
        message.blocks = fresh.blocks
    if "attachments" in told:
        message.attachments = fresh.attachments
    if "metadata" in told:
        message.metadata = fresh.metadata or None
    message.flags |= fresh.flags
    message.edited_ts = call.workspace.stamp()
    _note(call, "amend", message)
    return {"channel": where.id, "ts": message.ts, "text": message.text, "message": message.shown(with_metadata=True)}


def delete(call: Call) -> Json:
    """chat.delete: only the bot's own messages."""
    call.scope("chat:write")
    where, message = _own(call, "cant_delete_message")
    del where.messages[message.ts]
    _note(call, "delete", message)
    return {"channel": where.id, "ts": message.ts}


def post_ephemeral(call: Call) -> Json:
    """chat.postEphemeral: seen by one person, in no history."""
    call.scope("chat:write")
    where = _destination(call)
    person = call.workspace.user(call.need("user"))
    if person.id not in where.members:
        raise RefusedError("user_not_in_channel")
    message = _composed(call, where)
    message.ephemeral_to, message.thread_ts = person.id, call.text("thread_ts") or None
    call.workspace.ephemerals.append(message)
    _note(call, "ephemeral", message)
    return {"message_ts": message.ts}


def get_permalink(call: Call) -> Json:
    """chat.getPermalink."""
    where = call.channel()
    message = call.workspace.message(where, call.need("message_ts"))
    spot = message.ts.replace(".", "")
    link = f"{call.root}/archives/{where.id}/p{spot}"
    if message.thread_ts and message.thread_ts != message.ts:
        link += f"?thread_ts={message.thread_ts}&cid={where.id}"
    return {"channel": where.id, "permalink": link}


def unfurl(call: Call) -> Json:
    """chat.unfurl: what a link in somebody's message shows."""
    call.scope("links:write")
    where = call.channel()
    message = call.workspace.message(where, call.need("ts"))
    shown = call.structure("unfurls", "cannot_parse_attachment")
    if not isinstance(shown, dict):
        raise RefusedError("missing_unfurls")
    for one in shown.values():
        check_blocks(one.get("blocks"))
    message.flags["unfurls"] = shown
    _note(call, "unfurl", message)
    return {}


def check_blocks(blocks: Any, most: int = block_kit.BLOCKS_A_MESSAGE) -> list[Json]:
    """The blocks, or invalid_blocks with every complaint."""
    if blocks is None or blocks == "":
        return []
    wrong = block_kit.faults(blocks, most)
    if wrong:
        raise RefusedError("invalid_blocks", errors=wrong, response_metadata={"messages": wrong})
    return list(blocks)


def check_text(text: str, *, has_more: bool) -> str:
    """The text, or no_text, or msg_too_long."""
    if len(text) > LONGEST:
        raise RefusedError("msg_too_long")
    if not text.strip() and not has_more:
        raise RefusedError("no_text")
    return text


def _destination(call: Call) -> Channel:
    named = call.need("channel", "channel_not_found")
    if named in call.workspace.users:
        return call.workspace.direct(named)
    where = call.workspace.channel(named)
    if where.archived:
        raise RefusedError("is_archived")
    if BOT_USER not in where.members and "chat:write.public" not in call.scopes:
        raise RefusedError("not_in_channel")
    return where


def _own(call: Call, error: str) -> tuple[Channel, Message]:
    # Here a user id is no channel: the documents ask for the id of the direct conversation.
    where = call.channel()
    message = call.workspace.message(where, call.need("ts", "message_not_found"))
    if not message.by_bot:
        raise RefusedError(error)
    return where, message


def _composed(call: Call, where: Channel, *, stamp: str = "", optional: bool = False) -> Message:
    blocks = check_blocks(call.structure("blocks", "invalid_blocks_format"))
    attachments = call.structure("attachments", "invalid_attachments") or []
    said = call.text("text") or call.text("markdown_text")
    kept = optional and "text" not in call.arguments
    text = check_text(said, has_more=bool(blocks or attachments or kept))
    flags = {name: call.arguments[name] for name in _FLAGS if name in call.arguments}
    made = Message(stamp or call.workspace.stamp(), where.id, call.actor, text, blocks, list(attachments), by_bot=True)
    made.metadata, made.flags = _metadata(call), flags
    if "link_names" in flags:
        made.flags["link_names"] = call.flag("link_names")
    return made


def _metadata(call: Call) -> Json | None:
    told = call.structure("metadata", "invalid_metadata_format")
    if not told:
        return None
    if not isinstance(told, Mapping) or not isinstance(told.get("event_type"), str):
        raise RefusedError("invalid_metadata_format")
    if not isinstance(told.get("event_payload"), Mapping):
        raise RefusedError("invalid_metadata_format")
    return dict(told)


def _note(call: Call, action: str, message: Message) -> None:
    call.ledger.write("slack", action, "message", message.channel, call.actor, entry_of(message))


def entry_of(message: Message) -> Json:
    """What the ledger keeps of a message."""
    return {
        "ts": message.ts,
        "text": message.text,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "metadata": message.metadata,
        "thread_ts": message.thread_ts,
        "user": message.ephemeral_to,
        "flags": dict(message.flags),
        "team": TEAM,
    }
