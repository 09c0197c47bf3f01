"""What a person gets from a message: who is called by it, what is seen, where the links lead.

Conservative on purpose: where Slack's documents are silent (the fallback text beside blocks, markdown blocks), a
mention counts as one that fires. Text with `&lt;` is dead, plain_text and rich_text's text elements are literal.
"""

import re
from collections.abc import Iterator
from typing import Any

from loopbot.sandbox.slack.workspace import Json, Message

_CONTROL = re.compile(r"<([^<>]+)>")
_CALL = re.compile(r"^(!channel|!here|!everyone|!subteam\^[A-Z0-9]+|@[UW][A-Z0-9]+)$")
_BARE = re.compile(r"(?<![\w&<])@(channel|here|everyone)\b")
_TYPED_CONTROL = re.compile(r"<(?:@[UW][A-Z0-9]+|#C[A-Z0-9]+|!here|!channel)>")
_LITERAL, _MARKUP = "literal", "markup"


def notified(message: Message) -> set[str]:
    """Who is called: `<!channel>`, `<!here>`, `<@U...>` ... as they would stand in mrkdwn."""
    called: set[str] = set()
    for kind, text in _parts(message):
        if kind == _MARKUP:
            for control in _CONTROL.findall(text):
                name = control.split("|", 1)[0]
                if _CALL.match(name):
                    called.add(f"<{name}>")
    if message.flags.get("link_names") or message.flags.get("parse") == "full":
        called |= {f"<!{name}>" for name in _BARE.findall(message.text)}
    return called | set(_rich_calls([*message.blocks, *message.attachments]))


def seen(message: Message) -> str:
    """What a reader reads: blocks if there are any, otherwise the text; labels instead of addresses."""
    parts = list(_block_parts([*message.blocks, *message.attachments])) or [(_MARKUP, message.text)]
    return "\n".join(_rendered(text) if kind == _MARKUP else text for kind, text in parts)


def links(message: Message) -> set[tuple[str, str]]:
    """The links a reader can follow: (address, label as it is read)."""
    found: set[tuple[str, str]] = set()
    for kind, text in _parts(message):
        if kind != _MARKUP:
            continue
        for control in _CONTROL.findall(text):
            address, _, label = control.partition("|")
            if re.match(r"^(https?|mailto|tel):", address):
                found.add((unescaped(address), unescaped(label or address)))
    for node in _nodes([*message.blocks, *message.attachments]):
        if isinstance(node.get("url"), str) and node.get("type") in {"button", "link"}:
            label = node.get("text")
            found.add((node["url"], str(label["text"] if isinstance(label, dict) else label or node["url"])))
    return found


def escaped(text: str) -> str:
    """The three characters Slack escapes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescaped(text: str) -> str:
    """The way back."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def typed(text: str) -> str:
    """What Slack stores of what a person types: escaped, but for chosen mentions; addresses become links."""
    kept: list[str] = []
    end = 0
    for found in _TYPED_CONTROL.finditer(text):
        kept += [_addresses(escaped(text[end : found.start()])), found.group()]
        end = found.end()
    return "".join([*kept, _addresses(escaped(text[end:]))])


def _addresses(text: str) -> str:
    return re.sub(r"https?://[^\s<>]+", lambda found: f"<{found.group()}>", text)


def _parts(message: Message) -> Iterator[tuple[str, str]]:
    yield _MARKUP, message.text
    yield from _block_parts([*message.blocks, *message.attachments])


def _block_parts(blocks: list[Json]) -> Iterator[tuple[str, str]]:
    for node in _nodes(blocks):
        text = node.get("text")
        if isinstance(text, str):
            # A node without a type is an attachment: its text is mrkdwn.
            yield (_MARKUP if node.get("type") in {"mrkdwn", "markdown", None} else _LITERAL), text
        for key in ("pretext", "title", "fallback", *(["value"] if "title" in node else [])):
            if "type" not in node and isinstance(node.get(key), str):
                yield _MARKUP, node[key]


def _rich_calls(blocks: list[Json]) -> Iterator[str]:
    for node in _nodes(blocks):
        if node.get("type") == "broadcast":
            yield f"<!{node.get('range')}>"
        elif node.get("type") == "user":
            yield f"<@{node.get('user_id')}>"
        elif node.get("type") == "usergroup":
            yield f"<!subteam^{node.get('usergroup_id')}>"


def _nodes(thing: Any) -> Iterator[Json]:
    if isinstance(thing, dict):
        yield thing
        for value in thing.values():
            yield from _nodes(value)
    elif isinstance(thing, list):
        for value in thing:
            yield from _nodes(value)


def _rendered(text: str) -> str:
    def label(found: re.Match[str]) -> str:
        address, _, name = found.group(1).partition("|")
        return name or address.replace("!", "@", 1)

    return unescaped(_CONTROL.sub(label, text))
