"""Learning from what people answered, linked and took apart: which changes cause incidents here, and which tickets are the same pain."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from loopbot.domain.questions import LessonKind
from loopbot.judgement import cause_answers, recurrence_answers, versions
from loopbot.judgement.cause import JUDGEMENT as CAUSE
from loopbot.judgement.cause_model import CauseModel
from loopbot.judgement.recurrence import JUDGEMENT as RECURRENCE
from loopbot.judgement.trial import Surprise, tried
from loopbot.judgement.versions import Learnt
from loopbot.ports import Tx
from loopbot.usecases.loop import Loop

TAUGHT: dict[str, LessonKind] = {CAUSE: "cause", RECURRENCE: "same"}
"""The judgements that learn from answers, and which lessons they learn from."""
_S = TypeVar("_S")
_M = TypeVar("_M")


@dataclass(frozen=True, slots=True)
class Lesson:
    """What came of learning: of which judgement, the model, whether it is used now, and why (not). `held`: a person chose another one."""

    judgement: str
    learnt: Learnt | None
    used: bool
    why: str
    held: bool = False


@dataclass(frozen=True, slots=True)
class Study(Generic[_S, _M]):
    """What a judgement learns from (`samples`, the earliest first, of so many `answers`), and how; `present` is what judges now."""

    judgement: str
    answers: int
    samples: Sequence[_S]
    present: _M
    fitted: Callable[[Sequence[_S]], _M]
    surprise: Callable[[Sequence[_S], _M], Surprise]
    written: Callable[[_M], str]
    version: Callable[[_M], str]


def something_new(loop: Loop) -> bool:
    """Whether people taught anything since the last time that it was learnt from."""
    with loop.store.read() as tx:
        return any(_taught_since(tx, judgement, kind) for judgement, kind in TAUGHT.items())


def learn(loop: Loop) -> list[Lesson]:
    """Learn whatever people taught something new about; of a judgement about which they did not, nothing is said."""
    with loop.store.read() as tx:
        new = [judgement for judgement, kind in TAUGHT.items() if _taught_since(tx, judgement, kind)]
    how = {CAUSE: learn_causes, RECURRENCE: learn_repeats}
    return [how[judgement](loop) for judgement in new or TAUGHT]


def learn_causes(loop: Loop) -> Lesson:
    """Fit the suspects' model anew, near the one that came with loopbot, and use it where it judges later answers no worse."""
    with loop.store.read() as tx:
        known = cause_answers.known_causes(tx)
        sure, least = sum(bool(one.causes) or one.nothing for one in known), cause_answers.LEAST
        if sure < least:
            why = f"{sure} incidents have a known cause, or are known to have none; {least} are needed to learn from"
            return Lesson(CAUSE, None, used=False, why=why)
        match = cause_answers.searched(known)
        study = Study(
            judgement=CAUSE,
            answers=len(known),
            samples=[cause_answers.samples_of(one, tx, match) for one in known],
            present=cause_answers.in_force(tx),
            fitted=cause_answers.fitted,
            surprise=cause_answers.surprise,
            written=CauseModel.dumped,
            version=lambda model: model.version,
        )
    return _learnt(loop, study)


def learn_repeats(loop: Loop) -> Lesson:
    """Fit the weights of `[repeat]` anew, near those that came with loopbot, and use them where they judge later answers no worse."""
    with loop.store.read() as tx:
        known = recurrence_answers.known_repeats(tx)
        told = recurrence_answers.pairs_told(known)
        if told["same"] < recurrence_answers.LEAST:
            why = f"people called {told['same']} pairs of tickets the same; {recurrence_answers.LEAST} are needed to learn from"
            return Lesson(RECURRENCE, None, used=False, why=why)
        study = Study(
            judgement=RECURRENCE,
            answers=told["same"] + told["apart"],
            samples=[recurrence_answers.sample_of(one, tx) for one in known],
            present=recurrence_answers.in_force(tx),
            fitted=recurrence_answers.fitted,
            surprise=recurrence_answers.surprise,
            written=recurrence_answers.written,
            version=recurrence_answers.version_of,
        )
    return _learnt(loop, study)


def _learnt(loop: Loop, study: Study[_S, _M]) -> Lesson:
    """Try it on the later answers first; keep what was learnt from all of them, and use it where the trial did no worse.

    What a person chose stays in use whatever is learnt: they may know why.
    """
    trial = tried(study.samples, study.present, study.fitted, study.surprise)
    at = loop.clock.now().isoformat(timespec="seconds")
    learnt = Learnt(study.version(trial.learnt), at, study.answers, trial.note)
    with loop.store.write() as tx:
        versions.keep(tx, study.judgement, learnt, study.written(trial.learnt))
        held = versions.chosen(tx, study.judgement)
        used = trial.no_worse and not held
        if used:
            versions.use(tx, study.judgement, learnt.version)
        instead = versions.in_use(tx, study.judgement)
    if held:
        why = f"{trial.note}: it is kept, and not used, since a person chose {instead}"
    else:
        why = trial.note if used else f"{trial.note}: it is kept, and not used"
    return Lesson(study.judgement, learnt, used, why, held)


def _taught_since(tx: Tx, judgement: str, kind: LessonKind) -> bool:
    learnt = versions.listed(tx, judgement)
    since = datetime.fromisoformat(learnt[-1].at) if learnt else datetime(1970, 1, 1, tzinfo=UTC)
    return any(lesson.kind == kind for lesson in tx.lessons.since(since))
