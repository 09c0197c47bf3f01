"""Judging: one rule, one event, one view of the world; out come plans. Pure, so that a dry run is the live run."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from types import MappingProxyType

from loopbot.domain.effects import Effect
from loopbot.domain.events import Answered, Changed, Due, Event, Timer
from loopbot.domain.records import Link, Record, Ref
from loopbot.domain.rules import Bench, Found, Match, Mirrored, Plan, Predicate, Rule, Scope, View, Wanted, all_hold
from loopbot.domain.scoring import Score, similarity, span_in_words, suspicion
from loopbot.domain.texts import likeness, words
from loopbot.domain.words import Relation

SETTLE = "settle"
_RANKS: MappingProxyType[str, Callable[[Record, Record], Score]] = MappingProxyType(
    {"suspect": suspicion, "similar": similarity},
)


def judge(rule: Rule, event: Event, view: View) -> Iterator[Plan]:
    """What the rule wants after the event: a plan for each subject it concerns, with each step that led there.

    An event about the other side of a match (the change came after the incident) concerns every subject it can match.
    """
    if rule.mode == "off":
        return
    if isinstance(event, Due):
        if event.rule == rule.name:
            yield _judged(rule, event, event.record, view)
        return
    record = event.record
    if record.kind in rule.on:
        yield _judged(rule, event, record, view)
    if rule.match and record.kind == rule.match.kind and isinstance(event, Changed):
        for subject in _subjects(rule, rule.match, record, view):
            # Nobody asks why the many do not fit that this one record might have concerned.
            fits = rule.when is None or rule.when.holds(Scope(it=subject, now=view.now(), before=subject))
            if fits and subject.ref != record.ref:
                yield _judged(rule, Changed(subject, before=subject), subject, view)


def concerned(rules: Iterable[Rule], event: Changed, view: View, waits: Callable[[Rule, Ref], bool]) -> Iterator[Rule]:
    """Those of the rules that may want something: judging another would only tell that its condition does not hold.

    `waits` says whether a rule waits for a record to settle: it may want to take that back. Most rules are about other
    records than the one that changed; not telling of each why makes passing over it many times cheaper.
    """
    record = event.record
    scope = Scope(it=record, now=view.now(), before=event.before)
    for rule in rules:
        if rule.when is None or (rule.match is not None and rule.match.kind == record.kind):
            yield rule
            continue
        try:
            holds = record.kind in rule.on and rule.when.holds(scope)
        except Exception:  # noqa: BLE001 - judging fails the same way, and whoever asked for that says what becomes of it
            holds = True
        if holds or (rule.settle is not None and waits(rule, record.ref)):
            yield rule


def _judged(rule: Rule, event: Event, subject: Record, view: View) -> Plan:
    """Go through the rule's steps; the first that does not hold ends it."""
    scope = Scope(
        it=subject,
        now=view.now(),
        before=event.before if isinstance(event, Changed) else None,
        answer=event.answer if isinstance(event, Answered) else None,
    )
    plan = Plan(rule=rule.name, subject=subject.ref, mode=rule.mode, limit=rule.limit)
    settle = Timer(rule.name, subject.ref, SETTLE, scope.now)
    steps = _held(rule.when, scope)
    if not all_hold(steps):
        return dataclasses.replace(plan, steps=steps, cancels=(settle,) if rule.settle else ())
    if rule.settle and not isinstance(event, Due):
        waits = max(subject.occurred_at + rule.settle, scope.now)
        if waits > scope.now:
            step = Found(
                f"it has settled for {_span(rule.settle)}", held=False, saw=f"looked at again at {waits:%H:%M:%S} UTC"
            )
            return dataclasses.replace(plan, steps=(*steps, step), timers=(dataclasses.replace(settle, at=waits),))
    founder = subject
    if rule.repeat:
        members = _members(rule, subject, view)
        count, wanted = len(members) + 1, rule.repeat.at_least
        seen = ", ".join(one.key for one in members[:5]) or "none other"
        asked = f"at least {wanted} alike within {_span(rule.repeat.within)}"
        steps = (*steps, Found(asked, held=count >= wanted, saw=f"{count}: {subject.key} and {seen}"))
        if count < wanted:
            return dataclasses.replace(plan, steps=steps)
        founder = min((subject, *members), key=lambda one: (one.occurred_at, one.ref))
        scope = dataclasses.replace(
            scope, others=tuple(members), count=count, because=f"{count} alike in {_span(rule.repeat.within)}"
        )
    if rule.match is None:
        return _acted(rule, founder, (scope,), steps, view)
    scopes, matched, asks = _matched(rule.match, scope, view)
    steps = (*steps, matched)
    if not matched.held:
        return dataclasses.replace(plan, steps=steps, asks=asks)
    return _acted(rule, founder, scopes, steps, view)


def _acted(rule: Rule, founder: Record, scopes: tuple[Scope, ...], steps: tuple[Found, ...], view: View) -> Plan:
    """Let the actions say what they want, once for each scope."""
    effects: list[Effect] = []
    links: list[Link] = []
    mirrored: list[Mirrored] = []
    for each in scopes:
        scope = each
        once = rule.once.value(scope)
        if rule.match and rule.match.pick == "each" and scope.other:
            once = f"{once}|{scope.other.ref}"
        bench = Bench(rule=rule.name, subject=founder.ref, once=once, because=scope.because, view=view)
        for action in rule.then:
            wanted: Wanted = action.want(scope, bench)
            effects.extend(wanted.effects)
            links.extend(wanted.links)
            mirrored.extend([wanted.mirrored] if wanted.mirrored else ())
            scope = dataclasses.replace(scope, opened=(*scope.opened, *wanted.opened))
    return Plan(
        rule=rule.name,
        subject=founder.ref,
        effects=tuple(effects),
        links=tuple(links),
        timers=tuple(timer for one in mirrored for timer in one.timers),
        because="; ".join(dict.fromkeys(scope.because for scope in scopes if scope.because)) or rule.about,
        mode=rule.mode,
        limit=rule.limit,
        steps=(*steps, *(step for one in mirrored for step in one.steps)),
        mirrored=tuple(mirrored),
    )


def _held(predicate: Predicate | None, scope: Scope) -> tuple[Found, ...]:
    """Each clause of a condition and whether it held; clauses after one that failed are shown as well."""
    if predicate is None:
        return ()
    return tuple(Found(clause.text, held=clause.holds(scope), saw=clause.seen(scope)) for clause in predicate.clauses)


def _members(rule: Rule, subject: Record, view: View) -> list[Record]:
    """The earlier and later records of the same kind that count as the same pain, oldest first."""
    repeat = rule.repeat
    if repeat is None or (repeat.same_service and not subject.services):
        return []
    services = subject.services if repeat.same_service else frozenset()
    around = view.between(subject.kind, subject.occurred_at - repeat.within, subject.occurred_at, services)
    said = words(subject.title, subject.text)
    found = []
    for other in around:
        if other.ref == subject.ref:
            continue
        if repeat.alike and likeness(said, words(other.title, other.text)) < repeat.alike:
            continue
        if rule.when is not None and not rule.when.holds(Scope(it=other, now=view.now())):
            continue
        found.append(other)
    return sorted(found, key=lambda one: (one.occurred_at, one.ref))


def _matched(match: Match, scope: Scope, view: View) -> tuple[tuple[Scope, ...], Found, bool]:
    """The scopes to act in, the step for explaining, and whether a person should be asked."""
    asked = f"a {match.kind} that fits" + (f" where {match.where.text}" if match.where else "")
    scored = sorted(
        _candidates(match, scope, view),
        key=lambda one: (-(one.score or 0.0), -(one.other.occurred_at.timestamp() if one.other else 0.0)),
    )
    if not scored:
        return (scope,), Found(asked, held=match.optional, saw="none"), False
    if match.pick == "all":
        others = tuple(one.other for one in scored if one.other)
        whole = dataclasses.replace(scope, others=others, other=others[0], count=len(others))
        return (whole,), Found(asked, held=True, saw=", ".join(one.key for one in others[:5])), False
    good = tuple(one for one in scored if one.score is None or one.score >= match.link_at)
    if not good:
        best = scored[0]
        asks = (best.score or 0.0) >= match.ask_at
        bar = "sure enough only to ask" if asks else "not sure enough"
        saw = f"{best.other.key if best.other else ''} at {best.score or 0:.0%} ({best.because}): {bar}"
        return (scope,), Found(asked, held=match.optional, saw=saw), asks
    chosen = good if match.pick == "each" else good[:1]
    saw = ", ".join(_said(one) for one in chosen[:5])
    return chosen, Found(asked, held=True, saw=saw), False


def _candidates(match: Match, scope: Scope, view: View) -> Iterator[Scope]:
    """Every record the match may mean, scored where it ranks."""
    rank = _RANKS.get(match.rank)
    for other in _reachable(match, scope.it, view):
        if other.ref == scope.it.ref or other.kind != match.kind:
            continue
        one = dataclasses.replace(scope, other=other)
        if rank is not None:
            score = rank(scope.it, other)
            one = dataclasses.replace(one, score=round(score.value, 4), because=score.because)
        if match.where is None or match.where.holds(one):
            yield one


def _reachable(match: Match, it: Record, view: View) -> Iterator[Record]:
    if match.through:
        for ref in sorted(reach(it.ref, match.through, view)):
            record = view.record(ref)
            if record is not None:
                yield record
        return
    until = it.occurred_at if match.rank == "suspect" else view.now()
    yield from view.between(match.kind, it.occurred_at - match.within, until)


def _subjects(rule: Rule, match: Match, other: Record, view: View) -> Iterator[Record]:
    """The records a rule may have to look at again because `other` is new or has changed."""
    if match.through:
        for ref in sorted(reach(other.ref, tuple(reversed(match.through)), view)):
            record = view.record(ref)
            if record is not None and record.kind in rule.on:
                yield record
        return
    since = other.occurred_at if match.rank == "suspect" else other.occurred_at - match.within
    until = min(view.now(), other.occurred_at + match.within)
    for kind in sorted(rule.on):
        yield from view.between(kind, since, until)


def reach(start: Ref, path: tuple[Relation, ...], view: View) -> frozenset[Ref]:
    """Where following the relations leads, one after the other, in either direction.

    A step may be left out where nothing stands there: feedback may be fixed by an issue without a problem in between.
    """
    here = frozenset({start})
    for relation in path:
        there = {_other_end(link, ref) for ref in here for link in view.linked(ref, relation)}
        here = frozenset(there) | here
    return here - {start}


def _other_end(link: Link, ref: Ref) -> Ref:
    return link.target if link.source == ref else link.source


def _said(scope: Scope) -> str:
    key = scope.other.key if scope.other else ""
    return f"{key} at {scope.score:.0%} ({scope.because})" if scope.score is not None else key


def _span(span: timedelta) -> str:
    return span_in_words(span.total_seconds())
