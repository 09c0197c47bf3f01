"""The Atlassian Document Format: what of a document the vendor would accept, and its plain text.

Source: the published structure of ADF, version 1. Only what loopbot could meet is known here; an unknown node is refused.
"""

from collections.abc import Mapping, Sequence
from typing import Any

MAX_DEPTH = 60
_TEXT_MARKS = frozenset(
    {"code", "em", "link", "strike", "strong", "subsup", "textColor", "underline", "backgroundColor", "annotation"},
)
_INLINE = frozenset({"text", "hardBreak", "mention", "emoji", "inlineCard", "date", "status"})
_BLOCKS = frozenset({"paragraph", "bulletList", "orderedList", "codeBlock"})
# What each node may hold; nodes that are not named hold nothing.
_CHILDREN: Mapping[str, frozenset[str]] = {
    "doc": _BLOCKS
    | {
        "heading",
        "blockquote",
        "panel",
        "rule",
        "table",
        "mediaSingle",
        "mediaGroup",
        "expand",
        "taskList",
        "blockCard",
    },
    "paragraph": _INLINE,
    "heading": _INLINE,
    "bulletList": frozenset({"listItem"}),
    "orderedList": frozenset({"listItem"}),
    "listItem": _BLOCKS | {"mediaSingle"},
    "blockquote": _BLOCKS,
    "panel": _BLOCKS | {"heading", "rule", "blockCard"},
    "expand": _BLOCKS | {"heading", "blockquote", "panel", "rule", "table"},
    "codeBlock": frozenset({"text"}),
    "table": frozenset({"tableRow"}),
    "tableRow": frozenset({"tableCell", "tableHeader"}),
    "tableCell": _BLOCKS | {"heading", "blockquote", "panel", "rule"},
    "tableHeader": _BLOCKS | {"heading", "blockquote", "panel", "rule"},
    "taskList": frozenset({"taskItem", "taskList"}),
    "taskItem": _INLINE,
    "mediaSingle": frozenset({"media", "caption"}),
    "mediaGroup": frozenset({"media"}),
    "caption": _INLINE,
}
_FILLED = frozenset({"bulletList", "orderedList", "listItem", "blockquote", "panel", "table", "tableRow", "expand"})
_NEEDED_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "heading": ("level",),
    "mention": ("id",),
    "emoji": ("shortName",),
    "panel": ("panelType",),
    "status": ("text", "color"),
    "date": ("timestamp",),
}
_KEYS = frozenset({"type", "attrs", "content", "marks", "text", "version"})
_BLOCK_ENDS = frozenset({"paragraph", "heading", "codeBlock", "rule", "blockCard", "taskItem"})


def flaw(document: Any) -> str | None:
    """What is wrong with a document, and where (`/content/0/text`); None where it would be accepted."""
    if not isinstance(document, Mapping) or document.get("type") != "doc":
        return "not an Atlassian Document"
    if document.get("version") != 1 or isinstance(document.get("version"), bool):
        return "/version: must be 1"
    if not isinstance(document.get("content"), Sequence):
        return "/content: missing"
    return _flaw(document, "", 0)


def _flaw(node: Mapping[str, Any], where: str, depth: int) -> str | None:
    kind = node["type"]
    if unknown := set(node) - _KEYS:
        return f"{where}: unknown key {min(unknown)!r}"
    if kind == "text":
        return _text_flaw(node, where)
    attributes = node.get("attrs", {})
    if not isinstance(attributes, Mapping):
        return f"{where}/attrs: not an object"
    for name in _NEEDED_ATTRIBUTES.get(kind, ()):
        if name not in attributes:
            return f"{where}/attrs/{name}: missing"
    if kind == "heading" and attributes["level"] not in range(1, 7):
        return f"{where}/attrs/level: must be 1 to 6"
    return _children_flaw(node, where, depth)


def _children_flaw(node: Mapping[str, Any], where: str, depth: int) -> str | None:
    kind, content = node["type"], node.get("content", ())
    allowed = _CHILDREN.get(kind, frozenset())
    if not isinstance(content, Sequence) or isinstance(content, str) or depth > MAX_DEPTH:
        return f"{where}/content: not a list, or nested too deeply"
    if kind in _FILLED and not content:
        return f"{where}/content: must not be empty"
    for index, child in enumerate(content):
        here = f"{where}/content/{index}"
        if not isinstance(child, Mapping) or child.get("type") not in allowed:
            return f"{here}: not a node that is allowed in {kind!r}"
        if kind == "codeBlock" and child.get("marks"):
            return f"{here}/marks: not allowed in a code block"
        if found := _flaw(child, here, depth + 1):
            return found
    return None


def _text_flaw(node: Mapping[str, Any], where: str) -> str | None:
    if not isinstance(node.get("text"), str) or not node["text"]:
        return f"{where}/text: must be a text that is not empty"
    for mark in node.get("marks", ()):
        if not isinstance(mark, Mapping) or mark.get("type") not in _TEXT_MARKS:
            return f"{where}/marks: unknown mark"
        if mark["type"] == "link" and not isinstance(mark.get("attrs", {}).get("href"), str):
            return f"{where}/marks: a link needs href"
    return None


def plain(document: Any) -> str:
    """The text of a document (or of a string, as it is), one line a block."""
    if document is None:
        return ""
    if isinstance(document, str):
        return document
    read: list[str] = []
    _read(document, read)
    return "".join(read).strip("\n")


def _read(node: Mapping[str, Any], read: list[str]) -> None:
    kind, attributes = node.get("type"), node.get("attrs") or {}
    if kind == "text":
        read.append(str(node.get("text", "")))
    elif kind == "hardBreak":
        read.append("\n")
    elif kind in {"mention", "status", "emoji"}:
        read.append(str(attributes.get("text") or attributes.get("shortName") or ""))
    elif kind in {"inlineCard", "blockCard"}:
        read.append(str(attributes.get("url", "")))
    for child in node.get("content", ()):
        _read(child, read)
    if kind in _BLOCK_ENDS:
        read.append("\n")


def document(text: str) -> dict[str, Any]:
    """A document of plain paragraphs, as the vendor converts what came through version 2 of the API."""
    paragraphs = [
        {"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []} for line in text.split("\n")
    ]
    return {"type": "doc", "version": 1, "content": paragraphs}
