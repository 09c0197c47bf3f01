"""The Atlassian Document Format of Cloud: plain text into a document, and any document into plain text.

What goes out holds paragraphs, line breaks and text only, without marks: nothing foreign can become a mention, a link or a
macro there.
"""

from collections.abc import Iterable, Mapping
from typing import Any

_DEEPEST = 60
_ATTRIBUTES = {
    "mention": "text",
    "emoji": "text",
    "status": "text",
    "inlineCard": "url",
    "blockCard": "url",
    "embedCard": "url",
}
_INLINE = frozenset({"text", "hardBreak", "mention", "emoji", "status", "inlineCard", "date"})


def document(text: str) -> dict[str, Any]:
    """The text as a document: an empty line begins a paragraph, a line end is a line break."""
    return {"type": "doc", "version": 1, "content": [_paragraph(part) for part in text.split("\n\n")] if text else []}


def _paragraph(text: str) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    for number, line in enumerate(text.split("\n")):
        if number:
            content.append({"type": "hardBreak"})
        if line:
            content.append({"type": "text", "text": line})
    return {"type": "paragraph", "content": content} if content else {"type": "paragraph"}


def plain(value: Any) -> str:
    """The text of a document; of a string, itself; of anything else, nothing."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return ""
    return _blocks(_children(value), 0)


def _children(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = node.get("content")
    return [child for child in content if isinstance(child, dict)] if isinstance(content, list) else []


def _blocks(nodes: Iterable[Mapping[str, Any]], depth: int) -> str:
    return "\n\n".join([_block(node, depth) for node in nodes]) if depth < _DEEPEST else ""


def _block(node: Mapping[str, Any], depth: int) -> str:
    kind = node.get("type")
    if kind == "paragraph":
        return "".join([_inline(child) for child in _children(node)])
    if kind in {"bulletList", "orderedList", "taskList", "decisionList"}:
        return _listed(node, depth, ordered=kind == "orderedList")
    if kind == "table":
        return "\n".join(_row(row, depth + 1) for row in _children(node))
    if kind == "rule":
        return "----"
    if kind in _INLINE:
        return _inline(node)
    children = _children(node)
    if children and all(child.get("type") in _INLINE for child in children):
        return "".join(_inline(child) for child in children)
    if children:
        return _blocks(children, depth + 1)
    return _attribute(node)


def _listed(node: Mapping[str, Any], depth: int, *, ordered: bool) -> str:
    lines = []
    for number, item in enumerate(_children(node), 1):
        mark = f"{number}. " if ordered else "- "
        inside = _block(item, depth + 1) if depth < _DEEPEST else ""
        lines.append(mark + inside.replace("\n\n", "\n").replace("\n", "\n  "))
    return "\n".join(lines)


def _row(row: Mapping[str, Any], depth: int) -> str:
    return " | ".join(_blocks(_children(cell), depth).replace("\n", " ") for cell in _children(row))


def _inline(node: Mapping[str, Any]) -> str:
    kind = node.get("type")
    if kind == "text" and "marks" not in node:
        return str(node.get("text", ""))
    if kind == "hardBreak":
        return "\n"
    if kind != "text":
        return _attribute(node)
    text = str(node.get("text", ""))
    address = _address(node)
    return text if not address or address == text else f"{text} ({address})"


def _address(node: Mapping[str, Any]) -> str:
    """Where a linked text leads, so that a link's label can not hide it."""
    marks = node.get("marks")
    for mark in marks if isinstance(marks, list) else ():
        if isinstance(mark, dict) and mark.get("type") == "link":
            attributes = mark.get("attrs")
            return str(attributes.get("href", "")) if isinstance(attributes, dict) else ""
    return ""


def _attribute(node: Mapping[str, Any]) -> str:
    attributes = node.get("attrs")
    name = _ATTRIBUTES.get(str(node.get("type")))
    if not name or not isinstance(attributes, dict):
        return ""
    return str(attributes.get(name) or attributes.get("shortName") or "")
