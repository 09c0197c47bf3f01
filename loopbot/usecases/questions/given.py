"""One answer that counts, with all that its kind needs; and what every kind does with it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from loopbot.domain.effects import Cause, Effect
from loopbot.domain.events import Changed, Event
from loopbot.domain.questions import Lesson, LessonKind, Question
from loopbot.domain.records import Record, Ref
from loopbot.ports import Answer, QuestionRow, Tx
from loopbot.usecases.enact import decide
from loopbot.usecases.loop import Loop
from loopbot.usecases.questions.showing import meaning, name_of

RULE = "answers"


@dataclass(frozen=True, slots=True)
class Given:
    """One answer that counts, with all that its kind needs. `chosen` is the record it is about, `refs` those picked out."""

    loop: Loop
    tx: Tx
    row: QuestionRow
    answer: Answer
    chosen: Ref | None = None
    refs: tuple[Ref, ...] = ()

    @property
    def question(self) -> Question:
        """What was asked."""
        return self.row.question

    @property
    def word(self) -> str:
        """The answer without what it is about."""
        return self.answer.answer.partition(".")[0]

    @property
    def mark(self) -> str:
        """Names this answer in the outbox, so that it can be taken back."""
        return f"{name_of(self.answer.by)}: {self.word.replace('_', ' ')} (answer {self.answer.number})"

    def cause(self, slot: str) -> Cause:
        """Why an effect exists that follows from it."""
        because = f"{name_of(self.answer.by)}: {meaning(self.answer, self.question)}"
        return Cause(RULE, self.question.subject, slot, once=f"answer {self.answer.number}", because=because)

    def lesson(
        self, kind: LessonKind, subject: Ref, other: str, verdict: Literal["yes", "no"], before: str = ""
    ) -> Lesson:
        """What is to be learned from it."""
        return Lesson(
            kind=kind,
            subject=subject,
            other=other,
            verdict=verdict,
            by=self.answer.by,
            at=self.answer.at,
            answer=self.answer.number,
            before=before,
        )


@dataclass(frozen=True, slots=True)
class Kind:
    """`final`: whether an answer ends the question; `rests`: for how long, where not for good; `act`, `take_back`: what is done.

    `take_back` returns what could not be undone, as sentences.
    """

    act: Callable[[Given], None]
    take_back: Callable[[Given], list[str]]
    final: Callable[[QuestionRow, str, str], bool]
    rests: Callable[[Question, str], timedelta | None]


def plan(given: Given, effects: Iterable[Effect]) -> None:
    """Put into the outbox what follows from an answer."""
    planned = list(effects)
    if planned:
        given.tx.outbox.plan(planned)


def person_of(by: str) -> str:
    """Who said so, as links name them: person:ann@example.com."""
    inside = by.rpartition(" (")[2].removesuffix(")")
    return f"person:{inside}"


def rejudge(loop: Loop, tx: Tx, refs: Iterable[Ref], events: Iterable[Event] = ()) -> None:
    """Let the rules look at these records again."""
    records: Mapping[Ref, Record] = tx.mirror.many(set(refs))
    decide(loop, tx, [*events, *(Changed(record, before=record) for _, record in sorted(records.items()))])
