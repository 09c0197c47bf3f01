"""Checks Block Kit JSON against Slack's documented limits, and names the spot as Slack does (a JSON pointer).

Source: docs.slack.dev/reference/block-kit. Kinds without a limit of interest are only known by name.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

BLOCKS_A_MESSAGE: Final = 50
BLOCKS_A_VIEW: Final = 100

_KINDS: Final = frozenset(
    [
        "actions",
        "alert",
        "card",
        "carousel",
        "container",
        "context",
        "context_actions",
        "data_table",
        "divider",
        "file",
        "header",
        "image",
        "input",
        "markdown",
        "plan",
        "rich_text",
        "section",
        "table",
        "task_card",
        "video",
    ]
)
_ELEMENTS: Final = frozenset(
    [
        "button",
        "checkboxes",
        "channels_select",
        "conversations_select",
        "datepicker",
        "datetimepicker",
        "email_text_input",
        "external_select",
        "feedback_buttons",
        "file_input",
        "icon_button",
        "image",
        "multi_channels_select",
        "multi_conversations_select",
        "multi_external_select",
        "multi_static_select",
        "multi_users_select",
        "number_input",
        "overflow",
        "plain_text_input",
        "radio_buttons",
        "rich_text_input",
        "static_select",
        "timepicker",
        "url_text_input",
        "users_select",
        "workflow_button",
    ]
)
_SPANS: Final = frozenset(["broadcast", "channel", "color", "date", "emoji", "link", "text", "user", "usergroup"])
# path inside an element of this kind -> (longest text, whether it must be plain_text)
_ELEMENT_TEXTS: Final[Mapping[str, tuple[int, bool]]] = MappingProxyType(
    {"text": (75, True), "placeholder": (150, True)}
)
_ELEMENT_STRINGS: Final[Mapping[str, int]] = MappingProxyType(
    {"action_id": 255, "value": 2000, "url": 3000, "alt_text": 2000}
)


def faults(blocks: Any, most: int = BLOCKS_A_MESSAGE) -> list[str]:
    """What Slack would complain about, empty when the blocks are fine."""
    return list(_faults(blocks, most))


def _faults(blocks: Any, most: int) -> Iterator[str]:
    if not isinstance(blocks, list):
        yield _spot("must be an array", "/blocks")
        return
    if len(blocks) > most:
        yield _spot(f"no more than {most} items allowed", "/blocks")
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        spot = f"/blocks/{number}"
        kind = block.get("type") if isinstance(block, dict) else None
        if kind not in _KINDS:
            yield _spot(f"unsupported type: {kind}", f"{spot}/type")
            continue
        name = block.get("block_id")
        if name is not None:
            if name in seen:
                yield _spot(f"block_id already exists: {name}", f"{spot}/block_id")
            seen.add(name)
            yield from _string(block, "block_id", 255, spot)
        yield from _CHECKS.get(kind, _free)(block, spot)


def _free(_block: Mapping[str, Any], _spot_of: str) -> Iterator[str]:
    yield from ()


def _section(block: Mapping[str, Any], spot: str) -> Iterator[str]:
    if "text" not in block and "fields" not in block:
        yield _spot("missing required field: text", spot)
    if "text" in block:
        yield from _text(block["text"], 3000, f"{spot}/text")
    fields = block.get("fields", [])
    if "fields" in block:
        yield from _count(fields, 1, 10, f"{spot}/fields")
    for number, one in enumerate(fields):
        yield from _text(one, 2000, f"{spot}/fields/{number}")
    if "accessory" in block:
        yield from _element(block["accessory"], f"{spot}/accessory")


def _header(block: Mapping[str, Any], spot: str) -> Iterator[str]:
    yield from _text(block.get("text"), 150, f"{spot}/text", plain=True)


def _markdown(block: Mapping[str, Any], spot: str) -> Iterator[str]:
    yield from _string(block, "text", 12_000, spot, required=True)


def _image(block: Mapping[str, Any], spot: str) -> Iterator[str]:
    yield from _string(block, "alt_text", 2000, spot, required=True)
    yield from _string(block, "image_url", 3000, spot)
    if "title" in block:
        yield from _text(block["title"], 2000, f"{spot}/title", plain=True)


def _context(block: Mapping[str, Any], spot: str) -> Iterator[str]:
    elements = block.get("elements", [])
    yield from _count(elements, 1, 10, f"{spot}/elements")
    for number, one in enumerate(elements):
        where = f"{spot}/elements/{number}"
        if one.get("type") == "image":
            yield from _element(one, where)
        else:
            yield from _text(one, 3000, where)


def _actions(block: Mapping[str, Any], spot: str) -> Iterator[str]:
    elements = block.get("elements", [])
    yield from _count(elements, 1, 25 if block["type"] == "actions" else 5, f"{spot}/elements")
    seen: set[str] = set()
    for number, one in enumerate(elements):
        yield from _element(one, f"{spot}/elements/{number}")
        name = one.get("action_id") if isinstance(one, dict) else None
        if name is not None and name in seen:
            yield _spot(f"action_id already exists: {name}", f"{spot}/elements/{number}/action_id")
        seen.add(name or "")


def _input(block: Mapping[str, Any], spot: str) -> Iterator[str]:
    yield from _text(block.get("label"), 2000, f"{spot}/label", plain=True)
    if "hint" in block:
        yield from _text(block["hint"], 2000, f"{spot}/hint", plain=True)
    yield from _element(block.get("element"), f"{spot}/element")


def _rich_text(block: Mapping[str, Any], spot: str) -> Iterator[str]:
    known = {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}
    parts = block.get("elements")
    if not isinstance(parts, list) or not parts:
        yield _spot("no fewer than 1 items allowed", f"{spot}/elements")
        return
    for number, one in enumerate(parts):
        where = f"{spot}/elements/{number}"
        if one.get("type") not in known:
            yield _spot(f"unsupported type: {one.get('type')}", f"{where}/type")
        elif one["type"] == "rich_text_list":
            if one.get("style") not in {"bullet", "ordered"}:
                yield _spot("must be one of: bullet, ordered", f"{where}/style")
            for place, item in enumerate(one.get("elements", [])):
                yield from _spans(item, f"{where}/elements/{place}")
        else:
            yield from _spans(one, where)


def _spans(section: Mapping[str, Any], spot: str) -> Iterator[str]:
    """The elements of a section, a quote or a list's item: each has to hold something."""
    if not section.get("elements"):
        yield _spot("no fewer than 1 items allowed", f"{spot}/elements")
    for number, one in enumerate(section.get("elements", [])):
        where, kind = f"{spot}/elements/{number}", one.get("type")
        if kind not in _SPANS:
            yield _spot(f"unsupported type: {kind}", f"{where}/type")
        elif kind == "text":
            yield from _string(one, "text", 40_000, where, required=True)
        elif kind == "link":
            yield from _string(one, "url", 3_000, where, required=True)
        elif kind == "date" and not (isinstance(one.get("timestamp"), int) and one.get("format")):
            yield _spot("missing required field: timestamp, format", where)


def _element(element: Any, spot: str) -> Iterator[str]:
    kind = element.get("type") if isinstance(element, dict) else None
    if kind not in _ELEMENTS:
        yield _spot(f"unsupported type: {kind}", f"{spot}/type")
        return
    if kind in {"button", "workflow_button"}:
        yield from _text(element.get("text"), 75, f"{spot}/text", plain=True)
        if element.get("style", "primary") not in {"primary", "danger"}:
            yield _spot("must be one of: primary, danger", f"{spot}/style")
    for key, (most, plain) in _ELEMENT_TEXTS.items():
        if key in element and not (kind == "button" and key == "text"):
            yield from _text(element[key], most, f"{spot}/{key}", plain=plain)
    for key, most in _ELEMENT_STRINGS.items():
        yield from _string(element, key, most, spot)
    if "options" in element:
        yield from _options(element["options"], kind, f"{spot}/options")
    if "confirm" in element:
        yield from _confirm(element["confirm"], f"{spot}/confirm")


def _options(options: Any, kind: str, spot: str) -> Iterator[str]:
    most = {"overflow": 5, "radio_buttons": 10, "checkboxes": 10}.get(kind, 100)
    yield from _count(options, 1, most, spot)
    for number, one in enumerate(options):
        yield from _text(
            one.get("text"), 75, f"{spot}/{number}/text", plain=kind not in {"radio_buttons", "checkboxes"}
        )
        yield from _string(one, "value", 150, f"{spot}/{number}", required=True)


def _confirm(confirm: Mapping[str, Any], spot: str) -> Iterator[str]:
    for key, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        yield from _text(confirm.get(key), most, f"{spot}/{key}", plain=key != "text")


def _text(text: Any, most: int, spot: str, *, plain: bool = False) -> Iterator[str]:
    if not isinstance(text, dict) or text.get("type") not in {"plain_text", "mrkdwn"}:
        yield _spot("must be a valid text object", spot)
        return
    if plain and text["type"] != "plain_text":
        yield _spot("must be a plain_text object", f"{spot}/type")
    yield from _string(text, "text", most, spot, required=True)


def _string(thing: Mapping[str, Any], key: str, most: int, spot: str, *, required: bool = False) -> Iterator[str]:
    if key not in thing:
        if required:
            yield _spot(f"missing required field: {key}", spot)
        return
    value = thing[key]
    if not isinstance(value, str):
        yield _spot("must be a string", f"{spot}/{key}")
    elif required and not value:
        yield _spot("must be more than 0 characters", f"{spot}/{key}")
    elif len(value) > most:
        yield _spot(f"must be less than {most + 1} characters", f"{spot}/{key}")


def _count(items: Any, least: int, most: int, spot: str) -> Iterator[str]:
    if not isinstance(items, list) or len(items) < least:
        yield _spot(f"no fewer than {least} items allowed", spot)
    elif len(items) > most:
        yield _spot(f"no more than {most} items allowed", spot)


def _spot(what: str, pointer: str) -> str:
    return f"[ERROR] {what} [json-pointer:{pointer}]"


_CHECKS: Final = MappingProxyType(
    {
        "section": _section,
        "header": _header,
        "markdown": _markdown,
        "image": _image,
        "context": _context,
        "actions": _actions,
        "context_actions": _actions,
        "input": _input,
        "rich_text": _rich_text,
    }
)
