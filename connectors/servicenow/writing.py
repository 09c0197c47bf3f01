"""Effects to the instance: planned against fresh rows, sent alone or in a batch, each answer settled by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from connectors.servicenow.finding import Finder
from connectors.servicenow.instance import Instance, Item, Refused, Row
from connectors.servicenow.planning import Bench, Step
from connectors.servicenow.racing import overruled, raced
from connectors.servicenow.rows import UnmappableError, value
from connectors.servicenow.taken import held_otherwise
from connectors.servicenow.targets import Targets, Want, reporters, resolve
from loopbot.domain.effects import OpenTicket
from loopbot.domain.errors import BrokenAnswer, Rejected, Transient, Trouble, Unauthorized, Uncertain, shut_out
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.domain.records import Person, Ref
from loopbot.domain.texts import clean

VERBS = frozenset({"open", "comment", "transition", "set", "align", "link"})
BATCH = 50
_RACED = "someone else changed the ticket in the same moment; their other fields are kept"
_OTHER_TYPE = "its type or length was changed: correct the rule or the field, then send it again"
_TROUBLE = (Transient, Uncertain, Rejected, Unauthorized)


class TableSink:
    """Writes to the configured tables."""

    verbs = VERBS
    batch = BATCH
    clears_links = True

    def __init__(self, instance: Instance, bench: Bench) -> None:
        self._instance, self._bench = instance, bench
        self._me = bench.settings.user
        self._batches = True
        self._finder = Finder(instance, bench)

    @property
    def now_there(self) -> datetime | None:
        """What time it is by its own clock, counted on from its last answer; None before the first."""
        return self._instance.wire.now_there

    def ask_the_time(self) -> None:
        """Read what has to be known of its tables before the first write: every answer says when it was given."""
        self._bench.dictionary.ready()

    @property
    def shut(self) -> bool:
        """Whether our credentials were refused, and have not been proven since."""
        return self._instance.wire.adapter.shut

    def knock(self) -> None:
        """Ask for nobody among the users: without credentials that it accepts, an instance answers nothing."""
        self._instance.wire.adapter.prove(self._instance.greet)

    def apply(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt | Trouble]:
        """Do each, in order: at most one read a table, then one write for all of them."""
        done: list[Step | Receipt | Trouble] = list(self._planned(deliveries))
        waiting = [(place, step) for place, step in enumerate(done) if isinstance(step, Step)]
        keys = [deliveries[place].effect.key for place, _ in waiting]
        for (place, _), outcome in zip(waiting, self._sent([step for _, step in waiting], keys), strict=True):
            done[place] = outcome
        return [one for one in done if not isinstance(one, Step)]

    def find(self, delivery: Delivery) -> Receipt | None:
        """Look for an effect whose answer was lost, in the tables themselves (no index lags behind them)."""
        return self._finder.find(delivery, self._me)

    # ------------------------------------------------------------------ planning

    def _planned(self, deliveries: Sequence[Delivery]) -> list[Step | Receipt | Trouble]:
        """Plan all of them against rows read once; trouble with these reads means that nothing was done."""
        try:
            self._bench.dictionary.ready()
            wants = [self._wanted(one) for one in deliveries]
            wanted = [want for some in wants if isinstance(some, tuple) for want in some]
            targets = resolve(self._instance, wanted)
            self._doubted(wanted, targets)
            people = [one.effect.reporter for one in deliveries if isinstance(one.effect, OpenTicket)]
            reporting = reporters(self._instance, [person for person in people if person is not None])
        except (*_TROUBLE, BrokenAnswer) as trouble:
            return [_undone(trouble)] * len(deliveries)
        return [
            self._step(one, targets, reporting) if isinstance(some, tuple) else some
            for one, some in zip(deliveries, wants, strict=True)
        ]

    def _wanted(self, delivery: Delivery) -> tuple[Want, ...] | Rejected:
        try:
            return self._bench.wants(delivery)
        except Rejected as refused:
            return refused

    def _doubted(self, wanted: Sequence[Want], targets: Targets) -> None:
        """A field that its row does not show is hidden, or was renamed since: the instance would drop it without a word."""
        for want in wanted:
            target = targets.found.get(want.ref)
            if target is not None and target.row is not None:
                missing = [name for name in want.fields if target.has(name) is None]
                self._bench.dictionary.doubt(target.shape.table.table, missing)

    def _step(
        self, delivery: Delivery, targets: Targets, reporting: Mapping[Person, str]
    ) -> Step | Receipt | Transient | Rejected:
        effect = delivery.effect
        try:
            if isinstance(effect, OpenTicket):
                return self._bench.opened(effect, reporting.get(effect.reporter, "") if effect.reporter else "")
            return self._bench.step(delivery, targets, self._me)
        except (Transient, Rejected) as trouble:
            return trouble

    # ------------------------------------------------------------------ sending

    def _sent(self, steps: Sequence[Step], keys: Sequence[str]) -> list[Receipt | Trouble]:
        if len(steps) > 1 and self._batches:
            try:
                items = self._instance.batch([step.write for step in steps])
            except Refused as refused:
                if refused.status not in {400, 403, 404, 405}:
                    return [refused] * len(steps)
                # The instance has no batch API for this account; nothing was done yet.
                self._batches = False
            except _TROUBLE as trouble:
                return [trouble] * len(steps)
            else:
                return [self._settled(*one) for one in zip(steps, keys, items, strict=True)]
        return self._one_by_one(steps, keys)

    def _one_by_one(self, steps: Sequence[Step], keys: Sequence[str]) -> list[Receipt | Trouble]:
        done: list[Receipt | Trouble] = []
        for step, key in zip(steps, keys, strict=True):
            if done and (shut := shut_out(done[-1])):
                done.append(shut)
                continue
            try:
                done.append(self._receipt(step, key, self._instance.write(step.write)))
            except _TROUBLE as trouble:
                done.append(trouble)
        return done

    def _settled(self, step: Step, key: str, item: Item) -> Receipt | Trouble:
        """What one item of a batch says about its effect."""
        system = self._instance.system
        what = f"{step.write.method} {step.write.table} was answered {item.status} in a batch"
        said = f": {clean(item.why, 500)}" if item.why else ""
        if item.status == -1:
            return Transient(system, "the instance did not get to it within the batch", scope="item")
        if item.status == 429:
            return Transient(system, f"{what}{said}")
        if item.status == 401:
            return Unauthorized(system, f"{what}{said}", "check the account: `loopbot check`")
        if 400 <= item.status < 500:
            return Refused(system, f"{what}{said}", status=item.status)
        if not 200 <= item.status < 300:
            return Uncertain(system, f"{what}{said}: it may have been done" if item.status else "the batch left it out")
        try:
            return self._receipt(step, key, self._instance.written(item.body, step.write))
        except (Uncertain, Rejected) as trouble:
            return trouble

    def _receipt(self, step: Step, key: str, row: Row) -> Receipt:
        """The proof, with the row as it is now.

        Raises Uncertain where the answer does not name the new ticket, Rejected where a field did not take its value.
        """
        self._me = self._me or value(row, "sys_updated_by") or ""
        number, sys_id = value(row, step.shape.number), value(row, "sys_id") or step.write.sys_id
        ref = step.ref or (Ref(step.shape.system, step.shape.kind, clean(number, 200)) if number else None)
        if ref is None:
            raise Uncertain(self._instance.system, f"{step.write.table}: the answer does not name the new ticket")
        held, lost = held_otherwise(step.write.body, step.former, row)
        if lost and step.ref:
            raise Rejected(self._instance.system, f"{ref.key} did not take it: {held}", _OTHER_TYPE)
        race = raced(step, row)
        notes = (_RACED if race else "", step.note, held)
        receipt = Receipt(key, ref, sys_id, step.shape.url(sys_id, ref.key), "; ".join(filter(None, notes)))
        if race:
            receipt = replace(receipt, overruled=overruled(self._instance, step, row, self._me))
        try:
            return replace(receipt, after=step.shape.record(row))
        except UnmappableError:
            # It is done; the next reading sets the row aside with the reason.
            return receipt


def _undone(trouble: Trouble | BrokenAnswer) -> Trouble:
    """The same, where nothing was written yet: a broken answer to a read is tried again."""
    if isinstance(trouble, BrokenAnswer):
        return Transient(trouble.system, trouble.why, trouble.hint)
    return trouble
