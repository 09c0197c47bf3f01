"""Fields that an account may no longer see: missing is not empty, so what was known of them stays."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from loopbot.domain.records import Record
from loopbot.ports import Tx

# Where a source names what it could not see of a record: attributes, roles of people, `link:RELATION`; joined by commas.
WITHHELD = "withheld"
_LINK = "link:"


def with_what_was_known(tx: Tx, records: Sequence[Record]) -> list[Record]:
    """The records, each value that was withheld from this sight replaced by the one from the last sight."""
    veiled = {one.ref for one in records if WITHHELD in one.extra}
    if not veiled:
        return list(records)
    known = tx.mirror.many(veiled)
    return [_filled(one, known[one.ref]) if one.ref in known else one for one in records]


def _filled(seen: Record, known: Record) -> Record:
    names = set(seen.extra[WITHHELD].split(","))
    changes: dict[str, Any] = {
        each.name: getattr(known, each.name)
        for each in dataclasses.fields(seen)
        if each.name in names and hasattr(known, each.name)
    }
    people = [one for one in known.people if one.role in names and seen.person(one.role) is None]
    relations = {name.removeprefix(_LINK) for name in names if name.startswith(_LINK)}
    links = [one for one in known.links if one.relation in relations and one not in seen.links]
    if people:
        changes["people"] = (*seen.people, *people)
    if links:
        changes["links"] = (*seen.links, *links)
    return dataclasses.replace(seen, **changes) if changes else seen
