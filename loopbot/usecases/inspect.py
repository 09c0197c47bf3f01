"""Looking: why a record is where it is, what is written about it, what is stuck."""

from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta

from loopbot.domain.events import Changed, Timer
from loopbot.domain.judging import judge
from loopbot.domain.ranking import Weighed
from loopbot.domain.records import Link, Record, Ref
from loopbot.domain.rules import Plan
from loopbot.ports import ConflictEntry, Cycle, EffectState, JournalEntry, OutboxRow, Quarantined, QuestionRow, Tx
from loopbot.usecases.loop import Loop
from loopbot.usecases.questions.showing import headline, outcome

CHAIN_ORDER = ("feedback", "incident", "problem", "issue", "release", "deployment", "change", "article")
_WEIGHED = frozenset({"incident", "problem", "issue", "feedback"})
_FARTHEST = 4
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about a record, in one line, and what became of it; "" while it is open and nobody said anything."""

    row: QuestionRow
    headline: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything loopbot knows about one record: what each rule says now, what came of it, and what it waits for."""

    record: Record
    plans: tuple[Plan, ...]
    links: tuple[Link, ...]
    effects: tuple[OutboxRow, ...]
    journal: tuple[JournalEntry, ...]
    timers: tuple[Timer, ...]
    weight: Weighed | None = None
    asked: tuple[Asked, ...] = ()


@dataclass(frozen=True, slots=True)
class ChainStep:
    """A record on the way from what someone said to where it is fixed; `via` is the link that led there."""

    record: Record
    via: Link | None
    effects: tuple[OutboxRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Health:
    """What a person should look at."""

    cycles: tuple[Cycle, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    uncertain: tuple[OutboxRow, ...] = ()
    parked: tuple[OutboxRow, ...] = ()
    held: tuple[OutboxRow, ...] = ()
    counts: dict[tuple[str, EffectState], int] = field(default_factory=dict)
    overruled: tuple[ConflictEntry, ...] = ()


def named(loop: Loop, text: str) -> list[Record]:
    """The records a person means by a reference or by a key such as INC0012345."""
    with loop.store.read() as tx:
        try:
            ref = Ref.parse(text)
        except ValueError:
            return tx.mirror.find(text.strip())
        record = tx.mirror.get(ref)
        return [record] if record else tx.mirror.find(text.strip())


def explain(loop: Loop, record: Record) -> Explanation:
    """Judge every rule on the record as it stands, with each step, and gather what came of it. Changes nothing."""
    with loop.store.read() as tx:
        plans = [
            plan
            for rule in loop.rules.rules
            if record.kind in rule.on
            for plan in judge(rule, Changed(record, before=record), tx, loop.judgement)
        ]
        return Explanation(
            record,
            tuple(plans),
            tuple(tx.links.of(record.ref)),
            tuple(tx.outbox.about(record.ref)),
            tuple(tx.journal_of(record.ref)),
            tuple(tx.timers.pending(record.ref)),
            weight=loop.judgement.weigher.weigh(record, tx) if record.kind in _WEIGHED else None,
            asked=tuple(Asked(row, headline(row.question), outcome(tx, row)) for row in tx.questions.about(record.ref)),
        )


def chain(loop: Loop, start: Record) -> list[ChainStep]:
    """The records linked to this one, directly or over others, in the order of the loop: said, known, planned, shipped."""
    with loop.store.read() as tx:
        found = _around(tx, start)
    order = {kind: place for place, kind in enumerate(CHAIN_ORDER)}
    return sorted(found, key=lambda step: (order[step.record.kind], step.record.occurred_at, step.record.ref))


def health(loop: Loop) -> Health:
    """What is stuck, set aside or unknown, and when each stream was last read."""
    with loop.store.read() as tx:
        latest: dict[str, Cycle] = {}
        for cycle in tx.cursors.cycles(limit=1000):
            latest.setdefault(cycle.stream, cycle)
        return Health(
            tuple(latest.values()),
            tuple(tx.quarantined()),
            tuple(tx.outbox.rows({"uncertain"})),
            tuple(tx.outbox.rows({"parked"})),
            tuple(tx.outbox.rows({"held"})),
            tx.outbox.counts(),
            tuple(one for one in tx.agreements.conflicts() if tx.now() - one.at < _A_DAY),
        )


def _around(tx: Tx, start: Record) -> list[ChainStep]:
    steps = {start.ref: ChainStep(start, None, tuple(tx.outbox.about(start.ref)))}
    waiting = deque([(start.ref, 0)])
    while waiting:
        ref, distance = waiting.popleft()
        if distance >= _FARTHEST:
            continue
        for link in tx.linked(ref):
            far = link.target if link.source == ref else link.source
            record = tx.record(far) if far not in steps else None
            if record is not None:
                steps[far] = ChainStep(record, link, tuple(tx.outbox.about(far)))
                waiting.append((far, distance + 1))
    return list(steps.values())
