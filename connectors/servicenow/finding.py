"""Looking for effects whose answer was lost: by the marker, in the journal, or by what the row says now.

The instance reads its tables, not an index, so what was written is found at once. What it counts (X-Total-Count) includes
what access rules hide: "certainly not there" is only said where the count is nought.
"""

from datetime import timedelta

from connectors.servicenow.instance import Instance, Refused, Rows
from connectors.servicenow.planning import Bench, Step, already, marker
from connectors.servicenow.query import joined, stamp, where
from connectors.servicenow.rows import value
from connectors.servicenow.targets import Target, Targets, resolve
from loopbot.domain.effects import Comment, OpenTicket
from loopbot.domain.errors import BrokenAnswer, ConfigError, Rejected, Transient, Uncertain
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.domain.records import Ref
from loopbot.domain.texts import clean

_TOLERANCE = 60.0
_JOURNAL = ("sys_id", "value", "sys_created_by", "sys_created_on")


class Finder:
    """Looks for effects on one instance."""

    def __init__(self, instance: Instance, bench: Bench) -> None:
        self._instance, self._bench = instance, bench

    def find(self, delivery: Delivery, me: str) -> Receipt | None:
        """The receipt, or None when it is certainly not there now. `me` is our user name, or "" where it is not known.

        Raises Uncertain (a person decides), Transient (not known yet), Unauthorized.
        """
        try:
            return self._looked(delivery, me)
        except (Refused, BrokenAnswer) as trouble:
            if isinstance(trouble, Refused):
                raise Uncertain(trouble.system, f"it can not be looked for: {trouble.why}") from trouble
            raise Transient(trouble.system, trouble.why) from trouble
        except (Rejected, ConfigError):
            # What can not be planned was never sent: the next delivery says why.
            return None

    def _looked(self, delivery: Delivery, me: str) -> Receipt | None:
        effect = delivery.effect
        if isinstance(effect, OpenTicket):
            return self._opened(effect)
        targets = resolve(self._instance, self._bench.wants(delivery))
        if isinstance(effect, Comment):
            return self._comment(effect, delivery, targets.of(effect.target), me)
        return self._as_wanted(delivery, targets)

    def _opened(self, effect: OpenTicket) -> Receipt | None:
        shape = self._bench.place(effect)
        query = where(self._instance.system, shape.table.marker_field, "=", marker(effect.key))
        found = self._instance.rows(shape.table.table, query, shape.fields, limit=2)
        self._all_seen(found, "the ticket")
        if not found.rows:
            return None
        row = found.rows[0]
        key, sys_id = clean(value(row, shape.number) or "", 200), value(row, "sys_id") or ""
        note = "found by its marker" if len(found.rows) == 1 else "found by its marker, on two tickets"
        target = Target(Ref(shape.system, shape.kind, key), shape, sys_id, row)
        return already(effect.key, target, note)

    def _comment(self, effect: Comment, delivery: Delivery, target: Target, me: str) -> Receipt | None:
        element, text = self._bench.comment(effect, target.shape)
        since = ""
        if delivery.sent_at is not None:
            # Our clock may have been set since: the window only ever grows by what is known of both clocks.
            earliest = delivery.sent_at + timedelta(seconds=self._instance.wire.behind - _TOLERANCE)
            since = f"sys_created_on>={stamp(earliest)}"
        query = joined(f"element_id={target.sys_id}", f"element={element}", since, "ORDERBYsys_created_on")
        found = self._instance.rows("sys_journal_field", query, _JOURNAL, limit=1000)
        self._all_seen(found, "a journal entry")
        for row in found.rows:
            ours = not me or value(row, "sys_created_by") == me
            if ours and _same(value(row, "value") or "", text):
                return Receipt(effect.key, effect.target, value(row, "sys_id") or "", note="found in the journal")
        return None

    def _as_wanted(self, delivery: Delivery, targets: Targets) -> Receipt | None:
        """States, fields and references: the row says whether it is so; writing it again would change nothing else."""
        try:
            step = self._bench.step(delivery, targets, "")
        except Transient:
            return None
        return None if isinstance(step, Step) else step

    def _all_seen(self, found: Rows, what: str) -> None:
        if found.total is not None and found.total > len(found.rows) and len(found.rows) < 2:
            raise Uncertain(
                self._instance.system, f"{what} may be among {found.total} rows the account may not see", "look there"
            )


def _same(one: str, other: str) -> bool:
    return " ".join(one.split()) == " ".join(other.split())
