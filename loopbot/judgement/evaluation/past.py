"""The tickets of a project as they came one after the other, and what those of the history teach before the first is asked for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from loopbot.domain.records import Incident, Ref
from loopbot.domain.wordings import Sought
from loopbot.judgement.evaluation.figures import Progress
from loopbot.judgement.evaluation.plain import PlainIndex
from loopbot.judgement.evaluation.tickets import Pool
from loopbot.judgement.likeness import Likeness
from loopbot.judgement.nearness import Memory
from loopbot.judgement.recurrence import PAIN
from loopbot.judgement.recurrence_answers import (
    LEAST,
    MOST,
    UNTOLD,
    WITHIN,
    Sample,
    Told,
    fitted,
    sample_among,
    surprise,
)
from loopbot.judgement.trial import tried


@dataclass
class Past:
    """A pool, what is asked for of it (with what is right), and how much of it has come: nothing later is known."""

    pool: Pool
    asked: Mapping[Ref, frozenset[Ref]]
    memory: Memory = field(default_factory=Memory)
    plain: PlainIndex = field(default_factory=PlainIndex)
    _come: int = 0

    def until(self, moment: datetime | None = None) -> Iterator[tuple[Incident, Memory]]:
        """The next tickets, those before the moment, each with what came before it."""
        while self._come < len(self.pool.tickets):
            it = self.pool.tickets[self._come]
            if moment is not None and it.occurred_at >= moment:
                return
            yield it, self.memory
            self.memory.add(it)
            self.plain.add(it)
            self._come += 1

    def forget(self) -> None:
        """All of it was asked for: let its words go, others come."""
        self.memory, self.plain = Memory(), PlainIndex()


def after_history(pasts: Sequence[Past], progress: Progress) -> tuple[Likeness, str]:
    """What `[repeat]` judges by after a history, and why: what it taught, if that does no worse on its later part, or what ships.

    It teaches as people's answers do, by the pairs that it tells before the first ticket that is asked for.
    """
    first = min(it.occurred_at for past in pasts for it in past.pool.tickets if it.ref in past.asked)
    told = [one for past in pasts for one in _told(past.pool, first)]
    told = sorted(told, key=lambda one: (one.it.occurred_at, one.it.ref))[-MOST:]
    pairs = sum(len(one.same) for one in told)
    if pairs < LEAST:
        return PAIN, f"by the weights that ship: the history tells {pairs} earlier pairs, {LEAST} teach"
    wanted = {one.it.ref: one for one in told}
    samples: dict[Ref, Sample] = {}
    for past in pasts:
        progress(f"recurring tickets of {past.pool.name}: what the history teaches")
        known = {one.ref: one for one in past.pool.tickets}
        for it, memory in past.until(first):
            if it.ref in wanted:
                samples[it.ref] = _sample(wanted[it.ref], memory, known)
    trial = tried([samples[one.it.ref] for one in told], PAIN, fitted, surprise)
    which = f"what {pairs} pairs of the history taught" if trial.no_worse else "the weights that ship"
    return trial.learnt if trial.no_worse else PAIN, f"by {which}: {trial.note}"


def _told(pool: Pool, first: datetime) -> Iterator[Told]:
    for it in pool.tickets:
        if it.occurred_at < first and it.ref in pool.in_history:
            same = pool.known_earlier(it)
            if same:
                yield Told(it, same, frozenset())


def _sample(one: Told, memory: Memory, known: Mapping[Ref, Incident]) -> Sample:
    it = one.it
    sought = Sought(kinds=frozenset({it.kind}), since=it.occurred_at - WITHIN, until=it.occurred_at, limit=4 * UNTOLD)
    near = memory.neighbours(it, sought)
    return sample_among(one, near, [known[ref] for ref in sorted(one.same)], frozenset())
