"""Systems made up for the tests of use cases: a source that holds records, a sink with a ledger of its own."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from loopbot.domain.errors import SystemTrouble, Transient, Trouble, Uncertain
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.domain.records import Record, Ref
from loopbot.ports import Cursor, Page, Unmapped


@dataclass
class FakeSource:
    """Gives its records in pages of `size`, oldest first, from the cursor's position on; then raises `trouble`, if any.

    With `hidden` it counts what it gives in its answers, and so many more that it does not show.
    """

    stream: str
    records: list[Record] = field(default_factory=list)
    size: int = 2
    unmapped: tuple[Unmapped, ...] = ()
    trouble: SystemTrouble | None = None
    hidden: int | None = None

    def read(self, cursor: Cursor) -> Iterator[Page]:
        start = int(cursor.position or 0)
        for at in range(start, len(self.records), self.size):
            some = tuple(self.records[at : at + self.size])
            there = None if self.hidden is None else len(self.records) - start + self.hidden
            yield Page(some, Cursor(str(at + len(some))), len(some) + len(self.unmapped), self.unmapped, there=there)
        if self.trouble:
            raise self.trouble

    def count(self) -> int | None:
        return len(self.records)


@dataclass
class FakeSink:
    """Notes what took effect in `ledger`. `mishaps` says, by the number of the call, what goes wrong, and when."""

    system: str = "servicenow"
    verbs: frozenset[str] = frozenset({"open", "comment", "link", "transition", "set", "post", "tell"})
    batch: int = 10
    ledger: list[Delivery] = field(default_factory=list)
    mishaps: dict[int, Callable[[], Trouble]] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    blind: bool = False
    calls: int = 0

    def apply(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt | Trouble]:
        return [self._one(delivery) for delivery in deliveries]

    def find(self, delivery: Delivery) -> Receipt | None:
        if self.blind:
            raise Uncertain(self.system, "nobody can know")
        there = any(one.effect.key == delivery.effect.key for one in self.ledger)
        return self._receipt(delivery) if there else None

    def _one(self, delivery: Delivery) -> Receipt | Trouble:
        self.calls += 1
        if self.calls in self.mishaps:
            return self.mishaps[self.calls]()
        self.ledger.append(delivery)
        if self.calls in self.lost:
            return Uncertain(self.system, "the answer was lost")
        return self._receipt(delivery)

    def _receipt(self, delivery: Delivery) -> Receipt:
        key = delivery.effect.key
        return Receipt(key, Ref(self.system, "made", f"M-{key[:6]}"))


def throttled(after: float = 7.0) -> Trouble:
    return Transient("servicenow", "too many calls", after=after)
