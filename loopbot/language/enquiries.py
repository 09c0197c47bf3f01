"""How rules ask people: the table `[ask]`, and the verb `ask`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from loopbot.domain import enquiring, workarounds
from loopbot.domain.questions import Ask, Audience, Tie
from loopbot.domain.records import Problem
from loopbot.domain.rules import Bench, Scope, Wanted
from loopbot.domain.words import Kind
from loopbot.language import model
from loopbot.language.aims import Aim
from loopbot.language.mistakes import Findings

What = Literal["topic", "root_cause"]
SUBJECTS: Mapping[What, Kind] = {"topic": "feedback", "root_cause": "problem"}
_WHOM: Mapping[str, Audience] = {
    "cause": "agents",
    "item": "product_owners",
    "cluster": "problem_managers",
    "topic": "product_owners",
    "root_cause": "problem_managers",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Enquire:
    """Asks people something about `it`."""

    slot: str
    what: What
    audience: Audience | None
    again: timedelta

    def want(self, scope: Scope, bench: Bench) -> Wanted:
        """One question, or none where nothing is left to ask."""
        ask = Ask(kind=self.what, audience=self.audience or _WHOM[self.what], again=self.again)
        question = enquiring.question_about(ask, bench.rule, scope.it, bench.view)
        return Wanted(questions=(question,) if question else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """Gives a problem's workaround to its incidents."""

    slot: str
    on: Aim
    system: str
    audience: Audience

    def want(self, scope: Scope, bench: Bench) -> Wanted:
        """A note for each incident's agents; a comment and a message for its caller where that is released; else the question."""
        it = scope.it
        if not isinstance(it, Problem):
            return Wanted()
        ask = Ask(kind="workaround", audience=self.audience)
        plan = workarounds.shared(ask, bench, it, self.on.records(scope))
        effects = [
            effect for one in plan.news for effect in workarounds.effects_of(one, it, bench, (self.slot, self.system))
        ]
        return Wanted(effects=tuple(effects), questions=(plan.question,) if plan.question else ())


def ask_of(written: model.RuleFile, findings: Findings) -> Ask | None:
    """How the rule asks: by its `[ask]`, and by the bars of its match also without one."""
    part = written.ask or model.AskTable()
    match, link = written.match, next((one for one in written.then if isinstance(one, model.LinkPart)), None)
    ranks = match is not None and match.rank != "none" and match.pick == "best"
    if written.ask is not None:
        _check(written, ranks=ranks, links=link is not None, findings=findings)
    if written.repeat is not None and not ranks:
        if written.ask is None:
            return None
        tie = Tie(relation=link.relation) if link else None
        return Ask(kind="cluster", audience=part.to or _WHOM["cluster"], tie=tie, first=True, again=part.again)
    if not ranks or link is None or (match is not None and match.optional and written.ask is None):
        return None
    kind: Literal["cause", "item"] = "cause" if link.relation == "caused_by" else "item"
    systems = None if link.systems is None else tuple(link.systems)
    tie = Tie(relation=link.relation, outward="it" in link.source, systems=systems)
    return Ask(
        kind=kind,
        audience=part.to or _WHOM[kind],
        tie=tie,
        first=part.first,
        again=part.again,
        unless=tuple(link.unless_linked),
    )


def _check(written: model.RuleFile, *, ranks: bool, links: bool, findings: Findings) -> None:
    if written.repeat is None and not ranks:
        why = "nothing in this rule is ever in doubt"
        findings.add("ask", why, 'it belongs to [repeat], or to a [match] with a rank; to ask at once use do = "ask"')
    elif not links:
        findings.add("ask", "a yes would do nothing", 'add [[then]] do = "link"')
    if written.match is not None and written.match.optional and not (written.ask and written.ask.first):
        findings.add("ask.first", "an optional match acts without waiting for the answer", "write first = true")
