"""Learning which changes cause incidents here, from what people answered, linked and rejected, and from what systems state."""

from dataclasses import dataclass
from datetime import UTC, datetime

from loopbot.judgement import versions
from loopbot.judgement.cause import JUDGEMENT
from loopbot.judgement.cause_answers import LEAST, fitted, in_force, known_causes, loss, samples_of, searched
from loopbot.judgement.versions import Learnt
from loopbot.usecases.loop import Loop

HELD_OUT = 0.3


@dataclass(frozen=True, slots=True)
class Lesson:
    """What came of learning: the model, whether it is used now, and why (not)."""

    learnt: Learnt | None
    used: bool
    why: str


def something_new(loop: Loop) -> bool:
    """Whether people taught anything about causes since the last time that something was learnt."""
    with loop.store.read() as tx:
        learnt = versions.listed(tx, JUDGEMENT)
        since = datetime.fromisoformat(learnt[-1].at) if learnt else datetime(1970, 1, 1, tzinfo=UTC)
        return any(lesson.kind == "cause" for lesson in tx.lessons.since(since))


def learn_causes(loop: Loop) -> Lesson:
    """Fit the suspects' model anew, near the one that came with loopbot, and use it where it judges later answers no worse."""
    with loop.store.read() as tx:
        known = known_causes(tx)
        sure = [one for one in known if one.causes]
        if len(sure) < LEAST:
            return Lesson(
                None, used=False, why=f"{len(sure)} incidents have a known cause; {LEAST} are needed to learn from"
            )
        match = searched(known)
        samples = [samples_of(one, tx, match) for one in known]
        present = in_force(tx)
    split = round(len(samples) * (1 - HELD_OUT))
    earlier, later = samples[:split], samples[split:]
    trial = fitted(earlier)
    before, after = (loss(later, model) for model in (present, trial))
    model = fitted(samples)
    better = after <= before
    note = f"surprise at later answers {after:.3f} (before: {before:.3f})"
    learnt = Learnt(model.version, loop.clock.now().isoformat(timespec="seconds"), len(known), note)
    with loop.store.write() as tx:
        versions.keep(tx, JUDGEMENT, learnt, model.dumped())
        if better:
            versions.use(tx, JUDGEMENT, model.version)
    return Lesson(learnt, better, note if better else f"{note}: it is kept, and not used")
