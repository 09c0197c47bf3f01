"""What somebody wrote in the same moment as loopbot, and lost by it: kept among the conflicts, where people see it."""

from loopbot.domain.effects import Effect
from loopbot.domain.mirroring import Conflict
from loopbot.domain.phrasing import ago
from loopbot.domain.receipts import Receipt
from loopbot.ports import ConflictEntry, JournalEntry, Tx
from loopbot.usecases.loop import Loop

EMPTIED = "(empty)"


def note_overruled(loop: Loop, tx: Tx, effect: Effect, receipt: Receipt) -> None:
    """Keep what a write has replaced unseen, or perhaps replaced: no system can be asked to write only where nobody else did."""
    subject, ticket = effect.cause.subject, receipt.ref
    conflicts = [
        Conflict(subject, ticket, one.field, ticket, _lost(loop, one.lost), kept=loop.redacted(one.kept))
        for one in receipt.overruled
    ]
    if not conflicts:
        return
    tx.agreements.log(effect.cause.rule, conflicts)
    tx.journal(
        [
            JournalEntry(tx.now(), effect.cause.rule, ticket, in_words(one), "somebody wrote in the same moment")
            for one in conflicts
        ]
    )
    for one in conflicts:
        loop.witness.noted("somebody wrote in the same moment", record=str(ticket), field=one.field, effect=effect.key)


def in_words(conflict: Conflict) -> str:
    """What was overruled by what, as the journal and people have it."""
    if not conflict.lost:
        return (
            f"conflict: somebody changed {conflict.loser.key} just before {conflict.field} was set to {conflict.kept!r}; "
            f"whether they had changed that, and to what, is not known: look at its history"
        )
    return f"conflict: {conflict.field} of {conflict.loser.key} said {conflict.lost!r}, overruled by {conflict.kept!r}"


def told(entry: ConflictEntry) -> str:
    """The same with its time, for whoever asks what there is to look at."""
    lost = entry.conflict
    if not lost.lost:
        return in_words(lost).removeprefix("conflict: ") + f" ({ago(entry.at)})"
    who = "both sides" if lost.source != lost.target else "somebody and loopbot"
    return f"{who} changed the {lost.field} {ago(entry.at)}: {lost.lost!r} was overruled by {lost.kept!r}"


def _lost(loop: Loop, said: str | None) -> str:
    return "" if said is None else loop.redacted(said) or EMPTIED
