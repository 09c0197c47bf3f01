"""Turns events into plans and plans into rows: inside the page's transaction, so that it is all or nothing."""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from loopbot.domain.effects import TEXT_FIELDS, Align, Effect, OpenTicket, Tell
from loopbot.domain.events import Changed, Due, Event
from loopbot.domain.judging import SETTLE, concerned, judge
from loopbot.domain.people import who
from loopbot.domain.questions import Question
from loopbot.domain.records import Link, Record, Ref
from loopbot.domain.rules import Plan, Rule
from loopbot.ports import EffectState, JournalEntry, Tx, Unmapped
from loopbot.usecases.bygone import over_before
from loopbot.usecases.loop import Loop
from loopbot.usecases.moves import not_done_before
from loopbot.usecases.overruling import in_words
from loopbot.usecases.questions.keeping import keep

_LIMIT_SPAN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Enacted:
    """A plan and what was new in it."""

    plan: Plan
    new: tuple[Effect, ...] = ()
    state: EffectState = "planned"
    new_links: tuple[Link, ...] = ()
    asked: tuple[Question, ...] = ()


def decide(loop: Loop, tx: Tx, events: Iterable[Event]) -> list[Enacted]:
    """Let every rule that wakes for the events judge, and write down what it wants.

    A rule that fails on a record is set aside for that record, with the reason; the other rules and records go on. New
    links are events too, for the rules that follow them.
    """
    done: list[Enacted] = []
    for event in events:
        for rule in _waking(loop, tx, event):
            for one in _judged(loop, tx, rule, event):
                done.append(one)
                done.extend(_followed(loop, tx, one.new_links))
    _keep_reasons(tx, done)
    return done


def follow(loop: Loop, tx: Tx, links: Iterable[Link], bygone: datetime | None = None) -> list[Enacted]:
    """Let the rules that follow these new links look at both ends again, save what was over before `bygone`."""
    done = _followed(loop, tx, links, bygone)
    _keep_reasons(tx, done)
    return done


def _followed(loop: Loop, tx: Tx, links: Iterable[Link], bygone: datetime | None = None) -> list[Enacted]:
    done: list[Enacted] = []
    waiting = list(links)
    while waiting:
        link = waiting.pop()
        rules = loop.rules.following(link.relation)
        if not rules:
            continue
        ends = tx.mirror.many({link.source, link.target}).values()
        for record in (one for one in ends if not over_before(one, bygone)):
            for rule in rules:
                if record.kind in rule.wakes_for:
                    found = _judged(loop, tx, rule, Changed(record, before=record))
                    done.extend(found)
                    waiting.extend(new for one in found for new in one.new_links)
    return done


def look_again(loop: Loop, tx: Tx, effect: Effect, became: Ref | None = None) -> list[Enacted]:
    """A write has come to its end: what could not be judged before is judged now.

    A mirrored pair's field, as either side may have changed meanwhile; and what follows the links of a ticket that is open
    now: a poll may have brought the ticket (or more) before its answer was noted, when nothing was linked to it yet.
    """
    if isinstance(effect, OpenTicket):
        return follow(loop, tx, tx.links.of(became)) if became else []
    rule = loop.rules.named(effect.cause.rule) if isinstance(effect, Align) else None
    record = tx.mirror.get(effect.cause.subject) if rule else None
    if rule is None or record is None:
        return []
    done = _judged(loop, tx, rule, Changed(record, before=record))
    _keep_reasons(tx, done)
    return done


def judge_again(loop: Loop, tx: Tx, rule: Rule, records: Iterable[Record]) -> list[Enacted]:
    """Let a rule look at records of its kinds again, though nothing of them has changed."""
    events = (Changed(one, before=one) for one in records if one.kind in rule.on)
    done = [one for event in events for one in _judged(loop, tx, rule, event)]
    _keep_reasons(tx, done)
    return done


def _waking(loop: Loop, tx: Tx, event: Event) -> Iterable[Rule]:
    if isinstance(event, Due):
        rule = loop.rules.named(event.rule)
        return (rule,) if rule else ()
    if isinstance(event, Changed):
        about = loop.rules.about(event.record)
        return concerned(about, event, tx, lambda rule, ref: _waits(tx, rule, ref))
    return loop.rules.waking_for(event.record.kind)


def _waits(tx: Tx, rule: Rule, ref: Ref) -> bool:
    settles = rule.settle is not None and tx.timers.is_set(rule.name, ref, SETTLE)
    return settles or (rule.asks and tx.questions.waits(rule.name, ref))


def _judged(loop: Loop, tx: Tx, rule: Rule, event: Event) -> list[Enacted]:
    try:
        plans = list(judge(rule, event, tx, loop.judgement))
    except Exception as error:  # noqa: BLE001 - whatever a rule does to one record, the others go on (promise 4)
        why = f"rule {rule.name} could not judge it: {type(error).__name__}: {error}"
        tx.quarantine(f"rule:{rule.name}", [Unmapped(str(event.record.ref), why)])
        loop.witness.noted(
            "rule failed on a record", rule=rule.name, record=str(event.record.ref), error=type(error).__name__
        )
        return []
    return [_enacted(loop, tx, plan) for plan in plans if _asks_something(plan) or _waits(tx, rule, plan.subject)]


def _asks_something(plan: Plan) -> bool:
    noted = any(one.notes or one.withdraws for one in plan.mirrored)
    withdrawn = bool(plan.withdraws)
    return bool(plan.effects or plan.links or plan.timers or plan.cancels or plan.questions or noted or withdrawn)


def _enacted(loop: Loop, tx: Tx, plan: Plan) -> Enacted:
    for timer in plan.cancels:
        tx.timers.cancel(timer.rule, timer.subject, timer.name)
    for timer in plan.timers:
        tx.timers.set(timer, keep=timer.name == SETTLE)
    live = plan.mode == "live"
    new_links = tx.links.put(plan.links) if live and plan.links else []
    effects = [_redacted(loop, effect) for effect in plan.effects if _can_be_written(loop, effect)]
    effects = _to_one_person(loop, effects)
    effects = not_done_before(tx, plan.subject, effects) if effects else []
    state = _state_for(tx, plan) if effects else "planned"
    new = [effect for effect, is_new in tx.outbox.plan(effects, state) if is_new] if effects else []
    asked: tuple[Question, ...] = ()
    if live:
        _keep_pairs(tx, plan)
        asked = keep(loop, tx, plan)
        for told, why in plan.withdraws:
            tx.outbox.drop(told.key, why)
    if new or new_links:
        loop.witness.planned(plan, len(new))
    return Enacted(plan, tuple(new), state, tuple(new_links), asked)


def _keep_pairs(tx: Tx, plan: Plan) -> None:
    """Note what mirrored pairs agree on now, what was overruled, and take back writes that were refused."""
    for one in plan.mirrored:
        for key in one.withdraws:
            tx.outbox.drop(key, "one of the two sides has changed since it was refused")
        tx.agreements.note(one.notes)
        tx.agreements.log(plan.rule, one.conflicts)


def _redacted(loop: Loop, effect: Effect) -> Effect:
    """What is written anywhere holds no secret, also none of our own; the effect stays the same one."""
    texts = {name: getattr(effect, name) for name in TEXT_FIELDS if hasattr(effect, name)}
    clean = {name: loop.redacted(text) for name, text in texts.items()}
    if isinstance(effect, Tell) and effect.shared is not None:
        shared = dataclasses.replace(
            effect.shared, lead=loop.redacted(effect.shared.lead), line=loop.redacted(effect.shared.line)
        )
        effect = dataclasses.replace(effect, shared=shared)
    return effect if clean == texts else dataclasses.replace(effect, **clean)  # type: ignore[arg-type]  # its own text fields


def _to_one_person(loop: Loop, effects: list[Effect]) -> list[Effect]:
    """What is told to somebody whom several systems know goes to the one human, once."""
    told: set[tuple[object, ...]] = set()
    left: list[Effect] = []
    for each in effects:
        effect = each
        if isinstance(effect, Tell):
            person = loop.roster.same(effect.person)
            mark = (who(person), effect.system, effect.about)
            if mark in told:
                continue
            told.add(mark)
            effect = effect if person == effect.person else dataclasses.replace(effect, person=person)
        left.append(effect)
    return left


def _can_be_written(loop: Loop, effect: Effect) -> bool:
    """A link that its system has no place for is kept in loopbot's own graph; anything else is shown as refused on delivery."""
    if effect.verb != "link":
        return True
    sink = loop.sinks.get(effect.system)
    return sink is not None and effect.verb in sink.verbs


def _state_for(tx: Tx, plan: Plan) -> EffectState:
    if plan.mode == "shadow":
        return "shadow"
    if tx.outbox.planned_since(plan.rule, tx.now() - _LIMIT_SPAN) + len(plan.effects) > plan.limit:
        return "held"
    return "planned"


def _keep_reasons(tx: Tx, done: Iterable[Enacted]) -> None:
    tx.journal(entry for one in done for entry in _entries(tx, one))


def _entries(tx: Tx, one: Enacted) -> Iterator[JournalEntry]:
    plan = one.plan
    for effect in one.new:
        what = f"{one.state}: {effect.verb} in {effect.system}"
        yield JournalEntry(tx.now(), plan.rule, plan.subject, what, plan.because)
    for lost in (each for pair in plan.mirrored if plan.mode == "live" for each in pair.conflicts):
        why = "both sides changed it, and the rule says which one stands"
        yield JournalEntry(tx.now(), plan.rule, plan.subject, in_words(lost), why)
    for link in one.new_links:
        what = f"linked: {link.source} {link.relation} {link.target}"
        yield JournalEntry(tx.now(), plan.rule, plan.subject, what, link.because or plan.because)
