"""Entering effects in the outbox: new ones, known ones left alone, and messages whose text has to be kept current."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import blake2b
from typing import Self, cast

from sqlalchemy import ColumnElement, Executable, and_, case, delete, literal, select, update

from loopbot.domain.effects import Ask, Effect, Post, SetFields
from loopbot.domain.pending import pending_ref
from loopbot.domain.records import Ref
from loopbot.ports import EffectState
from loopbot.store import prepared, schema
from loopbot.store.chunks import chunks
from loopbot.store.codec import decode_effect, encode_effect
from loopbot.store.schema import AnyRow
from loopbot.store.work import Work, among_those, inserting

C = schema.outbox.c
# Between these, what a message says can be exchanged before it goes out.
WAITING: frozenset[str] = frozenset({"planned", "held", "parked", "shadow"})


@dataclass(frozen=True, slots=True)
class _Statements:
    """What is run for each plan, made once: making a statement costs more than running it."""

    known: Executable
    enter: Executable
    refs: Executable
    needs: Executable

    @classmethod
    @cache
    def of(cls, shared: bool) -> Self:  # noqa: FBT001 - which database it is
        """Those for Postgres (shared), or for SQLite."""
        return cls(
            known=select(C.key, C.state, C.digest).where(among_those(shared, C.key, "keys")),
            enter=inserting(shared, schema.outbox).on_conflict_do_nothing(index_elements=[C.key]).returning(C.key),
            refs=inserting(shared, schema.outbox_ref).on_conflict_do_nothing(),
            needs=inserting(shared, schema.outbox_need).on_conflict_do_nothing(),
        )


class Planning:
    """`Outbox.plan` inside one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connection = work.connection
        self._run = _Statements.of(work.shared)
        self._became: dict[str, Ref] = {}  # the tickets that are open already, by the key that opened them
        self.entered: list[Effect] = []
        self.revived = False

    def plan(self, effects: Sequence[Effect], state: EffectState) -> list[tuple[Effect, bool]]:
        """Enter each under its key; the flag says whether this plan makes a write due that was not due before."""
        last = {effect.key: effect for effect in effects}
        keys = list(last)
        known = self._known(keys)
        self._check_needs(last, known)
        due = self._enter([effect for key, effect in last.items() if key not in known], state)
        late = [key for key in keys if key not in known and key not in due]  # another host entered them meanwhile
        known |= self._known(late)
        for key, row in known.items():
            if self._again(last[key], row, state):
                due.add(key)
        answers: list[tuple[Effect, bool]] = []
        for effect in effects:
            answers.append((effect, effect.key in due))
            due.discard(effect.key)
        return answers

    def _known(self, keys: Sequence[str]) -> dict[str, AnyRow]:
        known: dict[str, AnyRow] = {}
        for some in chunks(keys):
            rows = self._connection.execute(self._run.known, {"keys": self._work.several(some)})
            known |= {row.key: row for row in rows}
        return known

    def _check_needs(self, effects: Mapping[str, Effect], known: Mapping[str, object]) -> None:
        """Refuse what could never be sent, and hold on to what is needed until we commit.

        Without the lock, a ticket opening at this moment would neither see our refs nor be seen by us.
        """
        needs = {need: effect for effect in effects.values() for need in effect.needs}
        there = set(effects) | set(known)
        for some in chunks(sorted(needs)):
            rows = self._connection.execute(prepared.opened(self._work.shared), {"keys": self._work.several(some)})
            for row in rows:
                there.add(row.key)
                if row.ref is not None:
                    self._became[row.key] = row.ref
        for need, effect in needs.items():
            if need not in there:
                message = (
                    f"effect {effect.key} ({effect.verb} by {effect.cause.rule}) needs {need}, which nobody planned"
                )
                raise ValueError(message)

    def _enter(self, effects: Sequence[Effect], state: EffectState) -> set[str]:
        entered: set[str] = set()
        for some in chunks(effects):
            rows = [self._columns(effect, state) for effect in some]
            entered |= {row.key for row in self._connection.execute(self._run.enter, rows)}
        self.entered = [effect for effect in effects if effect.key in entered]
        self._relate(self.entered)
        return entered

    def _columns(self, effect: Effect, state: EffectState) -> dict[str, object]:
        now = self._work.now()
        return {
            "key": effect.key,
            "rule": effect.cause.rule,
            "verb": effect.verb,
            "system": effect.system,
            "subject": effect.cause.subject,
            "lane": effect.lane,
            "state": state,
            "attempt": 0,
            "planned_at": now,
            "due_at": now,
            "body": encode_effect(effect),
            "digest": _digest(effect),
            "why": "its rule has planned as many effects within an hour as its limit allows" if state == "held" else "",
        }

    def _relate(self, effects: Iterable[Effect]) -> None:
        needs: list[dict[str, object]] = []
        refs: list[dict[str, object]] = []
        for effect in effects:
            needs += [{"key": effect.key, "needs": need} for need in sorted(effect.needs)]
            # A ticket named only in the text is mentioned as well.
            named = {effect.cause.subject, *effect.mentions, *map(pending_ref, effect.needs)}
            named |= {self._became[need] for need in effect.needs & self._became.keys()}
            refs += [{"key": effect.key, "ref": ref} for ref in sorted(named)]
        if refs:
            self._connection.execute(self._run.refs, refs)
        if needs:
            self._connection.execute(self._run.needs, needs)

    def _again(self, effect: Effect, row: AnyRow, state: EffectState) -> bool:
        """What planning a known effect once more changes; true when a write is due by it."""
        revives = row.state == "shadow" and state != "shadow"
        if revives:
            self._revive(effect, state)
        current = isinstance(effect, Ask) or (isinstance(effect, Post | SetFields) and effect.keep_current)
        amends = current and row.digest != _digest(effect)
        if amends and row.state != "dropped" and state != "shadow":
            return self._amend(cast("Post | Ask | SetFields", effect), state) or revives
        return revives

    def _revive(self, effect: Effect, state: EffectState) -> None:
        """A rule left shadow mode: what it would have sent is sent now."""
        self.revived = True
        now = self._work.now()
        here = update(schema.outbox).where(C.key == effect.key, C.state == "shadow")
        self._connection.execute(
            here.values(state=_let_go(state), planned_at=now, due_at=now, body=encode_effect(effect))
        )

    def _amend(self, effect: Post | Ask | SetFields, state: EffectState) -> bool:
        """The text changed: exchange it; due again where it went out, or is on its way, with the older one."""
        query = select(C.body, C.state).where(C.key == effect.key).with_for_update()
        row = self._connection.execute(query).one()
        now = self._work.now()
        body: Effect = effect
        changed: dict[str, object] = {
            "digest": _digest(effect),
            "state": case((C.state == "settled", "planned"), else_=C.state),
            "due_at": case((C.state == "settled", literal(now, schema.Moment)), else_=C.due_at),
        }
        if isinstance(effect, SetFields):
            if row.state == "settled":  # a write of its own, which its rule's limit counts
                changed |= {"state": state, "planned_at": now}
                self.entered.append(effect)
        else:
            # A message stays in the channel (and lane) it was first planned for.
            body = replace(effect, channel=cast("Post | Ask", decode_effect(row.body)).channel)
        changed["body"] = encode_effect(body)
        self._connection.execute(update(schema.outbox).where(C.key == effect.key).values(**changed))
        self._connection.execute(delete(schema.outbox_need).where(schema.outbox_need.c.key == effect.key))
        self._relate([body])
        return row.state not in WAITING


def _let_go(state: EffectState) -> ColumnElement[str] | str:
    """What was planned in shadow while there was doubt is looked for before it is sent."""
    if state != "planned":
        return state
    return case((and_(C.sent_at.is_not(None), C.attempt == 0), "uncertain"), else_="planned")


def _digest(effect: Effect) -> str:
    text = effect.text if isinstance(effect, Post | Ask) else ""
    if isinstance(effect, SetFields) and effect.keep_current:
        text = repr(effect.fields)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
