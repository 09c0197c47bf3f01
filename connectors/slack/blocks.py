"""Texts as Slack's blocks: whatever they hold, they call nobody, and every link shows where it leads.

Text goes into rich_text, whose text elements are literal; only the fallback `text` is markup, so it is escaped.
Limits: Slack refuses messages whose blocks hold about 12,000 characters in all (undocumented, counted with the
containers), so a text is cut, visibly, at 9,000.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import orjson

from connectors.slack.richtext import section
from loopbot.domain.effects import BETWEEN_KEYS
from loopbot.domain.messages import Dated, Shared
from loopbot.domain.speech import Moment, Words
from loopbot.domain.texts import clean, shorten

Json = dict[str, Any]

LONGEST: Final = 9_000
LONGEST_BLOCK: Final = 3_000
LONGEST_FALLBACK: Final = 3_000
EVENT_TYPE: Final = "loopbot_effect"
ANSWERS: Final = "loopbot_answers"
ACTION: Final = "loopbot:"
_ALL: Final = f"{ANSWERS}:all:"
"""What the id of the buttons begins with that answer for several at once; what they say names the effects."""
_ALL_OF: Final = "All {count}: {yes}"
_YES: Final = "yes"
_LONGEST_WORD: Final = 2_100
_BULLET: Final = "• "
# One control character for each point in time while a text is taken apart: a trimmed text holds none.
_MARKS: Final = tuple(map(chr, range(1, 9)))
_MARKED: Final = re.compile("([\x01-\x08])")


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button of ours that somebody pressed: the effect it stands under, and what it says."""

    key: str
    answer: str


@dataclass(frozen=True, slots=True)
class Part:
    """One effect of a message that holds several."""

    key: str
    text: str
    buttons: tuple[tuple[str, str], ...] = ()
    dated: tuple[Dated, ...] = ()
    shared: Shared | None = None


def escaped(text: str) -> str:
    """The three characters that are markup in Slack's own format."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def message(text: str, *, key: str = "", buttons: Sequence[tuple[str, str]] = (), dated: Sequence[Dated] = ()) -> Json:
    """The arguments of a message with this text; `buttons` are (answer, label), `key` marks it as that effect's.

    What is `dated` in it reads in each reader's own zone; the fallback, which notifications show, stays in UTC.
    """
    whole = trimmed(text)
    blocks = text_blocks(whole, dated)
    if buttons:
        blocks.append(actions(key, buttons))
    said: Json = {"text": escaped(shorten(whole, LONGEST_FALLBACK)), "blocks": blocks}
    return marked(said, key, text) if key else said


def marked(said: Json, key: str, text: str) -> Json:
    """A message marked as an effect's: its key, and a digest of its text that tells an older version apart.

    Twice: in the metadata, which a workspace may keep from an app (`metadata.message:read`), and in the id of its first
    block, which everybody who can read the message gets (https://docs.slack.dev/reference/scopes/metadata.message.read/).
    """
    return said | {"blocks": _signed(said["blocks"], key, text), "metadata": _metadata(key, text)}


def _metadata(key: str, text: str) -> Json:
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key, "text": digest(text)}}


def _signed(blocks: Sequence[Json], key: str, text: str) -> list[Json]:
    first, *others = blocks
    return [first | {"block_id": f"{EVENT_TYPE}:{key}:{digest(text)}"}, *others]


def together(parts: Sequence[Part], lead: str) -> Json:
    """The arguments of one message that holds several effects, each with its own buttons; what some of them share is said once."""
    first, *others = parts
    shown, said = text_blocks(trimmed(lead)), [lead]
    for group in _groups(parts):
        shown += [{"type": "divider"}, *_of_group(group)]
        said.append(_read(group))
    whole = "\n\n".join(said)
    mark = _metadata(first.key, "\n\n".join(part.text for part in parts))
    # A payload's values are plain texts and numbers: all further keys in one.
    mark["event_payload"]["also"] = ",".join(part.key for part in others)
    return {"text": escaped(shorten(whole, LONGEST_FALLBACK)), "blocks": shown, "metadata": mark}


def _groups(parts: Sequence[Part]) -> list[list[Part]]:
    """Those that say the same of other things and ask the same stand together, where the first of them stood."""
    groups: dict[object, list[Part]] = {}
    for part in parts:
        same = (part.shared.lead, part.buttons) if part.shared is not None else part.key
        groups.setdefault(same, []).append(part)
    return list(groups.values())


def _of_group(group: Sequence[Part]) -> Iterator[Json]:
    """What the parts share once, each with its own words and buttons, and a yes for all where there are several."""
    first = group[0]
    if len(group) > 1 and first.shared is not None:
        yield from text_blocks(trimmed(first.shared.lead), first.shared.lead_dated)
    for part in group:
        text, dated = part.text, part.dated
        if len(group) > 1 and part.shared is not None:
            text, dated = part.shared.line, part.shared.line_dated
        yield from _signed(text_blocks(trimmed(text), dated), part.key, part.text)
        if part.buttons:
            yield actions(part.key, part.buttons, f"{ANSWERS}:{part.key}")
    yes = dict(first.buttons).get(_YES)
    if len(group) > 1 and yes is not None:
        yield actions(
            BETWEEN_KEYS.join(part.key for part in group),
            [(_YES, _ALL_OF.format(count=len(group), yes=yes))],
            f"{_ALL}{first.key}",
        )


def _read(group: Sequence[Part]) -> str:
    """The words of a group, for whatever shows no blocks."""
    shared = [part.shared for part in group if part.shared is not None]
    if len(group) == 1 or not shared:
        return trimmed(group[0].text)
    return "\n".join((trimmed(shared[0].lead), *(f"{_BULLET}{trimmed(one.line)}" for one in shared)))


def digest(text: str) -> str:
    """A short fingerprint of a text as it is sent."""
    return hashlib.blake2b(trimmed(text).encode("utf-8"), digest_size=8).hexdigest()


def trimmed(text: str) -> str:
    """The text as it can be sent: no controls, not empty, and at most LONGEST characters, the cut marked."""
    whole = clean(text, len(text)).strip("\n") if text.strip() else ""
    if len(whole) > LONGEST:
        return f"{whole[: LONGEST - 60].rstrip()}\n… (cut here: the text has {len(whole):,} characters)"
    return whole or "(no text)"


def text_blocks(text: str, dated: Sequence[Dated] = ()) -> list[Json]:
    """A trimmed text as rich_text blocks of at most LONGEST_BLOCK characters; lines that start with a bullet become a list."""
    moments = dict(zip(_MARKS, dated, strict=False))
    for mark, each in reversed(moments.items()):
        # Only where it stands still: what was cut or blotted out before it has moved it.
        if text.startswith(each.words, each.start):
            text = text[: each.start] + mark + text[each.start + len(each.words) :]
    return [{"type": "rich_text", "elements": list(_parts(piece, moments))} for piece in _pieces(text)]


def answered(blocks: Sequence[Mapping[str, Any]], block_id: str, said: Sequence[Json]) -> list[Json]:
    """A message's blocks with the buttons somebody pressed replaced by what was said about the answer.

    What answers for several takes their own buttons away; what answers for one is no longer among those that are answered at once.
    """
    gone = {f"{ANSWERS}:{key}" for block in blocks if block.get("block_id") == block_id for key in _asked_in(block)}
    kept: list[Json] = []
    for block in blocks:
        this = str(block.get("block_id") or "")
        if this == block_id:
            kept += said
        elif this.startswith(_ALL):
            kept += _but(block, gone)
        elif this not in gone:
            kept.append(dict(block))
    return kept if any(block.get("block_id") == block_id for block in blocks) else [*kept, *said]


def _asked_in(block: Mapping[str, Any]) -> list[str]:
    """The effects that a row of buttons answers for."""
    told = pressed(str((block.get("elements") or [{}])[0].get("value") or ""))
    return told.key.split(BETWEEN_KEYS) if told else []


def _but(block: Mapping[str, Any], gone: Collection[str]) -> list[Json]:
    """The button for several without those that are answered; none where fewer than two are left."""
    left = [key for key in _asked_in(block) if f"{ANSWERS}:{key}" not in gone]
    if len(left) == len(_asked_in(block)):
        return [dict(block)]
    label = str(block["elements"][0].get("text", {}).get("text", "")).partition(": ")[2]
    return (
        [actions(BETWEEN_KEYS.join(left), [(_YES, _ALL_OF.format(count=len(left), yes=label))], str(block["block_id"]))]
        if len(left) > 1
        else []
    )


def pressed(value: str) -> Pressed | None:
    """What a button's value says; None where it is not one of ours."""
    try:
        told = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    if isinstance(told, dict) and isinstance(told.get("key"), str) and isinstance(told.get("answer"), str):
        return Pressed(told["key"], told["answer"])
    return None


def keys_of(said: Mapping[str, Any]) -> frozenset[str]:
    """The effects that a message of the history holds, by its metadata and by the ids of its blocks."""
    told = _payload(said)
    signed = (key for key, _ in _signatures(said))
    return frozenset({str(told.get("key") or ""), *str(told.get("also") or "").split(","), *signed}) - {""}


def digest_of(said: Mapping[str, Any]) -> str | None:
    """The fingerprint of the text that a message of the history was sent with."""
    told: str | None = _payload(said).get("text")
    return told or next((text for _, text in _signatures(said)), None)


def _signatures(said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each effect's key and the digest of its text, by the ids of the blocks."""
    for block in said.get("blocks") or []:
        kind, _, rest = str(block.get("block_id") or "").partition(":")
        if kind == EVENT_TYPE:
            key, _, text = rest.partition(":")
            yield key, text


def _payload(said: Mapping[str, Any]) -> Mapping[str, Any]:
    marked = said.get("metadata")
    if isinstance(marked, dict) and marked.get("event_type") == EVENT_TYPE:
        payload = marked.get("event_payload")
        return payload if isinstance(payload, dict) else {}
    return {}


def actions(key: str, buttons: Sequence[tuple[str, str]], block_id: str = ANSWERS) -> Json:
    """The buttons (answer, label) under the words of the effect `key`; `block_id` tells them apart in one message."""
    elements = [
        {
            "type": "button",
            "action_id": f"{ACTION}{answer}"[:255],
            "text": {"type": "plain_text", "text": shorten(clean(label).strip() or answer, 75), "emoji": False},
            "value": orjson.dumps({"key": key, "answer": answer}).decode(),
        }
        for answer, label in dict(buttons[:25]).items()
    ]
    return {"type": "actions", "block_id": block_id, "elements": elements}


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces that fit a block, cut between lines where that is possible."""
    while len(text) > LONGEST_BLOCK:
        # Between lines, else between words: half an address would lead elsewhere.
        cut = max(text.rfind("\n", 1, LONGEST_BLOCK), text.rfind(" ", LONGEST_BLOCK - _LONGEST_WORD, LONGEST_BLOCK))
        if cut < 0:
            yield text[:LONGEST_BLOCK]
            text = text[LONGEST_BLOCK:]
        elif text[cut] == " ":
            yield text[: cut + 1]
            text = text[cut + 1 :]
        else:
            yield text[:cut]
            text = text[cut + 1 :]
    yield text


def _worded(text: str, moments: Mapping[str, Dated]) -> Words:
    """The text with its marks as points in time."""
    parts = (part for part in _MARKED.split(text) if part)
    return tuple(Moment(moments[part].at, by_date=True) if part in moments else part for part in parts)


def _parts(piece: str, moments: Mapping[str, Dated]) -> Iterator[Json]:
    for bulleted, lines in groupby(piece.split("\n"), lambda line: line.startswith(_BULLET)):
        if bulleted:
            items = [section(_worded(line.removeprefix(_BULLET) or " ", moments)) for line in lines]
            yield {"type": "rich_text_list", "style": "bullet", "elements": items}
        else:
            yield section(_worded("\n".join(lines) or "\n", moments))
