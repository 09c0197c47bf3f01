"""Suspects: which change or deployment caused an incident, how sure that is, and why, in words.

Candidates come from the store by index: what the ticket names, what says the like, and what was changed last. The span of
the rule is the only limit in time: old changes cause incidents too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain

from loopbot.domain.records import Record, Ref
from loopbot.domain.rules import Match
from loopbot.domain.scoring import Ranked, span_in_words
from loopbot.domain.texts import listed
from loopbot.domain.views import View
from loopbot.domain.wordings import Neighbour, Neighbourhood, Sought
from loopbot.domain.words import RISKY, Kind
from loopbot.judgement.cause_features import FEATURES, Candidate, Pool, case_of, common_words, ended
from loopbot.judgement.cause_mentions import Mention, mentions, versions
from loopbot.judgement.cause_model import CauseModel, loaded, shipped_model
from loopbot.judgement.wording import said_by

JUDGEMENT = "cause"
ALIKE, ALIKE_LATELY, LATEST, LATEST_ELSEWHERE, TICKETS = 200, 100, 60, 30, 25
LATELY = timedelta(days=120)
REACH = timedelta(days=3)
CONCERNED = 20
_TOLD_WORDS = FEATURES.index("words")
_TOLD_VERSION = FEATURES.index("version")


@dataclass(frozen=True, slots=True)
class Suspects:
    """Ranks changes and deployments by how likely they caused an incident.

    By the model that was learnt here, where there is one: the view holds it, as it holds the records.
    """

    model: CauseModel = field(default_factory=shipped_model)

    def rank(self, it: Record, view: View, match: Match, among: Sequence[Record] | None = None) -> Iterable[Ranked]:
        """Every candidate with its probability and the evidence, in words."""
        pool = gathered(it, view, match, among)
        learnt = view.learnt(JUDGEMENT)
        model = _read(learnt) or self.model if learnt else self.model
        said = zip(pool.candidates, model.probabilities(pool), strict=True)
        likely = sorted(enumerate(said), key=lambda one: -one[1][1])
        for place, (one, probability) in likely[:50]:
            yield Ranked(one.record, round(probability, 4), evidence(pool, place))

    def concerned(self, other: Record, view: View, match: Match, kind: Kind) -> Iterable[Record]:
        """The incidents that a late or changed change may have caused: of its services, within days of it; or all of those days."""
        until = min(view.now(), other.occurred_at + min(match.within, REACH))
        return view.between(kind, other.occurred_at, until, other.services, CONCERNED)


def gathered(it: Record, view: View, match: Match, among: Sequence[Record] | None = None) -> Pool:
    """The case and its candidates: nothing that began after the incident."""
    kinds = frozenset(match.kinds)
    began = it.occurred_at - match.within
    near = view.neighbours(it, Sought(kinds=kinds, since=began, until=it.occurred_at, limit=ALIKE))
    tickets = view.neighbours(
        it, Sought(kinds=frozenset({"incident", "problem", "issue"}), since=began, until=it.occurred_at, limit=TICKETS)
    )
    case = case_of(
        it, near.asked, near.docs, near.total, released=_released(it, view), related=view.depends(it.services)
    )
    found = _Found(it, mentions(it.title, it.text))
    if among is not None:
        found.add(among)
    else:
        found.hear(near)
        lately = max(began, it.occurred_at - LATELY)
        if it.services:
            found.hear(
                view.neighbours(
                    it,
                    Sought(kinds=kinds, services=it.services, since=lately, until=it.occurred_at, limit=ALIKE_LATELY),
                )
            )
        for kind in match.kinds:
            found.add(view.between(kind, lately, it.occurred_at, it.services, LATEST))
            found.add(view.between(kind, lately, it.occurred_at, limit=LATEST_ELSEWHERE))
    found.name(view, match, also=among is None)
    found.deliver(view, tickets.found, match, also=among is None)
    found.accuse(tickets.found)
    return Pool(case, found.candidates(match))


def evidence(pool: Pool, place: int) -> tuple[str, ...]:
    """Why a candidate is suspected, the strongest reason first, as a support agent would say it."""
    one, it = pool.candidates[place], pool.case.record
    vector = pool.vectors[place]
    said = list(_named_words(one))
    if files := pool.named_files[place]:
        said.append(f"it touches {listed(files[:2])}, which the ticket names")
    shared = one.record.services & it.services
    if shared:
        said.append(f"same service ({listed(sorted(shared)[:3])})")
    elif one.record.services & pool.case.related:
        said.append(f"a service it depends on ({listed(sorted(one.record.services & pool.case.related)[:3])})")
    said.append(_when(one.record, it))
    if vector[_TOLD_VERSION]:
        both = versions(f"{one.record.title}\n{one.record.text[:4000]}") & pool.case.versions
        said.append(f"both name version {listed(sorted(both)[:2])}")
    common = common_words(pool, place)
    if common and vector[_TOLD_WORDS] >= 0.3:
        said.append(f"both mention {listed(common)}")
    if one.delivers is not None and one.named_through is None:
        said.append(f"it delivers {one.delivers.key}, which is much alike")
    if getattr(one.record, "outcome", None) in {"failed", "rolled_back"} or one.record.state in {
        "failed",
        "rolled_back",
    }:
        said.append("it failed or was rolled back")
    risk = getattr(one.record, "risk", None)
    if risk in RISKY:
        said.append(f"its risk was {risk}")
    if one.accusers:
        said.append(
            "a ticket like this one names it" if one.accusers == 1 else f"{one.accusers} tickets like this one name it"
        )
    return tuple(said)


def _named_words(one: Candidate) -> Iterable[str]:
    if one.named is None:
        return
    blamed = " as what broke it" if one.named.blamed else ""
    if one.named_through is not None:
        yield f"it delivers {one.named_through.key}, which the ticket names{blamed}"
    else:
        yield f"the ticket names {one.record.key}{blamed}"


def _when(change: Record, it: Record) -> str:
    seconds = (it.occurred_at - ended(change)).total_seconds()
    return "under way when it began" if seconds < 0 else f"finished {span_in_words(seconds)} before"


@lru_cache(maxsize=4)
def _read(text: str) -> CauseModel | None:
    """A learnt model; None where it was learnt by another version of loopbot, on other numbers."""
    try:
        return loaded(text)
    except (ValueError, KeyError, TypeError):
        return None


class _Found:
    """Candidates as they are gathered, each once, with what is known of it."""

    def __init__(self, it: Record, named: Mapping[str, Mention]) -> None:
        self._it = it
        self._named = named
        self._heard: dict[Ref, Neighbour] = {}
        self._through: dict[Ref, Record] = {}
        self._delivers: dict[Ref, Record] = {}
        self._accusers: dict[str, int] = {}

    def hear(self, near: Neighbourhood) -> None:
        """What the index found, with its words."""
        for one in near.found:
            self._heard.setdefault(one.record.ref, one)

    def add(self, records: Iterable[Record]) -> None:
        """Records without their words."""
        for record in records:
            if record.ref not in self._heard:
                self._heard[record.ref] = Neighbour(record, said_by(record))

    def name(self, view: View, match: Match, *, also: bool) -> None:
        """What the ticket names itself, and what delivers an issue that it names."""
        if not self._named:
            return
        for record in view.called(self._named):
            if record.ref == self._it.ref:
                continue
            if record.kind in match.kinds:
                self.add([record] if also else ())
            elif record.kind == "issue":
                for bringer in _bringers(record, view, match):
                    self.add([bringer] if also else ())
                    self._through.setdefault(bringer.ref, record)

    def deliver(self, view: View, tickets: Sequence[Neighbour], match: Match, *, also: bool) -> None:
        """What delivered issues that say the like."""
        for ticket in tickets:
            if ticket.record.kind != "issue" or ticket.record.key == self._it.key:
                continue
            for bringer in _bringers(ticket.record, view, match):
                self.add([bringer] if also else ())
                self._delivers.setdefault(bringer.ref, ticket.record)

    def accuse(self, tickets: Sequence[Neighbour]) -> None:
        """Which changes tickets that are alike name."""
        for ticket in tickets:
            if ticket.record.key == self._it.key:
                continue
            for name in mentions(ticket.record.title, ticket.record.text[:4000]):
                if name != ticket.record.key.lower():
                    self._accusers[name] = self._accusers.get(name, 0) + 1

    def candidates(self, match: Match) -> tuple[Candidate, ...]:
        """All of them."""
        return tuple(
            self._candidate(one)
            for one in self._heard.values()
            if one.record.occurred_at <= self._it.occurred_at
            and one.record.ref != self._it.ref
            and one.record.kind in match.kinds
        )

    def _candidate(self, one: Neighbour) -> Candidate:
        record = one.record
        through = self._through.get(record.ref)
        return Candidate(
            record,
            one.wording,
            self._mention(record) or (self._named.get(through.key.lower()) if through else None),
            through if self._mention(record) is None else None,
            self._delivers.get(record.ref),
            self._accusers.get(record.key.lower(), 0),
        )

    def _mention(self, record: Record) -> Mention | None:
        found = self._named.get(record.key.lower())
        commit = getattr(record, "commit", None)
        if found is None and commit:
            found = next((one for name, one in self._named.items() if len(name) >= 7 and commit.startswith(name)), None)
        return found


def _bringers(issue: Record, view: View, match: Match) -> Iterable[Record]:
    """The changes or deployments that deliver an issue."""
    for link in view.linked(issue.ref, "delivers"):
        if link.target == issue.ref and link.source.kind in match.kinds:
            record = view.record(link.source)
            if record is not None:
                yield record


def _released(it: Record, view: View) -> datetime | None:
    """When the earliest release that the ticket says it is about came out."""
    told = {one.strip() for one in it.extra.get("versions", "").split(",") if one.strip()}
    if not told:
        return None
    names = set(chain(told, (f"{service}/{one}" for service in it.services for one in told)))
    dates = (
        released
        for record in view.called(names)
        if record.kind == "release"
        and (released := getattr(record, "released_at", None)) is not None
        and released <= it.occurred_at
    )
    return min(dates, default=None)
