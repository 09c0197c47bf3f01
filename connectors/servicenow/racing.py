"""Whether our write replaced what somebody had written in the moment since we read: by the row's counter, then by its history.

The instance can not be asked to write only where nobody else did. sys_audit says of each change of a field what it replaced:
what stands there of our own write is what we have overwritten, whoever wrote it and however short before.
"""

from collections.abc import Sequence

from connectors.servicenow.instance import Instance, Row
from connectors.servicenow.planning import APPENDED, Step
from connectors.servicenow.query import among, joined, where
from connectors.servicenow.rows import value
from loopbot.domain.errors import SystemTrouble
from loopbot.domain.receipts import Overruled

AUDIT = "sys_audit"
_FIELDS = ("fieldname", "oldvalue", "newvalue", "user", "sys_created_on")
_MOST = 200


def raced(step: Step, row: Row) -> bool:
    """Whether someone else wrote between our reading and our writing, by the row's counter."""
    count = value(row, "sys_mod_count")
    return step.version is not None and bool(count) and str(count).isdecimal() and int(str(count)) > step.version + 1


def overruled(instance: Instance, step: Step, row: Row, me: str) -> tuple[Overruled, ...]:
    """What was replaced unseen, field by field; asks for the history, in one call. Never raises: the write is done.

    `me` is our user name there.
    """
    written = {name: text for name, text in step.write.body.items() if name not in APPENDED}
    if not written:
        return ()
    history = _history(instance, step, tuple(written))
    found = []
    for name, text in written.items():
        there, before = value(row, name), step.before.get(name)
        changes = [one for one in history if value(one, "fieldname") == name]
        now = text if there is None else there
        ours = [one for one in changes if value(one, "newvalue") == now and value(one, "user") == me]
        if ours and value(ours[-1], "oldvalue") == before:
            continue
        if not ours and changes and value(changes[-1], "newvalue") == now:
            continue  # somebody had made it so: there was nothing left for us to change
        found.append(Overruled(name, text, value(ours[-1], "oldvalue") if ours else None))
    return tuple(found)


def _history(instance: Instance, step: Step, fields: Sequence[str]) -> Sequence[Row]:
    """What was changed in these fields since the row was as we read it, the latest last; nothing where it can not all be seen."""
    query = joined(
        where(instance.system, "documentkey", "=", step.write.sys_id),
        among(instance.system, "fieldname", fields),
        where(instance.system, "sys_created_on", ">=", step.since) if step.since else "",
        "ORDERBYsys_created_on",
    )
    try:
        asked = instance.rows(AUDIT, query, _FIELDS, limit=_MOST)
    except SystemTrouble:
        return ()
    return asked.rows if asked.total in {None, len(asked.rows)} else ()
