"""The judge of what people were told and what they said: told once and nobody else, each answer acted on once."""

from collections import Counter
from collections.abc import Iterable, Iterator

from chaos.presses import ROLES, Presses, question_of
from chaos.process import Process
from chaos.truth import marks
from chaos.verdict import Flaw
from chaos.world import World
from loopbot.domain.effects import Ask, Effect, OpenTicket, Post, Tell
from loopbot.ports import Answer, OutboxRow, QuestionRow, Replied, Tx
from loopbot.sandbox.ledger import Entry
from loopbot.usecases.questions.showing import UNDO


def heard(world: World, process: Process, presses: Presses) -> list[Flaw]:
    """Every promise to people, held against the ledger and against what they pressed."""
    with process.loop.store.read() as tx:
        rows = tx.outbox.rows(limit=100_000)
        effects = {row.effect.key: row.effect for row in rows}
        return [
            *_told(world, effects, presses),
            *_replied(tx, rows, presses),
            *_answered(tx, rows, presses),
        ]


def _told(world: World, effects: dict[str, Effect], presses: Presses) -> Iterator[Flaw]:
    """Each message stands where it was to stand, and nowhere else."""
    clicked = {world.accounts[press.who] for press in presses.made}
    for entry in world.ledger.entries("slack"):
        if entry.action == "post":
            yield from _posted(world, entry, effects)
        elif entry.action == "ephemeral" and entry.payload["user"] not in clicked:
            yield Flaw("doubled", f"{entry.payload['user']} was told something without having pressed anything")


def _posted(world: World, entry: Entry, effects: dict[str, Effect]) -> Iterator[Flaw]:
    where = world.slack.workspace.channels[entry.key]
    found = [effects[mark] for mark in marks(entry) if mark in effects]
    if not found:
        yield Flaw("doubled", f"something that nobody planned was told in {where.name or where.members}")
    for effect in found:
        if isinstance(effect, Tell):
            right = where.kind == "im" and world.reporter(effect.about.key) in where.members
        else:
            right = isinstance(effect, Post | Ask) and where.name == effect.channel
        if not right:
            yield Flaw("doubled", f"{effect.verb} {effect.key[:8]} was told in {where.name or where.members}")


def _replied(tx: Tx, rows: Iterable[OutboxRow], presses: Presses) -> Iterator[Flaw]:
    """What a reporter answered is kept, and what follows from a no is planned once and from nothing else."""
    replies = {one.key: one for one in tx.people.replies(presses.began)}
    acted = Counter(
        row.effect.cause.once
        for row in rows
        if row.effect.cause.rule == "still" and row.effect.cause.slot.startswith("comment-1|")
    )
    for row in rows:
        if not isinstance(row.effect, Tell):
            continue
        key = row.effect.key
        said = {press.answer for press in presses.made if press.key == key}
        reply: Replied | None = replies.get(key)
        if said and reply is None:
            yield Flaw("lost", f"what was answered under {key[:8]} was not kept: {said}")
        if reply is not None and reply.answer not in said:
            yield Flaw("doubled", f"{reply.answer!r} was kept under {key[:8]}, and nobody pressed it")
        last = presses.last(key)
        if reply is not None and last and reply.answer not in last:
            yield Flaw("lost", f"{reply.answer!r} stands under {key[:8]}, and {sorted(last)} was said after it")
        if acted[key] and "no" not in said:
            yield Flaw("doubled", f"a no under {key[:8]} was acted on that nobody said")
        if reply is not None and reply.answer == "no" and not acted[key]:
            yield Flaw("lost", f"the no under {key[:8]} was not acted on")


def _answered(tx: Tx, rows: list[OutboxRow], presses: Presses) -> Iterator[Flaw]:
    """No answer counts more often than it was given, none by who may not give it, and none is forgotten."""
    pressed = Counter[tuple[str, str]]()
    for press, times in presses.made.items():
        row = question_of(tx, press.key)
        if row is None:
            continue
        if ROLES.belongs(presses.person(press.who), row.question.audience):
            pressed[row.key, press.answer] += times
    for row in tx.questions.rows(limit=100_000):
        answers = tx.questions.answers(row.key)
        for answer, count in Counter(one.answer for one in answers).items():
            if count > pressed[row.key, answer]:
                yield Flaw(
                    "doubled", f"{answer} of {row.key[:8]} counts {count} times, was pressed {pressed[row.key, answer]}"
                )
        undone = sum(one.undone_at is not None for one in answers)
        if undone > pressed[row.key, UNDO]:
            yield Flaw("doubled", f"{row.key[:8]} was undone {undone} times, asked for {pressed[row.key, UNDO]}")
        wanted = [answer for key, answer in pressed if key == row.key and answer != UNDO]
        if wanted and not answers and row.state == "open":
            yield Flaw("lost", f"nothing was heard of {wanted} to {row.key[:8]}")
        yield from _promoted(tx, row, answers, rows)


def _promoted(tx: Tx, row: QuestionRow, answers: list[Answer], rows: list[OutboxRow]) -> Iterator[Flaw]:
    """A problem that is opened only where somebody says so is opened then, and only then."""
    if row.question.kind != "cluster":
        return
    opened = [
        one
        for one in rows
        if isinstance(one.effect, OpenTicket)
        and one.effect.cause.rule == row.question.rule
        and one.effect.cause.subject == row.question.subject
    ]
    said = [one for one in answers if one.answer == "promote"]
    if opened and not said and not _promoted_with(tx, row):
        yield Flaw("doubled", f"{row.question.subject.key} has a problem that nobody asked for")
    standing = any(one.undone_at is None for one in said)
    if standing and not opened and not tx.linked(row.question.subject, "problem_of"):
        yield Flaw("lost", f"{row.question.subject.key} was to get a problem, and has none")
    if standing and any(one.state == "dropped" for one in opened):
        yield Flaw("lost", f"the problem for {row.question.subject.key} was dropped although the answer stands")


def _promoted_with(tx: Tx, row: QuestionRow) -> bool:
    """Whether people asked for the problem by others of the same pain: it belongs to that one, whatever was asked of it."""
    problems = {link.source for link in tx.linked(row.question.subject, "problem_of")}
    members = {link.target for problem in problems for link in tx.linked(problem, "problem_of")}
    promoted = (
        other
        for member in members
        for other in tx.questions.about(member)
        if other.question.kind == "cluster" and other.question.rule == row.question.rule
    )
    return any(one.answer == "promote" for other in promoted for one in tx.questions.answers(other.key))
