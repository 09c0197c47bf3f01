"""What loopbot asks about its own writes: too many at once, lost ones only a person can find, refused ones."""

from collections.abc import Iterator
from datetime import timedelta

from loopbot.domain.asking import places
from loopbot.domain.phrasing import counted, what_it_does
from loopbot.domain.questions import Option, Question
from loopbot.domain.records import Ref
from loopbot.domain.telling import moment
from loopbot.domain.texts import shorten
from loopbot.ports import Heap, OutboxRow, Tx
from loopbot.usecases.loop import Loop
from loopbot.usecases.questions.keeping import put, withdraw

KINDS = frozenset({"limit", "uncertain", "parked"})
AGAIN = timedelta(days=1)
"""Nobody answered in time: what is stuck stays stuck, so it is asked again soon."""


def raise_stuck(loop: Loop, tx: Tx, *, look: bool = False) -> bool:
    """Ask about everything that is stuck now, withdraw what is not stuck any more; whether there is anything to do (`look`)."""
    wanted = {one.key: one for one in _wanted(loop, tx)}
    over = [row for row in tx.questions.open(limit=1_000) if row.question.kind in KINDS and row.key not in wanted]
    fresh = [one for key, one in wanted.items() if _differs(tx, key, one)]
    if look:
        return bool(over or fresh)
    put(loop, tx, fresh)
    for row in over:
        withdraw(loop, tx, row, "it was decided elsewhere, or came right by itself")
    return bool(over or fresh)


def _differs(tx: Tx, key: str, question: Question) -> bool:
    row = tx.questions.get(key)
    if row is None or row.state == "withdrawn":
        return True
    if row.state == "open":
        return row.question != question
    return row.rests_until is not None and row.rests_until <= tx.now()


def _wanted(loop: Loop, tx: Tx) -> Iterator[Question]:
    for heap in tx.stuck.heaps("held"):
        yield _limit(loop, heap)
    for heap in tx.stuck.heaps("parked"):
        yield _parked(heap)
    for row in tx.stuck.unknowable():
        yield _uncertain(tx, row)


def _limit(loop: Loop, heap: Heap) -> Question:
    rule = loop.rules.named(heap.rule)
    about = f"\n“{rule.about}”" if rule else ""
    writes = counted(heap.count, "write")
    text = [
        f"May the rule {heap.rule} do {writes}? They are held: {heap.why}.{about}",
        "",
        "What it would write" + (", for example:" if heap.count > len(heap.sample) else ":"),
        *_sample(heap),
        "",
        "All of them: loopbot outbox list --state held",
    ]
    options = (
        Option(f"approve.{heap.upto}", "Approve it" if heap.count == 1 else f"Approve all {heap.count:,}"),
        Option(f"stop.{heap.upto}", "Stop it" if heap.count == 1 else f"Stop all {heap.count:,}"),
    )
    return _about_rule("limit", heap, "", text, options)


def _parked(heap: Heap) -> Question:
    writes = counted(heap.count, "write")
    text = [
        f"{heap.system} refused {writes} of the rule {heap.rule}. Shall they be sent again?",
        "",
        f"It said: {shorten(heap.why, 400)}",
        *_sample(heap),
        "",
        "Mend the reason first, else they are refused again. All of them: loopbot outbox list --state parked",
    ]
    options = (
        Option(f"retry.{heap.upto}", "Send it again" if heap.count == 1 else f"Send all {heap.count:,} again"),
        Option(f"drop.{heap.upto}", "Never send it" if heap.count == 1 else f"Drop all {heap.count:,}"),
    )
    return _about_rule("parked", heap, heap.system, text, options)


def _about_rule(kind: str, heap: Heap, about: str, text: list[str], options: tuple[Option, ...]) -> Question:
    return Question(
        kind="limit" if kind == "limit" else "parked",
        subject=Ref("loopbot", "rule", heap.rule),
        about=about,
        text="\n".join(text),
        options=options,
        audience="operators",
        rule=heap.rule,
        refs=tuple(dict.fromkeys(row.effect.cause.subject for row in heap.sample)),
        again=AGAIN,
    )


def _uncertain(tx: Tx, row: OutboxRow) -> Question:
    effect = row.effect
    record = tx.record(effect.mentions[0] if effect.mentions else effect.cause.subject)
    look = f"Look at {record.key}." if record and record.url else f"Look in {effect.system}."
    sent = f" It was sent on {moment(row.sent_at)}." if row.sent_at else ""
    text = [
        f"Is this there, in {effect.system}? The answer to it was lost, and it can not be looked for.",
        "",
        f"• {what_it_does(effect, 300)}",
        "",
        f"{sent.strip()} {shorten(row.why, 300)}".strip(),
        look,
    ]
    return Question(
        kind="uncertain",
        subject=effect.cause.subject,
        about=effect.key,
        text="\n".join(text),
        places=places(record) if record else (),
        options=(Option("there", "It is there"), Option("again", "It is not: send again")),
        audience="operators",
        rule=effect.cause.rule,
        refs=effect.mentions,
        again=AGAIN,
        moments=(row.sent_at,) if row.sent_at else (),
    )


def _sample(heap: Heap) -> list[str]:
    return [f"• {row.effect.system}: {what_it_does(row.effect, 120)}" for row in heap.sample]
