"""Two systems that hold one ticket each, with people who edit them, an index that lags, and writes that go wrong."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal

from loopbot.domain.effects import Align, OpenTicket
from loopbot.domain.errors import Rejected, Transient, Trouble, Uncertain
from loopbot.domain.mirroring import Name, said, standing
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.domain.records import Incident, Issue, Record, Ref
from loopbot.ports import Cursor, Page
from tests.support.made import at, incident, issue

BESIDE = "What stands beside it"
Mishap = Literal["lost after", "lost before", "throttled"]


@dataclass
class Office:
    """One system. `overwritten` holds what our writes replaced, `said` every value that ever stood in a field."""

    system: str
    answers_whole: bool
    skew: float = 0.0
    now: Incident | Issue | None = None
    indexed: Incident | Issue | None = None
    lags: bool = False
    seconds: int = 0
    ledger: list[str] = field(default_factory=list)
    writes: int = 0
    said: dict[str, list[str]] = field(default_factory=lambda: {"title": [], "state": [], "priority": []})
    mishaps: list[Mishap] = field(default_factory=list)
    deleted: Incident | Issue | None = None
    opened: int = 0
    verbs: frozenset[str] = frozenset({"open", "align"})
    batch: int = 10

    @property
    def stream(self) -> str:
        return f"{self.system}:{'incident' if self.system == 'servicenow' else 'issue'}"

    @property
    def open(self) -> Incident | Issue:
        assert self.now is not None
        return self.now

    # ------------------------------------------------------------------ people

    def put(self, name: Name, value: str) -> None:
        given = int(value) if name == "priority" else value
        self._now(replace(self.open, **{name: given}))  # type: ignore[arg-type]

    def _now(self, record: Incident | Issue) -> None:
        self.seconds += 1
        version = None if record.version is None else record.version + 1
        stamp = at(self.skew) + timedelta(seconds=self.seconds)
        self.now = replace(record, updated_at=stamp, version=version)
        for name in ("title", "state", "priority"):
            value = said(self.now, name)
            if not self.said[name] or self.said[name][-1] != value:
                self.said[name].append(value)
        if not self.lags:
            self.indexed = self.now

    def catch_up(self) -> None:
        self.lags, self.indexed = False, self.now

    def delete(self) -> None:
        """Somebody deletes it; the index may show it for a while."""
        self.deleted, self.now = self.now, None
        if not self.lags:
            self.indexed = None

    # ------------------------------------------------------------------ reading and writing

    def read(self, cursor: Cursor) -> Iterator[Page]:
        found = (self.neighbour, self.indexed) if self.indexed else (self.neighbour,)
        yield Page(found, Cursor("1"), len(found))

    def count(self) -> int | None:
        return 2 if self.indexed else 1

    @property
    def neighbour(self) -> Incident | Issue:
        """A record that nobody touches: a system that shows it has not merely taken rights away."""
        return incident(9, title=BESIDE) if self.system == "servicenow" else issue(9, title=BESIDE)

    def look(self, record: Record) -> Record | None:
        """What stands there by its id, whatever the index says."""
        return self.neighbour if record.ref == self.neighbour.ref else self.now

    def apply(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt | Trouble]:
        return [self._one(one) for one in deliveries]

    def find(self, delivery: Delivery) -> Receipt | None:
        return self._receipt(delivery) if delivery.effect.key in self.ledger else None

    def _one(self, delivery: Delivery) -> Receipt | Trouble:
        effect = delivery.effect
        mishap = self.mishaps.pop() if self.mishaps else None
        if mishap == "throttled":
            return Transient(self.system, "too many calls", after=30)
        if mishap == "lost before":
            return Uncertain(self.system, "the connection broke")
        if self.deleted is not None and not isinstance(effect, OpenTicket):
            return Rejected(self.system, "there is no such ticket any more")
        if isinstance(effect, OpenTicket):
            self.opened += 1
            made = issue(1, title=effect.title, priority=3)
            self.ledger.append(effect.key)
            self._now(made)
        elif isinstance(effect, Align):
            how = standing(self.open, effect.field, effect.value, effect.was)
            if how == "overtaken":
                return Rejected(self.system, "somebody changed it meanwhile")
            if how == "clear":
                self.put(effect.field, effect.value)
                self.ledger.append(effect.key)
                self.writes += 1
        if mishap == "lost after":
            return Uncertain(self.system, "the answer was lost")
        return self._receipt(delivery)

    def _receipt(self, delivery: Delivery) -> Receipt:
        after = self.now if self.answers_whole else None
        return Receipt(delivery.effect.key, self.open.ref, after=after)


def servicenow(skew: float) -> Office:
    office = Office("servicenow", answers_whole=True, skew=skew)
    office._now(incident(1, title="the export stands still", priority=2, version=1))
    return office


def jira(skew: float, *, answers_whole: bool) -> Office:
    return Office("jira", answers_whole=answers_whole, skew=skew)


INCIDENT, ISSUE = Ref("servicenow", "incident", "INC0000001"), Ref("jira", "issue", "LOOP-1")
