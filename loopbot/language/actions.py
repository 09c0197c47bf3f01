"""What rules can do: one class a verb, each turning what it sees into effects. All of them are pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from loopbot.domain.effects import Cause, Comment, LinkTickets, OpenTicket, Post, SetFields, Transition
from loopbot.domain.pending import PENDING_KIND, pending_ref
from loopbot.domain.records import Link, Ref
from loopbot.domain.rules import Action, Bench, Predicate, Scope, Wanted
from loopbot.domain.views import View
from loopbot.domain.words import Kind, Relation
from loopbot.language.aims import Aim, End
from loopbot.language.templates import Text

NOTHING = Wanted()


def caused(bench: Bench, slot: str, whom: object = "") -> Cause:
    """Why an effect exists; `whom` tells apart the several effects of one action."""
    slot = f"{slot}|{whom}" if whom else slot
    return Cause(rule=bench.rule, subject=bench.subject, slot=slot, once=bench.once, because=bench.because)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An action with what it depends on: its `if`, links that must not be there, tickets that must have been opened."""

    action: Action
    only_if: Predicate | None = None
    unless_linked: tuple[Relation, ...] = ()
    needs: frozenset[str] = frozenset()

    def want(self, scope: Scope, bench: Bench) -> Wanted:
        """What the action asks for, or nothing."""
        if self.needs and not self.needs <= {name for name, _ in scope.opened}:
            return NOTHING
        if self.only_if is not None and not self.only_if.holds(scope):
            return NOTHING
        if any(bench.view.linked(scope.it.ref, relation) for relation in self.unless_linked):
            return NOTHING
        return self.action.want(scope, bench)


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Opens a ticket; with `join`, takes the open one that `it` or one of `others` already belongs to."""

    slot: str
    system: str
    kind: Kind
    place: str
    title: Text
    text: Text
    type: str | None = None
    priority: Callable[[Scope], Any] | None = None
    labels: tuple[str, ...] = ()
    fields: tuple[tuple[str, Text], ...] = ()
    reporter: bool = False
    name: str | None = None
    join: Relation | None = None

    def want(self, scope: Scope, bench: Bench) -> Wanted:
        """One ticket, or the name of the one there is."""
        joined = self._joined(scope, bench.view)
        if joined is not None:
            return Wanted(opened=((self.name, joined),) if self.name else ())
        priority = self.priority(scope) if self.priority else None
        effect = OpenTicket(
            system=self.system,
            cause=caused(bench, self.slot),
            kind=self.kind,
            place=self.place,
            title=self.title.line(scope),
            text=self.text.fill(scope),
            type=self.type,
            priority=None if priority is None else min(max(round(priority), 1), 5),
            labels=self.labels,
            fields=tuple((name, text.fill(scope)) for name, text in self.fields),
            reporter=scope.it.person("reporter") if self.reporter else None,
        )
        return Wanted(effects=(effect,), opened=((self.name, pending_ref(effect.key)),) if self.name else ())

    def _joined(self, scope: Scope, view: View) -> Ref | None:
        """The open ticket of our kind at the other end; one that is not mirrored yet was opened a moment ago."""
        if self.join is None:
            return None
        pending = None
        for record in (scope.it, *scope.others):
            for link in view.linked(record.ref, self.join):
                end = link.target if link.source == record.ref else link.source
                if end.kind == PENDING_KIND:
                    pending = pending or end
                elif end.kind == self.kind:
                    there = view.record(end)
                    if there is None or not there.finished:
                        return end
        return pending


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkUp:
    """Links each source to each target: in loopbot's graph, and where `systems` says (by default in the system of `it`)."""

    slot: str
    relation: Relation
    source: Aim
    target: Aim
    systems: tuple[str, ...] | None = None

    def want(self, scope: Scope, bench: Bench) -> Wanted:
        """The links that are not there yet."""
        links: list[Link] = []
        effects: list[LinkTickets] = []
        for source in self.source.ends(scope):
            there = bench.view.led_to(source.ref, self.relation)
            for target in self.target.ends(scope):
                if source.ref == target.ref or target.ref in there:
                    continue
                link = Link(
                    source.ref,
                    self.relation,
                    target.ref,
                    confidence=1.0 if scope.score is None else scope.score,
                    because=scope.because or bench.because,
                    by=f"rule:{bench.rule}",
                )
                links.append(link)
                cause = caused(bench, self.slot, f"{source.ref}>{target.ref}")
                systems = self.systems if self.systems is not None else (scope.it.system,)
                effects.extend(_written(system, cause, link, source, target) for system in systems)
        return Wanted(effects=tuple(effects), links=tuple(links))


def _written(system: str, cause: Cause, link: Link, source: End, target: End) -> LinkTickets:
    """The link as people of `system` will see it: named by the end that is not theirs."""
    far = source.record if target.system == system and source.system != system else target.record
    return LinkTickets(
        system=system,
        cause=cause,
        source=link.source,
        relation=link.relation,
        target=link.target,
        confidence=link.confidence,
        title=far.title if far else "",
        url=far.url if far else "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Comments on tickets."""

    slot: str
    on: Aim
    text: Text
    audience: Literal["internal", "public"]

    def want(self, scope: Scope, bench: Bench) -> Wanted:
        """One comment a ticket."""
        text = self.text.fill(scope)
        return Wanted(
            effects=tuple(
                Comment(
                    system=end.system,
                    cause=caused(bench, self.slot, end.ref),
                    target=end.ref,
                    text=text,
                    audience=self.audience,
                )
                for end in self.on.ends(scope)
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Brings tickets to a state; those that are there already are left alone."""

    slot: str
    on: Aim
    to: str

    def want(self, scope: Scope, bench: Bench) -> Wanted:
        """One transition a ticket."""
        return Wanted(
            effects=tuple(
                Transition(system=end.system, cause=caused(bench, self.slot, end.ref), target=end.ref, to=self.to)
                for end in self.on.ends(scope)
                if end.record is None or end.record.state != self.to
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """Sets fields of tickets; with `keep_current`, anew where they say something else."""

    slot: str
    on: Aim
    fields: tuple[tuple[str, Text], ...]
    keep_current: bool = False

    def want(self, scope: Scope, bench: Bench) -> Wanted:
        """One change a ticket."""
        filled = tuple((name, text.fill(scope)) for name, text in self.fields)
        wanted = [
            SetFields(
                system=end.system,
                cause=caused(bench, self.slot, end.ref),
                target=end.ref,
                fields=filled,
                keep_current=self.keep_current,
                weight=scope.weight if self.keep_current else None,
            )
            for end in self.on.ends(scope)
        ]
        return Wanted(effects=tuple(_unless_much_the_same(one, scope, bench.view) for one in wanted))


def _unless_much_the_same(effect: SetFields, scope: Scope, view: View) -> SetFields:
    """What is shown already stays as it is while the weight has hardly moved: a backlog is not written anew for every ticket."""
    if effect.weight is None:
        return effect
    shown = view.planned(effect.key)
    if not isinstance(shown, SetFields) or shown.weight is None:
        return effect
    if abs(effect.weight - shown.weight) >= scope.weight_step:
        return effect
    return replace(effect, fields=shown.fields, weight=shown.weight)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """Posts to a channel."""

    slot: str
    system: str
    channel: str
    text: Text
    keep_current: bool = False

    def want(self, scope: Scope, bench: Bench) -> Wanted:
        """One message."""
        text, dated = self.text.dated(scope)
        post = Post(
            system=self.system,
            cause=caused(bench, self.slot, f"#{self.channel}"),
            channel=self.channel,
            text=text,
            keep_current=self.keep_current,
            dated=dated,
        )
        return Wanted(effects=(post,))
