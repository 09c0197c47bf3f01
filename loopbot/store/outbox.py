"""The outbox: each effect from plan to proof, sent by one holder at a time and never silently twice."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, func, or_, select, update

from loopbot.domain.effects import Effect, OpenTicket, resolved
from loopbot.domain.pending import pending_ref
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.domain.records import Ref
from loopbot.ports import EffectState, OutboxRow
from loopbot.store import bundles, doubts, lanes, schema, standing
from loopbot.store.chunks import chunks
from loopbot.store.codec import decode_effect, decode_receipt, encode_receipt
from loopbot.store.links import SqlLinks
from loopbot.store.mirror import SqlMirror
from loopbot.store.planning import Planning
from loopbot.store.schema import SENDING, AnyRow
from loopbot.store.work import Work

C = schema.outbox.c
LET_GO: tuple[EffectState, ...] = ("planned", "sending", "settled", "uncertain", "parked", "dropped")
# Made once: asked for each rule and page.
PLANNED_SINCE = (
    select(func.count())
    .select_from(schema.outbox)
    .where(C.rule == bindparam("of_rule"), C.planned_at >= bindparam("since", type_=C.planned_at.type))
    .where(C.state.in_(LET_GO))
)


class SqlOutbox:
    """The outbox inside one transaction."""

    def __init__(self, work: Work, mirror: SqlMirror, links: SqlLinks) -> None:
        self._work = work
        self._connection = work.connection
        self._mirror = mirror
        self._links = links
        self._let_go: dict[tuple[str, datetime], int] = {}
        self._in_doubt: bool | None = None

    def plan(self, effects: Sequence[Effect], state: EffectState = "planned") -> list[tuple[Effect, bool]]:
        """Enter each under its key; the flag says whether this plan makes a write due that was not due before.

        So it is set for a new effect, for one that was only in shadow, and for a `keep_current` post that is out with
        another text. Raises ValueError for an effect that needs one which nobody planned.
        """
        planning = Planning(self._work)
        answers = planning.plan(effects, state)
        if planning.revived:
            self._let_go.clear()
        elif state in LET_GO:
            fresh = Counter(effect.cause.rule for effect in planning.entered)
            for rule, since in self._let_go:
                self._let_go[rule, since] += fresh[rule]
        if planning.entered and self._in_doubt is not False:  # asked once: a page may bring a thousand plans
            self._in_doubt = doubts.cast_on(self._work, [effect.key for effect in planning.entered])
        return answers

    def doubt(self, since: datetime) -> int:
        """The store was restored: what may have been sent since then is looked for first; returns how many are now."""
        self._in_doubt = True
        return doubts.begin(self._work, since)

    def doubted(self) -> tuple[datetime, datetime] | None:
        """The time that a restore lost (from, to), while what is planned is looked for first."""
        return doubts.lost(self._work)

    def trust(self) -> None:
        """The end of doubt: what is planned from now on is certainly new."""
        self._in_doubt = False
        doubts.end(self._work)

    def claim(
        self, system: str, holder: str, seconds: float, limit: int, there: datetime | None = None
    ) -> list[Delivery]:
        """Mark the first due effect of each free lane as `sending` for `seconds`; effects whose needs are open wait.

        Nothing of it is older than now, or than `there`, where the system's clock is behind ours.
        """
        rows, began = lanes.take(self._work, system, holder, seconds, limit, there)
        return self._deliveries(rows, sent_at=began, attempts=1)

    def settle(self, holder: str, delivery: Delivery, receipt: Receipt) -> bool:
        """Note the proof; false when holder and attempt no longer own it (fenced off)."""
        return self._settle(delivery, receipt, _owned(holder))

    def fail(self, holder: str, delivery: Delivery, state: EffectState, why: str, due_at: datetime) -> bool:
        """Note what went wrong: back to `planned` (at due_at), `uncertain` or `parked`; false when fenced off."""
        lost = {"lost_at": self._work.now()} if state == "uncertain" else {}
        return self._move(delivery, _owned(holder), state=state, why=why, due_at=due_at, **lost)

    def abandon(self, *, alone: bool = False, look_in: float = 0.0) -> int:
        """Make `sending` effects whose holder's time ran out `uncertain`; returns how many. To be looked for in so many seconds.

        `alone`: nobody else can be at work on this store, so whoever was sending is gone, its time run out or not.
        """
        return lanes.abandon(self._work, alone=alone, look_in=look_in)

    def uncertain(self, system: str, limit: int) -> list[Delivery]:
        """Effects that may or may not be there and are due to be looked for."""
        rows = lanes.unsure(self._work, system, limit)
        together = bundles.members(self._work, [row.key for row in rows])
        return [replace(one, also=self._effects(together.get(one.effect.key, ()))) for one in self._deliveries(rows)]

    def beside(self, delivery: Delivery, most: int) -> list[Effect]:
        """What is planned behind it in its lane and may share its message, at most so many, in order."""
        return list(self._effects(bundles.waiting(self._work, delivery, delivery.effect.verb, most)))

    def gather(self, delivery: Delivery, effects: Sequence[Effect]) -> Delivery:
        """It goes out with these in one message: noted before it is sent, so that all of them settle with it."""
        bundles.gather(self._work, delivery.effect.key, [one.key for one in effects])
        return replace(delivery, also=tuple(effects))

    def scatter(self, holder: str, delivery: Delivery, why: str) -> bool:
        """A message of several was refused: each is sent by itself now; false when fenced off."""
        return bundles.scatter(self._work, delivery, holder, why)

    def defer(self, holder: str, delivery: Delivery, due_at: datetime, why: str) -> bool:
        """Not now: it and what is behind it in its lane are due later, as if it had not been claimed; false when fenced off."""
        return bundles.defer(self._work, delivery, holder, due_at, why)

    def first_about(self, effect: Effect) -> Receipt | None:
        """The first message of its lane about its subject that is out, other than itself."""
        return standing.first_about(self._work, effect)

    def found(self, delivery: Delivery, receipt: Receipt | None, why: str, due_at: datetime) -> None:
        """What looking for an uncertain effect brought: its receipt, or (None) certainly not there: planned again.

        Nothing happens where somebody else found out first; a proof counts as long as it was not sent again.
        """
        if receipt is None:
            self._move(delivery, C.state == "uncertain", state="planned", why=why, due_at=due_at)
        else:
            self._settle(delivery, receipt, C.state.in_(["uncertain", "planned"]))

    def postpone(self, delivery: Delivery, why: str, due_at: datetime) -> None:
        """Look again for an uncertain effect at due_at; datetime.max: not by itself, a person decides."""
        self._move(delivery, C.state == "uncertain", why=why, due_at=due_at)

    def rows(
        self, states: Collection[EffectState] = (), system: str | None = None, limit: int = 100
    ) -> list[OutboxRow]:
        """The latest planned first."""
        return standing.latest(self._work, states, system, limit)

    def about(self, ref: Ref) -> list[OutboxRow]:
        """Effects whose subject it is, that mention it, or that made it; in the order planned."""
        return standing.about(self._work, ref)

    def get(self, key: str) -> OutboxRow | None:
        """By key, or by the beginning of one (None when it is not the beginning of exactly one)."""
        return standing.one(self._work, key)

    def retry(self, key: str, why: str) -> bool:
        """A person says: send (again). For parked, held, dropped, shadow and uncertain effects."""
        return self._say(key, ["parked", "held", "dropped", "shadow", "uncertain"], "planned", why)

    def confirm(self, key: str, why: str) -> bool:
        """A person says: it is there. For uncertain effects. What needs the ref it became goes on waiting."""
        said = self._say(key, ["uncertain"], "settled", why)
        if said:
            bundles.confirmed(self._work, key, why)
        return said

    def drop(self, key: str, why: str) -> bool:
        """A person says: never send it. Not for what is settled or just on its way."""
        return self._say(key, ["planned", "uncertain", "parked", "held", "shadow"], "dropped", why)

    def moved(self, old: Ref, new: Ref) -> None:
        """A ticket has another ref now: what is written about the old one is found under the new one, too."""
        here = schema.outbox_ref.c
        keys = self._connection.scalars(select(here.key).where(here.ref == old)).all()
        if keys:
            rows = [{"key": key, "ref": new} for key in keys]
            self._connection.execute(self._work.insert(schema.outbox_ref).on_conflict_do_nothing(), rows)
            self._connection.execute(update(schema.outbox).where(C.ref == old).values(ref=new))

    def counts(self) -> dict[tuple[str, EffectState], int]:
        """How many effects each system has in each state."""
        return standing.counts(self._work)

    def planned_since(self, rule: str, since: datetime) -> int:
        """How many effects the rule has let go since then; those in shadow or held for a person do not count."""
        # Asked for each plan, and a page may bring a thousand: counted once, then kept by what this transaction plans itself.
        if (rule, since) not in self._let_go:
            self._let_go[rule, since] = self._connection.scalar(PLANNED_SINCE, {"of_rule": rule, "since": since}) or 0
        return self._let_go[rule, since]

    def restless(self, effects: Sequence[Effect], since: datetime, most: int) -> set[str]:
        """The keys of those whose rule acted on their subject at more than `most` moments since then, as far as was sent."""
        return standing.restless(self._work, effects, since, most)

    def refusals(self, rule: str, system: str, since: datetime, most: int) -> list[str]:
        """Why the last `most` effects that a rule planned there since then were refused, up to the last that was not."""
        return standing.refusals(self._work, rule, system, since, most)

    def next_due(self, system: str) -> datetime | None:
        """When there will be something to send or look for; what waits for something else is not counted."""
        return standing.next_due(self._work, system)

    def _settle(self, delivery: Delivery, receipt: Receipt, owned: ColumnElement[bool]) -> bool:
        now = self._work.now()
        # A message whose text changed while it was on its way goes out once more, as an update of its receipt.
        state = case((and_(C.sent_digest != C.digest, C.verb.in_(["post", "ask", "set"])), "planned"), else_="settled")
        proof = {"receipt": encode_receipt(receipt), "ref": receipt.ref, "settled_at": now, "due_at": now}
        if not self._move(delivery, owned, state=state, why="", **proof):
            return False
        names = {receipt.ref}
        here = schema.outbox_ref.c
        keys = {delivery.effect.key, *bundles.settle(self._work, delivery, receipt)}
        if isinstance(delivery.effect, OpenTicket):
            pending = pending_ref(delivery.effect.key)
            self._links.settle(pending, receipt.ref)
            keys |= set(self._connection.scalars(select(here.key).where(here.ref == pending)))
        rows = [{"key": key, "ref": ref} for key in sorted(keys) for ref in names]
        self._connection.execute(self._work.insert(schema.outbox_ref).on_conflict_do_nothing(), rows)
        return True

    def _move(self, delivery: Delivery, owned: ColumnElement[bool], **values: Any) -> bool:
        here = update(schema.outbox).where(C.key == delivery.effect.key, C.attempt == delivery.attempt, owned)
        moved = self._connection.execute(here.values(holder=None, claimed_until=None, **values).returning(C.number))
        return moved.first() is not None

    def _say(self, key: str, states: list[str], state: EffectState, why: str) -> bool:
        now = self._work.now()
        here = update(schema.outbox).where(C.key == key, C.state.in_(states))
        values: dict[str, object] = {"state": state, "why": why, "due_at": now}
        if state == "planned":
            # Held or in shadow while there was doubt, or dropped when its fate was not known: it is looked for before it is sent.
            doubtful = and_(C.state.in_(["held", "shadow"]), C.sent_at.is_not(None), C.attempt == 0)
            unknown = and_(C.state == "dropped", C.lost_at.is_not(None), C.receipt.is_(None))
            values["state"] = case((or_(doubtful, unknown), "uncertain"), else_="planned")
        if state == "settled":
            values["settled_at"] = now
        return self._connection.execute(here.values(**values).returning(C.number)).first() is not None

    def _deliveries(self, rows: Sequence[AnyRow], sent_at: datetime | None = None, attempts: int = 0) -> list[Delivery]:
        effects = self._effects(rows)
        records = self._mirror.many({ref for effect in effects for ref in effect.mentions})
        now = self._work.now()
        return [
            Delivery(
                effect=effect,
                attempt=row.attempt + attempts,
                records=tuple(records[ref] for ref in dict.fromkeys(effect.mentions) if ref in records),
                receipt=None if row.receipt is None else decode_receipt(row.receipt),
                # In the future: the clock was set back since. Looking only from then on would miss what is there.
                sent_at=min(row.sent_at, now) if row.sent_at else sent_at,
                lost_at=min(row.lost_at, now) if row.lost_at else None,
            )
            for row, effect in zip(rows, effects, strict=True)
        ]

    def _effects(self, rows: Sequence[AnyRow]) -> tuple[Effect, ...]:
        effects = [decode_effect(row.body) for row in rows]
        became = self._became({need for effect in effects for need in effect.needs})
        return tuple(resolved(effect, became) for effect in effects)

    def _became(self, keys: Collection[str]) -> dict[str, Ref]:
        became: dict[str, Ref] = {}
        for some in chunks(sorted(keys)):
            query = select(C.key, C.ref).where(self._work.among(C.key, some), C.ref.is_not(None))
            became |= {row.key: row.ref for row in self._connection.execute(query)}
        return became

    def read(self, rows: Sequence[AnyRow]) -> list[OutboxRow]:
        """Whole rows of the table as rows of the outbox, with what each waits for."""
        return standing.read(self._work, rows)


def _owned(holder: str) -> ColumnElement[bool]:
    return and_(C.state == SENDING, C.holder == holder)
