"""Questions to people and their answers: each asked once, the first answer counting."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, select, update

from loopbot.domain.questions import PROMOTE, Asking, Audience, Question, QuestionState, Standing
from loopbot.domain.records import Ref
from loopbot.ports import Answer, QuestionRow
from loopbot.store import schema
from loopbot.store.codec import decode_question, encode_question
from loopbot.store.schema import AnyRow
from loopbot.store.work import Work

Q = schema.question.c
A = schema.answer.c
R = schema.question_ref.c
OPEN = Q.state == "open"
_BLANK: dict[str, Any] = {"answered_at": None, "answered_by": "", "answer": "", "rests_until": None, "why": ""}


class SqlQuestions:
    """The questions inside one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connection = work.connection
        # What each rule waits for, read once a transaction. Where another host asks meanwhile, the next change finds out.
        self._waiting: dict[str, set[Ref]] = {}

    def put(self, questions: Sequence[Question], expires_at: datetime) -> list[QuestionRow]:
        """Ask; returns those that are open now and were not, or say something else than before."""
        once = {one.key: one for one in questions}
        changed = [key for key, one in sorted(once.items()) if self._put(one, expires_at)]
        return [row for key in changed if (row := self.get(key)) is not None]

    def get(self, key: str, *, alone: bool = False) -> QuestionRow | None:
        """By key, or by the beginning of one; `alone`: nobody else answers it until the end of this transaction."""
        query = select(schema.question).where(Q.key >= key, Q.key < key + "g").limit(2)  # keys are hexadecimal
        rows = self._connection.execute(query).all()
        row = rows[0] if key and len(rows) == 1 else None
        if row is not None and alone:
            row = self._locked(row.key)
        return None if row is None else _row(row)

    def open(self, audience: Audience | None = None, kind: Asking | None = None, limit: int = 100) -> list[QuestionRow]:
        """What waits for an answer, the longest waiting first."""
        narrowed = [column == value for column, value in ((Q.audience, audience), (Q.kind, kind)) if value is not None]
        return self._rows(OPEN, *narrowed, limit=limit)

    def rows(self, states: Collection[QuestionState] = (), limit: int = 100) -> list[QuestionRow]:
        """The latest first; no states: all of them."""
        query = select(schema.question).order_by(Q.asked_at.desc(), Q.number.desc()).limit(limit)
        if states:
            query = query.where(Q.state.in_(sorted(states)))
        return [_row(row) for row in self._connection.execute(query)]

    def about(self, ref: Ref) -> list[QuestionRow]:
        """Questions whose subject it is, or that name it, the earliest first."""
        return self._rows(Q.key.in_(select(R.key).where(R.ref == ref)))

    def waits(self, rule: str, subject: Ref) -> bool:
        """Whether a question of that rule about that record is open."""
        if rule not in self._waiting:
            found = self._connection.scalars(select(R.ref).where(R.key == Q.key, OPEN, Q.rule == rule))
            self._waiting[rule] = set(found)
        return subject in self._waiting[rule]

    def asked(self, kind: Asking, subjects: Collection[Ref]) -> Standing | None:
        """What became of the latest question of that kind about one of these records."""
        among = self._work.among(Q.subject, map(str, subjects))
        query = select(schema.question).where(Q.kind == kind, among)
        rows = self._connection.execute(query.order_by(Q.asked_at.desc(), Q.number.desc()).limit(2)).all()
        if not rows:
            return None
        row, about = rows[0], decode_question(rows[0].body).about
        former = len(rows) > 1 and rows[1].subject == row.subject
        return Standing(row.subject, row.state, row.answer, row.rests_until, about, row.asked_at, former)

    def promoted_with(self, ref: Ref) -> frozenset[Ref]:
        """The records of which people, asked about them together with this one, said that they are one problem."""
        said = (Q.kind == "cluster", Q.state == "answered", Q.answer == PROMOTE)
        bodies = self._connection.scalars(
            select(Q.body).join(schema.question_ref, R.key == Q.key).where(R.ref == ref, *said)
        )
        return frozenset(one for body in bodies for one in decode_question(body).refs) - {ref}

    def unasked(self, limit: int = 500) -> list[QuestionRow]:
        """Open ones that no message asks yet, the longest waiting first."""
        return self._rows(OPEN, Q.message == "", limit=limit)

    def carry(self, keys: Collection[str], message: str) -> None:
        """An effect asks these now."""
        here = self._work.among(Q.key, sorted(keys))
        self._connection.execute(update(schema.question).where(here).values(message=message))

    def carried(self, message: str) -> list[QuestionRow]:
        """The questions that an effect asks, in the order they were first asked."""
        return self._rows(Q.message == message) if message else []

    def due(self, asked_before: datetime) -> list[QuestionRow]:
        """Open ones of which nobody was reminded though they were asked before then; and open ones whose time is over."""
        late = and_(Q.reminded_at.is_(None), Q.asked_at <= asked_before, Q.message != "")
        return self._rows(OPEN, or_(late, Q.expires_at <= self._work.now()))

    def remind(self, key: str) -> None:
        """Somebody was reminded of it; that is not done twice."""
        self._connection.execute(update(schema.question).where(Q.key == key).values(reminded_at=self._work.now()))

    def close(self, key: str, state: QuestionState, why: str, rests_until: datetime | None = None) -> bool:
        """Nobody has to answer any more; false where it is not open."""
        self._waiting.clear()
        here = update(schema.question).where(Q.key == key, OPEN)
        values = {"state": state, "why": why, "rests_until": rests_until}
        return self._connection.execute(here.values(**values).returning(Q.number)).first() is not None

    def answer(
        self, key: str, answer: str, detail: str, by: str, *, rests_until: datetime | None = None, final: bool = True
    ) -> Answer | None:
        """Note an answer; None where the question is not open: somebody was quicker. Unless `final` it stays open."""
        row = self._locked(key)
        if row is None or row.state != "open":
            return None
        now = self._work.now()
        values = {"question": key, "answer": answer, "detail": detail, "by": by, "at": now, "undone_by": ""}
        number = self._connection.execute(schema.answer.insert().values(**values).returning(A.number)).scalar_one()
        if final:
            self._waiting.clear()
            said = {"state": "answered", "answered_at": now, "answered_by": by, "answer": answer}
            here = update(schema.question).where(Q.key == key)
            self._connection.execute(here.values(**said, rests_until=rests_until, why=""))
        return Answer(number, key, answer, detail, by, now)

    def answers(self, key: str) -> list[Answer]:
        """What was answered to it, the earliest first; undone answers too."""
        query = select(schema.answer).where(A.question == key).order_by(A.number)
        return [_answer(row) for row in self._connection.execute(query)]

    def undo(self, number: int, by: str) -> bool:
        """Take an answer back; the question is open again. False where it was taken back already."""
        self._waiting.clear()
        here = update(schema.answer).where(A.number == number, A.undone_at.is_(None))
        row = self._connection.execute(
            here.values(undone_at=self._work.now(), undone_by=by).returning(A.question)
        ).first()
        if row is None:
            return False
        again = update(schema.question).where(Q.key == row.question)
        self._connection.execute(again.values(state="open", **_BLANK))
        return True

    # ------------------------------------------------------------------------------------------ its parts

    def _put(self, one: Question, expires_at: datetime) -> bool:
        self._waiting.clear()
        row = self._locked(one.key)
        if row is None:
            if self._entered(one, expires_at):
                return True
            row = self._locked(one.key)  # another host asked it meanwhile
        if row is None:
            return False
        body = encode_question(one)
        now = self._work.now()
        standing = Standing(row.subject, row.state, row.answer, row.rests_until)
        if standing.rests(now) or (row.state == "open" and row.body == body):
            return False
        values: dict[str, Any] = {"body": body, "rule": one.rule, "audience": one.audience}
        if row.state != "open":
            values |= {"state": "open", "expires_at": expires_at, **_BLANK}
        if row.state in {"answered", "expired"}:
            values |= {"round": row.round + 1, "message": "", "asked_at": now, "reminded_at": None}
        self._connection.execute(update(schema.question).where(Q.key == one.key).values(**values))
        self._relate(one)
        return True

    def _entered(self, one: Question, expires_at: datetime) -> bool:
        values = {
            "key": one.key,
            "kind": one.kind,
            "rule": one.rule,
            "subject": one.subject,
            "audience": one.audience,
            "state": "open",
            "body": encode_question(one),
            "round": 1,
            "asked_at": self._work.now(),
            "expires_at": expires_at,
            "message": "",
            **_BLANK,
        }
        statement = self._work.insert(schema.question).values(**values).on_conflict_do_nothing(index_elements=[Q.key])
        if self._connection.execute(statement.returning(Q.number)).first() is None:
            return False
        self._relate(one)
        return True

    def _relate(self, one: Question) -> None:
        named = {one.subject, *one.refs, *(option.ref for option in one.options if option.ref)}
        self._connection.execute(delete(schema.question_ref).where(R.key == one.key))
        rows = [{"key": one.key, "ref": ref} for ref in sorted(named)]
        self._connection.execute(self._work.insert(schema.question_ref).on_conflict_do_nothing(), rows)

    def _locked(self, key: str) -> AnyRow | None:
        return self._connection.execute(select(schema.question).where(Q.key == key).with_for_update()).first()

    def _rows(self, *where: ColumnElement[bool], limit: int = 10_000) -> list[QuestionRow]:
        query = select(schema.question).where(*where).order_by(Q.asked_at, Q.number).limit(limit)
        return [_row(row) for row in self._connection.execute(query)]


def _row(row: AnyRow) -> QuestionRow:
    return QuestionRow(
        number=row.number,
        question=decode_question(row.body),
        state=row.state,
        round=row.round,
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        message=row.message,
        reminded_at=row.reminded_at,
        answered_at=row.answered_at,
        answered_by=row.answered_by,
        answer=row.answer,
        rests_until=row.rests_until,
        why=row.why,
    )


def _answer(row: AnyRow) -> Answer:
    return Answer(row.number, row.question, row.answer, row.detail, row.by, row.at, row.undone_at, row.undone_by)
