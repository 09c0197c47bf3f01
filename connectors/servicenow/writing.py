"""Effects to the instance: planned against fresh rows, sent alone or in a batch, each answer settled by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from connectors.servicenow.finding import Finder
from connectors.servicenow.instance import Instance, Item, Refused, Row
from connectors.servicenow.mapping import UnmappableError, value
from connectors.servicenow.planning import Bench, Step
from connectors.servicenow.query import where
from connectors.servicenow.targets import Targets, Want, resolve
from loopbot.domain.effects import Delivery, OpenTicket, Receipt
from loopbot.domain.errors import BrokenAnswer, ConfigError, Rejected, Transient, Trouble, Unauthorized, Uncertain
from loopbot.domain.records import Person, Ref
from loopbot.domain.texts import clean
from loopbot.ports import Clock

VERBS = frozenset({"open", "comment", "transition", "set", "link"})
BATCH = 50
_TROUBLE = (Transient, Uncertain, Rejected, Unauthorized)


class TableSink:
    """Writes to the configured tables."""

    verbs = VERBS
    batch = BATCH

    def __init__(self, instance: Instance, bench: Bench, clock: Clock) -> None:
        self._instance, self._bench = instance, bench
        self._me = bench.settings.user
        self._batches = True
        self._finder = Finder(instance, bench, clock)

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
        wants: list[tuple[Want, ...] | Trouble] = [self._wanted(one) for one in deliveries]
        try:
            targets = resolve(self._instance, [want for some in wants if isinstance(some, tuple) for want in some])
        except (*_TROUBLE, BrokenAnswer) as trouble:
            # Only reads so far: nothing was done.
            return [some if not isinstance(some, tuple) else _undone(trouble) for some in wants]
        return [
            self._step(one, targets) if isinstance(some, tuple) else some
            for one, some in zip(deliveries, wants, strict=True)
        ]

    def _wanted(self, delivery: Delivery) -> tuple[Want, ...] | Trouble:
        try:
            return self._bench.wants(delivery)
        except (*_TROUBLE, BrokenAnswer, ConfigError) as trouble:
            return _undone(trouble, self._instance.system)

    def _step(self, delivery: Delivery, targets: Targets) -> Step | Receipt | Trouble:
        try:
            if isinstance(delivery.effect, OpenTicket):
                return self._bench.opened(delivery.effect, self._sys_id(self._bench.takes_reporter(delivery.effect)))
            return self._bench.step(delivery, targets, self._me)
        except (*_TROUBLE, BrokenAnswer, ConfigError) as trouble:
            return _undone(trouble, self._instance.system)

    def _sys_id(self, person: Person | None) -> str:
        """The person's sys_id here: known, or found by e-mail where exactly one active user has it; never guessed."""
        if person is None:
            return ""
        if person.system == self._instance.system:
            return person.key
        if not person.email:
            return ""
        query = f"{where(self._instance.system, 'email', '=', person.email)}^active=true"
        rows = self._instance.rows("sys_user", query, ("sys_id", "email"), limit=2).rows
        same = [row for row in rows if (value(row, "email") or "").casefold() == person.email.casefold()]
        return (value(same[0], "sys_id") or "") if len(same) == 1 else ""

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
            if done and isinstance(done[-1], Unauthorized):
                done.append(done[-1])
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
        except Uncertain as trouble:
            return trouble

    def _receipt(self, step: Step, key: str, row: Row) -> Receipt:
        """The proof, with the row as it is now; raises Uncertain where the answer does not name the new ticket."""
        self._me = self._me or value(row, "sys_updated_by") or ""
        number, sys_id = value(row, step.shape.number), value(row, "sys_id") or step.write.sys_id
        ref = step.ref or (Ref(step.shape.system, step.shape.kind, clean(number, 200)) if number else None)
        if ref is None:
            raise Uncertain(self._instance.system, f"{step.write.table}: the answer does not name the new ticket")
        receipt = Receipt(key, ref, sys_id, step.shape.url(sys_id, ref.key), _raced(step, row))
        try:
            return replace(receipt, after=step.shape.record(row))
        except UnmappableError:
            # It is done; the next reading sets the row aside with the reason.
            return receipt


def _raced(step: Step, row: Mapping[str, object]) -> str:
    """Whether someone else wrote between our reading and our writing, by the row's counter."""
    count = value(row, "sys_mod_count")
    if step.version is None or not count or not count.isdecimal() or int(count) <= step.version + 1:
        return ""
    return "someone else changed the ticket in the same moment; their other fields are kept"


def _undone(trouble: Trouble | BrokenAnswer | ConfigError, system: str = "") -> Trouble:
    """The same, where nothing was written yet: a broken answer to a read is tried again."""
    if isinstance(trouble, BrokenAnswer):
        return Transient(trouble.system, trouble.why, trouble.hint)
    if isinstance(trouble, ConfigError):
        return Rejected(system, str(trouble))
    return trouble
