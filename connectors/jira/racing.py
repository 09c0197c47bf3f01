"""Whether our write replaced what somebody had written in the moment since we read: by the issue's own history.

Jira can not be asked to write only where nobody else did. The history is asked for with the two readings around a write: what is
new in it is ours, and whatever came in between.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loopbot.domain.receipts import Overruled

EXPAND = "changelog"
_CALLED: Mapping[str, str] = {"fixVersions": "fix version", "versions": "version", "components": "component"}
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wrote:
    """A field that was written: its id, the name that the history may have for it, what was written, and whether an issue says so still."""

    ident: str
    name: str
    kept: str
    stands: Callable[[Row], bool]


def told(issue: Row) -> Sequence[Row] | None:
    """The entries of an issue's history, the oldest first; None where the answer holds none."""
    log = issue.get("changelog")
    entries = log.get("histories") if isinstance(log, Mapping) else None
    if not isinstance(entries, list):
        return None
    return sorted((one for one in entries if isinstance(one, Mapping)), key=_number)


def overruled(before: Row, after: Row, wrote: Collection[Wrote]) -> tuple[Overruled, ...]:
    """What was replaced unseen, by the issue as it was read before and after the write."""
    known, now = told(before), told(after)
    if known is None or now is None:
        return ()
    old = {_number(one) for one in known}
    new = [one for one in now if _number(one) not in old]
    found = []
    for one in wrote:
        changes = [items for entry in new if (items := _items(entry, one))]
        # Where what we wrote does not stand any more, somebody wrote after us, and lost nothing. Else the last is ours.
        if len(changes) > 1 and not _undone(changes) and one.stands(after):
            lost = ", ".join(str(item["toString"]) for item in changes[-2] if item.get("toString"))
            found.append(Overruled(one.name, one.kept, lost))
    return tuple(found)


def _undone(changes: Sequence[Sequence[Row]]) -> bool:
    """Whether the others only went back and forth: what they left is what we had read."""
    first, last = changes[0], changes[-2]
    return [one.get("fromString") for one in first] == [one.get("toString") for one in last]


def _items(entry: Row, wrote: Wrote) -> list[Row]:
    names = {wrote.ident.lower(), wrote.name.lower(), _CALLED.get(wrote.ident, "")} - {""}
    items = entry.get("items")
    return [
        item
        for item in (items if isinstance(items, list) else ())
        if isinstance(item, Mapping)
        and (item.get("fieldId") == wrote.ident or str(item.get("field") or "").lower() in names)
    ]


def _number(entry: Row) -> int:
    ident = str(entry.get("id") or "")
    return int(ident) if ident.isdecimal() else 0
