"""Asking: open questions become messages, gathered where many come at once; late ones are remembered once, then end."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from loopbot.domain.effects import Ask, Cause, Effect, Post
from loopbot.ports import JournalEntry, QuestionRow, Tx
from loopbot.usecases.loop import Loop
from loopbot.usecases.questions.keeping import refresh
from loopbot.usecases.questions.showing import headline, parts_of
from loopbot.usecases.questions.stuck import raise_stuck

RULE = "questions"
APART = 3
"""So many questions that come together are messages of their own; more are one."""


def ask(loop: Loop, *, gather: bool = True) -> list[Effect]:
    """Ask what waits to be asked, remind once of what is late, end what is too late; returns what is to be sent.

    With `gather`, a channel's questions wait for `places.gather` after the first, so that a burst is one message.
    """
    with loop.store.read() as tx:
        idle = not tx.questions.unasked(1) and not tx.questions.due(tx.now() - loop.places.remind)
        if idle and not raise_stuck(loop, tx, look=True):
            return []
    with loop.store.write() as tx:
        raise_stuck(loop, tx)
        return [*_asked(loop, tx, loop.places.gather if gather else timedelta(0)), *_late(loop, tx)]


def _asked(loop: Loop, tx: Tx, gather: timedelta) -> list[Effect]:
    by_channel: dict[str, list[QuestionRow]] = defaultdict(list)
    for row in tx.questions.unasked():
        by_channel[loop.places.of(row.question)].append(row)
    by_channel.pop("", None)
    sent: list[Effect] = []
    for channel, rows in sorted(by_channel.items()):
        if rows[0].asked_at + gather > tx.now():
            continue
        groups = [[row] for row in rows] if len(rows) <= APART else [rows]
        sent += [_message(loop, tx, channel, group) for group in groups]
    return sent


def _message(loop: Loop, tx: Tx, channel: str, rows: Sequence[QuestionRow]) -> Ask:
    first = rows[0]
    effect = Ask(
        system=loop.places.system,
        cause=Cause(RULE, first.question.subject, f"{first.question.kind}|{first.key}", once=str(first.round)),
        channel=channel,
        parts=parts_of(tx, rows, loop.places.undo),
    )
    tx.outbox.plan([effect])
    tx.questions.carry([row.key for row in rows], effect.key)
    return effect


def _late(loop: Loop, tx: Tx) -> list[Effect]:
    reminders: dict[str, list[QuestionRow]] = defaultdict(list)
    for row in tx.questions.due(tx.now() - loop.places.remind):
        if row.expires_at <= tx.now():
            _expire(loop, tx, row)
        elif loop.places.remind:
            tx.questions.remind(row.key)
            reminders[loop.places.of(row.question)].append(row)
    reminders.pop("", None)
    posts: list[Effect] = [_reminder(loop, channel, rows) for channel, rows in sorted(reminders.items())]
    return [effect for effect, _ in tx.outbox.plan(posts)] if posts else []


def _expire(loop: Loop, tx: Tx, row: QuestionRow) -> None:
    question = row.question
    why = f"nobody answered until {row.expires_at:%d %b %Y}"
    if tx.questions.close(row.key, "expired", why, tx.now() + question.again):
        tx.journal([JournalEntry(tx.now(), question.rule, question.subject, f"not answered: {question.kind}", why)])
        refresh(loop, tx, [row])


def _reminder(loop: Loop, channel: str, rows: Sequence[QuestionRow]) -> Post:
    """One line a question, in one message, and never again."""
    lead = "This still waits for an answer:" if len(rows) == 1 else f"{len(rows)} questions still wait for an answer:"
    lines = [f"• {headline(row.question)}" for row in rows[:20]]
    more = [f"• … and {len(rows) - 20} more"] if len(rows) > 20 else []
    first = rows[0]
    return Post(
        system=loop.places.system,
        cause=Cause(RULE, first.question.subject, f"reminder|{first.key}", once=str(first.round)),
        channel=channel,
        text="\n".join([lead, *lines, *more, "The buttons are further up. There will be no second reminder."]),
    )
