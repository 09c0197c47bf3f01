"""What people were asked, what they decided and what was learnt of it, as protocols."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from loopbot.domain.questions import Asking, Audience, Lesson, LessonKind, Question, QuestionState
from loopbot.domain.records import Ref
from loopbot.ports.rows import Answer, LabelRow, ModelRow, QuestionRow


class Questions(Protocol):
    """What people are asked, and what they answered (`View.asked` reads it)."""

    def put(self, questions: Sequence[Question], expires_at: datetime) -> list[QuestionRow]:
        """Ask; returns those that are open now and were not, or say something else than before.

        One that rests (answered for good, or for a while that is not over) is left alone. A withdrawn one is open again, in
        the same round; one that has rested is asked in a new round.
        """

    def get(self, key: str, *, alone: bool = False) -> QuestionRow | None:
        """By key, or by the beginning of one (None when it is not the beginning of exactly one).

        `alone`: nobody else answers it until the end of this transaction.
        """

    def open(self, audience: Audience | None = None, kind: Asking | None = None, limit: int = 100) -> list[QuestionRow]:
        """What waits for an answer, the longest waiting first."""

    def rows(self, states: Collection[QuestionState] = (), limit: int = 100) -> list[QuestionRow]:
        """The latest first; no states: all of them."""

    def about(self, ref: Ref) -> list[QuestionRow]:
        """Questions whose subject it is, or that name it, the earliest first."""

    def waits(self, rule: str, subject: Ref) -> bool:
        """Whether a question of that rule about that record is open; asked for every change of every record."""

    def unasked(self, limit: int = 500) -> list[QuestionRow]:
        """Open ones that no message asks yet, the longest waiting first."""

    def carry(self, keys: Collection[str], message: str) -> None:
        """An effect asks these now."""

    def carried(self, message: str) -> list[QuestionRow]:
        """The questions that an effect asks, in the order they were first asked."""

    def due(self, asked_before: datetime) -> list[QuestionRow]:
        """Open ones that were asked before then and of which nobody was reminded; and open ones whose time is over."""

    def remind(self, key: str) -> None:
        """Somebody was reminded of it; that is not done twice."""

    def close(self, key: str, state: QuestionState, why: str, rests_until: datetime | None = None) -> bool:
        """Nobody has to answer any more; false where it is not open."""

    def answer(
        self, key: str, answer: str, detail: str, by: str, *, rests_until: datetime | None = None, final: bool = True
    ) -> Answer | None:
        """Note an answer; None where the question is not open: somebody was quicker. Unless `final` it stays open."""

    def answers(self, key: str) -> list[Answer]:
        """What was answered to it, the earliest first; undone answers too."""

    def undo(self, number: int, by: str) -> bool:
        """Take an answer back; the question is open again. False where it was taken back already."""


class Lessons(Protocol):
    """What people taught the judgements."""

    def add(self, lessons: Iterable[Lesson]) -> None:
        """Keep them; a later lesson about the same pair stands instead of an earlier one."""

    def undo(self, answer: int) -> list[Lesson]:
        """Take back what followed from an answer; returns what stood until now."""

    def retract(self, kind: LessonKind, pairs: Iterable[tuple[Ref, str]]) -> int:
        """Take back what stands of these pairs of a subject and another; returns how many stood."""

    def since(self, moment: datetime) -> list[Lesson]:
        """What was taught or taken back since then, the earliest first."""

    def all(self, kind: LessonKind | None = None) -> list[Lesson]:
        """Those that stand, the earliest first."""

    def of(self, kind: LessonKind, subjects: Collection[Ref]) -> list[Lesson]:
        """Those that stand about these records, the earliest first."""


class Labels(Protocol):
    """Texts whose topic people said, imported from files."""

    def put(self, labels: Iterable[LabelRow]) -> tuple[int, int]:
        """Keep them; a text that is there already has its latest topic. Returns how many are new, and how many changed."""

    def all(self) -> list[LabelRow]:
        """All of them, in an order that is always the same."""


class Models(Protocol):
    """What was learnt here, each version kept, so that an earlier one can be used again."""

    def put(self, kind: str, model: ModelRow, body: str) -> None:
        """Keep a version; the same version again is the same model."""

    def body(self, kind: str, version: str) -> str | None:
        """A version's content."""

    def all(self, kind: str) -> Sequence[ModelRow]:
        """The versions, the earliest first."""
