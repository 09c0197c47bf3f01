"""The other records of a rule: those a match may mean, those that count as the same pain, and whom a change concerns."""

import dataclasses
from collections.abc import Iterator, Sequence

from loopbot.domain.delivered import WAYS, Undone
from loopbot.domain.ranking import Judgement
from loopbot.domain.records import Link, Record, Ref
from loopbot.domain.rules import Found, Match, Rule, Scope
from loopbot.domain.scoring import Ranked
from loopbot.domain.views import View
from loopbot.domain.words import Relation

SHOWN = 5
"""How many candidates a person is shown."""


def like_it(rule: Rule, subject: Record, view: View, judgement: Judgement) -> list[Ranked]:
    """The other records of the same kind that count as the same pain, oldest first."""
    if rule.repeat is None:
        return []
    now = view.now()
    no = {subject.ref, *view.apart(subject.ref)}
    by_ref = {one.record.ref: one for one in judgement.repeats.alike(subject, view, rule.repeat)}
    by_ref |= {one.record.ref: one for one in _said_so(rule, subject, view)}
    found = [
        one
        for ref, one in by_ref.items()
        if ref not in no and (rule.when is None or rule.when.holds(Scope(it=one.record, now=now)))
    ]
    return sorted(found, key=lambda one: (one.record.occurred_at, one.record.ref))


def _said_so(rule: Rule, subject: Record, view: View) -> Iterator[Ranked]:
    """The earlier ones that a person said are one problem with it: that counts also where their texts have changed since."""
    if rule.repeat is None or rule.ask is None or not rule.ask.first:
        return
    for ref in sorted(view.promoted_with(subject.ref)):
        other = view.record(ref)
        if other is not None and subject.occurred_at - rule.repeat.within <= other.occurred_at <= subject.occurred_at:
            yield Ranked(other, 1.0, ("a person says that they are one problem",))


def faced(match: Match, scope: Scope, found: Sequence[Ranked]) -> tuple[tuple[Scope, ...], Found, bool]:
    """The scopes to act in, the step for explaining, and whether a person should be asked."""
    article = "an" if match.kind[0] in "aeiou" else "a"
    asked = f"{article} {match.sought} that fits" + (f" where {match.where.text}" if match.where else "")
    asked += f", and none where {match.unless.text}" if match.unless else ""
    if not found:
        return (scope,), Found(asked, held=match.optional, saw="none"), False
    if match.pick == "all":
        others = tuple(one.record for one in found)
        whole = dataclasses.replace(_facing(match, scope, found[0]), others=others, count=len(others))
        return (whole,), Found(asked, held=True, saw=", ".join(one.key for one in others[:SHOWN])), False
    good = tuple(one for one in found if one.score >= match.link_at)
    if not good:
        asks = found[0].score >= match.ask_at
        bar = "sure enough only to ask" if asks else "not sure enough"
        return (scope,), Found(asked, held=match.optional, saw=f"{_said(match, found[0])}: {bar}"), asks
    chosen = good if match.pick == "each" else good[:1]
    saw = ", ".join(_said(match, one) for one in chosen[:SHOWN])
    return tuple(_facing(match, scope, one) for one in chosen), Found(asked, held=True, saw=saw), False


def candidates(match: Match, scope: Scope, view: View, judgement: Judgement) -> list[Ranked]:
    """Every record the match may mean: the likeliest first, of equals the latest. Where it does not rank, all are certain."""
    among = _reached(scope.it, match, view) if match.through else None
    ranker = judgement.ranker(match.rank)
    if ranker is not None:
        found = ranker.rank(scope.it, view, match, among)
    else:
        since = scope.it.occurred_at - match.within
        around = (
            [one for kind in match.kinds for one in view.between(kind, since, view.now())] if among is None else among
        )
        found = (Ranked(record, 1.0) for record in around)
    near = [one for one in found if one.record.ref != scope.it.ref and one.record.kind in match.kinds]
    if match.unless is not None and any(match.unless.holds(_facing(match, scope, one)) for one in near):
        return []
    fitting = (one for one in near if match.where is None or match.where.holds(_facing(match, scope, one)))
    undone = undone_by(match, scope.it, view)
    fitting = (one for one in fitting if undone.stands(one.record, view))
    return sorted(fitting, key=lambda one: (-one.score, -one.record.occurred_at.timestamp()))


def _facing(match: Match, scope: Scope, one: Ranked) -> Scope:
    """The scope with this candidate as the other record."""
    if match.rank == "none":
        return dataclasses.replace(scope, other=one.record)
    return dataclasses.replace(scope, other=one.record, score=one.score, because=", ".join(one.because))


def undone_by(match: Match, it: Record, view: View) -> Undone:
    """What was done the other way round, where the match ends in what a deployment brought or took back."""
    way = WAYS.get(match.through[-1]) if match.through and match.kind == "deployment" else None
    if way is None:
        return Undone("delivers")
    near = {it.ref, *reach(it.ref, match.through[:-1], view)}
    return Undone.of(way, frozenset(ref for ref in near if ref.kind == "issue"), view)


def _reached(it: Record, match: Match, view: View) -> list[Record]:
    records = (view.record(ref) for ref in sorted(reach(it.ref, match.through, view)))
    return [record for record in records if record is not None]


def subjects(rule: Rule, other: Record, view: View, judgement: Judgement) -> Iterator[Record]:
    """The records a rule may have to look at again because `other` is new or has changed."""
    match = rule.match
    if match is None:
        return
    if match.through:
        for ref in sorted(reach(other.ref, tuple(reversed(match.through)), view)):
            record = view.record(ref)
            if record is not None and record.kind in rule.on:
                yield record
        return
    ranker = judgement.ranker(match.rank)
    for kind in sorted(rule.on):
        if ranker is not None:
            yield from ranker.concerned(other, view, match, kind)
        else:
            until = min(view.now(), other.occurred_at + match.within)
            yield from view.between(kind, other.occurred_at - match.within, until)


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


def sure(one: Ranked) -> str:
    """A member, how sure it is that it is one, and why."""
    return f"{one.record.key} at {one.score:.0%} ({', '.join(one.because)})" if one.because else one.record.key


def _said(match: Match, one: Ranked) -> str:
    return one.record.key if match.rank == "none" else f"{one.record.key} at {one.score:.0%} ({', '.join(one.because)})"
