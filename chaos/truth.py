"""What is on the servers, by the marks and texts in their ledgers: what a person would see who looks there."""

from collections import Counter
from collections.abc import Callable, Iterable

from chaos.world import World
from loopbot.domain.effects import Comment, Effect
from loopbot.domain.pending import PENDING_MARK
from loopbot.ports import OutboxRow
from loopbot.sandbox.ledger import Entry

NOTES = frozenset({"comment", "work_note"})


def marks(entry: Entry) -> list[str]:
    """The effects that a write of the ledger carries the marks of."""
    payload = entry.payload
    if entry.system == "servicenow":
        found = str(payload.get("correlation_id", "")).removeprefix("loopbot:") if entry.action == "create" else ""
        return [found] if found else []
    if entry.system == "jira":
        note = payload.get("properties")
        return [str(note["loopbot"]["effect"])] if isinstance(note, dict) and "loopbot" in note else []
    metadata = payload.get("metadata")
    if not isinstance(metadata, dict) or entry.action != "post":
        return []
    told = metadata.get("event_payload", {})
    return [one for one in (str(told.get("key", "")), *str(told.get("also", "")).split(",")) if one]


def notes(world: World) -> Counter[tuple[str, str]]:
    """What we wrote on tickets in ServiceNow: the ticket and the words, and how often."""
    return Counter(
        (one.key, str(one.payload["value"]))
        for one in world.ledger.entries("servicenow")
        if one.action in NOTES and one.actor == "loopbot"
    )


def is_there(world: World, effect: Effect, rows: Iterable[OutboxRow]) -> bool:
    """Whether somebody who looks finds it there; what may be done again without harm counts as not there."""
    if any(effect.key in marks(one) for one in world.ledger.entries()):
        return True
    if not isinstance(effect, Comment) or effect.system != "servicenow":
        return False
    rows = list(rows)
    said = (effect.target.key, text_of(effect, rows))
    known = sum(
        row.state == "settled" and (row.effect.target.key, text_of(row.effect, rows)) == said
        for row in rows
        if isinstance(row.effect, Comment)
    )
    return notes(world)[said] > known


def text_of(effect: Effect, rows: Iterable[OutboxRow]) -> str:
    """Its words, with the keys of the tickets that were opened meanwhile."""
    became: Callable[[str], str] = lambda key: next(  # noqa: E731
        (row.receipt.ref.key for row in rows if row.effect.key == key and row.receipt), "?"
    )
    return PENDING_MARK.sub(lambda found: became(found[1]), getattr(effect, "text", ""))
