"""Rules made in code, for tests of judging and of use cases that need no rule language."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from loopbot.domain.effects import Cause as EffectCause
from loopbot.domain.effects import Comment, OpenTicket, Tell
from loopbot.domain.pending import pending_ref
from loopbot.domain.records import Link
from loopbot.domain.rules import Bench, Predicate, Rule, Scope, Wanted


@dataclass(frozen=True)
class When:
    """A condition that is a function."""

    test: Callable[[Scope], bool]
    text: str = "the test's own condition"
    demands: tuple[str, Hashable] | None = None

    @property
    def clauses(self) -> Sequence[Predicate]:
        return (self,)

    def holds(self, scope: Scope) -> bool:
        return self.test(scope)

    def seen(self, scope: Scope) -> str:
        return f"it is {scope.it.key}"


@dataclass(frozen=True)
class Says:
    """A text that is a function."""

    fill_in: Callable[[Scope], str]
    text: str = "the test's own text"

    def fill(self, scope: Scope) -> str:
        return self.fill_in(scope)


@dataclass(frozen=True)
class NoteIt:
    """Leaves an internal note on the record."""

    text: str = "seen"

    def want(self, scope: Scope, bench: Bench) -> Wanted:
        cause = _cause(bench, "note")
        text = f"{self.text} {scope.other.key}" if scope.other else self.text
        return Wanted(effects=(Comment(system=scope.it.system, cause=cause, target=scope.it.ref, text=text),))


@dataclass(frozen=True)
class OpenAndLink:
    """Opens a problem and links every member to it, once for the cluster."""

    def want(self, scope: Scope, bench: Bench) -> Wanted:
        members = (scope.it, *scope.others)
        for member in members:
            for link in bench.view.linked(member.ref, "problem_of"):
                links = tuple(Link(link.source, "problem_of", one.ref, by=f"rule:{bench.rule}") for one in members)
                return Wanted(links=links)
        opens = OpenTicket(
            system="servicenow", cause=_cause(bench, "open"), kind="problem", place="problem", title="again"
        )
        links = tuple(Link(pending_ref(opens.key), "problem_of", one.ref, by=f"rule:{bench.rule}") for one in members)
        return Wanted(effects=(opens,), links=links)


@dataclass(frozen=True)
class TellReporter:
    """Tells the person who reported it."""

    def want(self, scope: Scope, bench: Bench) -> Wanted:
        person = scope.it.person("reporter")
        if person is None:
            return Wanted()
        cause = replace(_cause(bench, "tell"), slot=f"tell:{person.key}")
        text = f"{scope.it.title} works again"
        return Wanted(
            effects=(Tell(system="slack", cause=cause, person=person, text=text, about=scope.it.ref, question="fixed"),)
        )


def rule(name: str = "made", **fields: Any) -> Rule:
    given: dict[str, Any] = {"about": "a rule of a test", "on": frozenset({"incident"}), "then": (NoteIt(),), **fields}
    return Rule(name=name, **given)


def _cause(bench: Bench, slot: str) -> EffectCause:
    return EffectCause(bench.rule, bench.subject, slot, bench.once, bench.because)
