"""What keeps coming back: tickets that tell of the same pain, gathered as they came, and what people say about them.

A cluster is made anew from what is mirrored, in order of time: each ticket joins the nearest cluster before it, or begins one.
What people said outranks that: tickets that somebody linked as the same are together, those that somebody took apart are not.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from loopbot.domain.errors import UserError
from loopbot.domain.events import Changed
from loopbot.domain.questions import Lesson
from loopbot.domain.ranking import Judgement
from loopbot.domain.records import Link, Record, Ref
from loopbot.domain.rules import Repeat
from loopbot.domain.views import View
from loopbot.domain.words import Kind
from loopbot.ports import Tx
from loopbot.usecases.enact import decide
from loopbot.usecases.loop import Loop

MOST = 3_000
"""How many tickets are looked at, the latest of the span: about twenty milliseconds each."""
USUAL = Repeat(at_least=3, within=timedelta(days=14), alike=0.25)


@dataclass(frozen=True, slots=True)
class Member:
    """A ticket of a cluster: how sure (0..1) and why it is one; the one that began it is certain."""

    record: Record
    score: float
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cluster:
    """Tickets that tell of the same pain, oldest first; `problem` explains them where one is linked."""

    members: tuple[Member, ...]
    centre: Record
    problem: Ref | None = None

    @property
    def name(self) -> str:
        """What it is called: the title of its centre, the ticket that most of the others are like."""
        return self.centre.title

    @property
    def sure(self) -> float:
        """How sure it is that they belong together, 0..1: the mean of its members' scores but the first."""
        scores = [one.score for one in self.members[1:]]
        return sum(scores) / len(scores) if scores else 1.0

    @property
    def services(self) -> frozenset[str]:
        """What the tickets are about."""
        return frozenset(service for one in self.members for service in one.record.services)

    @property
    def people(self) -> int:
        """How many people reported it, as far as they are known."""
        return len({one.record.reporter for one in self.members if one.record.reporter})


def clusters(
    view: View,
    judgement: Judgement,
    repeat: Repeat = USUAL,
    service: str = "",
    kind: Kind = "incident",
    enough: Callable[[], bool] = lambda: False,
) -> list[Cluster]:
    """What came back at least so often within the span until now, the biggest first. `enough` ends it early: what was seen until then."""
    services = frozenset({service} if service else ())
    around = view.between(kind, view.now() - repeat.within, view.now(), services)[:MOST]
    gathered = _Gathered(view, judgement, repeat)
    for it in reversed(around):
        if enough():
            break
        gathered.take(it)
    found = [cluster for cluster in gathered.clusters() if len(cluster.members) >= repeat.at_least]
    return sorted(found, key=lambda one: (-len(one.members), one.centre.ref))


def cluster_of(view: View, judgement: Judgement, it: Record, repeat: Repeat = USUAL) -> Cluster:
    """The ticket with the earlier ones that tell of the same pain: what a rule with these settings would see."""
    apart = view.apart(it.ref)
    alike = [one for one in judgement.repeats.alike(it, view, repeat) if one.record.ref not in apart]
    members = [Member(one.record, one.score, one.because) for one in alike if one.record.ref != it.ref]
    members.append(Member(it, 1.0))
    ordered = tuple(sorted(members, key=lambda one: (one.record.occurred_at, one.record.ref)))
    return Cluster(ordered, it, _problem([one.record for one in ordered], view))


def repeat_of(loop: Loop, kind: Kind = "incident") -> Repeat:
    """How often the like must have happened, as the rule in force for these tickets says; else the usual."""
    for rule in loop.rules.waking_for(kind):
        if rule.repeat is not None and rule.repeat.alike:
            return rule.repeat
    return USUAL


def merge(loop: Loop, tx: Tx, tickets: Sequence[Record], by: str) -> list[Link]:
    """A person says that these are the same: each is linked to the first, and the rules look at them again.

    What somebody took apart before is together again. Raises UserError for fewer than two tickets, or several kinds.
    """
    first, *others = _of_one_kind(tickets)
    for one, other in _pairs(tickets, tickets):
        tx.links.take_back(one, "duplicates", other)
    said = "a person says that they are the same"
    links = [Link(other.ref, "duplicates", first.ref, 1.0, said, by) for other in others]
    new = tx.links.put(links)
    tx.lessons.add(_lessons(tickets, tickets, "yes", by, tx))
    _look_again(loop, tx, tickets)
    return new


def split(loop: Loop, tx: Tx, out: Sequence[Record], rest: Sequence[Record], by: str) -> int:
    """A person says that `out` is another pain than `rest`; it stays said. Returns how many pairs that concerns."""
    _of_one_kind([*out, *rest])
    pairs = list(_pairs(out, rest))
    for one, other in pairs:
        tx.links.reject(one, "duplicates", other, by)
        tx.links.reject(other, "duplicates", one, by)
    tx.lessons.add(_lessons(out, rest, "no", by, tx))
    _look_again(loop, tx, [*out, *rest])
    return len(pairs)


def unsay(loop: Loop, tx: Tx, some: Sequence[Record], others: Sequence[Record]) -> int:
    """A person takes back what was said of these, together or apart. Returns how many pairs that concerns."""
    pairs = [pair for one, other in _pairs(some, others) for pair in ((one, other), (other, one))]
    taken = sum(tx.links.take_back(one, "duplicates", other) for one, other in pairs)
    taken += tx.lessons.retract("same", [(one, str(other)) for one, other in pairs])
    _look_again(loop, tx, {one.ref: one for one in [*some, *others]}.values())
    return taken


class _Gathered:
    """Clusters as they grow."""

    def __init__(self, view: View, judgement: Judgement, repeat: Repeat) -> None:
        self._view, self._judgement, self._repeat = view, judgement, repeat
        self._of: dict[Ref, int] = {}
        self._members: list[list[Member]] = []
        self._liked: Counter[Ref] = Counter()

    def take(self, it: Record) -> None:
        """Let it join the cluster that speaks most for it, or begin one."""
        apart = self._view.apart(it.ref)
        votes: dict[int, list[Member]] = {}
        for one in self._judgement.repeats.alike(it, self._view, self._repeat):
            number = self._of.get(one.record.ref)
            if number is not None and one.record.ref not in apart:
                votes.setdefault(number, []).append(Member(one.record, one.score, one.because))
        allowed = {
            number: liked
            for number, liked in votes.items()
            if not apart & {member.record.ref for member in self._members[number]}
        }
        if not allowed:
            self._of[it.ref] = len(self._members)
            self._members.append([Member(it, 1.0)])
            return
        best = max(allowed, key=lambda number: (max(one.score for one in allowed[number]), -number))
        nearest = max(allowed[best], key=lambda one: one.score)
        self._liked.update(one.record.ref for one in allowed[best])
        self._of[it.ref] = best
        because = (f"like {nearest.record.key}", *nearest.because)
        self._members[best].append(Member(it, nearest.score, because))

    def clusters(self) -> Iterator[Cluster]:
        """Those of more than one."""
        for members in self._members:
            if len(members) > 1:
                centre = max(members, key=lambda one: (self._liked[one.record.ref], one.record.occurred_at)).record
                yield Cluster(tuple(members), centre, _problem([one.record for one in members], self._view))


def _problem(records: Iterable[Record], view: View) -> Ref | None:
    """The problem that explains the most of them."""
    found = Counter(
        link.source for record in records for link in view.linked(record.ref, "problem_of") if link.target == record.ref
    )
    return min(found, key=lambda ref: (-found[ref], ref)) if found else None


def _of_one_kind(tickets: Sequence[Record]) -> Sequence[Record]:
    kinds = sorted({one.kind for one in tickets})
    if len({one.ref for one in tickets}) < 2 or len(kinds) != 1:
        named = ", ".join(one.key for one in tickets) or "nothing"
        why = f"are of several kinds ({', '.join(kinds)})" if len(kinds) > 1 else "is not two different tickets"
        raise UserError(named, why, "name two or more tickets of one kind: INC0012345 INC0012346")
    return tickets


def _pairs(some: Collection[Record], others: Collection[Record]) -> Iterator[tuple[Ref, Ref]]:
    return ((one.ref, other.ref) for one in some for other in others if one.ref != other.ref)


def _lessons(some: Sequence[Record], others: Sequence[Record], verdict: str, by: str, tx: Tx) -> Iterator[Lesson]:
    for one, other in _pairs(some, others):
        blank = Lesson(kind="same", subject=one, other=str(other), verdict="yes", by=by, at=tx.now())
        yield blank if verdict == "yes" else replace(blank, verdict="no")


def _look_again(loop: Loop, tx: Tx, tickets: Iterable[Record]) -> None:
    decide(loop, tx, [Changed(one, before=one) for one in tickets])
