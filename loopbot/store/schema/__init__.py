"""The tables, once for both databases.

Times are microseconds since 1970 in UTC: exact, and they compare the same everywhere. Refs are written `system:kind:key`.
"""

from sqlalchemy import Connection, event

from loopbot.store.schema.calls import call_closure, call_slice
from loopbot.store.schema.columns import (
    EPOCH,
    KEY,
    MICROSECOND,
    NEVER,
    NUMBER,
    PLANNED,
    SENDING,
    UNCERTAIN,
    AnyRow,
    Moment,
    RefText,
    Words,
    metadata,
    micros,
    moment_of,
)
from loopbot.store.schema.kept import (
    agreed,
    answer,
    conflict,
    cursor,
    cycle,
    fact,
    heard,
    inbox,
    inbox_delivery,
    journal,
    label,
    lease,
    lesson,
    model,
    quarantine,
    question,
    question_ref,
)
from loopbot.store.schema.mirrored import (
    INDEXED,
    SEARCH,
    link,
    link_stated,
    meaning,
    record,
    record_name,
    record_service,
    wording,
    wording_term,
)
from loopbot.store.schema.outgoing import (
    LIVE,
    acquaintance,
    bundle,
    outbox,
    outbox_need,
    outbox_ref,
    preference,
    reply,
    spoken,
    timer,
    turn,
)

__all__ = [
    "EPOCH",
    "INDEXED",
    "KEY",
    "LIVE",
    "MICROSECOND",
    "NEVER",
    "NUMBER",
    "PLANNED",
    "REVISIONS",
    "SEARCH",
    "SENDING",
    "UNCERTAIN",
    "AnyRow",
    "Moment",
    "RefText",
    "Words",
    "acquaintance",
    "agreed",
    "answer",
    "bundle",
    "call_closure",
    "call_slice",
    "conflict",
    "cursor",
    "cycle",
    "fact",
    "heard",
    "inbox",
    "inbox_delivery",
    "journal",
    "label",
    "lease",
    "lesson",
    "link",
    "link_stated",
    "meaning",
    "metadata",
    "micros",
    "model",
    "moment_of",
    "outbox",
    "outbox_need",
    "outbox_ref",
    "preference",
    "quarantine",
    "question",
    "question_ref",
    "record",
    "record_name",
    "record_service",
    "reply",
    "spoken",
    "timer",
    "turn",
    "wording",
    "wording_term",
]

REVISIONS = tuple(f"{number:04}" for number in range(1, 17))
"""The migrations this code knows, oldest first; the last one is the schema below."""


@event.listens_for(metadata, "before_create")
def _conditions_on_postgres(_: object, connection: Connection, **__: object) -> None:
    """Partial indexes are partial on both databases."""
    if connection.dialect.name != "postgresql":
        return
    for index in (index for table in metadata.tables.values() for index in table.indexes):
        condition = index.dialect_options["sqlite"]["where"]
        if condition is not None:
            index.dialect_options["postgresql"]["where"] = condition
