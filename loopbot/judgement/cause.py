"""Suspects: which change or deployment caused an incident, how sure that is, and why, in words.

Candidates come from the store by index: what the ticket names, what says the like, and what was changed last. The span of
the rule is the only limit in time: old changes cause incidents too.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain

from loopbot.domain.holdings import SHORT, VERSIONS, is_commit
from loopbot.domain.records import Record
from loopbot.domain.rules import Match
from loopbot.domain.scoring import Ranked, span_in_words
from loopbot.domain.texts import listed
from loopbot.domain.views import View
from loopbot.domain.wordings import Sought
from loopbot.domain.words import RISKY, Kind
from loopbot.judgement.cause_features import FEATURES, Candidate, Pool, case_of, common_words, ended
from loopbot.judgement.cause_found import Found
from loopbot.judgement.cause_history import failed
from loopbot.judgement.cause_mentions import versions
from loopbot.judgement.cause_model import CauseModel, loaded, shipped_model

JUDGEMENT = "cause"
ALIKE, ALIKE_LATELY, LATEST, LATEST_ELSEWHERE, TICKETS = 200, 100, 60, 30, 25
LATELY = timedelta(days=120)
REACH = timedelta(days=3)
CONCERNED = 20
MOST_TOLD = 50
"""So many candidates are told, and beside them those of which somebody or something speaks."""
STATED = 0.99
"""How sure it is what a person or the ticket's system states as the cause, at least."""
AGAIN = 0.75
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
        judged = zip(pool.candidates, model.probabilities(pool), strict=True)
        known = sum(len(one.caused) for one in pool.candidates)
        said = [(one, max(probability, _told_certainty(one, known))) for one, probability in judged]
        likely = sorted(enumerate(said), key=lambda one: -one[1][1])
        told = likely[:MOST_TOLD] + [one for one in likely[MOST_TOLD:] if one[1][0].named or one[1][0].caused]
        for place, (one, probability) in told:
            yield Ranked(one.record, round(probability, 4), evidence(pool, place))

    def concerned(self, other: Record, view: View, match: Match, kind: Kind) -> Iterable[Record]:
        """The incidents that a late or changed change may have caused: of its services, within days of it; or all of those days."""
        until = min(view.now(), other.occurred_at + min(match.within, REACH))
        return view.between(kind, other.occurred_at, until, other.services, CONCERNED)


def gathered(
    it: Record, view: View, match: Match, among: Sequence[Record] | None = None, *, blind: bool = False
) -> Pool:
    """The case and its candidates: nothing that began after the incident.

    `blind`: to what people and systems state of its cause, for learning and measuring, which must not read the answer.
    """
    kinds = frozenset(match.kinds)
    began = it.occurred_at - match.within
    related = view.depends(it.services)
    near = view.neighbours(it, Sought(kinds=kinds, since=began, until=it.occurred_at, limit=ALIKE))
    tickets = view.neighbours(
        it, Sought(kinds=frozenset({"incident", "problem", "issue"}), since=began, until=it.occurred_at, limit=TICKETS)
    )
    case = case_of(it, near.asked, near.docs, near.total, released=_released(it, view), related=related)
    found = Found(it, view, match, closed=among is not None)
    if among is not None:
        found.add(among)
    else:
        found.hear(near)
        lately = max(began, it.occurred_at - LATELY)
        if served := it.services | related:
            sought = Sought(kinds=kinds, services=served, since=lately, until=it.occurred_at, limit=ALIKE_LATELY)
            found.hear(view.neighbours(it, sought))
        for kind in match.kinds:
            found.add(view.between(kind, lately, it.occurred_at, it.services, LATEST))
            if related:
                found.add(view.between(kind, lately, it.occurred_at, related, LATEST_ELSEWHERE))
            found.add(view.between(kind, lately, it.occurred_at, limit=LATEST_ELSEWHERE))
    found.name()
    if not blind:
        found.honour()
    found.deliver(tickets.found)
    found.accuse(tickets)
    return Pool(case, found.candidates())


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
    if failed(one.record):
        said.append("it failed or was rolled back")
    risk = getattr(one.record, "risk", None)
    if risk in RISKY:
        said.append(f"its risk was {risk}")
    if before := pool.failures[place]:
        said.append(f"{before.bad} of the last {before.of} before it {before.where} failed")
    said += _accusing_words(one)
    return tuple(said)


def _told_certainty(one: Candidate, known: int) -> float:
    """How sure a candidate is at least by what people and systems say; `known`: of so many tickets that read alike they say a cause.

    That it caused the like before is a good reason to ask, and never enough to link by itself.
    """
    if one.stated:
        return STATED
    again = len(one.caused)
    return min(again / (known + 2), AGAIN) if again > 1 else 0.0


def _named_words(one: Candidate) -> Iterable[str]:
    named = one.named
    if named is None:
        return
    blamed = " as what broke it" if named.blamed else ""
    if named.elsewhere:
        yield named.elsewhere
    if not named.times:
        return
    if one.named_through is not None:
        yield f"it delivers {one.named_through.key}, which the ticket names{blamed}"
    elif one.brought:
        yield f"it brought {_called(one.brought)}, which the ticket names{blamed}"
    else:
        yield f"the ticket names {one.record.key}{blamed}"


def _called(name: str) -> str:
    """A commit, pull or merge request or version as people speak of it."""
    if is_commit(name):
        return f"commit {name[:SHORT]}"
    if name[-1].isdigit() and "!" in name:
        return f"merge request {name}"
    return f"pull request {name}" if name[-1].isdigit() and "#" in name else f"version {name}"


def _accusing_words(one: Candidate) -> Iterable[str]:
    if one.caused:
        be = "reads alike and was" if len(one.caused) == 1 else "read alike and were"
        more = len(one.caused) - 3
        yield f"{listed([*one.caused[:3], *([f'{more} more'] if more > 0 else [])])} {be} caused by it"
    if naming := one.accusers - len(one.caused):
        yield "a ticket like this one names it" if naming == 1 else f"{naming} tickets like this one name it"


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


def _released(it: Record, view: View) -> datetime | None:
    """When the earliest release that the ticket says it is about came out."""
    told = {one.strip() for one in it.extra.get(VERSIONS, "").split(",") if one.strip()}
    if not told:
        return None
    within = {*it.services, getattr(it, "project", "")} - {""}
    names = set(chain(told, (f"{place}/{one}" for place in within for one in told)))
    dates = (
        released
        for record in (*view.called(names), *_tagged(it, view, told))
        if record.kind == "release"
        and (released := getattr(record, "released_at", None)) is not None
        and released <= it.occurred_at
    )
    return min(dates, default=None)


def _tagged(it: Record, view: View, told: Collection[str]) -> Iterable[Record]:
    """Releases of the ticket's services that carry one of these versions in their tag."""
    return (one for one in view.holding(told, MOST_TOLD) if one.services & it.services)
