"""The candidates of an incident as they are gathered: each once, with what names it and what speaks of it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from loopbot.domain.holdings import held_by, holds
from loopbot.domain.records import Link, Record, Ref
from loopbot.domain.rules import Match
from loopbot.domain.views import View
from loopbot.domain.wordings import Neighbour, Neighbourhood
from loopbot.judgement.cause_features import Candidate
from loopbot.judgement.cause_mentions import Mention, mentions, named_versions
from loopbot.judgement.nearness import rarity
from loopbot.judgement.wording import said_by

_HELD = 60
"""So many records at most are looked at that brought what a ticket names; the latest ones."""
_ALIKE = 0.35
"""How much of what a ticket says another one has to say too, by rarity, so that its cause tells something."""
_ROW_ID = 32
_HYPHEN = re.compile(r"[a-z]{2,6}-\d{4,12}")


class Found:
    """Candidates as they are gathered, each once, with what is known of it. `closed`: none is added to those given."""

    def __init__(self, it: Record, view: View, match: Match, *, closed: bool) -> None:
        self._it, self._view, self._match, self._closed = it, view, match, closed
        self._named = mentions(it.title, it.text)
        self._heard: dict[Ref, Neighbour] = {}
        self._mentioned: dict[Ref, Mention] = {}
        self._brought: dict[Ref, str] = {}
        self._stated: set[Ref] = set()
        self._through: dict[Ref, Record] = {}
        self._delivers: dict[Ref, Record] = {}
        self._accusers: defaultdict[str, set[str]] = defaultdict(set)
        self._caused: defaultdict[Ref, list[str]] = defaultdict(list)

    def hear(self, near: Neighbourhood) -> None:
        """What the index found, with its words."""
        for one in near.found:
            self._heard.setdefault(one.record.ref, one)

    def add(self, records: Iterable[Record]) -> None:
        """Records without their words."""
        for record in records:
            if record.ref not in self._heard:
                self._heard[record.ref] = Neighbour(record, said_by(record))

    def name(self) -> None:
        """What the ticket names itself, by key, by its row's id or by what it brought, and what delivers an issue that it names."""
        since = named_versions(self._it.title, self._it.text)
        if self._named:
            ids = [name for name in self._named if len(name) == _ROW_ID]
            spelt = _spelt(self._named)
            for record in self._view.called(spelt):
                self._meet(record, self._named[spelt[record.key.lower()]])
            for record in self._view.identified(ids) if ids else ():
                self._meet(record, self._named[record.ident])
        names = {**since, **self._named}
        for record in self._view.holding(names, _HELD) if names else ():
            self._hold(record, names, since)

    def honour(self) -> None:
        """What fields and links of the ticket, its copies and its problem name as the cause; what a rule concluded counts for nothing."""
        it, view = self._it, self._view
        if fix := it.extra.get("rfc"):
            # The change that is asked for to mend it began later and is no candidate; one that was there before is meant as the cause.
            for record in (one for one in view.called([fix]) if one.system == it.system):
                self._meet(record, Mention(fix.lower(), blamed=True, times=0, elsewhere="its field rfc names it"))
        for link in view.linked(it.ref):
            if link.relation == "caused_by" and link.source == it.ref:
                self._state(link, _stated(link))
            elif link.relation in {"mirrors", "problem_of"} and not _by_rule(link):
                self._second_hand(link.target if link.source == it.ref else link.source)

    def deliver(self, tickets: Sequence[Neighbour]) -> None:
        """What delivered issues that say the like."""
        for ticket in tickets:
            if ticket.record.kind != "issue" or ticket.record.key == self._it.key:
                continue
            for bringer in self._bringers(ticket.record):
                self._offer(bringer)
                self._delivers.setdefault(bringer.ref, ticket.record)

    def accuse(self, tickets: Neighbourhood) -> None:
        """Which changes tickets that are alike name, and which caused them as people or systems say."""
        alike = {one.record.ref: one for one in tickets.found if one.record.key != self._it.key}
        for ticket in alike.values():
            record = ticket.record
            for name in mentions(record.title, record.text[:4000]):
                if name != record.key.lower():
                    self._accusers[name].add(record.key)
        for link in self._view.causes(alike):
            if not _by_rule(link) and _likeness(tickets, alike[link.source]) >= _ALIKE:
                self._caused[link.target].append(link.source.key)
                if link.target not in self._heard and (found := self._view.record(link.target)) is not None:
                    self._offer(found)

    def candidates(self) -> tuple[Candidate, ...]:
        """All of them: nothing that began after the incident, or somebody says that it caused it all the same."""
        return tuple(
            self._candidate(one)
            for one in self._heard.values()
            if (one.record.occurred_at <= self._it.occurred_at or one.record.ref in self._stated)
            and one.record.ref != self._it.ref
            and one.record.kind in self._match.kinds
        )

    def _candidate(self, one: Neighbour) -> Candidate:
        ref, key = one.record.ref, one.record.key.lower()
        caused = tuple(self._caused.get(ref, ()))
        named = self._mentioned.get(ref)
        through = self._through.get(ref) if named is None else None
        return Candidate(
            one.record,
            one.wording,
            named or (self._named.get(through.key.lower()) if through else None),
            through,
            self._delivers.get(ref),
            accusers=len(self._accusers.get(key, set()).union(caused)),
            caused=caused,
            brought=self._brought.get(ref, ""),
            stated=ref in self._stated,
        )

    def _meet(self, record: Record, mention: Mention) -> None:
        """A record that is named: a candidate, or an issue that stands for what delivered it."""
        if record.ref == self._it.ref:
            return
        if record.kind in self._match.kinds:
            self._offer(record)
            held = self._mentioned.get(record.ref)
            self._mentioned[record.ref] = mention if held is None else mention.joined(held)
        elif record.kind == "issue":
            for bringer in self._bringers(record):
                self._offer(bringer)
                self._through.setdefault(bringer.ref, record)

    def _hold(self, record: Record, names: dict[str, Mention], since: dict[str, Mention]) -> None:
        """A record that brought what is named. A version is one of its service: others count theirs from 1 as well."""
        held = held_by(record)
        told = [name for name in names if holds(held, name)]
        apart = bool(record.services and self._it.services and not record.services & self._it.services)
        told = [name for name in told if not (apart and name in since)]
        if told and record.kind in self._match.kinds and record.ref not in self._mentioned:
            self._meet(record, names[told[0]])
            self._brought[record.ref] = told[0]

    def _second_hand(self, far: Ref) -> None:
        for link in self._view.linked(far, "caused_by"):
            if link.source == far:
                self._state(link, f"{far.key}, which belongs to it, is linked to it as the cause")

    def _state(self, link: Link, words: str) -> None:
        record = None if _by_rule(link) else self._view.record(link.target)
        if record is not None and record.kind in self._match.kinds:
            self._meet(record, Mention(record.key.lower(), blamed=True, times=0, elsewhere=words))
            self._stated.add(record.ref)

    def _offer(self, record: Record) -> None:
        if not self._closed:
            self.add([record])

    def _bringers(self, issue: Record) -> Iterator[Record]:
        """The changes or deployments that deliver an issue."""
        for link in self._view.linked(issue.ref, "delivers"):
            if link.target == issue.ref and link.source.kind in self._match.kinds:
                record = self._view.record(link.source)
                if record is not None:
                    yield record


def _spelt(names: Iterable[str]) -> dict[str, str]:
    """How what is named may be called, each with its name: CHG-0031 may be CHG0031."""
    joined = {name.replace("-", ""): name for name in names if _HYPHEN.fullmatch(name)}
    return joined | {name: name for name in names}


def _by_rule(link: Link) -> bool:
    """Whether loopbot concluded it itself, which proves nothing."""
    return link.by.startswith("rule:")


def _stated(link: Link) -> str:
    """Who says that it is the cause, in words."""
    field = link.because.removeprefix("the field ").removesuffix(" says so")
    if link.because == f"the field {field} says so":
        return f"its field {field} names it"
    return f"it is linked as the cause ({link.because})" if link.because else "it is linked as the cause"


def _likeness(near: Neighbourhood, other: Neighbour) -> float:
    """How much of what the ticket says the other one says too, rare words counting most."""
    weights = {term: rarity(near.docs.get(term, 0), max(near.total, 1)) for term in near.asked.terms}
    shared = sum(weight for term, weight in weights.items() if term in other.wording.terms)
    return shared / (sum(weights.values()) or 1.0)
