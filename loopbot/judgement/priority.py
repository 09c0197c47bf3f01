"""How much something matters: people, accounts, incidents, severity, age and trend in one number, with its parts in words. Pure.

The evidence is what the graph links with the record: the incidents and the feedback of a problem, of an item, of what duplicates
them. Nobody is counted twice, by whatever name and over whatever link they come, and everybody who reported any of it is kept.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from loopbot.domain.people import Roster, who
from loopbot.domain.ranking import Weighed
from loopbot.domain.records import Person, Record, Ref
from loopbot.domain.views import View
from loopbot.domain.words import Relation

FORTNIGHT = timedelta(days=14)
MOST = 2000
"""How many records one weight looks at."""
_RELATIONS: tuple[Relation, ...] = ("fixes", "problem_of", "duplicates", "mirrors")
NOBODY_ELSE = Roster()
_SHARED_MAIL = frozenset(
    {
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "yahoo.com",
        "icloud.com",
        "gmx.de",
        "web.de",
        "proton.me",
    }
)


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each part counts against the others (0 and up), and how many of it count as many."""

    people: float = 30.0
    accounts: float = 10.0
    incidents: float = 20.0
    severity: float = 20.0
    age: float = 10.0
    trend: float = 10.0
    many_people: int = 20
    many_accounts: int = 5
    many_incidents: int = 20
    old: timedelta = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of what matters to whom. `recent` and `before` count what happened in the last fortnight and the one before it."""

    people: tuple[Person, ...]
    accounts: tuple[str, ...]
    incidents: int
    votes: int
    severity: int | None
    since: datetime
    recent: int
    before: int


@dataclass(frozen=True, slots=True)
class Priority:
    """Weighs records by these weights; `roster` says who is one person under several names, `step` what is much of a change (0..100)."""

    weights: Weights = Weights()  # a frozen value
    roster: Roster = field(default_factory=Roster)
    step: float = 0.0

    def weigh(self, record: Record, view: View, others: Sequence[Record] = ()) -> Weighed:
        """How much a record matters, 0 to 100, `others` counting as if they were linked with it."""
        known = evidence(record, view, others, self.roster)
        return replace(weighed(known, self.weights, view.now()), step=self.step)


def evidence(record: Record, view: View, others: Iterable[Record] = (), roster: Roster = NOBODY_ELSE) -> Evidence:
    """What is linked with the record, over other records too."""
    found = _around(record, view, others)
    said = [one for one in found if one.kind in {"incident", "feedback"}]
    # Of an item that loopbot opened the tracker names us, or whoever it was opened for: they are linked with it.
    own = [] if view.opened(record.ref) else [record]
    people: dict[str, Person] = {}
    for one in [*said, *own]:
        for person in _reporters(one, roster):
            people.setdefault(who(person), person)
    now = view.now()
    priorities = [one for one in (getattr(each, "priority", None) for each in found) if one]
    return Evidence(
        tuple(people[key] for key in sorted(people)),
        tuple(sorted({account for one in said for account in _accounts(one, roster)})),
        sum(one.kind == "incident" for one in said),
        max(_votes(record), len(people)),
        min(priorities, default=None),
        min(one.occurred_at for one in found),
        sum(now - FORTNIGHT < one.occurred_at for one in said),
        sum(now - 2 * FORTNIGHT < one.occurred_at <= now - FORTNIGHT for one in said),
    )


def weighed(known: Evidence, weights: Weights, now: datetime) -> Weighed:
    """The number (0..100), and what each part adds to it, the largest first, in words."""
    whole = (
        sum((weights.people, weights.accounts, weights.incidents, weights.severity, weights.age, weights.trend)) or 1.0
    )
    age = max(now - known.since, timedelta(0))
    parts: Sequence[tuple[float, float, str]] = (
        (weights.people, _some(known.votes, weights.many_people), _counted(known.votes, "person", "people")),
        (
            weights.accounts,
            _some(len(known.accounts), weights.many_accounts),
            _counted(len(known.accounts), "account", "accounts"),
        ),
        (
            weights.incidents,
            _some(known.incidents, weights.many_incidents),
            _counted(known.incidents, "incident", "incidents"),
        ),
        (weights.severity, (6 - known.severity) / 5 if known.severity else 0.0, f"priority {known.severity} at worst"),
        (weights.age, min(age / weights.old, 1.0), f"known for {_counted(age.days, 'day', 'days')}"),
        (weights.trend, _growth(known), f"growing: {known.recent} in the last 14 days, {known.before} before"),
    )
    points = [(100 * weight * share / whole, words) for weight, share, words in parts if weight and share > 0]
    ranked = sorted(points, key=lambda each: -each[0])
    shown = tuple(f"{words} (+{round(value)})" for value, words in ranked if round(value) > 0)
    return Weighed(round(sum(value for value, _ in points), 1), shown)


def _around(record: Record, view: View, others: Iterable[Record]) -> list[Record]:
    """The record and what is linked with it, problems and duplicates being looked through."""
    found: dict[Ref, Record] = {record.ref: record, **{one.ref: one for one in others}}
    waiting = list(found)
    while waiting and len(found) < MOST:
        ref = waiting.pop()
        for link in view.linked(ref):
            far = link.target if link.source == ref else link.source
            if (
                link.relation not in _RELATIONS
                or far in found
                or _leads_away(link.relation, found[ref], ref == link.source)
            ):
                continue
            other = view.record(far)
            if other is not None:
                found[far] = other
                waiting.append(far)
    return list(found.values())


def _leads_away(relation: str, here: Record, forward: bool) -> bool:  # noqa: FBT001  # a direction
    """From an incident or feedback back up to what fixes or explains it: that is another record's evidence."""
    return relation in {"fixes", "problem_of"} and not forward and here.kind in {"incident", "feedback"}


def _reporters(record: Record, roster: Roster) -> Iterable[Person]:
    return (roster.same(part.person) for part in record.people if part.role == "reporter")


def _accounts(record: Record, roster: Roster) -> Iterable[str]:
    company = record.extra.get("company") or record.extra.get("account")
    if company:
        yield company.strip().lower()
        return
    for person in _reporters(record, roster):
        domain = (person.email or "").rpartition("@")[2].lower()
        if domain and domain not in _SHARED_MAIL:
            yield domain


def _votes(record: Record) -> int:
    votes = record.extra.get("votes", "")
    return int(votes) if votes.isascii() and votes.isdigit() and len(votes) < 9 else 0


def _growth(known: Evidence) -> float:
    if known.recent < 2 or known.recent <= known.before:
        return 0.0
    return (known.recent - known.before) / known.recent


def _some(count: int, many: int) -> float:
    """0 for none, 1 for many or more, rising fast at first."""
    return min(math.log1p(count) / math.log1p(max(many, 1)), 1.0)


def _counted(count: int, one: str, several: str) -> str:
    return f"{count:,} {one if count == 1 else several}"


ORDER: Mapping[str, int] = {"problem": 0, "issue": 1}
"""The kinds that a backlog holds."""
