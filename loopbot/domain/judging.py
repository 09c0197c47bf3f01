"""Judging: one rule, one event, one view of the world; out come plans. Pure, so that a dry run is the live run."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from loopbot.domain import asking
from loopbot.domain.candidates import SHOWN, candidates, faced, like_it, subjects, sure, undone_by
from loopbot.domain.delivered import Quietness, quietness
from loopbot.domain.effects import Effect, Tell
from loopbot.domain.events import Answered, Changed, Due, Event, Timer
from loopbot.domain.people import who
from loopbot.domain.questions import Question
from loopbot.domain.ranking import PLAIN, Judgement
from loopbot.domain.records import Link, Record, Ref
from loopbot.domain.rules import Bench, Found, Mirrored, Plan, Predicate, Rule, Scope, Wanted, all_hold
from loopbot.domain.scoring import Ranked, span_in_words
from loopbot.domain.telling import Told
from loopbot.domain.views import View

SETTLE = "settle"
ONE_BREATH = timedelta(hours=1)
"""What one person files within it is one complaint, however often the form was sent."""
MOST_OTHERS = 50


def judge(rule: Rule, event: Event, view: View, judgement: Judgement = PLAIN) -> Iterator[Plan]:
    """What the rule wants after the event: a plan for each subject it concerns, with each step that led there.

    `judgement` ranks where the rule asks for it. An event about the other side of a match (the change came after the incident) concerns every subject it can match.
    """
    if rule.mode == "off":
        return
    if isinstance(event, Due):
        if event.rule == rule.name:
            yield _judged(rule, event, event.record, view, judgement)
        return
    record = event.record
    if record.kind in rule.on:
        yield _judged(rule, event, record, view, judgement)
    if rule.match and record.kind in rule.match.kinds and isinstance(event, Changed):
        for subject in subjects(rule, record, view, judgement):
            # Nobody asks why the many do not fit that this one record might have concerned.
            fits = rule.when is None or rule.when.holds(Scope(it=subject, now=view.now(), before=subject))
            if fits and subject.ref != record.ref:
                yield _judged(rule, Changed(subject, before=subject), subject, view, judgement)


def concerned(rules: Iterable[Rule], event: Changed, view: View, waits: Callable[[Rule, Ref], bool]) -> Iterator[Rule]:
    """Those of the rules that may want something: judging another would only tell that its condition does not hold.

    `waits` says whether a rule waits for a record to settle, or for an answer: it may want to take that back. Most rules are about other
    records than the one that changed; not telling of each why makes passing over it many times cheaper.
    """
    record = event.record
    scope = Scope(it=record, now=view.now(), before=event.before)
    for rule in rules:
        if rule.when is None or (rule.match is not None and record.kind in rule.match.kinds):
            yield rule
            continue
        try:
            holds = record.kind in rule.on and rule.when.holds(scope)
        except Exception:  # noqa: BLE001 - judging fails the same way, and whoever asked for that says what becomes of it
            holds = True
        if holds or ((rule.waits or rule.asks) and waits(rule, record.ref)):
            yield rule


def _judged(rule: Rule, event: Event, subject: Record, view: View, judgement: Judgement) -> Plan:
    """Go through the rule's steps; the first that does not hold ends it."""
    scope = _first_scope(rule, event, subject, view)
    plan = Plan(rule=rule.name, subject=subject.ref, mode=rule.mode, limit=rule.limit)
    settle = Timer(rule.name, subject.ref, SETTLE, scope.now)
    steps = _held(rule.when, scope)
    if not all_hold(steps):
        return dataclasses.replace(plan, steps=steps, cancels=(settle,) if rule.waits else ())
    if rule.settle and not isinstance(event, Due):
        waits = max(subject.occurred_at + rule.settle, scope.now)
        if waits > scope.now:
            step = Found(
                f"it has settled for {_span(rule.settle)}",
                held=False,
                saw=f"looked at again at {waits:%H:%M:%S} UTC",
            )
            return dataclasses.replace(plan, steps=(*steps, step), timers=(dataclasses.replace(settle, at=waits),))
    if rule.watch:
        quiet = quietness(subject, rule.watch, view)
        plan = _watched(dataclasses.replace(plan, steps=steps), quiet, settle, ended=isinstance(event, Due))
        if not all_hold(plan.steps):
            return plan
        steps = plan.steps
        scope = dataclasses.replace(scope, interval=quiet.usual, quiet_for=quiet.until - quiet.since)
    founder = subject
    if rule.repeat:
        alike = like_it(rule, subject, view, judgement)
        members = [one.record for one in alike]
        count, wanted = _voices(subject, members), rule.repeat.at_least
        seen = ", ".join(sure(one) for one in alike[-SHOWN:]) or "none other"
        asked = f"at least {wanted} alike within {_span(rule.repeat.within)}"
        steps = (*steps, Found(asked, held=count >= wanted, saw=f"{count}: {subject.key} and {seen}"))
        if count < wanted:
            return dataclasses.replace(plan, steps=steps)
        count = len(members) + 1
        # In a storm each joins; not all that came before have to be named with each of them. The oldest keep the founder.
        members = members[:MOST_OTHERS]
        founder = min((subject, *members), key=lambda one: (one.occurred_at, one.ref))
        scope = dataclasses.replace(
            scope, others=tuple(members), count=count, because=f"{count} alike in {_span(rule.repeat.within)}"
        )
        question, held = asking.promotion(rule, subject, alike[:MOST_OTHERS], view)
        if held is not None:
            return _asking(plan, question, (*steps, held), scope.because)
    scope = _weighing(rule, scope, view, judgement)
    if rule.match is None:
        return _acted(rule, founder, (scope,), steps, view)
    return _faced(rule, plan, scope, steps, candidates(rule.match, scope, view, judgement), view)


def _weighing(rule: Rule, scope: Scope, view: View, judgement: Judgement) -> Scope:
    """The scope with how much `it` matters and what is known that helps, where the rule speaks of that: both take looking around."""
    if rule.helps:
        scope = dataclasses.replace(scope, known_answer=judgement.helper.known(scope.it, view))
    if not rule.weighs:
        return scope
    weight = judgement.weigher.weigh(scope.it, view, scope.others)
    because = ", ".join(weight.because)
    return dataclasses.replace(scope, weight=weight.value, weight_because=because, weight_step=weight.step)


def _faced(rule: Rule, plan: Plan, scope: Scope, steps: tuple[Found, ...], found: Sequence[Ranked], view: View) -> Plan:
    """Act on the other record(s), or ask a person which one it is."""
    match, ask = rule.match, rule.ask
    if match is None:
        return plan
    if ask is not None and ask.tie is not None and found:
        # What people said comes first: what they ruled out is no candidate any more.
        no = view.refused(scope.it.ref, ask.tie.relation)
        if no:  # somebody is at it: the next ones were shown too
            match = dataclasses.replace(match, ask_at=match.ask_at / 2)
        found = [] if asking.none_of_them(ask, scope.it, view) else [one for one in found if one.record.ref not in no]
    shown = tuple(found[:SHOWN]) if match.rank != "none" else ()
    scopes, matched, asks = faced(match, scope, found)
    question = None
    if asks and ask is not None:
        question = asking.suspects(ask, rule, scope.it, [one for one in shown if one.score >= match.ask_at / 4], view)
        asks = question is not None
    because = ", ".join(shown[0].because) if shown else ""
    plan = _asking(dataclasses.replace(plan, ranked=shown, asks=asks), question, (*steps, matched), because)
    if not matched.held or (question is not None and ask is not None and ask.first):
        return plan
    acted = _acted(rule, scope.it, scopes, plan.steps, view)
    return dataclasses.replace(
        acted, ranked=shown, asks=asks or acted.asks, questions=(*plan.questions, *acted.questions)
    )


def _asking(plan: Plan, question: Question | None, steps: tuple[Found, ...], because: str) -> Plan:
    """The plan, with what a person is asked instead, and what speaks for it."""
    if question is None:
        return dataclasses.replace(plan, steps=steps)
    return dataclasses.replace(plan, steps=steps, because=because, questions=(question,), asks=True)


def _acted(rule: Rule, founder: Record, scopes: tuple[Scope, ...], steps: tuple[Found, ...], view: View) -> Plan:
    """Let the actions say what they want, once for each scope."""
    effects: list[Effect] = []
    links: list[Link] = []
    mirrored: list[Mirrored] = []
    questions: list[Question] = []
    withdraws: list[tuple[Told, str]] = []
    for each in scopes:
        scope = each
        once = rule.once.value(scope)
        if rule.match and rule.match.pick == "each" and scope.other:
            once = f"{once}|{scope.other.ref}"
        if rule.match and scope.other and (again := undone_by(rule.match, scope.it, view).before(scope.other)):
            # What a roll-back took away and a later deployment brings again is news again.
            once = f"{once}|after {again}"
        bench = Bench(rule=rule.name, subject=founder.ref, once=once, because=scope.because, view=view)
        for action in rule.then:
            wanted: Wanted = action.want(scope, bench)
            effects.extend(wanted.effects)
            links.extend(wanted.links)
            withdraws.extend(wanted.withdraws)
            mirrored.extend([wanted.mirrored] if wanted.mirrored else ())
            questions.extend(one for one in wanted.questions if asking.due(one, view) is not None)
            scope = dataclasses.replace(scope, opened=(*scope.opened, *wanted.opened))
    return Plan(
        rule=rule.name,
        subject=founder.ref,
        effects=tuple(_told_once(effects)),
        links=tuple(links),
        withdraws=tuple(withdraws),
        timers=tuple(timer for one in mirrored for timer in one.timers),
        because="; ".join(dict.fromkeys(scope.because for scope in scopes if scope.because)) or rule.about,
        mode=rule.mode,
        limit=rule.limit,
        steps=(*steps, *(step for one in mirrored for step in one.steps)),
        mirrored=tuple(mirrored),
        questions=tuple(questions),
        asks=bool(questions),
    )


def _held(predicate: Predicate | None, scope: Scope) -> tuple[Found, ...]:
    """Each clause of a condition and whether it held; clauses after one that failed are shown as well."""
    if predicate is None:
        return ()
    return tuple(Found(clause.text, held=clause.holds(scope), saw=clause.seen(scope)) for clause in predicate.clauses)


def _voices(subject: Record, members: Sequence[Record]) -> int:
    """How often it was said: what one person files within the hour is said once."""
    heard: dict[str, datetime] = {}
    count = 0
    for one in sorted((subject, *members), key=lambda each: (each.occurred_at, each.ref)):
        who = one.reporter
        if who is None or who not in heard or one.occurred_at - heard[who] >= ONE_BREATH:
            count += 1
            if who is not None:
                heard[who] = one.occurred_at
    return count


def _last_told(rule: Rule, subject: Record, view: View) -> datetime | None:
    """When this rule last told somebody about the record."""
    return max((one.at for one in view.told(subject.ref) if one.rule == rule.name and one.at), default=None)


def _watched(plan: Plan, quiet: Quietness, end: Timer, *, ended: bool) -> Plan:
    """Whether it stayed quiet; while that is not known, when to look again (`end` is now).

    What was over before anybody watched is not news: only a watch that was begun, and has `ended`, says something.
    """
    asked = f"it stays quiet for {_span(quiet.until - quiet.since)} after it was fixed"
    if quiet.back:
        back = ", ".join(one.key for one in quiet.back[:SHOWN])
        step = Found(asked, held=False, saw=f"came back: {back}")
        return dataclasses.replace(plan, steps=(*plan.steps, step), cancels=(end,))
    if quiet.until > end.at:
        step = Found(asked, held=False, saw=f"watched until {quiet.until:%Y-%m-%d %H:%M} UTC")
        timer = dataclasses.replace(end, at=quiet.until)
        return dataclasses.replace(plan, steps=(*plan.steps, step), timers=(timer,))
    saw = "nothing came back" if ended else "that was over before it was watched"
    return dataclasses.replace(plan, steps=(*plan.steps, Found(asked, held=ended, saw=saw)))


def _first_scope(rule: Rule, event: Event, subject: Record, view: View) -> Scope:
    """What is known before a rule looks further."""
    scope = Scope(it=subject, now=view.now(), before=event.before if isinstance(event, Changed) else None)
    # Asked for every change of every record: where nothing is linked, the match will find nothing, whatever was told.
    if rule.remembers and (rule.match is None or not rule.match.through or view.linked(subject.ref)):
        scope = dataclasses.replace(scope, told_at=_last_told(rule, subject, view))
    if not isinstance(event, Answered):
        return scope
    return dataclasses.replace(
        scope,
        answer=event.answer,
        question=event.question,
        words=event.words,
        by_reporter=event.by_reporter,
        asked=event.asked,
    )


def _told_once(effects: Iterable[Effect]) -> Iterator[Effect]:
    """One message a person, record and question, however many roles they have in it: the first that names them."""
    told: set[tuple[str, Ref]] = set()
    for effect in effects:
        if isinstance(effect, Tell):
            mark = (who(effect.person), effect.about)
            if mark in told:
                continue
            told.add(mark)
        yield effect


def _span(span: timedelta) -> str:
    return span_in_words(span.total_seconds())
