"""Messages, forms and the home tab as Block Kit, within every documented limit; what is cut says so.

Limits (docs.slack.dev/reference/block-kit): 50 blocks a message and 100 a view; 25 elements in `actions`, 100 options;
75 characters on a button and an option, 150 in an option's value, 24 in a view's title, 3,000 in its metadata. Slack
also refuses blocks of about 12,000 characters in all, which it does not document: a message holds at most 9,000.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from connectors.slack import blocks as marks
from connectors.slack.richtext import section
from loopbot.domain.forms import ChoiceField, Field, Form, PeopleField, TextField, TicketField
from loopbot.domain.speech import (
    Address,
    Block,
    Bullets,
    Button,
    Buttons,
    Context,
    Divider,
    Fields,
    Home,
    Lead,
    Message,
    Moment,
    Option,
    Paragraph,
    Quote,
    Said,
    Select,
    Span,
    Words,
    plain,
    spans,
)
from loopbot.domain.texts import clean, shorten

Json = dict[str, Any]

MOST_BLOCKS: Final = 50
MOST_IN_VIEW: Final = 100
LONGEST_METADATA: Final = 3_000
FORM: Final = "loopbot:form:"
_LONGEST_VIEW: Final = 20_000
_LONGEST_REMARK: Final = 2_000
_MOST_BUTTONS: Final = 25
_MOST_OPTIONS: Final = 100
_FEW_OPTIONS: Final = 5
_CUT: Final = "… (cut here: there is more than fits a message)"


def message(said: Message) -> Json:
    """The arguments of a message: its blocks, and the words that a notification shows."""
    fallback = shorten(clean(plain(said)).strip() or "(no text)", marks.LONGEST_FALLBACK)
    return {"text": marks.escaped(fallback), "blocks": block_kit(said.blocks)}


def note(said: Message) -> list[Json]:
    """What is shown where buttons were: a remark in small print where it is one plain sentence, else whole blocks."""
    if len(said.blocks) == 1 and isinstance(said.blocks[0], Paragraph) and isinstance(said.blocks[0].words, str):
        return [_remark(said.blocks[0].words or "Noted.")]
    return block_kit(said.blocks, 20)


def home(said: Home) -> Json:
    """The home tab."""
    return {"type": "home", "blocks": block_kit(said.blocks, MOST_IN_VIEW, _LONGEST_VIEW)}


def modal(form: Form) -> Json:
    """The form as a modal; its context and name come back with it."""
    context = orjson.dumps({"context": form.context}).decode()
    if len(context) > LONGEST_METADATA:
        message = f"the context of the form {form.name} is longer than a view may carry"
        raise ValueError(message)
    return {
        "type": "modal",
        "callback_id": f"{FORM}{form.name}",
        "title": _label(form.title, 24),
        "submit": _label(form.submit, 24),
        "close": _label("Cancel", 24),
        "private_metadata": context,
        "blocks": [
            *(block_kit(form.before, 40) if form.before else ()),
            *(_input(field) for field in form.fields[:50]),
        ],
    }


def answer_view(title: str, said: Message) -> Json:
    """What a modal becomes once something is said in it."""
    shown = block_kit(said.blocks, MOST_IN_VIEW)
    return {"type": "modal", "title": _label(title, 24), "close": _label("Close", 24), "blocks": shown}


def block_kit(blocks: Sequence[Block], most: int = MOST_BLOCKS, longest: int = marks.LONGEST) -> list[Json]:
    """The blocks in order, as far as they fit."""
    room = _Room(longest)
    made: list[Json] = []
    for number, block in enumerate(blocks):
        shown = list(_rendered(block, room, number))
        if len(made) + len(shown) >= most and (len(made) + len(shown) > most or number < len(blocks) - 1):
            return [*made[: most - 1], _remark(_CUT)]
        made += shown
    return made or [_remark("Nothing to show.")]


@dataclass(slots=True)
class _Room:
    """How many characters are left for the blocks that follow."""

    left: int

    def words(self, words: Words, most: int = marks.LONGEST_BLOCK) -> tuple[Span, ...]:
        """As much of the words as fits, the cut marked."""
        kept: list[Span] = []
        most = min(most, self.left)
        for span in spans(words):
            size = _size(span)
            if size > most:
                rest = clean(span.text if isinstance(span, Said) else "", 100_000)[: max(most, 0)]
                kept.append(Said(f"{rest}… (cut here)", span.strong if isinstance(span, Said) else False))
                self.left -= len(rest)
                return tuple(kept)
            most, self.left = most - size, self.left - size
            kept.append(_cleaned(span))
        return tuple(kept)


def _cleaned(span: Span) -> Span:
    return Said(clean(span.text, len(span.text) + 1), span.strong) if isinstance(span, Said) else span


def _size(span: Span) -> int:
    match span:
        case Said(text, _):
            return len(text)
        case Address():
            return len(span.url) + len(span.shown)
        case Moment():
            return 60


def _rendered(block: Block, room: _Room, number: int) -> Iterator[Json]:
    match block:
        case Lead() | Paragraph() | Quote() | Fields():
            yield {"type": "rich_text", "elements": [_part(block, room)]}
        case Bullets():
            yield from _list(block, room)
        case Context(text):
            yield _remark(text)
        case Divider():
            yield {"type": "divider"}
        case Buttons(key, buttons):
            yield from _actions(key, buttons, number)
        case Select():
            yield _select(block, number)


def _part(block: Lead | Paragraph | Quote | Fields, room: _Room) -> Json:
    match block:
        case Lead(words):
            strong = tuple(Said(one.text, strong=True) if isinstance(one, Said) else one for one in spans(words))
            return section(room.words(strong, 500))
        case Paragraph(words):
            return section(room.words(words))
        case Quote(words):
            return section(room.words(words, 1_500)) | {"type": "rich_text_quote"}
        case Fields(rows):
            return section(_rows(rows, room))


def _list(block: Bullets, room: _Room) -> Iterator[Json]:
    listed = [section(room.words(item, 1_000)) for item in block.items if room.left > 0]
    if listed:
        style = "ordered" if block.numbered else "bullet"
        yield {"type": "rich_text", "elements": [{"type": "rich_text_list", "style": style, "elements": listed}]}
    if len(listed) < len(block.items):
        yield _remark(f"… and {len(block.items) - len(listed):,} more")


def _rows(rows: tuple[tuple[str, Words], ...], room: _Room) -> tuple[Span, ...]:
    made: list[Span] = []
    for name, words in rows:
        if room.left <= 0:
            made.append(Said("\n… (cut here)"))
            break
        start = "\n" if made else ""
        made += [Said(f"{start}{shorten(clean(name), 80)}: ", strong=True), *room.words(words, 1_000)]
    return tuple(made)


def _remark(text: str) -> Json:
    said = shorten(clean(text).strip() or "…", _LONGEST_REMARK)
    return {"type": "context", "elements": [{"type": "plain_text", "text": said, "emoji": False}]}


def _actions(key: str, buttons: Sequence[Button], number: int) -> Iterator[Json]:
    known = {one.answer: one for one in buttons}
    made = [_button(key, one) for one in list(known.values())[:_MOST_BUTTONS]]
    if made:
        yield {"type": "actions", "block_id": f"{marks.ANSWERS}:{number}", "elements": made}
    if len(known) > _MOST_BUTTONS:
        yield _remark(f"… and {len(known) - _MOST_BUTTONS} more answers than fit here")


def _button(key: str, button: Button) -> Json:
    made: Json = {
        "type": "button",
        "action_id": f"{marks.ACTION}{button.answer}"[:255],
        "text": _label(button.label or button.answer, 75),
        "value": orjson.dumps({"key": key, "answer": button.answer}).decode(),
    }
    if button.style:
        made["style"] = button.style
    if button.confirm:
        asked = button.confirm
        made["confirm"] = {
            "title": _label(asked.title, 100),
            "text": _label(asked.text, 300),
            "confirm": _label(asked.yes, 30),
            "deny": _label(asked.no, 30),
        }
    return made


def _select(select: Select, number: int) -> Json:
    # An option's value is too short to hold the key: it stands in the block's id.
    menu = {
        "type": "static_select",
        "action_id": f"{marks.ACTION}select",
        "placeholder": _label(select.label, 150),
        "options": _options(select.options),
    }
    return {"type": "actions", "block_id": f"{marks.ANSWERS}:{number}:{select.key}"[:255], "elements": [menu]}


def _options(options: Sequence[Option]) -> list[Json]:
    known = {one.value[:150]: one for one in options[:_MOST_OPTIONS]}
    return [{"text": _label(one.label or value, 75), "value": value} for value, one in known.items()]


def _input(field: Field) -> Json:
    made: Json = {"type": "input", "block_id": field.name, "label": _label(field.label, 2_000)}
    made |= {"optional": field.optional, "element": {"action_id": field.name, **_element(field)}}
    if isinstance(field, TextField) and field.hint:
        made["hint"] = _label(field.hint, 2_000)
    return made


def _element(field: Field) -> Json:
    match field:
        case TextField():
            most = min(field.most, 3_000)
            typed: Json = {"type": "plain_text_input", "multiline": field.lines, "max_length": most}
            initial = clean(field.initial, most)
            return typed | ({"initial_value": initial} if initial.strip() else {})
        case TicketField():
            named: Json = {"type": "plain_text_input", "max_length": 200, "placeholder": _label(field.example, 150)}
            return named | ({"initial_value": clean(field.initial, 200)} if field.initial else {})
        case ChoiceField():
            options = _options(field.options)
            chosen = next((one for one in options if one["value"] == field.initial), None)
            kind = "radio_buttons" if len(options) <= _FEW_OPTIONS else "static_select"
            return {"type": kind, "options": options} | ({"initial_option": chosen} if chosen else {})
        case PeopleField():
            return {"type": "multi_users_select", "max_selected_items": field.most}


def _label(text: str, most: int) -> Json:
    return {"type": "plain_text", "text": shorten(clean(text).strip() or "…", most), "emoji": False}
